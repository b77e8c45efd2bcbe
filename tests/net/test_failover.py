# SPDX-License-Identifier: GPL-2.0-or-later
"""Anchors that die: another one of the same prefix takes over with sessions intact; where there is none
the owners are told and nothing else suffers (E8, R6.7, P4)."""
import itertools

import pytest

from lib import judge, topology as net
from lib.run import wait_until

BOUND = 5.0  # seconds that a failover may take while traffic flows
EVERY_20_MS = ("--interval-us", 20000)


def with_pair(make_places, places="AB", **settings):
    """The host is in B with a stream of packets from its address of A, which two home agents serve."""
    scene = make_places(places, anchored="A", agents={"A": 2})
    scene.standard([scene.anchor("A", 0, "a1"), scene.anchor("A", 1, "a2")], **settings)
    scene.attach("A")
    stream = scene.session("media", port=5004, kind="udp", options=EVERY_20_MS)
    scene.move("B")
    scene.wait_shown("bindings", state="registered", home_address=stream.source)
    wait_until(lambda: arrivals(scene, stream, tunnelled=True), "packets through the tunnel")
    return scene, stream


def arrivals(scene, session, begin=0.0, tunnelled=False):
    """Times of the session's packets that came to the mobile node."""
    return [p.time for p in session.seen(scene.packets(), begin)
            if p.innermost.dst == session.source and (p.inner or not tunnelled)]


def outage(scene, session, begin):
    """The longest silence from a time on, as the mobile node heard it."""
    times = [begin, *arrivals(scene, session, begin)]
    return max(b - a for a, b in zip(times, times[1:]))


def serving(scene, place, home):
    """Number of the home agent of a place that has a binding, or None."""
    return next((n for n, agent in enumerate(scene.places[place].agents)
                 if net.canonical(home) in agent.bindings()), None)


def events(scene, kind):
    return [e for e in scene.daemon.ctl("events") if e["kind"] == kind]


def take_over(scene, stream, begin, bound=BOUND):
    """Until the stream comes through the other home agent of A: how long it was silent."""
    old = serving_path(scene, stream, 0.0, begin)
    wait_until(lambda: serving_path(scene, stream, begin) not in (None, old),
               "packets from the other home agent", 4 * bound, interval=0.05)
    took = outage(scene, stream, begin)
    print(f"failover after {took:.2f} s")
    return took


def serving_path(scene, session, begin, end=float("inf")):
    """Who sent the last of the session's packets that came."""
    last = [p for p in session.seen(scene.packets(), begin, end)
            if p.inner and p.inner.dst == session.source]
    return last[-1].src if last else None


@pytest.mark.parametrize("fault", ["crash", "silent on", "data off"])
def test_E08_another_anchor_takes_over(make_places, fault):
    """R6.7, G1: signalling and data die, or the data path alone."""
    scene, stream = with_pair(make_places)
    number = serving(scene, "A", stream.source)
    begin = scene.now()
    scene.agent("A", number).command(*fault.split())
    took = take_over(scene, stream, begin)
    assert scene.agent("A", 1 - number).care_of(stream.source) == scene.address("B")
    assert took <= BOUND, f"the session was silent for {took:.2f} s"
    assert stream.alive()
    assert events(scene, "path-dead") and events(scene, "anchor-switch")
    assert not events(scene, "session-lost")
    shown = scene.shown("bindings", home_address=stream.source)
    assert shown["anchor"] == ("a1", "a2")[1 - number]
    assert not [p for p in judge.direct_for(scene.packets(), stream.source) if p.time > begin]


def test_E08_a_node_that_vanishes_is_replaced(make_places):
    """Not even its neighbours hear of it: routers answer with ICMP errors."""
    scene, stream = with_pair(make_places)
    number = serving(scene, "A", stream.source)
    begin = scene.now()
    scene.kill_agent("A", number)
    took = take_over(scene, stream, begin)
    assert took <= BOUND, f"the session was silent for {took:.2f} s"
    assert not events(scene, "session-lost")


def test_E08_failover_is_as_fast_as_configured(make_places):
    scene, stream = with_pair(make_places, ProbeInterval="200ms", ProbeCount=2)
    number = serving(scene, "A", stream.source)
    begin = scene.now()
    scene.agent("A", number).command("data", "off")
    took = take_over(scene, stream, begin, 1.0)
    assert took <= 1.5, f"the session was silent for {took:.2f} s"


def test_E08_a_stream_of_octets_survives(make_places):
    scene = make_places("AB", anchored="A", agents={"A": 2})
    scene.standard([scene.anchor("A", 0, "a1"), scene.anchor("A", 1, "a2")])
    scene.attach("A")
    ssh = scene.session("ssh", port=22)
    scene.move("B")
    scene.wait_shown("bindings", state="registered", home_address=ssh.source)
    ssh.wait_progress()
    number = serving(scene, "A", ssh.source)
    scene.agent("A", number).command("data", "off")
    wait_until(lambda: scene.agent("A", 1 - number).care_of(ssh.source), "the other home agent", 10)
    ssh.wait_progress(10)
    assert ssh.close()["errors"] == []


def test_E08_an_anchor_dead_before_the_move_is_passed_over(make_places):
    scene = make_places("AB", anchored="A", agents={"A": 2})
    scene.standard([scene.anchor("A", n, f"a{n + 1}", FirstTimeout="200ms", Preference=-n)
                    for n in range(2)], MeasureAnchors="no")
    scene.attach("A")
    ssh = scene.session("ssh", port=22)
    scene.agent("A", 0).command("crash")
    begin = scene.now()
    scene.move("B")
    scene.wait_bound("A", "B", number=1)
    ssh.wait_progress(10)
    sent = scene.updates(ssh.source, begin)
    first = [p for p, _ in sent if p.dst == scene.agent("A", 0).address]
    assert len(first) == 3, "three unanswered updates tell"
    gaps = [b.time - a.time for a, b in itertools.pairwise(first)]
    assert gaps == pytest.approx([0.2, 0.4], abs=0.1)
    scene.wait_shown("anchors", name="a1", health="silent")


def others_untouched(scene, stream, begin):
    """P4: what the death of one anchor is to a session of another."""
    silence = outage(scene, stream, begin)
    assert silence < 0.3, f"a session of another anchor was silent for {silence:.2f} s"


def on_two_anchors(make_places):
    """In C, with a session through the anchor of A and one through that of B."""
    scene = make_places("ABC", anchored="AB")
    scene.standard()
    first = {}
    for place in "AB":
        if place == "A":
            scene.attach("A")
        else:
            scene.move("B")
            scene.wait_native("B")
        first[place] = scene.session(f"media-{place}", port=5004, kind="udp", options=EVERY_20_MS)
        assert first[place].source == scene.address(place)
    scene.move("C")
    for place in "AB":
        scene.wait_bound(place, "C")
        wait_until(lambda: arrivals(scene, first[place], tunnelled=True), "the tunnel")
    return scene, first["A"], first["B"]


def test_P4_without_another_anchor_only_its_own_sessions_suffer(make_places):
    """E8, R6.7: the prefix is lost, its owners are told; when the anchor is back, so is the prefix."""
    scene, victim, other = on_two_anchors(make_places)
    begin = scene.now()
    scene.agent("A").command("crash")
    lost = wait_until(lambda: events(scene, "session-lost"), "the owner to be told", 15,
                      interval=0.1)
    print(f"the owner was told after {lost[0]['time_real_usec'] / 1e6 - begin:.2f} s")
    assert all(victim.source in e["text"] for e in lost), lost
    scene.wait_shown("prefixes", prefix=net.PREFIX["A"], state="lost")
    assert scene.shown("prefixes", prefix=net.PREFIX["B"])["state"] == "remote"
    others_untouched(scene, other, begin)
    assert not [m for p, m in scene.updates(other.source, begin)]
    scene.agent("A").command("revive")
    back = scene.now()
    wait_until(lambda: arrivals(scene, victim, back), "the victim to go on", 20, interval=0.1)
    scene.wait_shown("prefixes", prefix=net.PREFIX["A"], state="remote")
    assert len(events(scene, "session-lost")) == len(lost), "told once"
    others_untouched(scene, other, begin)


def test_E08_a_dead_tunnel_without_another_anchor(make_places):
    """Signalling lives: the binding stays, the owner is told, and it goes on as soon as it can."""
    scene, victim, other = on_two_anchors(make_places)
    begin = scene.now()
    scene.agent("A").command("data", "off")
    lost = wait_until(lambda: events(scene, "session-lost"), "the owner to be told", 15,
                      interval=0.1)
    took = lost[0]["time_real_usec"] / 1e6 - begin
    print(f"the owner was told after {took:.2f} s")
    assert took <= BOUND
    assert events(scene, "path-dead")
    assert scene.agent("A").care_of(victim.source) == scene.address("C")
    scene.agent("A").command("data", "on")
    back = scene.now()
    wait_until(lambda: arrivals(scene, victim, back), "the victim to go on", interval=0.05)
    wait_until(lambda: events(scene, "path-alive"), "the tunnel to be found alive", interval=0.05)
    others_untouched(scene, other, begin)
    assert len(lost) == 1


@pytest.mark.parametrize("error", ["1 3", "1 1", "4 1"])
def test_E08_an_error_hastens_the_next_try(make_places, error):
    """ICMP errors are not authenticated: they change nothing but when the next update leaves."""
    scene = make_places("AB", anchored="A")
    scene.standard()
    scene.attach("A")
    ssh = scene.session("ssh", port=22)
    scene.agent("A").command("icmp", *error.split(), 1)
    begin = scene.now()
    scene.move("B")
    scene.wait_bound("A", "B")
    ssh.wait_progress()
    (first, _), (second, _) = scene.wait_updates(2, ssh.source, begin)[:2]
    assert second.time - first.time < 0.5, "waits for an answer that does not come"


def test_E08_errors_do_not_flood(make_places):
    """Each update is answered by an error: the rate stays within its limits."""
    scene = make_places("AB", anchored="A")
    scene.standard()
    scene.attach("A")
    scene.session("ssh", port=22)
    scene.agent("A").command("icmp", 1, 3, 100)
    begin = scene.now()
    scene.move("B")
    wait_until(lambda: scene.shown("anchors", name="a", health="silent"), "the anchor to be silent")
    wait_until(lambda: scene.now() > begin + 5, "five seconds", 6)
    assert len(scene.updates(after=begin)) <= 6


@pytest.mark.parametrize("status", [128, 129, 130, 131, 132, 133])
def test_E08_a_refusal_leads_to_another_anchor(make_places, status):
    scene = make_places("AB", anchored="A", agents={"A": 2})
    scene.standard([scene.anchor("A", n, f"a{n + 1}", Preference=-n) for n in range(2)],
                   MeasureAnchors="no")
    scene.attach("A")
    ssh = scene.session("ssh", port=22)
    scene.agent("A", 0).command("status", status, 10)
    begin = scene.now()
    scene.move("B")
    scene.wait_bound("A", "B", number=1)
    ssh.wait_progress()
    assert [p.dst for p, _ in scene.updates(ssh.source, begin)] == [
        scene.agent("A", n).address for n in range(2)]
    shown = scene.shown("anchors", name="a1")
    assert (shown["health"], shown["last_status"]) == ("refusing", status)
    refused, = events(scene, "binding-refused")
    assert str(status) in refused["text"]


def test_E08_a_refusal_without_another_anchor_is_tried_again(make_places):
    scene = make_places("AB", anchored="A")
    scene.standard()
    scene.attach("A")
    ssh = scene.session("ssh", port=22)
    scene.agent("A").command("status", 130, 1)
    scene.move("B")
    wait_until(lambda: events(scene, "binding-refused"), "the refusal")
    scene.wait_bound("A", "B")
    ssh.wait_progress()
