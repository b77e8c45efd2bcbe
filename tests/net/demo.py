#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The demonstration: a host goes from A to B to C and home to A, twice, and nobody notices.

Three access networks, two anchors, a correspondent, all in network namespaces.  A TCP transfer and
a 1 ms UDP stream run from the home address of each anchor; at each place a local session runs from
the place's own address and asks for nothing.  What is claimed here is read from captures.  Leaves
build/demo.json, and 1 if a session that asked for continuity died or one that did not was
tunnelled.
"""
import json
import os
import shutil
import sys
import time

from lib import move, packets as pk, peers, topology as net
from lib.run import BUILD, Run, TimedOut
from lib.scene import Scene

ROUTE = ("B", "C", "A")
ROUNDS = ("break", "make")
TRANSFER_RATE = 400_000  # octets a second each way
LOCAL_SECONDS = 1.0
HOLE = 0.2  # seconds without any network in a break
PROBE_SECONDS = 55
PHASE_NAMES = {"link_up": "link up", "ra": "router heard", "address": "address usable",
               "bu": "binding update", "ba": "acknowledged", "data": "first data"}
DIRECTORY = BUILD / "demo"


class Terminal:
    def __init__(self):
        self._colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._begin = time.time()

    def style(self, text, code):
        return f"\033[{code}m{text}\033[0m" if self._colour else text

    def heading(self, text):
        print(f"\n{self.style(text, '1')}", flush=True)

    def event(self, who, what, at=None):
        seconds = (at or time.time()) - self._begin
        print(f"{seconds:8.3f} s  {self.style(f'{who:<14}', '36')} {what}", flush=True)


class Continuous:
    """A session from a home address: it asked for continuity."""

    requested = granted = "fixed"

    def __init__(self, scene, kind, name, home):
        self.kind, self.name, self.home = kind, name, net.canonical(home)
        options = ("--rate", TRANSFER_RATE, "--stall-ms", 100) if kind == "tcp" else ()
        self.probe = scene.probe(kind, name, home, "--seconds", PROBE_SECONDS, *options)

    def finish(self):
        summary = self.probe.finish()
        self.survived = bool(summary["ok"])
        return summary

    def matches(self, packet):
        inner = packet.innermost
        upper = pk.TCP if self.kind == "tcp" else pk.UDP
        return self.home in (inner.src, inner.dst) and inner.upper == upper


class Local:
    """A session from a place's own address: it asked for nothing."""

    requested, granted = "none", "non-persistent"

    def __init__(self, scene, place, device, number):
        self.name = f"local-{number}-{place}"
        self.address = net.canonical(net.care_of(place, device))
        self.begin = time.time()
        self.probe = scene.probe("tcp", self.name, self.address, "--seconds", LOCAL_SECONDS,
                                 "--rate", 50_000)

    def finish(self):
        self.survived = bool(self.probe.result()["ok"])
        self.end = time.time()

    def matches(self, packet):
        inner = packet.innermost
        return (self.address in (inner.src, inner.dst) and inner.upper == pk.TCP and
                self.begin <= packet.time <= self.end)


def prepare(scene):
    scene.standard()
    scene.capture("cn", "wan", "udp")
    scene.probe_server()


def start_sessions(scene, out):
    sessions = [Continuous(scene, kind, f"{what}-{anchor}", home)
                for anchor, home in (("home", net.HOME1), ("second", net.HOME2))
                for kind, what in (("tcp", "transfer"), ("udp", "stream"))]
    for home in (net.HOME1, net.HOME2):
        scene.wait_stream(home, "w0")
    out.event("mobile node", "a TCP transfer and a 1 ms UDP stream run from each home address")
    return sessions


def tell_move(out, one, watches):
    """The timeline of one move, in order of time."""
    kind = {"break": "break before make", "make": "make before break"}[one.mode]
    up = one.plugged
    for phase in sorted((p for p in move.PHASES if one.phases[p] is not None),
                        key=lambda p: one.phases[p]):
        who = "access router" if phase == "ra" else "home agent" if phase == "ba" else "mobile node"
        out.event(who, f"{one.phases[phase]:+9.2f} ms  {PHASE_NAMES[phase]}",
                  up + one.phases[phase] / 1e3)
    for name, hurt in watches.items():
        out.event("correspondent", f"{name}: longest silence {hurt['outage'] * 1e3:.1f} ms, lost "
                  f"{hurt['lost_up']} up, {hurt['lost_down']} down  ({kind})")


def run_moves(scene, out):
    watches = {f"stream-{name}": move.StreamWatch(scene, home)
               for name, home in (("home", net.HOME1), ("second", net.HOME2))}
    moves, locals_, number = [], [Local(scene, "A", "w0", 0)], 0
    locals_[0].finish()
    for mode in ROUNDS:
        out.heading({"break": "Break before make: one interface, 200 ms without any network",
                     "make": "Make before break: the second interface joins first"}[mode])
        for target in ROUTE:
            number += 1
            out.event("mobile node", f"leaves for {target}")
            one = move.measure(scene, move.make_move(scene, target, mode, hole=HOLE))
            local = Local(scene, target, one.device, number)
            local.finish()
            for watch in watches.values():
                watch.look()
            hurt = {name: w.suffered(one.begin, one.end) for name, w in watches.items()}
            tell_move(out, one, hurt)
            out.event("mobile node", f"{local.name}: {'done' if local.survived else 'failed'}")
            moves.append((one, hurt))
            locals_.append(local)
    return moves, locals_


def count_octets(session, packets):
    """(tunnelled, direct) octets of the session's own packets."""
    tunnelled = direct = 0
    for packet in packets:
        if session.matches(packet):
            if packet.inner:
                tunnelled += packet.inner.size
            else:
                direct += packet.size
    return tunnelled, direct


def session_record(session, packets):
    tunnelled, direct = count_octets(session, packets)
    return {"name": session.name, "requested": session.requested, "granted": session.granted,
            "survived": session.survived, "tunnelled_bytes": tunnelled, "direct_bytes": direct}


def handover_record(one, hurt):
    first = hurt["stream-home"]
    return {"from": one.source, "to": one.target, "mode": one.mode,
            "outage_ms": round(first["outage"] * 1e3, 3), "lost_up": first["lost_up"],
            "lost_down": first["lost_down"], "mh_messages": one.messages,
            "phases_ms": one.phases,
            "no_network_ms": _no_network(one),
            "second_anchor": {"outage_ms": round(hurt["stream-second"]["outage"] * 1e3, 3),
                              "lost_up": hurt["stream-second"]["lost_up"],
                              "lost_down": hurt["stream-second"]["lost_down"]}}


def _no_network(one):
    return round((one.link_up - one.begin) * 1e3, 3) if one.mode == "break" else 0.0


def verdict(records, faults):
    """What speaks against the demonstration."""
    for record in records:
        continuity = record["requested"] != "none"
        if continuity and not record["survived"]:
            yield f"{record['name']} died"
        if not continuity and record["tunnelled_bytes"]:
            yield f"{record['name']} was tunnelled"
        if not continuity and not record["survived"]:
            yield f"{record['name']} did not work"
        if continuity and not record["tunnelled_bytes"]:
            yield f"{record['name']} never needed its anchor: nothing was shown"
    yield from faults[:5]


def print_tables(out, handovers, sessions):
    out.heading("Handovers (the 1 ms stream of the home address; in brackets: second anchor)")
    print(f"{'':10} {'no network ms':>14} {'silence ms':>18} {'lost up':>12} {'lost down':>12}"
          f" {'messages':>9} {'RA->BU ms':>10} {'BU->BA ms':>10}")
    for h in handovers:
        second, phases = h["second_anchor"], h["phases_ms"]
        print(f"{h['from']}->{h['to']} {h['mode']:5} {h['no_network_ms']:14.1f}"
              f" {h['outage_ms']:9.1f} ({second['outage_ms']:6.1f})"
              f" {h['lost_up']:6} ({second['lost_up']:3})"
              f" {h['lost_down']:6} ({second['lost_down']:3}) {h['mh_messages']:9}"
              f" {_between(phases, 'ra', 'bu'):>10} {_between(phases, 'bu', 'ba'):>10}")
    out.heading("Sessions")
    print(f"{'':18} {'asked for':10} {'got':15} {'survived':9} {'tunnelled':>12} {'direct':>12}")
    for s in sessions:
        print(f"{s['name']:18} {s['requested']:10} {s['granted']:15}"
              f" {'yes' if s['survived'] else 'NO':9} {s['tunnelled_bytes']:12,}"
              f" {s['direct_bytes']:12,}")


def _between(phases, first, second):
    if phases[first] is None or phases[second] is None:
        return "-"
    return f"{phases[second] - phases[first]:.2f}"


def demonstrate(scene, out):
    out.heading("Three access networks (A is home), two anchors, a correspondent")
    prepare(scene)
    scene.attach("A")
    out.event("mobile node", "a network manager clears what the kernel learnt on links that go")
    out.event("mobile node", f"at home in A: {net.HOME1} natively, {net.HOME2} by its anchor")
    sessions = start_sessions(scene, out)
    moves, locals_ = run_moves(scene, out)
    for session in sessions:
        session.finish()
    packets = scene.packets()
    records = [session_record(s, packets) for s in (*sessions, *locals_)]
    return [handover_record(*m) for m in moves], records


def main():
    if os.geteuid() != 0:
        print("the demonstration makes network namespaces: it needs root", file=sys.stderr)
        return 1
    out = Terminal()
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    handovers, records, faults = [], [], []
    with Run() as run:
        scene = Scene(run, DIRECTORY)
        try:
            handovers, records = demonstrate(scene, out)
        except (TimedOut, RuntimeError, peers.ControlError) as e:
            faults.append(f"stopped: {e}")
        finally:
            scene.close()
        faults += scene.judged()
    against = list(verdict(records, faults))
    (BUILD / "demo.json").write_text(json.dumps(
        {"ok": not against, "handovers": handovers, "sessions": records}, indent=1) + "\n")
    print_tables(out, handovers, records)
    out.heading("Every session that asked for continuity lived; none that did not was tunnelled."
                if not against else "This went wrong:")
    for line in against:
        print(f"  {line}")
    print(f"captures in {DIRECTORY}, numbers in {BUILD / 'demo.json'}")
    return 1 if against else 0


if __name__ == "__main__":
    sys.exit(main())
