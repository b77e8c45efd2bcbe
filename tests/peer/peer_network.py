# SPDX-License-Identifier: GPL-2.0-or-later
"""The network that the peers are tested in.

    host ---+
    agent1 -+ home link 2001:db8:1::/64 (bridge in "ha")          cn 2001:db8:3::2
    agent2 -+                                                      |
    mn -----+                                                      |
            ha ---- 2001:db8:ff::/64 ---- net ---------------------+
                                           |  |
    mn v1 ------- 2001:db8:2::/64 ---------+  +----- 2001:db8:4::/64 ------- mn v2

The home agent runs in "ha", which routes the home link; or in agent1 and agent2 beside it.
"""


import os
import pathlib

from mobile_node import Key

HA, HA2, HOST = "2001:db8:1::1", "2001:db8:1::2", "2001:db8:1::99"
HOME, PREFIX = "2001:db8:1::100", "2001:db8:1::/64"
COA, COA2 = "2001:db8:2::100", "2001:db8:4::100"
CN = "2001:db8:3::2"
BESIDE = {"agent1": "2001:db8:1::a1", "agent2": "2001:db8:1::a2"}
ROUTED_HOME, ROUTED_PREFIX, ROUTED_HA = "2001:db8:10::100", "2001:db8:10::/64", "2001:db8:ff::2"
KEY = Key(256, bytes(range(16)))

PROGRAMS = pathlib.Path(os.environ.get(
    "PEER_DIR", pathlib.Path(__file__).parents[2] / "build" / "peer"))


def build_network(lab):
    lab.add("ha", "host", "net", "cn", "mn", *BESIDE)
    lab.ip("ha", "link add home type bridge")
    lab.ip("ha", "link set dev home up")
    for ns, port, name in (("host", "h0", "eth0"), ("mn", "h1", "home0"),
                           ("agent1", "h2", "eth0"), ("agent2", "h3", "eth0")):
        lab.veth("ha", port, ns, name)
        lab.ip("ha", f"link set dev {port} master home")
    lab.veth("ha", "wan", "net", "ha")
    lab.veth("net", "cn", "cn", "eth0")
    lab.veth("net", "v1", "mn", "v1")
    lab.veth("net", "v2", "mn", "v2")
    for address in (HA, HA2):
        lab.address("ha", "home", f"{address}/64")
    lab.address("host", "eth0", f"{HOST}/64")
    for ns, address in BESIDE.items():
        lab.address(ns, "eth0", f"{address}/64")
        lab.ip(ns, f"route add default via {HA}")
    lab.address("ha", "wan", "2001:db8:ff::2/64")
    lab.address("net", "ha", "2001:db8:ff::1/64")
    lab.address("net", "cn", "2001:db8:3::1/64")
    lab.address("net", "v1", "2001:db8:2::1/64")
    lab.address("net", "v2", "2001:db8:4::1/64")
    lab.address("cn", "eth0", f"{CN}/64")
    lab.address("mn", "v1", f"{COA}/64")
    lab.address("mn", "v2", f"{COA2}/64")
    for ns in ("ha", "net"):
        lab.run(ns, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
    lab.ip("net", f"route add {PREFIX} via 2001:db8:ff::2")
    lab.ip("net", f"route add {ROUTED_PREFIX} via 2001:db8:ff::2")
    lab.ip("ha", "route add default via 2001:db8:ff::1")
    lab.ip("host", f"route add default via {HA}")
    lab.ip("cn", "route add default via 2001:db8:3::1")
    lab.ip("mn", "route add default via 2001:db8:2::1")
    lab.ip("mn", "route add default via 2001:db8:4::1 metric 2048")
    lab.ip("mn", "route add default via 2001:db8:4::1 table 4")
    lab.ip("mn", f"-6 rule add from {COA2} lookup 4")
