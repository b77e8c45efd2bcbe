# SPDX-License-Identifier: GPL-2.0-or-later
"""The internet of the tests.

                     mn                       mobile node, interfaces w0 and w1
                   /    \\
        .........................  air        one bridge for each access network; an interface of
        :   A       B       C   :             the mobile node is plugged into one of them or none
        :...|.......|.......|...:
       ha1--+       |       |                 ha1 is on network A: a real home link
           ara     arb     arc                access routers, prefixes 2001:db8:a|b|c::/64
              \\     |     /
                   core --- ha2               2001:db8:22::/64, ha2's home prefix, is routed to it
                     |
                     cn                       correspondent node

Every wire is a veth pair whose ends have different interface numbers: the kernel then tells of
carrier changes at once, as it does for real hardware.
"""
import ctypes
import fcntl
import socket
import struct

from .namespace import Namespace

PLACES = ("A", "B", "C")
PREFIX = {"A": "2001:db8:a::/64", "B": "2001:db8:b::/64", "C": "2001:db8:c::/64"}
ROUTER = {"A": "ara", "B": "arb", "C": "arc"}
HA1, HOME1 = "2001:db8:a::2", "2001:db8:a::100"
HA2, HOME2, HOME2_PREFIX = "2001:db8:2::2", "2001:db8:22::100", "2001:db8:22::/64"
CN = "2001:db8:d::2"
CN4, GATEWAY4, MN4 = "192.0.2.2", "198.51.100.1", "198.51.100.100"
MN_INTERFACES = ("w0", "w1")
MN_PORT = {"w0": "m0", "w1": "m1"}
MN_MAC = {"w0": "02:00:00:00:01:00", "w1": "02:00:00:00:01:01"}

SIOCETHTOOL = 0x8946
ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO = 0x17, 0x1F, 0x24


def router_address(place):
    return PREFIX[place].replace("/64", "1")


def care_of(place, interface="w0"):
    """The address that stateless autoconfiguration makes of the interface's MAC."""
    tail = {"w0": "ff:fe00:100", "w1": "ff:fe00:101"}[interface]
    return PREFIX[place].replace("::/64", ":0:0:") + tail


def canonical(address):
    return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, address))


class Topology:
    def __init__(self, run):
        self.run = run
        self._index = 100
        self.nodes = {n: Namespace(run, n)
                      for n in ("mn", "air", "ara", "arb", "arc", "core", "ha1", "ha2", "cn")}
        for name, node in self.nodes.items():
            setattr(self, name, node)
        self.routers = {p: self.nodes[ROUTER[p]] for p in PLACES}
        self._prepare_nodes()
        self._build_air()
        self._build_core()
        self._build_mobile_node()

    def _prepare_nodes(self):
        for node in self.nodes.values():
            node.ip("link set lo up")
            if node is not self.mn:
                # Only the mobile node behaves as its kernel does by default.
                node.set_sysctls(default__accept_dad=0, default__accept_ra=0,
                                 default__dad_transmits=0)
        self.air.set_sysctls(all__disable_ipv6=1, default__disable_ipv6=1)
        for node in (self.core, self.ha1, self.ha2, *self.routers.values()):
            node.set_sysctls(all__forwarding=1)
            node.set_sysctl("ipv4/ip_forward", 1)

    def wire(self, node, device, other, other_device, mac=None, index=None, plugged=True):
        """A veth pair between two nodes, both ends up, or only the node's own."""
        self._index += 2
        own_index = index or self._index
        address = f"address {mac}" if mac else ""
        other.ip(f"link add name {other_device} index {self._index + 1} type veth "
                 f"peer name {device} {address} index {own_index} netns {node.name}")
        node.ip(f"link set {device} up")
        if plugged:
            other.ip(f"link set {other_device} up")

    def _build_air(self):
        lines = []
        for place in PLACES:
            lines += [f"link add br{place} type bridge stp_state 0 forward_delay 0 "
                      "mcast_snooping 0", f"link set br{place} up"]
        self.air.ip(*lines)
        for number, place in enumerate(PLACES):
            router, low = self.routers[place], place.lower()
            self.wire(router, "lan", self.air, f"r{low}", mac=f"02:00:00:00:00:0{low}")
            self.wire(router, "wan", self.core, ROUTER[place])
            self.air.ip(f"link set r{low} master br{place}")
            router.ip(f"addr add {router_address(place)}/64 dev lan",
                      f"addr add 2001:db8:f{low}::2/64 dev wan",
                      f"route add default via 2001:db8:f{low}::1",
                      f"addr add {GATEWAY4}/24 dev lan", f"addr add 10.0.{number}.2/30 dev wan",
                      f"route add default via 10.0.{number}.1")
            self.core.ip(f"addr add 2001:db8:f{low}::1/64 dev {router.node}",
                         f"route add {PREFIX[place]} via 2001:db8:f{low}::2",
                         f"addr add 10.0.{number}.1/30 dev {router.node}")
        self.wire(self.ha1, "lan", self.air, "h1", mac="02:00:00:00:00:a1")
        self.air.ip("link set h1 master brA")
        self.ha1.ip(f"addr add {HA1}/64 dev lan", "route add default via 2001:db8:a::1")

    def _build_core(self):
        self.wire(self.ha2, "wan", self.core, "ha2")
        self.wire(self.cn, "wan", self.core, "cn")
        self.core.ip("addr add 2001:db8:2::1/64 dev ha2", "addr add 2001:db8:d::1/64 dev cn",
                     f"route add {HOME2_PREFIX} via {HA2}", "addr add 192.0.2.1/24 dev cn")
        self.ha2.ip(f"addr add {HA2}/64 dev wan", "route add default via 2001:db8:2::1")
        self.cn.ip(f"addr add {CN}/64 dev wan", "route add default via 2001:db8:d::1",
                   f"addr add {CN4}/24 dev wan", "route add default via 192.0.2.1")

    def _build_mobile_node(self):
        for number, device in enumerate(MN_INTERFACES):
            self.wire(self.mn, device, self.air, MN_PORT[device], mac=MN_MAC[device],
                      index=10 + number, plugged=False)
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
        port = MN_PORT[device]
        self.air.ip(f"link set {port} master br{place}", f"link set {port} up")

    def unplug(self, device):
        """Carrier off, as when a station leaves an access point."""
        port = MN_PORT[device]
        self.air.ip(f"link set {port} down", f"link set {port} nomaster")

    def set_core_mtu(self, mtu, places=PLACES):
        """MTU of the links between the core and access routers."""
        for place in places:
            self.core.ip(f"link set {ROUTER[place]} mtu {mtu}")
            self.routers[place].ip(f"link set wan mtu {mtu}")

    def plug_ipv4(self, device):
        """IPv4 on the mobile node, the same address in every access network."""
        self.mn.ip(f"addr add {MN4}/24 dev {device}", f"route add default via {GATEWAY4}")
