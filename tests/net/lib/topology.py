# SPDX-License-Identifier: GPL-2.0-or-later
"""Names and addresses of the internet of the tests; internet.py builds it.

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

Scenes with places of native anchored prefixes (see places.py) have no ha1 and ha2, and as many
access networks as they want, up to P.
"""
import socket

PLACES = ("A", "B", "C")
ALL_PLACES = "ABCDEFGHIJKLMNOP"
# 2001:db8:d::/64 is the correspondent's: beyond C, the number of the place follows a 1.
SEGMENT = {p: p.lower() if p in PLACES else f"1{n:x}" for n, p in enumerate(ALL_PLACES)}
PREFIX = {p: f"2001:db8:{s}::/64" for p, s in SEGMENT.items()}
ROUTER = {p: f"ar{p.lower()}" for p in ALL_PLACES}
ROUTER_MAC = {p: f"02:00:00:00:00:{int(s, 16):02x}" for p, s in SEGMENT.items()}
HA1, HOME1 = "2001:db8:a::2", "2001:db8:a::100"
HA2, HOME2, HOME2_PREFIX = "2001:db8:2::2", "2001:db8:22::100", "2001:db8:22::/64"
CN = "2001:db8:d::2"
CN4, GATEWAY4, MN4 = "192.0.2.2", "198.51.100.1", "198.51.100.100"
MN_INTERFACES = ("w0", "w1")
MN_PORT = {"w0": "m0", "w1": "m1"}
MN_MAC = {"w0": "02:00:00:00:01:00", "w1": "02:00:00:00:01:01"}


def router_address(place):
    return PREFIX[place].replace("/64", "1")


def care_of(place, interface="w0"):
    """The address that stateless autoconfiguration makes of the interface's MAC."""
    tail = {"w0": "ff:fe00:100", "w1": "ff:fe00:101"}[interface]
    return PREFIX[place].replace("::/64", ":0:0:") + tail


def canonical(address):
    return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, address))
