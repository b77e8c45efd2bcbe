# SPDX-License-Identifier: GPL-2.0-or-later
"""What mobile nodes have sent and received on the same walk on each plane, as tshark reads it."""
import subprocess

# What is equal in both captures.  Left out: what counts, tells the time, or depends on it; a flow
# label is chosen by the socket, so that only whether both headers have the same counts.
HEADER = ("ipv6.src", "ipv6.dst", "ipv6.plen", "ipv6.nxt", "ipv6.hlim", "ipv6.tclass")
UPDATE = ("ipv6.opt.mipv6.home_address", "ipv6.routing.mipv6.home_address",
          "ipv6.routing.type", "ipv6.routing.segleft",
          "mip6.mhtype", "mip6.hlen", "mip6.bu.lifetime", "mip6.bu.a_flag", "mip6.bu.h_flag",
          "mip6.bu.l_flag", "mip6.bu.k_flag", "mip6.acoa.acoa", "mip6.ba.status",
          "mip6.ba.lifetime")
DATA = ("udp.srcport", "udp.dstport", "udp.payload")
LABEL = "ipv6.flow"


def _rows(path, expression, fields):
    argv = ["tshark", "-r", str(path), "-Y", expression, "-T", "fields", "-E", "separator=|"]
    for name in (*fields, LABEL):
        argv += ["-e", name]
    text = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    rows = set()
    for line in text.splitlines():
        *values, labels = line.split("|")
        rows.add((*values, "one label" if len(set(labels.split(","))) == 1 else "two labels"))
    return rows


def differences(planes):
    """Packets that one plane has and the other has not, and what each has too few of to compare;
    planes: {name: path of the capture}."""
    for what, expression, fields in (
            ("signalling", "mipv6", HEADER + UPDATE),
            ("tunnelled", "ipv6.nxt == 41 && udp.port == 4711", HEADER + DATA)):
        found = {p: _rows(path, expression, fields) for p, path in planes.items()}
        for plane, rows in found.items():
            if len(rows) < 8:
                yield f"{what}: only {len(rows)} different packets on the plane {plane}"
        for plane, rows in found.items():
            for row in sorted(rows - set.union(*(r for p, r in found.items() if p != plane))):
                yield f"{what}: only on the plane {plane}: {' '.join(v[:60] for v in row)}"
