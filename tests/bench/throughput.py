# SPDX-License-Identifier: GPL-2.0-or-later
"""What a tunnel costs while it carries: TCP, small packets, round trips, beside plain packets.

The host is in C.  Plain and tunnelled packets go through the same nodes: the core sends the plain
ones of the host, and to it, by way of ha2 too.  At ha2 the kernel ends dmmd's tunnel (its routes of
segment routing with one segment are IPv6 in IPv6 and nothing else), since a home agent of the tests
is not made for speed.  Segmentation offload is on everywhere.  Ways take turns, so that all see the
same machine.
"""
import json
import signal
import statistics
import time

from figure import Figure
from lib import topology as net
from lib.internet import Topology
from lib.run import BUILD, TimedOut, wait_until
from tunnels import TUNNELS, NotInstalled
from world import World

FLOW = BUILD / "bench-programs" / "flow"
IPERF_PORT, COUNT_PORT = 5201, 6001
ROUNDS, OTHER_ROUNDS = 7, 2
SECONDS, COUNT_SECONDS = 1, 0.5
PINGS = 200
TURNS = {"round_trip": 4}  # in each round: it changes with what else the machine does, by moments
SMALL = 64
OTHERS = ("wireguard", "openvpn")
WAYS = ("up", "down")
TUNNEL_TABLE, DETOUR_TABLE = 41, 42


class Offloaded(Topology):
    """Network cards that segment, as cards do."""

    def segment_before_wire(self, device):
        pass


class Lane(World):
    """One host at one place, and one tunnel of it."""

    def build(self):
        return Offloaded(self.run)

    def prepare(self, name):
        self._name = name
        super().prepare(name)
        self.plain = net.canonical(net.care_of("C"))
        if name == "dmmd":
            self._end_in_kernel()
        self._detour()
        self.cn.start("iperf3", ["iperf3", "-s", "-p", IPERF_PORT], self.directory / "server.log")
        wait_until(lambda: f":{IPERF_PORT}" in self.cn.command("ss", "-Hltn6"), "iperf3")

    def _end_in_kernel(self):
        """Both directions of dmmd's tunnel in ha2's kernel; the binding is there for long."""
        ha2 = self.nodes.ha2
        ha2.set_sysctls(all__seg6_enabled=1)
        ha2.ip(f"sr tunsrc set {net.HA2}",
               f"route add {net.HA2}/128 encap seg6local action End.DT6 table main dev wan "
               f"table {TUNNEL_TABLE}",
               f"route replace {net.HOME2}/128 encap seg6 mode encap.red segs {self.plain} "
               "dev wan via 2001:db8:2::1")
        self._rules(ha2, "add pref 1 lookup local",
                    f"add pref 0 to {net.HA2} ipproto ipv6 lookup {TUNNEL_TABLE}",
                    "del pref 0 lookup local")
        self.ha2.process.kill()  # it would look at every packet, too

    @staticmethod
    def _rules(node, *lines):
        for line in lines:
            node.command("ip", "-6", "rule", *line.split())

    def _detour(self):
        """Plain packets of the host, and to it, go to ha2 and back as those in a tunnel do."""
        core = self.nodes.core
        core.ip(f"route add default via {net.HA2} table {DETOUR_TABLE}")
        self._rules(core, f"add pref 10 iif arc to {net.CN} lookup {DETOUR_TABLE}",
                    f"add pref 11 iif cn to {net.PREFIX['C']} lookup {DETOUR_TABLE}")

    def tcp(self, source, way):
        """Gigabits a second of one stream."""
        argv = ["iperf3", "-c", net.CN, "-p", IPERF_PORT, "-B", source, "-t", SECONDS, "-J"]
        text = self.mn.command(*argv, *(["-R"] if way == "down" else []))
        return json.loads(text)["end"]["sum_received"]["bits_per_second"] / 1e9

    def packets_a_second(self, source, way):
        """Thousands of small packets that came."""
        ends = [(self.mn, source), (self.cn, net.CN)]
        sender, receiver = ends if way == "up" else reversed(ends)
        counter = receiver[0].start("count", [FLOW, "count", COUNT_PORT, COUNT_SECONDS],
                                    self.directory / "count.log")
        counter.wait_output("ready")
        flow = sender[0].start("send", [FLOW, "send", "udp", sender[1], receiver[1], COUNT_PORT,
                                        0, SMALL], self.directory / "send.log")
        counter.wait(COUNT_SECONDS + 5)
        flow.stop(signal.SIGKILL)
        return int(counter.output().split()[-1]) / 1e3

    def round_trip(self, source):
        """Microseconds, the median of many."""
        text = self.mn.command("ping", "-c", PINGS, "-i", "0.002", "-I", source, net.CN)
        return statistics.median(float(line.rpartition("time=")[2].split()[0]) * 1e3
                                 for line in text.splitlines() if "time=" in line)

    def measured(self, rounds, plain):
        """{(figure, "plain" or "tunnel"): values}; all packets go into the tunnels of others."""
        sources = {"tunnel": self.tunnel.source, **({"plain": self.plain} if plain else {})}
        jobs = {**{f"tcp_{w}": (lambda s, w=w: self.tcp(s, w)) for w in WAYS},
                **{f"small_{w}": (lambda s, w=w: self.packets_a_second(s, w)) for w in WAYS},
                "round_trip": self.round_trip}
        found = {(job, kind): [] for job in jobs for kind in sources}
        for number in range(rounds):
            for job, function in jobs.items():
                for turn in range(TURNS.get(job, 1)):
                    for kind in sorted(sources, reverse=(number + turn) % 2):
                        found[job, kind].append(function(sources[kind]))
        return found


UNITS = {"tcp": "Gbit/s", "small": "1000/s", "round": "us"}


class Throughput:
    """TCP, small packets and round trips through the tunnel and beside it"""

    NAMES = [f"{name}{who and '_' + who}" for who in ("", *OTHERS)
             for name in ("tcp_up", "tcp_down", "small_up", "small_down", "round_trip")]

    def __init__(self, run, directory):
        self._run, self._directory = run, directory

    def figures(self):
        found = self._one("dmmd", ROUNDS)
        result = [self._beside(name, values, found[name, "plain"], "the same path without a tunnel")
                  for (name, kind), values in found.items() if kind == "tunnel"]
        for who in OTHERS:
            result += self._other(who, found)
        return result

    def _other(self, who, ours):
        title = f"{TUNNELS[who].title} in the same run"
        names = [name for name, kind in ours if kind == "tunnel"]
        try:
            theirs = self._one(who, OTHER_ROUNDS)
        except NotInstalled as e:
            return [self._beside(f"{n}_{who}", ours[n, "tunnel"], [], str(e)) for n in names]
        return [self._beside(f"{n}_{who}", ours[n, "tunnel"], theirs[n, "tunnel"], title)
                for n in names]

    @staticmethod
    def _beside(name, values, base, baseline):
        return Figure(name, statistics.median(values), UNITS[name.split("_")[0]], len(values),
                      min(values), max(values), baseline,
                      statistics.median(base) if base else None, values, base)

    def _one(self, who, rounds):
        lane = Lane(self._run, self._directory / who)
        try:
            lane.prepare(who)
            time.sleep(0.5)
            return lane.measured(rounds, plain=who == "dmmd")
        except TimedOut as e:
            raise RuntimeError(f"{who}: {e}") from e
        finally:
            lane.close()
