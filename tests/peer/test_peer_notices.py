# SPDX-License-Identifier: GPL-2.0-or-later
"""What the home agent says of its own accord and repeats: revocation (RFC 5846), switch (RFC 5142);
and the same forged."""

import sys
import time

import pytest
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6

from lab import wait_for
from mobile_node import Key
from peer_network import COA, HA, HA2, HOME, KEY

FORGED = ("bad-auth", "no-auth", "wrong-spi", "bad-checksum")


def started(agent, mn, command):
    """The first message that a command makes the agent send."""
    mn.register()
    mn.flush()
    agent(command)
    return mn.answer()


def test_revocation(keyed_agent, keyed_mn):
    bri = started(keyed_agent, keyed_mn, f"revoke {HOME} trigger 1 flags 8192")
    assert (bri.type, bri.kind, bri.trigger, bri.flags) == (16, 1, 1, 0x2000)
    assert (bri.source, bri.destination, bri.home) == (HA, COA, HOME)
    assert bri.checksum_ok and bri.length_ok and bri.authentic(KEY, COA, HOME)
    assert keyed_agent("revocation")["revocation"] is None
    keyed_mn.acknowledge_revocation(bri.sequence)
    wait_for(lambda: not keyed_agent.bindings(), "the binding to go")
    assert keyed_agent("revocation")["revocation"] == {"home": HOME, "status": 0,
                                                       "sequence": bri.sequence}
    assert keyed_mn.answer(1.5) is None, "repeated though answered"
    assert keyed_mn.register().status == 0


def test_revocation_without_association(agent, mn):
    bri = started(agent, mn, f"revoke {HOME}")
    assert bri.trigger == 0 and 9 not in bri.options and bri.checksum_ok
    mn.acknowledge_revocation(bri.sequence)
    wait_for(lambda: not agent.bindings(), "the binding to go")


def test_revocation_is_repeated_once(keyed_agent, keyed_mn):
    first = started(keyed_agent, keyed_mn, f"revoke {HOME} trigger 7")
    begin = time.monotonic()
    second = keyed_mn.answer(1.5)
    assert 0.8 < time.monotonic() - begin < 1.3
    assert (second.type, second.sequence) == (16, first.sequence)
    assert second.authentic(KEY, COA, HOME)
    assert second.options[10][1] > first.options[10][1], "the old timestamp"
    assert keyed_agent.bindings()
    assert keyed_mn.answer(2.5) is None
    assert not keyed_agent.bindings()
    assert keyed_agent.counters()["revocations_unanswered"] == 1


def test_revocation_refused(keyed_agent, keyed_mn):
    bri = started(keyed_agent, keyed_mn, f"revoke {HOME}")
    keyed_mn.acknowledge_revocation(bri.sequence, status=132)
    wait_for(lambda: keyed_agent("revocation")["revocation"], "the acknowledgement")
    assert keyed_agent("revocation")["revocation"]["status"] == 132
    assert keyed_agent.bindings()


@pytest.mark.parametrize("how", [{"key": Key(256, b"wrong" * 4)}, {"wrong": 1}])
def test_wrong_acknowledgements_of_a_revocation(keyed_agent, keyed_mn, how):
    bri = started(keyed_agent, keyed_mn, f"revoke {HOME}")
    keyed_mn.acknowledge_revocation((bri.sequence + how.get("wrong", 0)) % 65536,
                                    key=how.get("key"))
    assert keyed_mn.answer(1.5), "taken for an answer"
    assert keyed_agent.bindings()


@pytest.mark.parametrize("fault", FORGED)
def test_forged_revocation(keyed_agent, keyed_mn, fault):
    bri = started(keyed_agent, keyed_mn, f"revoke {HOME} once forged {fault}")
    check_forged(bri, 16, fault)
    assert keyed_mn.answer(2.5) is None
    assert keyed_agent.bindings(), "a forgery revokes nothing"


@pytest.mark.parametrize("fault", FORGED)
def test_forged_switch(keyed_agent, keyed_mn, fault):
    has = started(keyed_agent, keyed_mn, f"switch {HOME} {HA2} once forged {fault}")
    check_forged(has, 12, fault)
    assert has.agents == [HA2]


def check_forged(message, kind, fault):
    assert message.type == kind
    assert message.checksum_ok == (fault != "bad-checksum")
    assert message.authentic(KEY, COA, HOME) == (fault == "bad-checksum")
    assert (9 in message.options) == (fault != "no-auth")


def test_forged_in_its_headers(keyed_agent, keyed_mn):
    bri = started(keyed_agent, keyed_mn, f"revoke {HOME} once forged no-rh2")
    assert bri.home is None and bri.authentic(KEY, COA, HOME)
    keyed_agent(f"revoke {HOME} once forged wrong-hoa")
    assert keyed_mn.answer().home not in (None, HOME)


def test_switch_is_repeated_until_the_binding_goes(keyed_agent, keyed_mn):
    has = started(keyed_agent, keyed_mn, f"switch {HOME} {HA2} advice 40")
    assert has.type == 12 and has.options[2][1] == (10).to_bytes(2, "big")
    begin = time.monotonic()
    again = keyed_mn.answer(6)
    assert again.type == 12 and 4.5 < time.monotonic() - begin < 5.5
    assert again.options[10][1] > has.options[10][1]
    keyed_mn.register(lifetime=0)
    assert keyed_mn.answer(11) is None


def test_once(keyed_agent, keyed_mn):
    assert started(keyed_agent, keyed_mn, f"switch {HOME} none once").type == 12
    assert keyed_mn.answer(5.5) is None


def test_revocation_through_the_tunnel(keyed_agent, keyed_mn):
    keyed_mn.register()
    keyed_mn.flush()
    keyed_agent(f"revoke {HOME} via tunnel once")
    inner = keyed_mn.tunnelled(1)
    assert (inner.src, inner.dst, inner.nh) == (HA, HOME, 135)


@pytest.mark.parametrize("line", [
    "revoke", f"revoke {HOME}", "revoke x", f"revoke {HOME} trigger", f"revoke {HOME} trigger 256",
    f"revoke {HOME} forged replayed", f"switch {HOME} none forged delayed", f"switch {HOME} none x",
    "data", "data x", "crash now", "icmp 1", "icmp 256 0", "lifetimes 1", "advertise",
    f"advertise {HOME} once",
])
def test_bad_commands(agent, line):
    assert not agent.control.ask(line)["ok"]


# Faults


def echo(mn, timeout=0.4):
    mn.flush()
    mn.encapsulate(IPv6(src=mn.home, dst=HA) / ICMPv6EchoRequest(id=3))
    return mn.tunnelled(timeout)


def test_data_off(agent, mn):
    mn.register()
    assert echo(mn)
    agent("data off")
    assert echo(mn) is None
    assert mn.register().status == 0, "signalling lives"
    agent("data on")
    assert echo(mn)


def test_crash(agent, mn, lab):
    mn.register()
    assert HOME in lab.ip("ha", "-6 neigh show proxy")
    agent("crash")
    assert HOME not in lab.ip("ha", "-6 neigh show proxy") and not agent.bindings()
    mn.flush()
    mn.update()
    assert mn.answer(0.3) is None and echo(mn) is None
    agent("revive")
    assert mn.register().status == 0 and echo(mn)


@pytest.mark.parametrize("kind, code, word", [(1, 3, 0), (4, 1, 6), (4, 2, 42)])
def test_icmp_errors(agent, mn, kind, code, word):
    agent(f"icmp {kind} {code} 1 {word}")
    mn.flush()
    sent = mn.update()
    error = next(IPv6(p) for p in mn.packets(1) if p[6] == 58 and p[40] == kind)
    octets = bytes(error.payload)
    assert (error.src, error.dst, octets[1]) == (HA, COA, code)
    assert int.from_bytes(octets[4:8], "big") == word
    assert octets[8:15] + octets[16:] == sent[:7] + sent[8:], "another hop limit, else as sent"
    checksum = error.payload.cksum
    del error.payload.cksum
    assert IPv6(bytes(error)).payload.cksum == checksum
    assert not agent.bindings()
    assert mn.register().status == 0, "only once"


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
