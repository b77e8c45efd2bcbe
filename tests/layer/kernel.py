# SPDX-License-Identifier: GPL-2.0-or-later
"""Both data planes on a kernel that has Mobile IPv6 and tunnels: tests of tests/net in User-Mode
Linux (tests/kernel/uml.sh), as many guests side by side as there are processors or KERNEL_GUESTS
says.

With the kernel that `make kernel` builds in virtual time: the whole suite, where sleeping costs
nothing.  Without it, and with KERNEL_SHORT, a few scenarios; without it on Debian's, in real time.
At last what the mobile nodes have sent and received on the same walk is compared.
"""
import os
import pathlib
import shutil
import subprocess
import time

from . import net, scenarios
from .comparison import differences
from .report import BUILD, FAILED, PASSED, SKIPPED, TOP, chosen

LAYER = "kernel"
PLANES = ("kernel", "bpf")
COMPARISON = "walk/same_packets_on_both_planes"
CHUNK = 24           # tests for one guest, which takes some seconds to start
STILL_SECONDS = 300  # of the host without any result: the test that runs never ends
MODULES = ("ip6_tunnel", "mip6", "xfrm_user", "veth", "bridge", "tun", "sch_ingress", "cls_bpf",
           "af_packet", "nf_tables")


class Kernel:
    """What guests run on.

    virtual: its words for uml.sh; environment: what tests are to know of it.
    """

    def __init__(self, path):
        self.virtual = path is not None
        if self.virtual:
            self.words = ["-K", path, "-v"]
            self.seconds = 3600
            self.environment = {"NET_TEST_SECONDS": "180", "NET_PATIENCE": "0.05"}
        else:
            self.words = [word for m in MODULES for word in ("-M", m)]
            self.seconds = int(os.environ.get("KERNEL_SECONDS") or 480)
            # A process takes ten times as long to start as on the host.
            self.environment = {"NET_TEST_SECONDS": "150", "NET_CLOCK_TOLERANCE": "3",
                                "NET_PROBE_OPTIONS": "--interval-us 10000"}


def built():
    """The kernel of tests/kernel/build.sh, or None."""
    return subprocess.run([TOP / "tests/kernel/build.sh", "-n"], capture_output=True, text=True,
                          check=False).stdout.strip() or None


def missing(kernel):
    """What keeps the layer from running, in words."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    path = f"{os.environ['PATH']}:/sbin:/usr/sbin"
    absent = [p for p in ("linux.uml", "modprobe") if not shutil.which(p, path=path)]
    if kernel is None and (absent or not pathlib.Path("/usr/lib/uml/modules").is_dir()):
        return "the packages user-mode-linux and kmod are not installed"
    return None


def shown(directory):
    """Words for uml.sh: the guest has a /tmp of its own."""
    return ("-w", directory) if pathlib.Path("/tmp") in directory.parents else ()


class Guest(net.Worker):
    """Some tests of one plane in a guest of its own."""

    count = 0

    def __init__(self, kernel, plane, nodes):
        Guest.count += 1
        self.plane, self.nodes, self.stuck = plane, list(nodes), False
        self.begin = self.heard = time.monotonic()
        directory = BUILD / "kernel" / plane
        super().__init__(
            str(directory / f"results-{Guest.count}"), None,
            *(str(scenarios.DIRECTORY / n) for n in nodes),
            wrapper=[TOP / "tests/kernel/uml.sh", *kernel.words, "-t", str(kernel.seconds),
                     "-m", "1G", *shown(TOP), "-w", BUILD, "--"],
            environment={"DMMD_PLANE": plane, "NET_CAPTURES": str(directory), "B": str(BUILD),
                         **kernel.environment})

    def tell(self, report, one):
        self.heard = time.monotonic()
        self.nodes = [n for n in self.nodes if scenarios.short(n) != one["name"]]
        report.add(LAYER, f"{self.plane}/{one['name']}", one["result"], one["seconds"], one["why"])

    def stop_if_stuck(self):
        if time.monotonic() - self.heard > STILL_SECONDS:
            self.stuck = True
            self.process.terminate()
            self.process.wait()

    def close(self, report, again):
        """Give what it has not run but can be run in another guest: the first of them has kept it
        from the others.  Not again: those have failed too."""
        output = self.finish(report)[-2000:]
        # One that ended by itself without any result has not ended because of a test.
        again = again and (self.stuck or self.heard > self.begin)
        lost = self.nodes[:1] if again else self.nodes
        for node in lost:
            report.add(LAYER, f"{self.plane}/{scenarios.short(node)}", FAILED,
                       time.monotonic() - self.begin, f"has not ended: {output}")
        return self.nodes[len(lost):]


def _run(report, kernel, tests):
    at_once = int(os.environ.get("KERNEL_GUESTS") or os.cpu_count() or 1)
    waiting = [(plane, nodes[i:i + CHUNK]) for plane, nodes in tests.items()
               for i in range(0, len(nodes), CHUNK)]
    running = []
    while waiting or running:
        if waiting and len(running) < at_once:
            running.append(Guest(kernel, *waiting.pop(0)))
        for guest in list(running):
            guest.report_new(report)
            if kernel.virtual:
                guest.stop_if_stuck()
            if guest.process.poll() is not None:
                rest = guest.close(report, again=kernel.virtual)
                if rest:
                    waiting.append((guest.plane, rest))
                running.remove(guest)
        time.sleep(0.1)


def _compare(report):
    begin = time.monotonic()
    name = scenarios.WALK.partition("/")[2]
    captures = {p: BUILD / "kernel" / p / f"test_{name}" / "mn-w0.pcap" for p in PLANES}
    absent = [p for p, path in captures.items() if not path.exists()]
    faults = [f"no capture of the plane {p}" for p in absent] or list(differences(captures))
    report.add(LAYER, COMPARISON, FAILED if faults else PASSED, time.monotonic() - begin,
               "\n".join(faults[:20]))


def _select(tests, only, compare):
    """{plane: those that the pattern selects, and what is compared if that is}"""
    return {plane: [n for n in nodes if (compare and scenarios.short(n) == scenarios.WALK) or
                    chosen(f"{LAYER}/{plane}/{scenarios.short(n)}", only)]
            for plane, nodes in tests.items()}


def run(report, only):
    path = built()
    why = missing(path)
    if why:
        report.add(LAYER, "all", SKIPPED, why=why)
        return
    kernel, less = Kernel(path), bool(os.environ.get("KERNEL_SHORT") and not only)
    tests = scenarios.whole(PLANES) if kernel.virtual and not less else \
        scenarios.few(PLANES, less)
    compare = chosen(f"{LAYER}/{COMPARISON}", only)
    tests = _select(tests, only, compare)
    if not any(tests.values()):
        if not kernel.virtual and any(_select(scenarios.whole(PLANES), only, False).values()):
            report.add(LAYER, only, SKIPPED, why="not among the few of Debian's kernel: "
                       "`make kernel` builds one for the whole suite")
        return
    for plane in PLANES:
        shutil.rmtree(BUILD / "kernel" / plane, ignore_errors=True)
        (BUILD / "kernel" / plane).mkdir(parents=True)
    _run(report, kernel, tests)
    if compare:
        _compare(report)
    if not kernel.virtual and not less and not only:
        report.add(LAYER, "whole_suite", SKIPPED, why="`make kernel` builds a kernel for it")
