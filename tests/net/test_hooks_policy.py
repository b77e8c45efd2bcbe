# SPDX-License-Identifier: GPL-2.0-or-later
"""What the hooks give to sockets that ask for nothing: control groups and rules."""

import pytest
from lib import hooked
from lib.hooked import (ADDRESSES, asked, datagram, DNS_PORT, DNS_TLS_PORT, LOCAL, PEER, stream,
                        TCP_PORT, TO)
from lib.hooks import (FIXED, GRACEFUL, GROUP_UDP, NON_PERSISTENT, rule, SESSION, TCP, UDP,
                       UNDECIDED, UNSPEC)

host, one_host = hooked.host, hooked.one_host


RULE_TESTS = {
    "any": (rule(SESSION), SESSION),
    "udp": (rule(SESSION, UDP), None),
    "port": (rule(SESSION, ports=[(1, 100), (TCP_PORT, TCP_PORT)]), SESSION),
    "other-port": (rule(SESSION, ports=[(TCP_PORT + 1, 65535)]), None),
    "prefix": (rule(SESSION, prefixes=["2001:db8:7::/48", "2001:db8:1::/64"]), SESSION),
    "prefix-125": (rule(SESSION, prefixes=["2001:db8:1::8/125"]), SESSION),
    "other-prefix-125": (rule(SESSION, prefixes=["2001:db8:1::/125"]), None),
    "prefix-0": (rule(SESSION, prefixes=["::/0"]), SESSION),
    "prefix-128": (rule(SESSION, prefixes=[f"{PEER}/128"]), SESSION),
    "user": (rule(SESSION, users=[1, 0]), SESSION),
    "other-user": (rule(SESSION, users=[1, 1000]), None),
    "non-persistent": (rule(NON_PERSISTENT), None),
    "undecided": (rule(UNDECIDED), None),
    "unknown-type": (rule(77), None),
    "full": (rule(GRACEFUL, ports=[(1, 1)] * 7 + [(TCP_PORT, TCP_PORT)], users=[1] * 7 + [0],
                  prefixes=["2001:db9::/32"] * 7 + ["2001:db8::/32"]), GRACEFUL)}


@pytest.mark.parametrize("name", RULE_TESTS)
def test_rule(host, name):
    one, expected = RULE_TESTS[name]
    host.serve(rules=[one])
    host.listen()
    assert host.do(asked, stream, None) == ADDRESSES.get(expected, LOCAL)


FIRST_RULE_TESTS = {
    "other-port": (rule(FIXED, ports=[(1, 9)]), SESSION),
    "match": (rule(FIXED), FIXED),
    "undecided": (rule(UNDECIDED), None),
    "undecided-for-others": (rule(UNDECIDED, users=[1000]), SESSION),
    "non-persistent": (rule(NON_PERSISTENT), None)}


@pytest.mark.parametrize("name", FIRST_RULE_TESTS)
def test_first_rule_that_matches_counts(host, name):
    first, expected = FIRST_RULE_TESTS[name]
    host.serve(rules=[first, rule(SESSION)])
    host.listen()
    assert host.do(asked, stream, None) == ADDRESSES.get(expected, LOCAL)


def test_last_of_all_rules_counts(host):
    host.serve(rules=[rule(FIXED, users=[4242])] * 63 + [rule(SESSION)], at=128)
    host.listen()
    assert host.do(asked, stream, None) == ADDRESSES[SESSION]


def test_rules_change_over_by_their_number(host):
    host.serve(rules=[rule(FIXED)])
    host.serve(rules=[rule(SESSION)], at=64)
    host.listen()
    assert host.do(asked, stream, None) == ADDRESSES[SESSION]


def test_rule_for_users(host):
    host.serve(rules=[rule(SESSION, users=[1000])])
    host.listen()
    assert host.do(asked, stream, None, uid=1000) == ADDRESSES[SESSION]
    assert host.do(asked, stream, None, uid=1001) == LOCAL


def test_datagrams_only_where_the_rule_names_them(host):
    def send():
        with datagram() as s:
            s.sendto(b"x", TO)
            return host.maps.held_by()
    receiver = host.receiver()
    host.serve(rules=[rule(SESSION)])
    assert host.do(asked, datagram, None) == LOCAL
    host.do(send)
    assert receiver.recvfrom(16)[1][0] == LOCAL
    host.serve(rules=[rule(SESSION, UDP)])
    assert host.do(asked, datagram, None) == ADDRESSES[SESSION]
    held = host.do(send)
    assert receiver.recvfrom(16)[1][0] == ADDRESSES[SESSION]
    assert list(held.values()) == [(ADDRESSES[SESSION], SESSION, 0)]


@pytest.mark.parametrize("port", [DNS_PORT, DNS_TLS_PORT])
@pytest.mark.parametrize("make", [stream, datagram], ids=["tcp", "udp"])
def test_name_servers_are_never_for_policy(host, make, port):
    host.serve(rules=[rule(SESSION, TCP | UDP)])
    host.maps.set_group(host.group.id, FIXED | GROUP_UDP)
    host.listen(port=port)
    assert host.do(asked, make, None, None, (PEER, port)) == LOCAL
    assert host.do(asked, make, SESSION, None, (PEER, port)) == ADDRESSES[SESSION]


def test_request_counts_more_than_policy(host):
    host.serve(rules=[rule(FIXED)])
    host.listen()
    assert host.do(asked, stream, SESSION) == ADDRESSES[SESSION]
    assert host.do(asked, stream, NON_PERSISTENT) == LOCAL
    assert host.do(asked, stream, UNSPEC) == ADDRESSES[FIXED]


def test_control_group_counts_more_than_rules(host):
    host.serve(rules=[rule(FIXED, TCP | UDP)])
    host.maps.set_group(host.group.id, SESSION)
    host.listen()
    assert host.do(asked, stream, None) == ADDRESSES[SESSION]
    assert host.do(asked, datagram, None) == ADDRESSES[FIXED]
    host.maps.set_group(host.group.id, SESSION | GROUP_UDP)
    assert host.do(asked, datagram, None) == ADDRESSES[SESSION]
    assert host.do(asked, stream, GRACEFUL) == ADDRESSES[GRACEFUL]


def test_control_group_of_non_persistent_is_left_to_the_kernel(host):
    host.serve(rules=[rule(FIXED)])
    host.maps.set_group(host.group.id, NON_PERSISTENT)
    host.listen()
    assert host.do(asked, stream, None) == LOCAL


def test_policy_without_an_address_wants_one(host):
    host.serve({}, rules=[rule(SESSION)])
    host.listen()
    assert host.do(asked, stream, None) == LOCAL
    assert host.maps.wanted() == [(PEER, SESSION, 0, 0)]
