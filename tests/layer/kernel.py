# SPDX-License-Identifier: GPL-2.0-or-later
"""Both data planes on a kernel that has Mobile IPv6 and tunnels: scenarios of tests/net in
User-Mode Linux.

One guest for each plane (tests/kernel/uml.sh), side by side if there are processors for it, or as
many as KERNEL_GUESTS says.  Then what their mobile nodes have sent and received on the same walk
is compared as tshark reads it.
"""
import os
import pathlib
import shutil
import subprocess
import time

from . import net
from .report import BUILD, FAILED, PASSED, SKIPPED, TOP, chosen

LAYER = "kernel"
PLANES = ("kernel", "bpf")
SECONDS = int(os.environ.get("KERNEL_SECONDS") or 480)  # for each guest
TEST_SECONDS = 150                                      # a process takes ten times as long to start
MODULES = ("ip6_tunnel", "mip6", "xfrm_user", "veth", "bridge", "tun", "sch_ingress", "cls_bpf",
           "af_packet", "nf_tables")
# Each takes many seconds there: one for each thing that a plane does.
SCENARIOS = (
    "test_walk.py::test_walk_through_two_places",
    "test_moves.py::test_E06_home_again",
    "test_moves.py::test_E10_make_before_break_loses_nothing",
    "test_native.py::test_E03_R2_two_sessions_of_one_process_have_different_fates",
    "test_forged.py::test_E11_anchor_delivers_only_to_its_own_home_address[other home]",
    "test_forged.py::test_E11_routing_header_from_a_stranger_is_not_obeyed",
    "test_tunnel.py::test_N11_path_mtu_that_shrinks_under_a_session",
    "test_restart.py::test_E14_kill_in_the_middle_of_a_stream_loses_nothing",
    "test_restart.py::test_R6_3_stop_leaves_nothing[B]",
)
# With KERNEL_SHORT, as for `make check`, without what the others show as well.
LONG = ("E06_home_again", "E11_routing_header", "E14_kill")
WALK = "test_walk_through_two_places"
COMPARISON = "walk/same_packets_on_both_planes"


def missing():
    """What keeps the layer from running, in words."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    path = f"{os.environ['PATH']}:/sbin:/usr/sbin"
    absent = [p for p in ("linux.uml", "modprobe") if not shutil.which(p, path=path)]
    if absent or not pathlib.Path("/usr/lib/uml/modules").is_dir():
        return "the packages user-mode-linux and kmod are not installed"
    return None


def short(scenario):
    path, _, name = scenario.partition("::")
    return f"{pathlib.Path(path).stem.removeprefix('test_')}/{name.removeprefix('test_')}"


def shown(directory):
    """Words for uml.sh: the guest has a /tmp of its own."""
    return ("-w", directory) if pathlib.Path("/tmp") in directory.parents else ()


class Guest(net.Worker):
    """One plane's scenarios in a guest of its own."""

    def __init__(self, plane, scenarios):
        self.plane = plane
        self.directory = BUILD / "kernel" / plane
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.expected = {short(s) for s in scenarios}
        self.begin = time.monotonic()
        super().__init__(
            str(self.directory / "results"), None,
            *(str(TOP / "tests/net" / s) for s in scenarios),
            wrapper=[TOP / "tests/kernel/uml.sh", "-t", str(SECONDS), "-m", "1G",
                     *shown(TOP), "-w", BUILD,
                     *(word for m in MODULES for word in ("-M", m)), "--"],
            environment={"DMMD_PLANE": plane, "NET_CAPTURES": str(self.directory), "B": str(BUILD),
                         "NET_TEST_SECONDS": str(TEST_SECONDS),
                         "NET_PROBE_OPTIONS": "--interval-us 10000",
                         "NET_CLOCK_TOLERANCE": "3"})

    def tell(self, report, one):
        self.expected.discard(one["name"])
        report.add(LAYER, f"{self.plane}/{one['name']}", one["result"], one["seconds"], one["why"])

    def close(self, report):
        output = self.finish(report)
        for name in sorted(self.expected):
            report.add(LAYER, f"{self.plane}/{name}", FAILED, time.monotonic() - self.begin,
                       f"not run: {output[-2000:]}")


def _run(report, scenarios):
    at_once = int(os.environ.get("KERNEL_GUESTS") or os.cpu_count() or 1)
    waiting = list(PLANES)
    running = []
    while waiting or running:
        if waiting and len(running) < at_once:
            running.append(Guest(waiting.pop(0), scenarios))
        for guest in list(running):
            guest.report_new(report)
            if guest.process.poll() is not None:
                guest.close(report)
                running.remove(guest)
        time.sleep(0.1)


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


def _differences(planes):
    """Packets that one plane has and the other has not; and what each has too few of to compare."""
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


def _compare(report):
    begin = time.monotonic()
    captures = {p: BUILD / "kernel" / p / WALK / "mn-w0.pcap" for p in PLANES}
    absent = [p for p, path in captures.items() if not path.exists()]
    faults = [f"no capture of the plane {p}" for p in absent] or list(_differences(captures))
    report.add(LAYER, COMPARISON, FAILED if faults else PASSED, time.monotonic() - begin,
               "\n".join(faults[:20]))


def run(report, only):
    why = missing()
    if why:
        report.add(LAYER, "all", SKIPPED, why=why)
        return
    compare = chosen(f"{LAYER}/{COMPARISON}", only)
    scenarios = [s for s in SCENARIOS if (compare and WALK in s) or
                 any(chosen(f"{LAYER}/{p}/{short(s)}", only) for p in PLANES)]
    if os.environ.get("KERNEL_SHORT") and not only:
        scenarios = [s for s in scenarios if not any(name in s for name in LONG)]
    if not scenarios:
        return
    _run(report, scenarios)
    if compare:
        _compare(report)
