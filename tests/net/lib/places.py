# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenes of places with native anchored prefixes.

    mn --- air --- A: router + home agent of A's prefix ---+
            |----- B: router + home agent of B's prefix ---+--- core --- cn
            |----- C: router, its prefix is only local ----+

    def test_something(make_places):
        scene = make_places("ABC", anchored="AB")
        scene.standard()                         # everything runs, dmmd too
        scene.attach("A")                        # w0 is in A; its own address is usable
        ssh = scene.session("ssh", port=22)      # in need by the policy: see POLICY
        web = scene.session("web", port=443)     # not in need
        begin = scene.now()
        scene.move("B")                          # break before make
        scene.wait_bound("A", "B")               # A's agent sends to the address in B
        ssh.wait_progress()
        assert not account.one_pair_each(scene.packets(), [ssh.source], begin)
        assert ssh.carried(scene.packets(), begin).direct == 0
        scene.wait_shown("prefixes", prefix=net.PREFIX["A"], state="remote")
        ssh.close()
        scene.wait_unbound("A")                  # after the hold time

scene.make("C") joins C by the second interface before the first one leaves.  scene.agent("A") is
a HomeAgent whose command() takes what tests/peer/home-agent/commands.h lists: "crash", "data off",
"revoke HOME", "switch HOME ADDRESS"...  With agents={"A": 2} two home agents of A's prefix stand
beside its router: scene.agent("A", 1), and scene.kill_agent("A", 0) takes the first off the link.

Routers take options by start_routers(options=("--option", ndoption.captive_portal(URI).hex())), or
later by scene.routers["A"].command("options", "lan", HEX...); services.py shows names and documents.
Settings of configure() and standard() are those of the configuration file, and of daemon.Daemon:
standard(HoldTime="3s", sections=["[Domain pvd.example]", "Service=fixed"]).
"""
import hashlib
import signal
from dataclasses import dataclass, field

from . import judge, peers, topology as net
from .bus import Bus
from .daemon import Anchor, Daemon
from .flow import Session
from .internet import Internet
from .monitor import Monitor
from .run import wait_until
from .stage import Stage

PORTS = {"ssh": 22, "web": 443, "media": 5004}  # served by the correspondent, TCP and UDP
POLICY = """[Rule ssh]
Protocol=tcp
Port=22
Service=session-lasting

[Rule media]
Protocol=udp
Port=5004
Service=session-lasting
"""
HOLD_TIME = "1s"  # short, as tests wait for it
DAD_MS = 20
KERNEL_ADDRESSES = 8  # of all places together: well below the kernel's limit for an interface, 16
PREFERENCE, LIFETIME = 10, 1800  # of home agents, in advertisements


@dataclass
class Place:
    name: str
    anchored: bool
    prefixes: list  # the first is net.PREFIX[name]
    beside: int  # home agents beside the router; 0: on it
    agents: list = field(default_factory=list)  # of peers.HomeAgent

    @property
    def low(self):
        return self.name.lower()

    @property
    def addresses(self):
        """Of the home agents."""
        if not self.anchored:
            return []
        if not self.beside:
            return [net.router_address(self.name)]
        return [self.prefixes[0].replace("/64", f"a{n + 1}") for n in range(self.beside)]

    def agent_node(self, number):
        return f"ha{self.low}{number + 1}" if self.beside else net.ROUTER[self.name]

    @property
    def key(self):
        return hashlib.sha256(self.name.encode()).hexdigest()[:32]

    @property
    def spi(self):
        return 0x1000 + net.ALL_PLACES.index(self.name)


class Network(Internet):
    def __init__(self, run, places):
        beside = [p.agent_node(n) for p in places for n in range(p.beside)]
        super().__init__(run, [p.name for p in places], beside, routing=beside)
        for number, place in enumerate(places):
            self.build_place(number, place.name)
            self._add_prefixes(place)
            for n in range(place.beside):
                self._add_agent(place, n)
        self.build_correspondent()
        self.build_mobile_node()

    def _add_prefixes(self, place):
        router, via = self.routers[place.name], f"2001:db8:f{net.SEGMENT[place.name]}::2"
        for prefix in place.prefixes[1:]:
            router.ip(f"addr add {prefix.replace('/64', '1/64')} dev lan")
            self.core.ip(f"route add {prefix} via {via}")

    def _add_agent(self, place, number):
        name, port = place.agent_node(number), f"h{place.low}{number + 1}"
        node = self.nodes[name]
        self.wire(node, "lan", self.air, port,
                  mac=f"02:00:00:00:{0xa1 + number:02x}:{net.ALL_PLACES.index(place.name):02x}")
        self.air.ip(f"link set {port} master br{place.name}")
        node.ip(f"addr add {place.addresses[number]}/64 dev lan",
                f"route add default via {net.router_address(place.name)}")
        for prefix in place.prefixes[1:]:
            node.ip(f"addr add {prefix.replace('/64', f'a{number + 1}/64')} dev lan")


def extra_prefix(place, number):
    return f"2001:db8:{net.SEGMENT[place]}:{number:x}::/64"


class Places(Stage):
    """places: their names; anchored: those with a home agent; prefixes: how many each has, a number
    or a dictionary; agents: how many home agents stand beside the router of a place, by name."""

    def __init__(self, run, directory, places="AB", anchored="", prefixes=1, agents=None,
                 dad_ms=DAD_MS):
        counts = prefixes if isinstance(prefixes, dict) else dict.fromkeys(places, prefixes)
        self.places = {p: Place(p, p in anchored,
                                [net.PREFIX[p], *(extra_prefix(p, n)
                                                  for n in range(1, counts.get(p, 1)))],
                                (agents or {}).get(p, 0)) for p in places}
        self.dad_ms = dad_ms
        self.bus = None
        self.sessions = []
        super().__init__(run, directory)

    def build(self):
        network = Network(self.run, list(self.places.values()))
        if sum(len(p.prefixes) for p in self.places.values()) > KERNEL_ADDRESSES:
            network.mn.set_sysctls(w0__max_addresses=0, w1__max_addresses=0)
        return network

    # What stands on the stage.

    def start_routers(self, places=None, options=(), **settings):
        """The access routers; one that is a home agent says so (H flag, home agent information
        option, its address in the prefix option).  options go to each of them."""
        for place in (self.places[p] for p in places or self.places):
            on_router = place.anchored and not place.beside
            self.routers[place.name] = peers.Router(
                self.nodes, place.name, self.directory, *self._agent_words(place, on_router),
                *options, prefix=self._prefix_words(place, "1" if on_router else None), **settings)

    def start_agent_routers(self):
        """Advertisements of the home agents beside their router: no default routers, H flag."""
        for place in self.places.values():
            for n in range(place.beside):
                self.routers[place.name, n] = peers.Router(
                    self.nodes, place.name, self.directory, "--lifetime", 0,
                    *self._agent_words(place, True), prefix=self._prefix_words(place, f"a{n + 1}"),
                    node=self.nodes.nodes[place.agent_node(n)], name=f"router-{place.name}{n + 1}")

    @staticmethod
    def _agent_words(place, is_agent):
        return [f"--home-agent={PREFERENCE},{LIFETIME}"] if place.anchored and is_agent else []

    @staticmethod
    def _prefix_words(place, host):
        return [p + (f",router={p.replace('/64', host)}" if host else "") for p in place.prefixes]

    def start_agents(self, *options):
        """All home agents; those of one prefix name each other in home agent discovery."""
        for place in self.places.values():
            for n, address in enumerate(place.addresses):
                place.agents.append(peers.HomeAgent(
                    self.nodes.nodes[place.agent_node(n)], f"ha-{place.low}{n + 1}",
                    self.directory, address, self.address(place.name), "--dad-delay", self.dad_ms,
                    "--agents", ",".join(place.addresses), *options, key=place.key, spi=place.spi,
                    home_link="lan", prefixes=place.prefixes))

    def agent(self, place, number=0):
        return self.places[place].agents[number]

    def kill_agent(self, place, number=0):
        """Its node dies: nothing of it answers any more, not even to neighbour solicitations."""
        self.air_port(place, number, "down")

    def revive_agent(self, place, number=0):
        self.air_port(place, number, "up")

    def air_port(self, place, number, state):
        spot = self.places[place]
        if not spot.beside:
            raise ValueError(f"the agent of {place} is its router")
        self.nodes.air.ip(f"link set h{spot.low}{number + 1} {state}")

    def serve(self, *ports):
        """The correspondent answers TCP and UDP probes at these ports."""
        for port in ports:
            peers.ProbeServer(self.cn, net.CN, self.directory, port)

    def capture_all(self):
        """Captures on every link: both sides of the routers, home agents, correspondent."""
        self.capture()
        self.capture("cn", "wan")
        for place in self.places.values():
            self.capture(net.ROUTER[place.name], "lan")
            self.capture(net.ROUTER[place.name], "wan")
            for n in range(place.beside):
                self.capture(place.agent_node(n), "lan")

    # The daemon.

    def anchor(self, place, number=0, name=None, found=False, **settings):
        """The section of a place's anchor.  found: without the address, for Discover=; number: of
        the home agent that Address= names."""
        spot = self.places[place]
        return Anchor(name or spot.low, None if found else spot.addresses[number], None, spot.key,
                      spot.spi, prefixes=spot.prefixes, agents=spot.addresses, **settings)

    def anchors(self):
        return [self.anchor(p.name) for p in self.places.values() if p.anchored]

    def configure(self, anchors=None, links=(), policy=POLICY, with_bus=True, **settings):
        """A daemon that is not started yet; anchors: of all anchored places, or a list; policy: the
        text of the one file in PolicyDirectory=."""
        anchors = self.anchors() if anchors is None else anchors
        if with_bus and not self.bus:
            self.bus = Bus(self.run, self.directory)
        self.set_policy(policy)
        self.daemon = Daemon(self.mn, self.directory, anchors, *links,
                             bus=self.bus.address if self.bus else "none",
                             **{"PolicyDirectory": self.policy_directory, "HoldTime": HOLD_TIME,
                                **settings})
        self._judge = judge.Judge(anchors)
        self._judge.starts = self.daemon.starts
        return self.daemon

    @property
    def policy_directory(self):
        return self.run.directory / "policy.d"

    def set_policy(self, text):
        self.policy_directory.mkdir(exist_ok=True)
        (self.policy_directory / "50-test.conf").write_text(text)

    def standard(self, anchors=None, everywhere=False, agent_options=(), **settings):
        """Routers, home agents, captures (everywhere, or at both ends), correspondent, daemon."""
        self.start_routers()
        self.start_agents(*agent_options)
        if everywhere:
            self.capture_all()
        else:
            self.capture()
            self.capture("cn", "wan")
        self.monitor = Monitor(self.mn, self.directory / "monitor.txt")
        self.serve(*PORTS.values())
        self.configure(anchors, **settings).start()
        if self.bus:
            wait_until(self.bus.has_name, "dmmd to be on the bus")

    # Moves.

    def address(self, place, device="w0", prefix=0):
        """The native address that the kernel makes at a place, of its first or another prefix."""
        tail = net.care_of("A", device).split(":")[-3:]
        return net.canonical(self.places[place].prefixes[prefix].replace(
            "::/64", "::" + ":".join(tail)))

    def native_addresses(self, place, device):
        return [self.address(place, device, n) for n in range(len(self.places[place].prefixes))]

    def attach(self, place, device="w0"):
        """Join a network, and wait until its own address carries packets."""
        self.plug(device, place)
        self.wait_native(place, device)
        for address in self.native_addresses(place, device):
            wait_until(lambda: self.has_address(address, device), f"the addresses of {place}")

    def make(self, place, managed=True):
        """Make before break: the other interface joins, then the one in use leaves.  Gives both."""
        old = next(d for d in net.MN_INTERFACES if self.place[d])
        new = next(d for d in net.MN_INTERFACES if d != old)
        self.attach(place, new)
        self.unplug(old, managed)
        return old, new

    # Waiting.

    def wait_bound(self, home, place, device="w0", home_device="w0", number=0, prefix=0,
                   timeout=5.0):
        """Until an anchor of `home` sends to the care-of address at `place`."""
        agent, address = self.agent(home, number), self.address(home, home_device, prefix)
        coa = self.address(place, device)
        wait_until(lambda: agent.care_of(address) == coa,
                   lambda: f"{agent.name} to send {address} to {coa}, not {agent.care_of(address)}",
                   timeout)

    def wait_unbound(self, home, number=0, timeout=5.0):
        """Until a home agent has no binding left."""
        agent = self.agent(home, number)
        wait_until(lambda: not agent.bindings(), f"{agent.name} to have no binding", timeout)

    def bound(self):
        """{home address: (place of the agent, its number, care-of address)} of all home agents."""
        return {home: (p.name, n, net.canonical(b["coa"])) for p in self.places.values()
                for n, agent in enumerate(p.agents) for home, b in agent.bindings().items()
                if b["state"] == "bound"}

    def shown(self, *verb, **wanted):
        """The first entry of what dmmctl lists that has these values, or None."""
        return next((e for e in self.daemon.ctl(*verb) or []
                     if all(e.get(k) == v for k, v in wanted.items())), None)

    def wait_shown(self, *verb, timeout=5.0, **wanted):
        """Until dmmctl lists such an entry: wait_shown("prefixes", state="remote")."""
        return wait_until(lambda: self.shown(*verb, **wanted),
                          lambda: f"dmmctl {' '.join(verb)} to show {wanted} in "
                                  f"{self.daemon.ctl(*verb)}", timeout, interval=0.02)

    def wait_status(self, timeout=5.0, **wanted):
        """Until dmmctl status has these values."""
        def like_that():
            status = self.daemon.ctl("status")
            return status if all(status.get(k) == v for k, v in wanted.items()) else None
        return wait_until(like_that, f"the status to have {wanted}", timeout, interval=0.02)

    # Sessions.

    def session(self, name, port=22, kind="tcp", **settings):
        """Start a session with the correspondent; see flow.Session for the settings."""
        one = Session(self, name, kind, port, **settings)
        self.sessions.append(one)
        return one

    def close(self):
        """Sessions do not take leave of each other: their processes are ended at once."""
        for one in self.sessions:
            one.probe.process.send_signal(signal.SIGKILL)
        super().close()
