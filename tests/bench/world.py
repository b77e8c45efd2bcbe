#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The same moves for dmmd and for what a host can have instead, in a process of its own so that
many worlds can wait side by side:  world.py NAME up|down|make MOVES DIRECTORY

Same topology and router timing for all: who manages the network, dmmd or what stands for a network
manager, solicits routers as soon as it hears of the link, and the router answers at once; addresses
are optimistic; what the kernel had learnt on the network left is taken away.  One side alone sends
numbered packets: up the mobile node, down the correspondent (then the mobile node says nothing).
"make" joins the new network by a second interface first, with 10,000 packets a second up and as
many down, and a stream beside them, from ha2 to the correspondent, for which nothing changes: what
that suffers is the machine's doing.

Writes one JSON object: {"trip": ms, "moves": [{"outage": ms, "beyond": ms, "router": ms} or
{"lost": n, "gap": ms, "beside": gap of the stream beside, ...}], "still": the same of a span
without a move}.  outage: link up to the
first packet over the new path; beyond: of that, what is beyond the router's advertisement and a
round trip to ha2; router: link up to the advertisement.  Status 3 and a line: it is not on this
machine.
"""
import json
import os
import pathlib
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "net"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lib import packets as pk, peers, topology as net  # noqa: E402
from lib.monitor import Monitor  # noqa: E402
from lib.run import BUILD, Run, TimedOut, wait_until  # noqa: E402
from lib.scene import Scene  # noqa: E402
from solicitor import Solicitor  # noqa: E402
from tunnels import TUNNELS, NotInstalled, Other  # noqa: E402

FLOW = BUILD / "bench-programs" / "flow"
PORT, PORT_BESIDE, SIZE = 6000, 6001, 64
NOT_HERE = 3
INTERVAL = {"up": 200, "down": 200, "make": 100, "beside": 200}  # microseconds
PATIENCE = 45  # seconds; WireGuard is silent for 25
SETTLE = 0.5
HOLE = 0.1
ADVERTISEMENT = "icmp6 and ip6[40] == 134"
RECORD = struct.Struct("=QQ")


class World(Scene):
    tunnels = TUNNELS

    def start_agent(self):
        self.ha2 = peers.start_ha2(self.nodes, self.directory)

    def prepare(self, name):
        """Everything runs and the host is in C."""
        self.monitor = Monitor(self.mn, self.directory / "monitor.txt")
        self.prepare_networks()
        self.tunnel = self.tunnels[name](self)
        self.tunnel.start()
        self.manage_network()
        self.join("w0", "C")
        wait_until(lambda: self.tunnel.settled("C", "w0"), "the first network", 15)
        if hasattr(self.tunnel, "wait_up"):
            self.tunnel.wait_up()
        source = self.tunnel.source or net.care_of("C")
        wait_until(lambda: self.mn.command("ping", "-c1", "-W1", "-I", source, net.CN,
                                           check=False), "the tunnel to carry packets", 20)
        self.trip = self._trip()

    def prepare_networks(self):
        self.start_routers("BC")
        self.capture(expression=ADVERTISEMENT)
        for device in net.MN_INTERFACES:
            self.mn.set_sysctls(**{f"{device}__optimistic_dad": 1, f"{device}__use_optimistic": 1})

    def manage_network(self):
        """What a network manager does that runs all the time."""
        if isinstance(self.tunnel, Other):
            self._servers.append(Solicitor(self.mn, net.MN_INTERFACES, self._has_router))

    def _has_router(self, device):
        return bool(self.mn.ip_json("-6", "route", "show", "default", "dev", device))

    def _trip(self):
        """Milliseconds to ha2 and back, outside of tunnels: the least of some."""
        text = self.mn.command("ping", "-c30", "-i0.01", "-q", net.HA2)
        return float(text.rpartition("=")[2].split("/")[0])

    def join(self, device, place):
        plugged = time.time()
        self.plug(device, place)
        if isinstance(self.tunnel, Other):
            self.tunnel.arrived(place, device)
        return plugged

    def leave(self, device):
        self.unplug(device, managed=True)

    def stop_using(self, device):
        """As a network manager does that prefers the new network before it leaves the old one."""
        if isinstance(self.tunnel, Other):
            self.mn.command("ip", "-6", "route", "flush", "default", "dev", device)

    def flow(self, direction, interval):
        here, there = (self.mn, self.tunnel.source or "any"), (self.cn, net.CN)
        ends = (here, there) if direction == "up" else (there, here)
        return Flow(self.directory, direction, *ends, PORT, interval, self.tunnel.kind)

    def flow_beside(self):
        return Flow(self.directory, "beside", (self.nodes.ha2, net.HA2), (self.cn, net.CN),
                    PORT_BESIDE, INTERVAL["beside"])

    def advertised(self, device, after):
        return next(p.time for p in self.packets(device=device)
                    if p.icmp_type == pk.RA and p.time > after)

    def close(self):
        super().close()
        if isinstance(getattr(self, "tunnel", None), Other):
            self.tunnel.close()


class Flow:
    """One direction, from one (node, address) to another: (time of arrival in seconds, number) of
    what came."""

    def __init__(self, directory, name, begin, end, port, interval, kind="udp"):
        (sender, source), (receiver, to) = begin, end
        self._log = directory / f"{name}.flow"
        self._at, self.arrived = 0, []
        self._receiver = receiver.start(f"receive-{name}", [FLOW, "receive", kind, port,
                                        self._log], directory / f"receive-{name}.log")
        self._receiver.wait_output("ready")
        self._sender = sender.start(f"send-{name}", [FLOW, "send", kind, source, to, port,
                                    interval, 8 if kind == "mptcp" else SIZE],
                                    directory / f"send-{name}.log")
        wait_until(lambda: len(self.look()) > 100, f"packets {name}", 10, interval=0.05)

    def look(self):
        with open(self._log, "rb") as f:
            f.seek(self._at)
            data = f.read()
        data = data[:len(data) - len(data) % RECORD.size]
        self._at += len(data)
        self.arrived += [(t / 1e9, n) for t, n in RECORD.iter_unpack(data)]
        return self.arrived

    def first_after(self, when):
        """When the first packet came behind a time, or None."""
        found = None
        for at, _ in reversed(self.look()):
            if at <= when:
                break
            found = at
        return found

    def suffered(self, begin, end):
        """{"lost": numbers that never came, "gap": milliseconds of the longest silence}."""
        before = [e for e in self.arrived if e[0] < begin]
        after = [e for e in self.arrived if e[0] > end]
        within = [before[-1], *(e for e in self.arrived if begin <= e[0] <= end), after[0]]
        there = {n for _, n in self.arrived}
        lost = sum(1 for n in range(before[-1][1], after[0][1]) if n not in there)
        times = sorted(t for t, _ in within)
        return {"lost": lost, "gap": max(b - a for a, b in zip(times, times[1:])) * 1e3}

    def processes(self):
        return self._sender, self._receiver

    def stop(self):
        self._sender.stop()
        self._receiver.stop()


def move_by_break(world, flow, place):
    world.leave("w0")
    time.sleep(HOLE)
    plugged = world.join("w0", place)
    first = wait_until(lambda: flow.first_after(plugged), f"packets in {place}", PATIENCE,
                       interval=0.02)
    time.sleep(SETTLE)
    up = wait_until(lambda: world.monitor.link_up("w0", plugged), "the link to be up")
    heard = max(up, world.advertised("w0", plugged))
    return {"outage": (first - up) * 1e3, "beyond": (first - heard) * 1e3 - world.trip,
            "router": (heard - up) * 1e3}


def move_by_make(world, place):
    old = next(d for d in net.MN_INTERFACES if world.place[d])
    new = next(d for d in net.MN_INTERFACES if d != old)
    begin = time.time()
    world.join(new, place)
    wait_until(lambda: world.tunnel.settled(place, new), f"the path by {place}", 10)
    world.stop_using(old)
    time.sleep(SETTLE)
    world.leave(old)
    time.sleep(SETTLE)
    return begin, time.time()


def before_others(processes):
    """What only carries packets is not to wait for the programs that make the moves."""
    for process in processes:
        for thread in os.listdir(f"/proc/{process.pid}/task"):
            os.sched_setscheduler(int(thread), os.SCHED_RR, os.sched_param(1))


def measure(world, mode, moves):
    if mode != "make":
        flow = world.flow(mode, INTERVAL[mode])
        before_others([*world.tunnel.carriers(), *flow.processes()])
        done = [move_by_break(world, flow, "BC"[n % 2]) for n in range(moves)]
        flow.stop()
        return {"moves": done}
    flows = [*(world.flow(d, INTERVAL[mode]) for d in ("up", "down")), world.flow_beside()]
    before_others([*world.tunnel.carriers(), *(p for f in flows for p in f.processes())])
    spans = [move_by_make(world, "BC"[n % 2]) for n in range(moves)]
    begin = time.time()
    time.sleep(spans[-1][1] - spans[-1][0])
    spans.append((begin, time.time()))
    time.sleep(0.2)
    for flow in flows:
        flow.look()
        flow.stop()
    result = [_of_all(flows, span) for span in spans]
    return {"moves": result[:-1], "still": result[-1]}


def _of_all(flows, span):
    up, down, beside = (f.suffered(*span) for f in flows)
    return {"lost": up["lost"] + down["lost"], "lost_up": up["lost"], "lost_down": down["lost"],
            "gap": max(up["gap"], down["gap"]), "gap_up": up["gap"], "gap_down": down["gap"],
            "beside": beside["gap"]}


def main():
    name, mode, moves, directory = sys.argv[1:]
    with Run() as run:
        world = World(run, pathlib.Path(directory))
        try:
            world.prepare(name)
            result = measure(world, mode, int(moves))
            result["trip"] = world.trip
        except NotInstalled as e:
            print(e)
            return NOT_HERE
        except (TimedOut, RuntimeError) as e:
            print(f"{name} {mode}: {e}", file=sys.stderr)
            return 1
        finally:
            world.close()
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
