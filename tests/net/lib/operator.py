# SPDX-License-Identifier: GPL-2.0-or-later
"""Places and, behind the core, the home agent of an operator: its prefix is on no link, and the one
home address of the mobile node there is fixed (net.HOME2 at net.HA2, as in scene.py).
"""
from . import peers, topology as net
from .daemon import anchor2
from .namespace import Namespace
from .places import Network, Places


class OperatorNetwork(Network):
    def __init__(self, run, places):
        super().__init__(run, places)
        self.ha2 = self.nodes["ha2"] = Namespace(run, "ha2")
        self._prepare_nodes([self.ha2])
        self.wire(self.ha2, "wan", self.core, "ha2")
        self.core.ip("addr add 2001:db8:2::1/64 dev ha2",
                     f"route add {net.HOME2_PREFIX} via {net.HA2}")
        self.ha2.ip(f"addr add {net.HA2}/64 dev wan", "route add default via 2001:db8:2::1")


class PlacesAndOperator(Places):
    """self.operator is the home agent, once the agents run."""

    operator = None

    def build(self):
        return OperatorNetwork(self.run, list(self.places.values()))

    def start_agents(self, *options):
        super().start_agents(*options)
        self.operator = peers.start_ha2(self.nodes, self.directory, *options)

    def anchors(self):
        return [*super().anchors(), anchor2()]
