# SPDX-License-Identifier: GPL-2.0-or-later
"""The stage of home addresses: two home agents, daemon, captures, monitor, judged at the end."""
from . import forge, judge, peers, topology as net
from .daemon import Daemon, anchor1, anchor2
from .internet import Topology
from .monitor import Monitor
from .run import wait_until
from .stage import Stage


class Scene(Stage):
    def __init__(self, run, directory):
        super().__init__(run, directory)
        self.ha1 = self.ha2 = None

    def build(self):
        return Topology(self.run)

    def start_routers(self, places=net.PLACES, **settings):
        for place in places:
            self.routers[place] = peers.Router(self.nodes, place, self.directory, **settings)

    def start_agents(self, *options, **settings):
        self.ha1 = peers.start_ha1(self.nodes, self.directory, *options, **settings)
        self.ha2 = peers.start_ha2(self.nodes, self.directory, *options, **settings)

    def start_agent_on_router(self):
        return peers.start_ha_on_router(self.nodes, self.directory)

    def configure(self, anchors=None, links=(), **settings):
        """A daemon that is not started yet; anchors: both as they are, or a list."""
        anchors = [anchor1(), anchor2()] if anchors is None else anchors
        self.daemon = Daemon(self.mn, self.directory, anchors, *links, **settings)
        self._judge = judge.Judge(anchors)
        self._judge.starts = self.daemon.starts
        return self.daemon

    def standard(self, anchors=None, agent_options=(), **settings):
        """Routers, home agents, captures, correspondent, daemon: all that most tests need."""
        self.start_routers()
        self.start_agents(*agent_options)
        self.capture()
        self.monitor = Monitor(self.mn, self.directory / "monitor.txt")
        self.echo()
        self.configure(anchors, **settings).start()

    def configured_place(self):
        """The same without routers that advertise: an administrator has configured a place on B."""
        self.start_agents()
        self.capture()
        self.echo()
        self.configure().start()
        self.plug("w0", "B")
        own = "2001:db8:b::77"
        self.mn.ip(f"addr add {own}/64 dev w0", "route add default via 2001:db8:b::1 dev w0")
        wait_until(lambda: self.ha1.care_of() == self.ha2.care_of() == own,
                   "the static address to be the care-of address", timeout=8)

    def wait_care_of(self, agent, place, device="w0", timeout=5.0):
        """Until the home agent sends to the care-of address at a place, and the mobile node has a
        way back."""
        coa = net.canonical(net.care_of(place, device))
        wait_until(lambda: agent.care_of() == coa, f"{agent.name} to have {coa}", timeout)
        wait_until(lambda: self.routed_by(agent.home), f"a way from {agent.home}", timeout)

    def wait_bound(self, place, device="w0", timeout=5.0):
        """Until both home agents serve the place; on A the first one has no binding."""
        if self.ha1:
            if place == "A":
                wait_until(lambda: not self.ha1.bindings(), "ha1 to have no binding", timeout)
                self.wait_home_address(device, timeout)
            else:
                self.wait_care_of(self.ha1, place, device, timeout)
        if self.ha2:
            self.wait_care_of(self.ha2, place, device, timeout)

    def wait_home_address(self, device, timeout=5.0):
        """Until the home address of A is natively on the link: a packet gets through."""
        wait_until(lambda: self.routed_by(net.HOME1) == device,
                   f"packets from {net.HOME1} to leave by {device}", timeout)

    def attach(self, place, device="w0"):
        self.plug(device, place)
        self.wait_bound(place, device)

    def answer(self, place, sequence, status=0, lifetime=1200, options=()):
        """An authentic answer of the second anchor, whatever the agent itself does."""
        coa = net.care_of(place)
        message = forge.signed_ba(status, sequence, lifetime, peers.KEY["second"],
                                  peers.SPI["second"], coa, net.HOME2, options)
        self.forged(place, forge.acknowledgement(net.HA2, coa, net.HOME2, message))
