# SPDX-License-Identifier: GPL-2.0-or-later
"""Addresses made for applications that ask (E2, RFC 8653): native first, registered only after a
move, and nobody rides along."""
import ipaddress
import time

from lib import account, applications, native, topology as net
from lib.run import wait_until
from lib.session import Dead, TcpSession

ECHO = 8080  # of no rule
AT_ONCE = 0.2  # seconds


def ask(scene, kind="session-lasting", **members):
    with applications.Client(scene.daemon.runtime / "sock") as client:
        begin = time.monotonic()
        reply = client.acquire(kind, timeout_ms=3000, **members)
        assert reply.error == 0, reply
        return reply.address, time.monotonic() - begin


def prefix_of(address):
    return ipaddress.ip_network(f"{address}/64", strict=False)


def is_in(address, place):
    return prefix_of(address) == ipaddress.ip_network(net.PREFIX[place])


def start(make_places, places="ABC", anchored="ABC", **settings):
    scene = make_places(places, anchored=anchored)
    scene.standard(**settings)
    scene.echo(port=ECHO)
    scene.attach("A")
    return scene


def test_E02_an_address_is_made_at_once_without_signalling(make_places):
    scene = start(make_places)
    address, seconds = ask(scene)
    assert is_in(address, "A") and address != scene.address("A")
    assert seconds < AT_ONCE
    session = TcpSession(scene.mn, net.CN, source=address, port=ECHO)
    session.exchange()
    assert ask(scene)[0] == address
    assert native.mobility(scene) == [] and native.tunnelled(scene) == []
    assert TcpSession(scene.mn, net.CN, port=ECHO).source == scene.address("A")


def test_E02_the_first_connection_from_a_new_address_is_not_delayed(make_places):
    """The router looks for it before the kernel has come to listen by itself."""
    scene = start(make_places, "A", "A")
    took = []
    for _ in range(4):  # as many as one user may have in a minute
        address, _ = ask(scene, flags=applications.NEW)
        begin = time.monotonic()
        TcpSession(scene.mn, net.CN, source=address, port=ECHO).exchange()
        took.append(time.monotonic() - begin)
    assert max(took) < 0.5, took


def test_E14_no_address_is_made_while_the_daemon_stops(make_places):
    scene = start(make_places, "A", "A")
    ask(scene)
    scene.daemon.stop()
    assert scene.daemon.process.output().count("made for sessions") == 1


def test_E02_E03_R2_who_asked_survives_three_places_and_nobody_rides_along(make_places):
    scene = start(make_places)
    asked, _ = ask(scene)
    session = TcpSession(scene.mn, net.CN, source=asked, port=ECHO)
    session.exchange()
    other = TcpSession(scene.mn, net.CN, port=ECHO)
    other.exchange()
    begin = scene.now()
    for place in "BC":
        begin = scene.now()
        scene.move(place)
        session.exchange()
        assert not account.one_pair_each(scene.packets(), [asked], begin)
        scene.wait_native(place)
        # Prepared: who asks here starts from here.
        assert is_in(ask(scene)[0], place)
    assert all(asked in (p.inner.src, p.inner.dst) for p in scene.packets()
               if p.inner and not p.innermost.is_mobility)
    try:
        other.exchange(timeout=1.0)
        raise AssertionError("a session that did not ask lives on")
    except Dead:
        pass
    session.close()
    scene.wait_unbound("A")
    wait_until(lambda: not scene.has_address(asked), "the address to go")


def test_E02_E06_back_at_its_place_the_session_is_native_again(make_places):
    scene = start(make_places, "AB", "AB")
    asked, _ = ask(scene)
    session = TcpSession(scene.mn, net.CN, source=asked, port=ECHO)
    session.exchange()
    scene.move("B")
    session.exchange()
    scene.move("A")
    session.exchange()
    scene.wait_unbound("A")
    begin = scene.now()
    session.exchange()
    assert native.tunnelled(scene, begin) == []
    assert ask(scene)[0] == asked


def test_E02_graceful_replacement_keeps_the_old_address_for_a_while(make_places):
    scene = start(make_places, "AB", "AB", GraceTime="2s")
    asked, _ = ask(scene, "graceful-replacement")
    session = TcpSession(scene.mn, net.CN, source=asked, port=ECHO)
    session.exchange()
    with applications.Client(scene.daemon.runtime / "sock") as events:
        events.ask(applications.SUBSCRIBE)
        events.receive()
        scene.move("B")
        events.receive()
    table = applications.Table(scene.daemon.runtime / "table")
    wait_until(lambda: any(e["address"] == asked and e["state"] == "draining"
                           for e in table.read()[2]), "the address to be draining")
    session.exchange()
    assert is_in(table.best("graceful-replacement")["address"], "B")
    scene.wait_unbound("A", timeout=8.0)
    wait_until(lambda: not scene.has_address(asked), "the address to go")


def test_E14_a_crash_loses_no_address_that_was_made(make_places):
    scene = start(make_places, "AB", "AB")
    asked, _ = ask(scene)
    session = TcpSession(scene.mn, net.CN, source=asked, port=ECHO)
    session.exchange()
    time.sleep(1.2)  # the state is saved within a second
    scene.daemon.crash()
    session.exchange()
    scene.daemon.start()
    session.exchange()
    assert ask(scene)[0] == asked
    scene.move("B")
    session.exchange()


def test_E02_orphans_are_ended_so_that_applications_try_again(make_places):
    scene = start(make_places, "AB", "A", KillOrphans="yes")
    scene.move("B")
    scene.wait_native("B")
    local = TcpSession(scene.mn, net.CN, port=ECHO)
    local.exchange()
    assert local.source == scene.address("B")
    begin = time.monotonic()
    scene.move("A")
    try:
        local.exchange(timeout=6.0)
        raise AssertionError("it lives on")
    except Dead as e:
        assert "abort" in str(e).lower() or "timed out" not in str(e)
    assert time.monotonic() - begin < 5.0
