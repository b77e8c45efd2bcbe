# SPDX-License-Identifier: GPL-2.0-or-later
"""What every internet of the tests is made of: nodes, wires, access networks, the mobile node.

Every wire is a veth pair whose ends have different interface numbers: the kernel then tells of
carrier changes at once, as it does for real hardware.
"""
import ctypes
import fcntl
import socket
import struct

from . import topology as net
from .namespace import Namespace

SIOCETHTOOL = 0x8946
ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO = 0x17, 0x1F, 0x24


class Internet:
    """Nodes by name, as attributes too; `places` have an access router and a bridge each."""

    def __init__(self, run, places, others, routing):
        self.run = run
        self.places = tuple(places)
        self._index = 100
        names = ("mn", "air", "core", "cn", *(net.ROUTER[p] for p in self.places), *others)
        run.add_namespaces(names)
        self.nodes = {n: Namespace(run, n) for n in names}
        for name, node in self.nodes.items():
            setattr(self, name, node)
        self.routers = {p: self.nodes[net.ROUTER[p]] for p in self.places}
        self._prepare_nodes([self.core, *self.routers.values(), *(self.nodes[n] for n in routing)])

    def _prepare_nodes(self, forwarding):
        for node in self.nodes.values():
            node.ip("link set lo up")
            if node is not self.mn:
                self._keep_silent(node)
                # Only the mobile node behaves as its kernel does by default.
                node.set_sysctls(default__accept_dad=0, default__accept_ra=0,
                                 default__dad_transmits=0)
        self.air.set_sysctls(all__disable_ipv6=1, default__disable_ipv6=1)
        for node in forwarding:
            node.set_sysctls(all__forwarding=1)
            node.set_sysctl("ipv4/ip_forward", 1)

    @staticmethod
    def _keep_silent(node):
        """A kernel with tunnels of its own complains of those that it does not know; an interface
        that takes them all in, and drops what is inside, keeps it from that.  Home agents of ours
        see the packets before."""
        try:
            node.set_sysctls(ip6tnl0__disable_ipv6=1)
        except FileNotFoundError:
            return
        node.ip("link set ip6tnl0 up")

    def wire(self, node, device, other, other_device, mac=None, index=None, plugged=True):
        """A veth pair between two nodes, both ends up, or only the node's own."""
        self._index += 2
        own_index = index or self._index
        address = f"address {mac}" if mac else ""
        other.ip(f"link add name {other_device} index {self._index + 1} type veth "
                 f"peer name {device} {address} index {own_index} netns {node.name}")
        node.ip(f"link set {device} up")
        if plugged:
            other.ip(f"link set dev {other_device} up")

    def build_place(self, number, place):
        """The bridge of an access network and its router, joined to the core."""
        router, name = self.routers[place], net.ROUTER[place]
        wan = f"2001:db8:f{net.SEGMENT[place]}"
        port = f"r{place.lower()}"
        self.air.ip(f"link add br{place} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
                    f"link set br{place} up")
        self.wire(router, "lan", self.air, port, mac=net.ROUTER_MAC[place])
        self.wire(router, "wan", self.core, name)
        self.air.ip(f"link set {port} master br{place}")
        router.ip(f"addr add {net.router_address(place)}/64 dev lan",
                  f"addr add {wan}::2/64 dev wan", f"route add default via {wan}::1",
                  f"addr add {net.GATEWAY4}/24 dev lan", f"addr add 10.0.{number}.2/30 dev wan",
                  f"route add default via 10.0.{number}.1")
        self.core.ip(f"addr add {wan}::1/64 dev {name}",
                     f"route add {net.PREFIX[place]} via {wan}::2",
                     f"addr add 10.0.{number}.1/30 dev {name}")

    def build_correspondent(self):
        self.wire(self.cn, "wan", self.core, "cn")
        self.core.ip("addr add 2001:db8:d::1/64 dev cn", "addr add 192.0.2.1/24 dev cn")
        self.cn.ip(f"addr add {net.CN}/64 dev wan", "route add default via 2001:db8:d::1",
                   f"addr add {net.CN4}/24 dev wan", "route add default via 192.0.2.1")

    def build_mobile_node(self):
        for number, device in enumerate(net.MN_INTERFACES):
            self.wire(self.mn, device, self.air, net.MN_PORT[device], mac=net.MN_MAC[device],
                      index=10 + number, plugged=False)
        self.run.ip_now()
        for device in net.MN_INTERFACES:
            self.segment_before_wire(device)

    def segment_before_wire(self, device):
        """Let captures see packets as a network card would send them: no offloads."""
        def off():
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
                for command in (ETHTOOL_SGSO, ETHTOOL_STSO, ETHTOOL_STXCSUM):
                    value = ctypes.create_string_buffer(struct.pack("II", command, 0))
                    fcntl.ioctl(s, SIOCETHTOOL, struct.pack(
                        "16sP8x", device.encode(), ctypes.addressof(value)))
        self.mn.inside(off)

    def plug(self, device, place):
        """Carrier on, in that access network."""
        port = net.MN_PORT[device]
        self.air.ip(f"link set {port} master br{place}", f"link set {port} up")

    def unplug(self, device):
        """Carrier off, as when a station leaves an access point."""
        port = net.MN_PORT[device]
        self.air.ip(f"link set {port} down", f"link set {port} nomaster")

    def set_core_mtu(self, mtu, places=None):
        """MTU of the links between the core and access routers."""
        for place in places or self.places:
            self.core.ip(f"link set dev {net.ROUTER[place]} mtu {mtu}")
            self.routers[place].ip(f"link set wan mtu {mtu}")

    def plug_ipv4(self, device):
        """IPv4 on the mobile node, the same address in every access network."""
        self.mn.ip(f"addr add {net.MN4}/24 dev {device}", f"route add default via {net.GATEWAY4}")


class Topology(Internet):
    """Networks A, B and C; ha1 beside the router of A, ha2 behind the core with a routed prefix."""

    def __init__(self, run):
        super().__init__(run, net.PLACES, ("ha1", "ha2"), routing=("ha1", "ha2"))
        for number, place in enumerate(self.places):
            self.build_place(number, place)
        self.wire(self.ha1, "lan", self.air, "h1", mac="02:00:00:00:00:a1")
        self.air.ip("link set h1 master brA")
        self.ha1.ip(f"addr add {net.HA1}/64 dev lan", "route add default via 2001:db8:a::1")
        self.build_correspondent()
        self.wire(self.ha2, "wan", self.core, "ha2")
        self.core.ip("addr add 2001:db8:2::1/64 dev ha2",
                     f"route add {net.HOME2_PREFIX} via {net.HA2}")
        self.ha2.ip(f"addr add {net.HA2}/64 dev wan", "route add default via 2001:db8:2::1")
        self.build_mobile_node()
