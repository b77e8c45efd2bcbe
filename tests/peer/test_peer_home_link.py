# SPDX-License-Identifier: GPL-2.0-or-later
"""The home link: duplicate address detection, two home agents beside each other, several prefixes,
discovery of agents and prefixes."""

import sys
import time

import pytest
from scapy.layers.inet6 import (HAO, ICMPv6EchoRequest, ICMPv6HAADReply, ICMPv6HAADRequest,
                                ICMPv6MPAdv, ICMPv6MPSol, ICMPv6NDOptPrefixInfo, IPv6,
                                IPv6ExtHdrDestOpt, IPv6ExtHdrRouting, in6_chksum)

from lab import wait_for
from peer_network import BESIDE, CN, COA, HA, HOME, PREFIX

SECOND, SECOND_HOME = "2001:db8:11::/64", "2001:db8:11::100"
ANYCAST = "2001:db8:1:0:fdff:ffff:ffff:fffe"


@pytest.fixture
def careful(start_agent):
    """An agent that looks for duplicates before it binds."""
    return start_agent("--address", HA, "--home-prefix", PREFIX, "--home-link", "home", "--mn",
                       PREFIX, "--dad-delay", 200)


@pytest.fixture
def taken(lab):
    """A home address that a host on the home link has."""
    lab.address("host", "eth0", f"{HOME}/64")
    yield
    lab.ip("host", f"address del {HOME}/64 dev eth0")


def test_duplicate_home_address_is_refused(careful, mn, taken):
    begin = time.monotonic()
    answer = mn.register()
    assert (answer.status, answer.lifetime, answer.home) == (134, 0, HOME)
    assert time.monotonic() - begin < 0.2, "an answer needs no waiting"
    assert not careful.bindings() and careful.counters()["duplicate_addresses"] == 1


def test_free_home_address_is_bound_after_detection(careful, mn, lab):
    heard = lab.start("host", "tcpdump", "-l", "-n", "-i", "eth0", "-v", "-c", "1",
                      "icmp6 and ip6[40] == 135 and src :: and ip6[48:4] == 0x20010db8")
    time.sleep(0.5)
    begin = time.monotonic()
    mn.update()
    answer = mn.answer()
    assert answer.status == 0 and 0.15 < time.monotonic() - begin < 0.6
    wait_for(lambda: heard.poll() is not None, "the neighbour solicitation")
    lab.stop(heard)
    # Known already: no second detection.
    begin = time.monotonic()
    assert mn.register().status == 0 and time.monotonic() - begin < 0.1


def test_others_are_bound_meanwhile(careful, make_mn, taken):
    make_mn().update()
    other = make_mn(home="2001:db8:1::300")
    assert other.register().status in (0, 134)
    wait_for(lambda: [b["home"] for b in careful.bindings() if b["state"] == "bound"] ==
             ["2001:db8:1::300"], "the other one")


# Two agents of one prefix


@pytest.fixture
def pair(start_agent):
    both = ",".join(BESIDE.values())
    return [start_agent("--address", address, "--home-prefix", PREFIX, "--home-link", "eth0",
                        "--mn", HOME, "--agents", both, "--dad-delay", 50, ns=ns)
            for ns, address in BESIDE.items()]


def tunnel_of_a_ping(lab, mn):
    """The agent that a packet of the correspondent to the home address comes from."""
    mn.flush()
    lab.run("cn", "ping", "-c1", "-W1", HOME, check=False)
    return next((IPv6(p).src for p in mn.packets(0.3) if p[6] == 41), None)


def second_node(make_mn, first):
    other = make_mn(agent=BESIDE["agent2"])
    other.sequence = first.sequence
    return other


def test_each_agent_gets_what_is_bound_at_it(pair, make_mn, lab):
    first = make_mn(agent=BESIDE["agent1"])
    assert first.register().status == 0
    assert tunnel_of_a_ping(lab, first) == BESIDE["agent1"]
    pair[0]("crash")
    second = second_node(make_mn, first)
    assert second.register().status == 0
    assert tunnel_of_a_ping(lab, second) == BESIDE["agent2"]


def test_binding_moves_between_living_agents(pair, make_mn, lab):
    """As after a home agent switch: the new one is told first, the old one then."""
    first = make_mn(agent=BESIDE["agent1"])
    assert first.register().status == 0
    second = second_node(make_mn, first)
    assert second.register().status == 0, "the proxy of the first one is no duplicate"
    assert tunnel_of_a_ping(lab, second) == BESIDE["agent2"]
    assert first.register(lifetime=0).status == 0
    lab.ip("ha", f"neigh del {HOME} dev home")
    assert tunnel_of_a_ping(lab, second) == BESIDE["agent2"]


def test_discovery_names_both(pair, make_mn, lab):
    mn = make_mn(agent=BESIDE["agent1"])

    def discover():
        mn.flush()
        mn.send(bytes(IPv6(src=COA, dst=ANYCAST) / ICMPv6HAADRequest(id=77)))
        return next((IPv6(p) for p in mn.packets(1) if ICMPv6HAADReply in IPv6(p)), None)
    assert discover()[ICMPv6HAADReply].addresses == list(BESIDE.values())
    pair[0]("crash")
    lab.ip("ha", f"neigh del {ANYCAST} dev home", check=False)
    assert discover().src == BESIDE["agent2"]
    pair[0]("revive")


# Several prefixes


def test_many_home_prefixes(start_agent, make_mn):
    prefixes = [f"2001:db8:11:{n:x}::/64" for n in range(40)]
    options = [w for p in prefixes for w in ("--home-prefix", p, "--mn", p)]
    agent = start_agent("--address", HA, *options)
    for n in (0, 7, 39):
        assert make_mn(home=f"2001:db8:11:{n:x}::9").register().status == 0
    assert make_mn(home="2001:db8:11:28::9").register().status == 132
    assert len(agent.bindings()) == 3


# Mobile prefix discovery


def solicit(mn, identifier, home=HOME, with_option=True):
    source = IPv6(src=home if with_option else mn.coa, dst=mn.agent)
    message = bytearray(bytes(ICMPv6MPSol(id=identifier, cksum=0)))
    message[2:4] = in6_chksum(58, source, bytes(message)).to_bytes(2, "big")
    ip = IPv6(src=mn.coa, dst=mn.agent)
    if with_option:
        ip = ip / IPv6ExtHdrDestOpt(nh=58, options=[HAO(hoa=home)])
    else:
        ip.nh = 58
    mn.flush()
    mn.send(bytes(ip / bytes(message)))


def advertisement(mn, timeout=1.0):
    """(packet, ICMPv6 octets) of the next mobile prefix advertisement."""
    for octets in mn.packets(timeout):
        if octets[6] == 43 and octets[40] == 58 and octets[64] == 147:
            return IPv6(octets), octets[64:]
    return None


def check_advertisement(found, identifier):
    ip, octets = found
    assert (ip.src, ip.dst, ip[IPv6ExtHdrRouting].type) == (HA, COA, 2)
    home = IPv6(src=ip.src, dst=HOME)
    assert in6_chksum(58, home, octets[:2] + b"\0\0" + octets[4:]) == int.from_bytes(
        octets[2:4], "big")
    advert = ICMPv6MPAdv(octets)
    assert advert.id == identifier and octets[6:8] == b"\0\0"
    return ICMPv6NDOptPrefixInfo(octets[8:])


def test_mobile_prefix_solicitation(agent, mn):
    mn.register()
    solicit(mn, 0xBEEF)
    info = check_advertisement(advertisement(mn), 0xBEEF)
    assert (info.prefix, info.prefixlen, info.R, info.L, info.A) == (HA, 64, 1, 1, 1)
    assert (info.validlifetime, info.preferredlifetime) == (86400, 14400)
    assert agent.counters()["prefix_solicitations"] == 1


def test_mobile_prefix_solicitations_that_are_ignored(agent, mn):
    solicit(mn, 1)
    assert advertisement(mn, 0.2) is None, "no binding"
    mn.register()
    solicit(mn, 2, with_option=False)
    assert advertisement(mn, 0.2) is None, "no home address option"
    agent("silent on")
    solicit(mn, 3)
    assert advertisement(mn, 0.2) is None


def test_unsolicited_prefix_advertisement(agent, mn):
    mn.register()
    mn.flush()
    agent("lifetimes 600 0")
    agent(f"advertise {HOME}")
    info = check_advertisement(advertisement(mn), 0)
    assert (info.validlifetime, info.preferredlifetime) == (600, 0)


def test_two_prefixes_in_one_advertisement(start_agent, mn):
    start_agent("--address", HA, "--home-prefix", PREFIX, "--home-prefix", SECOND, "--home-link",
                "home", "--mn", HOME)
    mn.register()
    solicit(mn, 5)
    info = check_advertisement(advertisement(mn), 5)
    second = info[ICMPv6NDOptPrefixInfo].payload
    assert (second.prefix, second.R) == ("2001:db8:11::", 0)


def test_the_agent_answers_at_the_correspondent_too(agent, mn):
    """The home address is reached from outside while it is bound: routed, proxied, tunnelled."""
    mn.register()
    mn.flush()
    mn.encapsulate(IPv6(src=HOME, dst=CN) / ICMPv6EchoRequest(id=4))
    assert mn.tunnelled(1, lambda ip: ip.src == CN)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
