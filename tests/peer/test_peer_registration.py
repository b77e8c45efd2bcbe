# SPDX-License-Identifier: GPL-2.0-or-later
"""The home agent's answers to binding updates."""

import sys
import time

import pytest

from peer_network import CN, COA, COA2, HA, HA2, HOME, KEY, PREFIX
from lab import wait_for
from mobile_node import Key, ntp


def test_first_registration(agent, mn):
    answer = mn.register(lifetime=420)
    assert (answer.status, answer.sequence, answer.lifetime) == (0, mn.sequence, 105)
    assert (answer.source, answer.destination, answer.home) == (HA, COA, HOME)
    [binding] = agent.bindings()
    assert binding["home"] == HOME and binding["coa"] == COA
    assert 415 < binding["lifetime_left_s"] <= 420


def test_second_address_of_the_agent(agent, make_mn):
    answer = make_mn(agent=HA2).register()
    assert answer.status == 0 and answer.source == HA2
    assert agent.bindings()[0]["agent"] == HA2


def test_lifetime_is_cut(start_agent, mn):
    start_agent("--address", HA, "--home-prefix", PREFIX, "--home-link", "home", "--mn", HOME,
                "--lifetime-max", 60, "--refresh-advice", 20)
    answer = mn.register(lifetime=420)
    assert answer.lifetime == 15
    assert answer.options[2][1] == b"\0\5"


def test_lifetime_ends(agent, mn):
    assert mn.register(lifetime=4).status == 0
    assert HOME in agent.lab.ip("ha", "-6 route show dev ha0")
    wait_for(lambda: not agent.bindings(), "end of the lifetime", 6)
    assert HOME not in agent.lab.ip("ha", "-6 route show dev ha0")


@pytest.mark.parametrize("flags, status", [(0x8000, 131), (0x4000, 128)])
def test_flags_needed(agent, mn, flags, status):
    assert mn.register(flags=flags).status == status
    assert not agent.bindings()


def test_foreign_home_address(agent, make_mn):
    assert make_mn(home="2001:db8:77::1").register().status == 132


def test_unknown_mobile_node(agent, make_mn):
    assert make_mn(home="2001:db8:1::200").register().status == 133


def test_any_address_of_a_prefix(start_agent, make_mn):
    start_agent("--address", HA, "--home-prefix", PREFIX, "--home-link", "home", "--mn", PREFIX)
    for n in (1, 2):
        assert make_mn(home=f"2001:db8:1::200:{n}").register().status == 0


def test_old_sequence_number(agent, mn):
    assert mn.register(sequence=1000).status == 0
    for old in (1000, 999, 1000 - 32768):
        answer = mn.register(sequence=old % 65536)
        assert (answer.status, answer.sequence) == (135, 1000)
    assert mn.register(sequence=1001).status == 0


def test_sequence_number_wraps(agent, mn):
    assert mn.register(sequence=65535).status == 0
    assert mn.register(sequence=0).status == 0


@pytest.mark.parametrize("coa", ["::", "ff02::1", "::1", "fe80::1", HA])
def test_impossible_care_of_address(agent, mn, coa):
    assert mn.register(coa=coa, source=COA).status == 174
    assert not agent.bindings()


def test_care_of_address_is_a_home_address(start_agent, make_mn):
    start_agent("--address", HA, "--home-prefix", PREFIX, "--home-link", "home", "--mn", PREFIX)
    assert make_mn(home="2001:db8:1::201").register().status == 0
    assert make_mn(home="2001:db8:1::202").register(coa="2001:db8:1::201",
                                                    source=COA).status == 174


def test_alternate_care_of_address(agent, mn):
    answer = mn.register(coa=COA2, source=COA)
    assert answer.status == 0 and answer.destination == COA
    assert agent.bindings()[0]["coa"] == COA2


def test_without_alternate_care_of_address(agent, mn):
    assert mn.register(alt_coa=False).status == 0
    assert agent.bindings()[0]["coa"] == COA


def test_deregistration_from_away(agent, mn):
    mn.register()
    answer = mn.register(lifetime=0)
    assert (answer.status, answer.lifetime, answer.home) == (0, 0, HOME)
    assert not agent.bindings()
    # Its answer was lost: the repeated one is answered as the first.
    assert mn.register(lifetime=0).status == 0
    assert mn.register().status == 0


def test_deregistration_of_nothing(agent, mn):
    assert mn.register(lifetime=0).status == 133


def test_return_home(agent, mn, make_mn, lab):
    mn.register()
    home = make_mn(ifname="home0", coa=HOME)
    home.sequence = mn.sequence
    lab.ip("mn", f"address add {HOME}/64 dev home0 nodad")
    try:
        answer = home.register(at_home=True, lifetime=0)
        assert (answer.status, answer.home, answer.destination) == (0, None, HOME)
        assert not agent.bindings()
        lab.run("host", "ping", "-c1", "-W2", HOME)
        lab.run("cn", "ping", "-c1", "-W2", HOME)
    finally:
        lab.ip("mn", f"address del {HOME}/64 dev home0")


def test_dad_delay(start_agent, mn):
    agent = start_agent("--address", HA, "--home-prefix", PREFIX, "--home-link", "home", "--mn",
                        HOME, "--dad-delay", 300)
    begin = time.monotonic()
    mn.update()
    mn.update()
    answer = mn.answer()
    assert 0.25 < time.monotonic() - begin < 0.8
    assert answer.status == 0 and answer.sequence == mn.sequence
    assert mn.answer(0.2) is None, "one answer to both"
    begin = time.monotonic()
    assert mn.register().status == 0 and time.monotonic() - begin < 0.2
    assert agent.bindings()[0]["state"] == "bound"


def test_spoilt_updates_are_not_answered(agent, mn):
    octets = bytearray(mn.update())
    assert mn.answer().status == 0
    bad_sum = octets.copy()
    bad_sum[64 + 4] ^= 1
    cut = octets[:-8]
    cut[4:6] = (len(cut) - 40).to_bytes(2, "big")
    foreign_payload = octets.copy()
    foreign_payload[64] = 6
    for packet in (bad_sum, cut, foreign_payload):
        mn.send(bytes(packet))
        assert mn.answer(0.2) is None
    assert agent.counters()["updates_bad_checksum"] == 3


def test_kernel_keeps_quiet(agent, mn):
    mn.update()
    icmp = [p for p in mn.packets(0.5) if p[6] == 58 and p[40] in (1, 4)]
    assert not icmp, "the kernel complained of a binding update"


# RFC 4285


def test_authenticated(keyed_agent, keyed_mn):
    answer = keyed_mn.register()
    assert answer.status == 0
    assert answer.authentic(KEY, COA, HOME)
    assert answer.options[8][1] == b"\1mn@example.net"
    assert len(answer.options[10][1]) == 8


def test_sha256(start_agent, make_mn, key_file):
    start_agent("--address", HA, "--home-prefix", PREFIX, "--home-link", "home", "--mn",
                f"{HOME},spi=300,alg=hmac-sha256-128,keyfile={key_file}")
    key = Key(300, KEY.key, "hmac-sha256-128")
    answer = make_mn(key=key).register()
    assert answer.status == 0 and answer.authentic(key, COA, HOME)


@pytest.mark.parametrize("key", [Key(256, bytes(16)), Key(257, KEY.key), None])
def test_authentication_fails(keyed_agent, make_mn, key):
    answer = make_mn(key=key).register()
    assert answer.status == 146 and answer.authentic(KEY, COA, HOME)
    assert not keyed_agent.bindings()


def test_option_that_cannot_be_verified(agent, keyed_mn):
    assert keyed_mn.register().status == 146


def test_forged_updates_change_nothing(keyed_agent, keyed_mn, make_mn):
    keyed_mn.register()
    before = keyed_agent.bindings()[0]
    forger = make_mn(ifname="v2", coa=COA2, key=Key(256, b"x" * 16))
    forger.sequence = keyed_mn.sequence + 10
    for lifetime in (420, 0):
        assert forger.register(lifetime=lifetime).status == 146
    after = keyed_agent.bindings()[0]
    assert (after["coa"], after["sequence"]) == (before["coa"], before["sequence"])
    assert after["lifetime_left_s"] <= before["lifetime_left_s"]


def test_timestamp_missing(keyed_agent, keyed_mn):
    answer = keyed_mn.register(timestamp=None)
    assert answer.status == 145 and answer.authentic(KEY, COA, HOME)


@pytest.mark.parametrize("offset", [-10, 10, -2 ** 30])
def test_timestamp_wrong(keyed_agent, keyed_mn, offset):
    sent = ntp(time.time() + offset)
    answer = keyed_mn.register(timestamp=sent)
    assert answer.status == 144
    value = int.from_bytes(answer.options[10][1], "big")
    assert value & 0xFFFFFFFF == sent & 0xFFFFFFFF
    assert abs((value >> 32) - (ntp(time.time()) >> 32)) <= 1
    assert not keyed_agent.bindings()


def test_without_replay_protection(start_agent, keyed_mn, key_file):
    start_agent("--address", HA, "--home-prefix", PREFIX, "--home-link", "home", "--mn",
                f"{HOME},spi=256,keyfile={key_file}", "--replay-window", 0)
    answer = keyed_mn.register(timestamp=None)
    assert answer.status == 0 and answer.authentic(KEY, COA, HOME) and 10 not in answer.options


def test_replayed_update(keyed_agent, keyed_mn):
    recorded = keyed_mn.update()
    assert keyed_mn.answer().status == 0
    keyed_mn.send(recorded)
    assert keyed_mn.answer().status == 144
    keyed_agent(f"forget {HOME}")
    keyed_mn.send(recorded)
    assert keyed_mn.answer().status == 144
    assert not keyed_agent.bindings()


def test_foreign_identifier(keyed_agent, keyed_mn):
    assert keyed_mn.register(nai="other@example.net").status == 133


# Scripted


@pytest.mark.parametrize("status", [128, 129, 130, 131, 132, 133, 134, 135, 139, 144, 146, 174,
                                    200])
def test_scripted_refusal(agent, mn, status):
    mn.register()
    before = agent.bindings()[0]["sequence"]
    agent(f"status {status} 2")
    for _ in range(2):
        assert mn.register(coa=COA2, source=COA).status == status
    assert agent.bindings()[0]["sequence"] == before and agent.bindings()[0]["coa"] == COA
    assert mn.register().status == 0


def test_scripted_success(agent, mn):
    agent("status 1")
    assert mn.register().status == 1
    assert agent.bindings()


def test_silent_and_drop(agent, mn):
    agent("silent on")
    mn.update()
    assert mn.answer(0.2) is None
    agent("silent off")
    agent("drop 2")
    for _ in range(2):
        mn.update()
        assert mn.answer(0.2) is None
    assert mn.register().status == 0
    assert agent.counters()["updates_ignored"] == 3


def test_forget(agent, mn):
    mn.register(sequence=500)
    agent(f"forget {HOME}")
    assert not agent.bindings() and mn.answer(0.1) is None
    assert mn.register(sequence=3).status == 0


MUTATIONS = {
    "truncated": lambda a, c: not a.length_ok and a.checksum_ok,
    "oversized": lambda a, c: not a.length_ok and a.checksum_ok,
    "bad-auth": lambda a, c: a.checksum_ok and not a.authentic(KEY, COA, HOME),
    "no-auth": lambda a, c: a.checksum_ok and 9 not in a.options,
    "bad-checksum": lambda a, c: not a.checksum_ok and a.authentic(KEY, COA, HOME),
    "wrong-sequence": lambda a, c: a.sequence != c and a.authentic(KEY, COA, HOME),
    "wrong-hoa": lambda a, c: a.home != HOME and a.checksum_ok,
    "no-rh2": lambda a, c: a.home is None and a.checksum_ok,
    "replayed": lambda a, c: a.sequence == c - 1 and a.authentic(KEY, COA, HOME),
    "wrong-spi": lambda a, c: a.authentic(Key(257, KEY.key), COA, HOME),
    "unknown-option": lambda a, c: a.options[200] and a.authentic(KEY, COA, HOME),
    "duplicate": lambda a, c: a.authentic(KEY, COA, HOME),
}


@pytest.mark.parametrize("mode", MUTATIONS)
def test_mutations(keyed_agent, keyed_mn, mode):
    keyed_mn.register()
    keyed_agent(f"ba-mutate {mode}")
    keyed_mn.update()
    answer = keyed_mn.answer()
    assert MUTATIONS[mode](answer, keyed_mn.sequence)
    if mode == "duplicate":
        assert keyed_mn.answer().message == answer.message
    assert keyed_mn.answer(0.1) is None
    assert keyed_mn.register().authentic(KEY, COA, HOME)


def test_delayed_answer(agent, mn):
    agent("ba-mutate delayed 300")
    begin = time.monotonic()
    mn.update()
    assert mn.answer().sequence == mn.sequence
    assert time.monotonic() - begin >= 0.3


def test_bad_commands(agent):
    for line in ("", "fly", "status", "status x", "status 300", "silent maybe", "forget",
                 "forget ::zz", f"forget {CN}", "ba-mutate bent", "ba-mutate delayed",
                 "switch", f"switch {HOME}", f"switch {HOME} nonsense",
                 f"switch {HOME} none via boat", "error 1", "refresh", "agents ,",
                 "a " * 20, "drop -1"):
        answer = agent.control.ask(line)
        assert not answer["ok"] and answer["error"], line


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
