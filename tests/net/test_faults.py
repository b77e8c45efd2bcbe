# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults under a running stream, on whichever data plane DMMD_PLANE gives: what others take away or
change is put back, or named, within a second (N7, R6.7)."""
import socket
import struct
import time

import pytest
from lib import judge, state, topology as net
from lib.bus import Bus
from lib.daemon import DEVICE, ROUTE_TABLES, RULE_PRIORITIES
from lib.faults import (BOUND, TUNNELS, Stream, Transfer, carriers, fill, findings, kernel, largest,
                        own_devices, own_tunnels, remove_uplink, restore_uplink, storm,
                        detection_time, asleep)
from lib.observe import events, time_of
from lib.run import wait_until

NARROW = 1300
RTM_DELRULE, REQUEST, ACK, FRA_PRIORITY = 33, 1, 4, 6
ALLOWED = 10, 2  # repairs for somebody who takes the same away again and again: at once, a second

MANY = 400  # addresses: they are listed in several parts


@pytest.fixture
def bound(scene):
    scene.standard(bus=Bus(scene.run, scene.directory).address)
    scene.attach("B")
    return scene


def repair_all(scene, faults):
    """Each fault is mended in time, the stream goes on, and nothing is found wrong at the end."""
    stream, spans = Stream(scene), []
    for name, fault in faults.items():
        before = kernel(scene)
        with asleep(scene.daemon.process):
            fault(scene)
            assert state.difference(before, kernel(scene)), f"{name} does no harm"
        begin = time.monotonic()
        wait_until(lambda: not state.difference(before, kernel(scene)), lambda: (
            f"{name} to be mended: {state.difference(before, kernel(scene))}"), BOUND)
        spans.append((begin, time.monotonic() + BOUND))
    time.sleep(max(0.0, begin + BOUND - time.monotonic()))
    silent = stream.silence(*spans)
    assert silent <= BOUND, f"silent for {silent:.2f} s"
    assert not findings(scene)


def flush_own_rules(scene):
    for rule in state.rules(scene.mn):
        if rule["priority"] in RULE_PRIORITIES:
            scene.mn.command("ip", "-6", "rule", "del", "priority", rule["priority"])


def flush_all_rules(scene):
    for words in ("flush", "add pref 32766 lookup main protocol kernel"):
        scene.mn.command("ip", "-6", "rule", *words.split())


def flush_routes(scene):
    tables = {str(r.get("table")) for r in state.routes(scene.mn)}
    for table in map(str, range(ROUTE_TABLES.start, ROUTE_TABLES.stop + 16)):
        if table in tables:
            scene.mn.command("ip", "-6", "route", "flush", "table", table)


@pytest.mark.unjudged  # without its rule a home address is routed like any other, for a moment
def test_N7_what_another_manager_flushes_comes_back(bound):
    repair_all(bound, {
        "own rules flushed": flush_own_rules, "all rules flushed": flush_all_rules,
        "routes flushed": flush_routes,
        "address deleted": lambda s: s.mn.ip(f"addr del {net.HOME2}/128 dev {DEVICE}"),
        "addresses flushed": lambda s: s.mn.ip(f"addr flush dev {DEVICE}")})


@pytest.mark.unjudged
def test_N7_devices_that_somebody_removes_or_sets_down_come_back(bound):
    names = own_devices(bound)
    assert len(names) == 4 if TUNNELS else 2
    repair_all(bound, {f"{name} {what}": lambda s, line=line.format(name): s.mn.ip(line)
                       for what, line in (("down", "link set {} down"), ("gone", "link del {}"))
                       for name in names})


@pytest.mark.unjudged
def test_N7_programs_that_somebody_detaches_come_back(bound):
    """On the plane of the kernel: what lets packets in, and between whom and by which way."""
    def change(what):
        return lambda s: s.mn.ip(*(f"link set {t} type ip6tnl {what.format(n)}"
                                   for n, t in enumerate(own_tunnels(s), 1)))

    faults = {f"{what} of {device}": lambda s, words=words: s.mn.command("tc", *words)
              for device, side in carriers(bound) for what, words in (
                  ("program", ("filter", "del", "dev", device, side)),
                  ("queue", ("qdisc", "del", "dev", device, "clsact")))}
    if TUNNELS:
        faults |= {"remote end": change("remote 2001:db8:f00::{}"),
                   "local end": change("local 2001:db8:f00::{}"), "mark": change("fwmark 1")}
    repair_all(bound, faults)


@pytest.mark.unjudged
def test_N7_who_fights_is_not_fought_back_without_measure(bound):
    """Put back often, but not as often as it is taken away; it is said, and all ends well."""
    rule = next(r for r in state.rules(bound.mn) if r.get("src") == net.HOME1)
    begin, taken = time.monotonic(), 0
    with bound.mn.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
        while time.monotonic() < begin + 4:
            s.send(struct.pack("=IHHII12BHHI", 36, RTM_DELRULE, REQUEST | ACK, 0, 0,
                               socket.AF_INET6, *bytes(11), 8, FRA_PRIORITY, rule["priority"]))
            taken += struct.unpack_from("=16xi", s.recv(100))[0] == 0
            time.sleep(0.001)
    lasted, end = time.monotonic() - begin, time.monotonic()
    assert 2 <= taken <= ALLOWED[0] + ALLOWED[1] * lasted
    assert "a rule of ours is removed again and again" in bound.daemon.process.output()
    wait_until(lambda: rule in state.rules(bound.mn), "the rule", BOUND - (time.monotonic() - end))
    assert any("again and again" in words for words in findings(bound))


def test_R6_7_uplink_that_is_gone_is_replaced_by_the_other(bound):
    """And comes back under another number."""
    bound.plug("w1", "C")
    bound.wait_bound("C", "w1")
    stream, spans = Stream(bound, "w1"), []
    for index in (40, 41):
        begin = remove_uplink(bound, "w1")
        bound.wait_bound("B", "w0")
        spans.append((begin, time.monotonic() + BOUND))
        restore_uplink(bound, "w1", index)
        bound.plug("w1", "C")
        bound.wait_bound("C", "w1")
        bound.wait_stream(net.HOME2, "w1")
    silent = stream.silence(*spans, (begin, time.monotonic()))
    assert silent <= BOUND, f"silent for {silent:.2f} s"
    assert not findings(bound)


def test_R6_7_uplink_that_is_gone_is_missed_aloud(bound):
    """There is no other; when it comes back, under another number, the stream goes on."""
    stream = Stream(bound)
    begin = bound.now()
    remove_uplink(bound, "w0")
    wait_until(lambda: events(bound, "offline"), "it to be told", BOUND + 1)
    assert time_of(events(bound, "offline")[-1]) - begin <= BOUND
    assert any("no way out" in words for words in findings(bound))
    restore_uplink(bound, "w0", 40)
    bound.plug("w0", "B")
    bound.wait_bound("B")
    back = time.monotonic()
    bound.wait_stream(net.HOME2, "w0")
    assert stream.silence((back, time.monotonic())) <= BOUND
    assert not findings(bound)


def full_maps(bound):
    """Left by somebody else, or by runs before a crash: a move goes on as if it were not there."""
    home, number = socket.inet_pton(socket.AF_INET6, net.HOME2), (1 << 24).to_bytes(4, "big")
    for name, first, rest in (("binding", bytes(8), 8), ("accept", home, 32), ("coa", bytes(8), 8),
                              ("uplink", number[:2], 2)):
        fill(bound, name, first, rest)
    stream = Stream(bound)
    begin = time.monotonic()
    bound.mn.ip("link add e0 type veth peer name e1")  # looks like an uplink
    bound.plug("w1", "C")
    bound.wait_bound("C", "w1")
    bound.wait_stream(net.HOME2, "w1")
    bound.unplug("w0")
    time.sleep(BOUND)
    assert stream.silence((begin, time.monotonic())) <= BOUND
    said = bound.daemon.process.output()
    assert all(f"map {name} of the data plane was full" in said
               for name in ("accept", "coa", "uplink"))
    assert not findings(bound)


def tunnel_taken(bound):
    """Somebody else has one between the same ends; the other home address is not concerned."""
    stream = Stream(bound)
    bound.mn.ip(f"link add other type ip6tnl mode ip6ip6 remote {net.HA1} "
                f"local {net.care_of('C')} dev w0")
    bound.move("C")
    bound.wait_care_of(bound.ha2, "C")
    begin = time.monotonic()
    wait_until(lambda: any(f"path of {net.HOME1}" in f and "File exists" in f
                           for f in findings(bound)), "it to be named", BOUND)
    bound.wait_stream(net.HOME2, "w0")
    bound.mn.ip("link del other")
    gone = time.monotonic()
    wait_until(lambda: bound.routed_by(net.HOME1) in own_tunnels(bound), "the tunnel", BOUND)
    assert stream.silence((begin, gone + BOUND)) <= BOUND
    assert not findings(bound)


def test_R6_7_what_the_plane_has_no_room_for_is_mended_or_named(bound):
    (tunnel_taken if TUNNELS else full_maps)(bound)


def test_R6_7_more_home_addresses_than_there_is_room_for_are_refused_by_name(bound):
    stream, begin = Stream(bound), time.monotonic()
    text = bound.daemon.config.read_text()
    more = "".join(f"HomeAddress=2001:db8:22::{n:x}/64\n" for n in range(0x1000, 0x1040))
    bound.daemon.config.write_text(text + more)
    with pytest.raises(RuntimeError, match="HomeAddress.*at most 64"):
        bound.daemon.ctl("reload")
    assert stream.silence((begin, time.monotonic())) <= BOUND
    bound.daemon.config.write_text(text)
    bound.daemon.ctl("reload")
    assert not findings(bound)


def test_E14_it_starts_while_the_kernel_changes_all_the_time(scene):
    """A listing that changes interrupt again and again is put off, and not the end."""
    scene.mn.ip(*(f"addr add 2001:db8:f::{n:x}/128 dev lo" for n in range(1, MANY)))
    changes = scene.directory / "changes"
    address = "2001:db8:f::/128 dev lo"
    changes.write_text(f"addr add {address}\naddr del {address}\n" * MANY)
    others = scene.mn.start("others", ["sh", "-c", f"while ip -6 -batch {changes}; do :; done"],
                            scene.directory / "others.log")
    scene.standard()
    others.stop()
    scene.attach("B")


@pytest.mark.unjudged  # without its rule a home address is routed like any other, for a moment
def test_R6_7_events_that_were_lost_are_found_out(bound):
    """What was told before them is not believed afterwards; a move among them is followed."""
    bound.mn.ip("link set w1 down")
    stream, before = Stream(bound), kernel(bound)
    with asleep(bound.daemon.process):
        bound.mn.ip("link set w1 up")
        bound.plug("w1", "C")
        storm(bound)
        flush_own_rules(bound)
        bound.mn.ip(f"addr del {net.HOME2}/128 dev {DEVICE}")
        bound.unplug("w1")
        bound.mn.ip("link set w1 down")
    begin = time.monotonic()
    bound.daemon.process.wait_output("events were lost", BOUND)
    wait_until(lambda: not state.difference(before, kernel(bound)), lambda: (
        f"all to be back: {state.difference(before, kernel(bound))}"), BOUND)
    link, = (found for found in bound.daemon.ctl("links") if found["name"] == "w1")
    assert link["state"] == "down", link
    spans = [(begin, time.monotonic())]
    with asleep(bound.daemon.process):
        storm(bound)
        bound.move("C")
    begin = time.monotonic()
    bound.wait_bound("C")
    spans.append((begin + detection_time(bound), time.monotonic()))
    bound.wait_stream(net.HOME2, "w0")
    assert stream.silence(*spans) <= BOUND
    assert not findings(bound)


def assert_uses(scene, transfer, mtu):
    """In time what is sent fits into that, and uses it."""
    settled = scene.now() + BOUND
    wait_until(lambda: scene.now() > settled, "it to settle", 2 * BOUND)
    transfer.proceed()
    assert mtu - 100 < largest(scene, settled) <= mtu


def test_N11_mtu_of_the_uplink_changes_in_the_middle_of_a_transfer(bound):
    """Lowered and raised again, on both sides of the link: what is sent fits, and uses it."""
    transfer = Transfer(bound)
    for mtu in (NARROW, judge.MTU):
        bound.nodes.routers["B"].ip(f"link set lan mtu {mtu}")
        bound.mn.ip(f"link set w0 mtu {mtu}")
        wait_until(lambda: f"'mtu': {mtu - 40}" in str(state.routes(bound.mn)), "the route to "
                   "follow", BOUND)
        assert_uses(bound, transfer, mtu)
    assert transfer.stall() <= BOUND
    assert not findings(bound)


def test_N11_path_mtu_shrinks_in_the_middle_of_a_transfer(bound):
    transfer = Transfer(bound)
    way = bound.nodes.routers["B"].ip_json("-6", "route", "show", "default")[0]["gateway"]
    bound.nodes.routers["B"].ip(f"route change default via {way} mtu lock {NARROW}")
    bound.nodes.core.ip(f"route change {net.PREFIX['B']} via {way[:-1]}2 mtu lock {NARROW}")
    assert_uses(bound, transfer, NARROW)
    assert transfer.stall() <= BOUND
    assert not findings(bound)
