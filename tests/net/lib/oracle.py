# SPDX-License-Identifier: GPL-2.0-or-later
"""tshark's and scapy's opinion of mobility messages that our own reader has understood.

tshark 4.0 does not verify the checksum, shows authentication data two octets short and mislabels
some status codes; scapy 2.5 computes a wrong checksum for a packet that it builds again.  None of
that is used here: sums and authenticators are checked by mip6.
"""
from . import mip6
from .packets import parse_frame, write_capture
from .run import run_command

FIELDS = ("frame.number", "mip6.mhtype", "ipv6.src", "ipv6.opt.mipv6.home_address",
          "ipv6.routing.mipv6.home_address", "mip6.bu.seqnr", "mip6.bu.lifetime",
          "mip6.bu.a_flag", "mip6.bu.h_flag", "mip6.acoa.acoa", "mip6.ba.status",
          "mip6.ba.seqnr", "mip6.ba.lifetime", "_ws.malformed", "_ws.expert.message")


def _tshark_rows(path):
    argv = ["tshark", "-r", str(path), "-T", "fields", "-E", "separator=|"]
    for name in FIELDS:
        argv += ["-e", name]
    for line in run_command(*argv).splitlines():
        yield dict(zip(FIELDS, line.split("|")))


def _compare(row, pairs):
    for name, expected in pairs:
        if row[name] != str(expected):
            yield f"tshark has {name} {row[name]!r}, not {expected!r}"


def _tshark_faults(row, packet, message):
    if row["_ws.malformed"]:
        yield "tshark: malformed"
    if row["_ws.expert.message"]:
        yield f"tshark: {row['_ws.expert.message']}"
    yield from _compare(row, [("mip6.mhtype", message.type), ("ipv6.src", packet.src)])
    if packet.home_address:
        yield from _compare(row, [("ipv6.opt.mipv6.home_address", packet.home_address)])
    if message.type == mip6.BU:
        yield from _compare(row, [
            ("mip6.bu.seqnr", message.sequence),
            ("mip6.bu.lifetime", message.lifetime // mip6.LIFETIME_UNIT),
            ("mip6.bu.a_flag", int(bool(message.flags & mip6.BU_ACK))),
            ("mip6.bu.h_flag", int(bool(message.flags & mip6.BU_HOME))),
            ("mip6.acoa.acoa", message.alt_coa)])


def tshark_faults(frames, path):
    """Have tshark read frames (time, octets) with one mobility message each."""
    write_capture(path, frames)
    rows = list(_tshark_rows(path))
    faults = [] if len(rows) == len(frames) else [f"tshark shows {len(rows)} of {len(frames)}"]
    for row, (time, frame) in zip(rows, frames):
        packet = parse_frame(frame, time)
        message = mip6.parse(packet.payload)
        faults += [f"{packet}: {f}" for f in _tshark_faults(row, packet, message)]
    return faults


def _scapy_faults(dissected, packet, message):
    from scapy.all import IPv6, Raw
    from scapy.layers.inet6 import MIP6MH_BU, MIP6OptAltCoA

    # It does not know binding revocations, of which it takes the options for something else.
    if Raw in dissected and message.type != mip6.BREV:
        yield f"scapy leaves {len(dissected[Raw].load)} octets undecoded"
    if message.type != mip6.BU:
        return
    if MIP6MH_BU not in dissected:
        yield "scapy sees no binding update"
        return
    update = dissected[MIP6MH_BU]
    if (update.seq, update.mhtime * mip6.LIFETIME_UNIT) != (message.sequence, message.lifetime):
        yield "scapy reads another sequence number or lifetime"
    if [o.acoa for o in update.options if isinstance(o, MIP6OptAltCoA)] != [message.alt_coa]:
        yield "scapy reads another alternate care-of address"
    if dissected[IPv6].src != packet.src:
        yield "scapy reads another source"


def scapy_faults(frames):
    from scapy.all import Ether

    faults = []
    for time, frame in frames:
        packet = parse_frame(frame, time)
        message = mip6.parse(packet.payload)
        faults += [f"{packet}: {f}" for f in _scapy_faults(Ether(frame), packet, message)]
    return faults
