# SPDX-License-Identifier: GPL-2.0-or-later
"""What connect() costs with the socket hooks and with the preload object.

One process after the other does the same number of connections to a socket of its own, each way in
turn, so that all see the same machine; a figure is the median of these medians.
"""
import ipaddress
import os
import socket
import statistics
import subprocess

from figure import Figure
from lib.hooked import HOOKS, LOCAL, Host
from lib.hooks import SESSION, TCP, UDP, rule
from lib.run import BUILD
from lib.table import Table, entry

PROGRAM, PRELOAD = BUILD / "bench-programs" / "connect", BUILD / "libdmmsock-preload.so"
COUNTS = {"udp": 2000, "tcp": 600}
ROUNDS = 15
SIZES = (4, 64, 1024)   # entries of the table
RULES = (5, 64)
GIVEN = "2001:db8:3::1"

WAYS = ["preload_idle", *(f"preload_{n}" for n in SIZES), "hooks_idle", "hooks",
        *(f"hooks_policy_{n}" for n in RULES)]


def publish(directory, cookie, entries, ifindex):
    """A table of so many entries; the last one is for sessions that last."""
    first = int(ipaddress.ip_address("2001:db8:ffff::1"))
    others = [str(ipaddress.ip_address(first + (n << 64))) for n in range(entries - 1)]
    Table(directory, cookie, capacity=entries).publish(
        [entry(a, SESSION, ifindex) for a in (*others, GIVEN)], best={SESSION: entries - 1})


class Connect:
    """connect() of UDP and TCP: bare, preloaded, with hooks; asked, not asked, by policy"""

    NAMES = [f"connect_{protocol}_{way}" for protocol in COUNTS for way in WAYS]

    def __init__(self, run, directory):
        if not HOOKS.exists():
            raise RuntimeError("dmmd-hooks is not built")
        directory.mkdir(parents=True)
        self._directory = directory
        self._host = Host(run)
        self._outside = self._host.make_group(f"dmt{run.id}-bare")

    def figures(self):
        try:
            self._prepare()
            return [figure for protocol in COUNTS for figure in self._protocol(protocol)]
        finally:
            self._host.close()

    def _prepare(self):
        host = self._host
        self._options = host.make_group("options", host.group)
        host.load("--sockopt-cgroup", self._options.path, everywhere=False).check_returncode()
        host.serve()
        index = host.node.inside(lambda: socket.if_nametoindex("v0"))
        for size in SIZES:
            place = self._directory / str(size)
            place.mkdir()
            publish(place, host.cookie, size, index)

    def _once(self, protocol, way):
        """Nanoseconds for one way; what it is to do is done, or nothing is measured."""
        host, environment, group, service = self._host, dict(os.environ), self._outside, 0
        if way.startswith("preload"):
            size = SIZES[1] if way == "preload_idle" else int(way.rpartition("_")[2])
            environment |= {"LD_PRELOAD": str(PRELOAD),
                            "DMM_DIRECTORY": str(self._directory / str(size))}
            service = 0 if way == "preload_idle" else SESSION
        elif way == "hooks":
            group, service = self._options, SESSION
        elif way.startswith("hooks"):
            group = host.group
        if way.startswith("hooks_policy"):
            count = int(way.rpartition("_")[2])
            miss = rule(SESSION, TCP | UDP, ports=[(1, 1)], prefixes=["2001:db8:77::/64"])
            host.serve(rules=[miss] * (count - 1) + [rule(SESSION, TCP | UDP)])
        else:
            host.serve()
        argv = [str(PROGRAM), protocol, str(service), LOCAL, str(COUNTS[protocol])]
        told = host.do(lambda: subprocess.run(argv, env=environment, capture_output=True,
                                              text=True, check=True).stdout, group=group)
        taken, source = told.split()
        expected = LOCAL if way in ("bare", "preload_idle", "hooks_idle") else GIVEN
        if source != expected:
            raise RuntimeError(f"connect {protocol} {way}: from {source} instead of {expected}")
        return int(taken)

    def _protocol(self, protocol):
        ways = [w for w in WAYS if PRELOAD.exists() or not w.startswith("preload")]
        taken, bare = {way: [] for way in ways}, []
        for _ in range(ROUNDS):
            bare.append(self._once(protocol, "bare"))
            for way in ways:
                taken[way].append(self._once(protocol, way))
        base = statistics.median(bare)
        return [Figure(f"connect_{protocol}_{way}", statistics.median(values), "ns", len(values),
                       min(values), max(values), "bare connect()", base)
                for way, values in taken.items()]
