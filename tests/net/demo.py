#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The demonstration: a host goes from A to B to C, home to A and on to B; only what sessions need is
kept, each at the anchor of the place that it began in.

Three access networks whose routers are home agents of their own prefixes, an operator's home agent
far away with a fixed home address, a correspondent, all in network namespaces.  At each place a
session starts that needs to go on, because dmm-run(1) or the policy as shipped asks for it, and one
that does not.  None of them chooses its address itself.  What is claimed here is read from
captures.  Leaves build/demo.json, and 1 if a session that asked for continuity died or one that did
not was tunnelled.
"""
import json
import os
import shutil
import sys
import time

from lib import account, move, native, peers, programs, topology as net
from lib.capture import STREAM_KIB
from lib.monitor import Monitor
from lib.operator import PlacesAndOperator
from lib.run import BUILD, TOP, Run, TimedOut, wait_until
from lib.terminal import Terminal

SSH, WEB, SIP, DOWNLOAD, OTHER = 22, 443, 5060, 8080, 7000
HOLD = 3.0  # seconds here; 10 by default
HOLD_TOLERANCE = 1.0  # a connection that ends takes its time on a busy host
HOLE = 0.2  # seconds without any network in a break
WEB_SECONDS = 0.5
SSH_RATE, COPY_RATE = 100_000, 400_000  # octets a second each way
PHASE_NAMES = {"link_up": "link up", "ra": "router heard", "address": "address usable",
               "bu": "first binding update", "ba": "it is acknowledged", "data": "first data"}
MODES = {"break": "break before make", "make": "make before break"}
DIRECTORY = BUILD / "demo"


DMM_RUN_TYPES = {"fixed": "fixed", "session": "session-lasting"}


class Told:
    """A session, and what the daemon says of it when it begins.  asks: the type that dmm-run is
    started with; None: nobody asks, the policy decides."""

    def __init__(self, demo, name, port, kind="tcp", asks=None, **settings):
        scene = demo.scene
        words = ["explain", f"[{net.CN}]:{port}", f"--protocol={kind}"]
        if asks:
            words.append(f"--type={DMM_RUN_TYPES[asks]}")
            settings["wrapper"] = ["env", f"DMM_DIRECTORY={scene.daemon.runtime}",
                                   *programs.dmm_run(asks, *(["-u"] if kind == "udp" else []))]
        said = scene.daemon.ctl(*words)
        self.name, self.asks = name, asks
        self.flow = scene.session(name, port, kind, **settings)
        self.source = self.flow.source
        if asks:
            said = {"source": said["source"], **self._listed(scene)}
        self.granted = said["granted"]
        self.in_need = said["requested"] != "non-persistent"
        self.requested = said["requested"] if self.in_need else "none"
        self.by = f"dmm-run -t {asks}" if asks else "policy" if self.in_need else "nobody"
        self.foretold = said["source"]
        self.note = self.survived = None

    def _listed(self, scene):
        """As dmmctl lists it."""
        return scene.wait_shown("sessions", source=self.source, source_port=self.flow.source_port)

    def end(self):
        self.survived = bool(self.flow.close()["ok"])

    def record(self, packets):
        carried = self.flow.carried(packets)
        return {"name": self.name, "requested": self.requested, "granted": self.granted,
                "survived": self.survived, "tunnelled_bytes": carried.tunnelled,
                "direct_bytes": carried.direct, "source": self.source, "asked_by": self.by,
                "note": self.note or ""}


class Demonstration:
    def __init__(self, scene, out):
        self.scene, self.out = scene, out
        self.sessions, self.watches, self.handovers, self.withdrawals = {}, {}, [], []
        self.faults = []

    # The network and what the host does in it.

    def prepare(self):
        scene = self.scene
        scene.start_routers()
        scene.start_agents()
        scene.capture()
        scene.capture("cn", "wan", "ip6", buffer=STREAM_KIB)
        scene.monitor = Monitor(scene.mn, scene.directory / "monitor.txt")
        scene.serve(SSH, WEB, SIP, DOWNLOAD, OTHER)
        scene.configure(HoldTime=f"{HOLD:g}s", PolicyDirectory=TOP / "systemd/policy").start()
        wait_until(scene.bus.has_name, "dmmd to be on the bus")

    def show(self, *argv, only=()):
        self.out.dmmctl(self.scene.bus.address, *argv, only=only)

    def start(self, name, port, kind="tcp", **settings):
        session = self.sessions[name] = Told(self, name, port, kind, **settings)
        self.out.event("mobile node", f"{name} begins from {session.source}: {session.by} asked "
                       f"for {session.requested}, it gets {session.granted}" if session.in_need else
                       f"{name} begins from {session.source}: nobody asked for anything")
        return session

    def start_call(self, name, port, **settings):
        """A stream of a packet each millisecond, in both directions, and who looks at it."""
        session = self.start(name, port, "udp", **settings)
        self.scene.wait_stream(session.source, self.device)
        self.watches[name] = move.StreamWatch(self.scene, session.source)

    def browse(self, place):
        """A session that needs nothing, over before the host goes on."""
        web = self.start(f"web-{place}", WEB)
        time.sleep(WEB_SECONDS)
        web.end()

    @property
    def device(self):
        return next(d for d in net.MN_INTERFACES if self.scene.place[d])

    def alive_in_need(self):
        """Sessions in need on addresses of places."""
        return [s for s in self.sessions.values()
                if s.in_need and s.survived is None and s.source != net.HOME2]

    @property
    def ordinary(self):
        """Addresses of sessions that nobody asked anything for."""
        return {s.source for s in self.sessions.values() if not s.in_need}

    # Moves.

    def go(self, target, mode):
        scene, old = self.scene, self.device
        device = old if mode == "break" else next(d for d in net.MN_INTERFACES if d != old)
        one = move.Move(scene.place[old], target, mode, device, begin=time.time())
        self.out.heading(f"{one.source} to {target}: {MODES[mode]}")
        if mode == "break":
            scene.unplug(old, managed=True)
            time.sleep(HOLE)
        one.plugged = time.time()
        scene.plug(device, target)
        if mode == "make":
            # What began in the place that is left stays native there as long as it can.
            self.wait_carried(target, device, besides=one.source)
            time.sleep(move.SETTLE)  # both paths are up
            scene.unplug(old, managed=True)
        self.wait_carried(target, device)
        scene.wait_native(target, device)
        time.sleep(move.SETTLE)
        one.end = time.time()
        self.handovers.append(self.measure(one))

    def wait_carried(self, target, device, besides=None):
        """Until each session in need has its way to the new place."""
        scene, there = self.scene, self.scene.native_addresses(target, device)
        for session in self.alive_in_need():
            home = session.name[-1]
            if home == target:
                scene.wait_unbound(home)
            elif home != besides:
                wait_until(lambda: scene.agent(home).care_of(session.source) in there,
                           f"{session.name} to be served at {target}")
        wait_until(lambda: scene.operator.care_of() in there, "the operator's home agent")

    def measure(self, one):
        alive = [self.sessions[n].source for n in self.watches]
        move.measure(self.scene, one, alive, self.scene.operator.care_of())
        hurt = {}
        for name, watch in self.watches.items():
            watch.look()
            hurt[name] = watch.suffered(one.begin, one.end)
        for phase in sorted((p for p in move.PHASES if one.phases[p] is not None),
                            key=lambda p: one.phases[p]):
            who = {"ra": "access router", "ba": "home agent"}.get(phase, "mobile node")
            self.out.event(who, f"{one.phases[phase]:+9.2f} ms  {PHASE_NAMES[phase]}",
                           one.link_up + one.phases[phase] / 1e3)
        for name, h in hurt.items():
            self.out.event("correspondent", f"{name}: longest silence {h['outage'] * 1e3:.1f} ms, "
                           f"lost {h['lost_up']} up, {h['lost_down']} down")
        expected = {s.source for s in self.alive_in_need()} | {net.HOME2}
        self.faults += [f"{one.source} to {one.target}: {fault}" for fault in account.one_pair_each(
            self.scene.packets(), expected, one.begin, one.end)]
        return self.handover_record(one, hurt, len(expected))

    @staticmethod
    def handover_record(one, hurt, addresses):
        first = next(iter(hurt.values()))
        return {"from": one.source, "to": one.target, "mode": one.mode,
                "outage_ms": round(first["outage"] * 1e3, 3), "lost_up": first["lost_up"],
                "lost_down": first["lost_down"], "mh_messages": one.messages,
                "phases_ms": one.phases, "addresses": addresses,
                "no_network_ms": round((one.link_up - one.begin) * 1e3, 3)
                if one.mode == "break" else 0.0,
                "streams": {name: {"outage_ms": round(h["outage"] * 1e3, 3),
                                   "lost_up": h["lost_up"], "lost_down": h["lost_down"]}
                            for name, h in hurt.items()}}

    # Ends.

    def finish(self, name):
        """It ends; when it was the last one that needed its address, so does the binding."""
        session = self.sessions[name]
        self.watches.pop(name, None)
        session.end()
        ended = time.time()
        self.out.event("mobile node", f"{name} ends" if session.survived else f"{name} had died")
        home = session.name[-1]
        if session.source == net.HOME2 or not self.scene.agent(home).bindings():
            return
        if any(s.source == session.source for s in self.alive_in_need()):
            return
        self.scene.wait_unbound(home, timeout=HOLD + 3)
        withdrawn, _ = native.withdrawals(self.scene, session.source, ended)[0]
        held = withdrawn.time - ended
        self.withdrawals.append((name, held))
        self.out.event("mobile node", f"{held:.2f} s later the binding of {session.source} is "
                       f"withdrawn (hold time {HOLD:g} s)", withdrawn.time)

    def give_up(self, name):
        """A session that needed nothing and whose place was left."""
        session = self.sessions[name]
        before = session.flow.octets()
        time.sleep(0.3)
        session.survived = session.flow.octets() != before
        session.note = "ended with its place, as it asked for nothing"
        session.flow.abort()
        self.out.event("mobile node", f"{name}: its address went with the place, nobody tunnels it")

    def play(self):
        ssh, web = f"[{net.CN}]:{SSH}", f"[{net.CN}]:{WEB}"
        brief = ("Decided", "Granted", "Because")
        self.out.heading("In A, whose router is also the anchor of its prefix")
        self.prepare()
        self.scene.attach("A")
        self.start_call("call-A", SIP, asks="session")
        self.start("ssh-A", SSH, rate=SSH_RATE, asks="session")
        self.start("download-A", DOWNLOAD)
        self.start_call("fixed-call", OTHER, asks="fixed")
        self.start("fixed-copy", OTHER, rate=COPY_RATE, asks="fixed")
        self.browse("A")
        self.show("prefixes")
        self.show("sessions")
        self.show("explain", ssh)
        self.show("explain", web, only=brief)

        self.go("B", "break")
        self.give_up("download-A")
        self.show("sessions")
        self.show("explain", ssh)
        self.start("ssh-B", SSH, rate=SSH_RATE)
        self.browse("B")

        self.go("C", "make")
        self.start("ssh-C", SSH, rate=SSH_RATE, asks="session")
        self.browse("C")
        self.show("prefixes")
        self.show("bindings")
        self.finish("ssh-B")
        self.show("prefixes")

        self.go("A", "break")
        self.show("bindings")
        self.finish("ssh-C")
        self.finish("call-A")
        self.finish("ssh-A")
        time.sleep(HOLD)

        self.go("B", "make")
        self.out.event("mobile node", "no session on an address of a place is in need: nothing but "
                       "the operator's fixed address was registered")
        for name in ("fixed-call", "fixed-copy"):
            self.finish(name)
        self.show("handovers")


def against(demo, records):
    """What speaks against the demonstration."""
    for record in records:
        session = demo.sessions[record["name"]]
        if session.in_need and not record["survived"]:
            yield f"{record['name']} died"
        if session.in_need and not record["tunnelled_bytes"]:
            yield f"{record['name']} never needed its anchor: nothing was shown"
        if not session.in_need and record["tunnelled_bytes"]:
            yield f"{record['name']} was tunnelled"
        if not session.in_need and not record["survived"] and not record["note"]:
            yield f"{record['name']} did not work"
        if session.foretold not in (None, session.source):
            yield (f"{record['name']} began from {session.source}, while dmmctl explain said "
                   f"{session.foretold}")
        if session.asks and session.requested != DMM_RUN_TYPES[session.asks]:
            yield f"{record['name']}: dmm-run {session.asks}, but {session.requested} is listed"
        if session.asks and session.source in demo.ordinary:
            yield f"{record['name']} shares an address with sessions that asked for nothing"
        if session.granted != (session.requested if session.in_need else "non-persistent"):
            yield f"{record['name']} asked for {session.requested}, got {session.granted}"
    for name, held in demo.withdrawals:
        if abs(held - HOLD) > HOLD_TOLERANCE:
            yield f"{name}: its binding was held for {held:.2f} s"
    if bound := demo.scene.bound():
        yield f"bindings are left: {bound}"
    yield from demo.faults[:5]


def print_tables(out, handovers, records):
    out.heading("Handovers")
    rows = []
    for h in handovers:
        phases = h["phases_ms"]
        rows.append([f"{h['from']} to {h['to']}", h["mode"], h["addresses"], h["mh_messages"],
                     h["no_network_ms"], phases["ra"], _between(phases, "ra", "bu"),
                     _between(phases, "bu", "ba"), phases["data"],
                     ", ".join(f"{n} {s['outage_ms']:.1f} ({s['lost_up']}+{s['lost_down']})"
                               for n, s in h["streams"].items())])
    out.table(["", "mode", "addresses", "messages", "no network", "up to RA", "RA to BU",
               "BU to BA", "up to data", "silence of a stream (lost up+down)"], rows)
    out.legend(
        "addresses: those bound or given back in this handover, the fixed one among them.  messages: "
        "binding updates and acknowledgements on the wire, one of each for an address.  Times are "
        f"milliseconds.  no network: both interfaces had no carrier ({HOLE * 1e3:g} ms of it by "
        "will).  up to RA: from link up to the router advertisement; RA to BU: to the first binding "
        "update (BU) on the wire; BU to BA: its round trip; up to data: from link up to the first "
        "packet of a stream at the new place.  silence: the longest of a 1 ms stream around the "
        "handover, in either direction, and how many of its packets were lost up and down; with "
        "break before make it contains the time without network.")
    out.heading("Sessions")
    out.table(["", "asked for", "by", "got", "survived", "direct", "tunnelled", "from", ""],
              [[r["name"], r["requested"], r["asked_by"], r["granted"], r["survived"],
                r["direct_bytes"], r["tunnelled_bytes"], r["source"], r["note"]] for r in records])
    out.legend(
        "asked for, by: dmm-run(1) asks for the programs that it starts, the policy as shipped for "
        "some that nobody has asked for (here ssh).  got: what their address stands for.  direct, "
        "tunnelled: octets of its own IPv6 packets, up and down, as captured at the host; direct "
        "ones took no anchor and no tunnel header.")


def _between(phases, first, second):
    if phases[first] is None or phases[second] is None:
        return None
    return phases[second] - phases[first]


def main():
    if os.geteuid() != 0:
        print("the demonstration makes network namespaces: it needs root", file=sys.stderr)
        return 1
    out = Terminal()
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    faults, records = [], []
    with Run() as run:
        scene = PlacesAndOperator(run, DIRECTORY, "ABC", anchored="ABC")
        demo = Demonstration(scene, out)
        try:
            demo.play()
            packets = scene.packets()
            records = [s.record(packets) for s in demo.sessions.values()]
            faults += against(demo, records)
        except (TimedOut, RuntimeError, peers.ControlError) as e:
            faults.append(f"stopped: {e}")
        finally:
            scene.close()
        faults += scene.judged()[:5]
    (BUILD / "demo.json").write_text(json.dumps(
        {"ok": not faults, "handovers": demo.handovers, "sessions": records}, indent=1) + "\n")
    print_tables(out, demo.handovers, records)
    out.heading("Every session that asked for continuity lived; none that did not was tunnelled."
                if not faults else "This went wrong:")
    for line in faults:
        print(f"  {line}")
    print(f"captures in {DIRECTORY}, numbers in {BUILD / 'demo.json'}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
