# SPDX-License-Identifier: GPL-2.0-or-later
"""Probes through tunnels (R6.6): only while sessions live, at the interval that is configured, and
not at all by Liveness=no."""
import itertools

import pytest

from lib import forge, topology as net
from lib.delay import no_echo
from lib.observe import counters, events, probes, stream, wait_event, wait_tunnelled
from lib.run import wait_until
from lib.session import TcpSession

QUIET_PORT = 2222
POLICY = f"""[Rule quiet]
Protocol=tcp
Port={QUIET_PORT}
Service=session-lasting

[Rule media]
Protocol=udp
Port=5004
Service=session-lasting
"""


def started(make_places, places="AB", anchored="A", **settings):
    scene = make_places(places, anchored=anchored)
    scene.standard(policy=POLICY, **settings)
    scene.echo(port=QUIET_PORT)
    scene.attach("A")
    return scene


def quiet_session(scene):
    """A connection in need that says nothing."""
    session = TcpSession(scene.mn, net.CN, port=QUIET_PORT)
    session.exchange()
    assert net.canonical(session.source) == scene.address("A")
    return session


def in_tunnel(scene, home, place="B"):
    scene.move(place)
    scene.wait_bound("A", place)
    scene.wait_shown("bindings", state="registered", home_address=net.canonical(home))


def gaps(found):
    return [b.time - a.time for a, b in itertools.pairwise(found)]


def test_R6_6_a_quiet_tunnel_is_probed_at_the_interval(make_places):
    """Echo requests from the home address to the anchor through the tunnel, 2 s +-10 %."""
    scene = started(make_places, IdleProbeInterval="2s")
    session = quiet_session(scene)
    in_tunnel(scene, session.source)
    home = net.canonical(session.source)
    found = wait_until(lambda: len(p := probes(scene, home)) >= 5 and p, "five probes", 14,
                       interval=0.1)
    print("intervals " + " ".join(f"{gap:.2f}" for gap in gaps(found)))
    for probe in found:
        assert (probe.inner.src, probe.inner.dst) == (home, scene.agent("A").address)
        assert (probe.src, probe.dst) == (scene.address("B"), scene.agent("A").address)
    assert gaps(found)[-3:] == pytest.approx([2.0] * 3, rel=0.1)
    n = counters(scene, "a")
    assert n["probes_sent"] == n["probes_answered"] == len(probes(scene, home))
    session.exchange()
    session.close()


def test_R6_6_nothing_is_probed_when_the_session_is_gone(make_places, quiet):
    scene = started(make_places, IdleProbeInterval="1s", HoldTime="30s")
    session = quiet_session(scene)
    in_tunnel(scene, session.source)
    wait_until(lambda: probes(scene), "a probe")
    session.close()
    scene.wait_shown("bindings", sessions_in_need=0)
    quiet(0.2)
    begin = scene.now()
    quiet(3)
    assert scene.agent("A").bindings(), "the hold time runs"
    assert not probes(scene, begin=begin)


def test_P5_a_fixed_address_without_sessions_is_not_probed(make_places, quiet):
    scene = make_places("AB", anchored="A")
    section = scene.anchor("A")
    section.home = net.HOME1
    scene.standard([section], IdleProbeInterval="1s")
    scene.attach("B")
    scene.wait_shown("bindings", state="registered", home_address=net.HOME1)
    quiet(3.5)
    assert not probes(scene)
    assert counters(scene, "a")["probes_sent"] == 0


def test_R6_6_none_while_packets_come(make_places, quiet):
    """What comes through the tunnel is proof enough: one echo at most, to learn if the anchor
    answers any."""
    scene = started(make_places, ProbeInterval="200ms", IdleProbeInterval="1s")
    media = stream(scene)
    in_tunnel(scene, media.source)
    wait_tunnelled(scene, media)
    quiet(3)
    assert len(probes(scene)) <= 1
    assert not events(scene, "path-dead")


def test_R6_6_switched_off(make_places, quiet):
    """Neither on a quiet tunnel nor on a dead one."""
    scene = started(make_places, Liveness="no", ProbeInterval="200ms", IdleProbeInterval="1s")
    session = quiet_session(scene)
    media = stream(scene)
    in_tunnel(scene, session.source)
    wait_tunnelled(scene, media)
    scene.agent("A").command("data", "off")
    quiet(4)
    assert not probes(scene)
    assert not events(scene, "path-dead") and not events(scene, "session-lost")
    scene.agent("A").command("data", "on")
    session.close()


def test_R6_6_the_interval_while_nothing_comes(make_places):
    """Packets leave and none comes: the probes follow each other within ProbeInterval=."""
    scene = started(make_places, ProbeInterval="600ms", ProbeCount=3)
    media = stream(scene)
    in_tunnel(scene, media.source)
    wait_tunnelled(scene, media)
    begin = scene.now()
    scene.agent("A").command("data", "off")
    dead, = wait_event(scene, "path-dead", 10)
    took = dead["time_real_usec"] / 1e6 - begin
    print(f"dead after {took:.2f} s")
    sent = [p for p in probes(scene, begin=begin) if p.time < begin + took]
    assert len(sent) >= 3
    assert took <= 4 * 0.6 + 0.3, "one interval until it is noticed, then the probes"
    assert all(gap <= 0.7 for gap in gaps(sent)), gaps(sent)


def test_R6_6_an_anchor_that_answers_no_echo_is_not_dead(make_places, quiet):
    """Its binding acknowledgement, which is authenticated, is what tells; that it answers none is
    remembered and it is not probed any more."""
    scene = started(make_places, IdleProbeInterval="1s", ProbeInterval="300ms")
    no_echo(scene.nodes.ara)
    session = quiet_session(scene)
    in_tunnel(scene, session.source)
    begin = scene.now()
    wait_until(lambda: scene.updates(session.source, begin), "the anchor to be asked", 8)
    quiet(1)
    silent_since = scene.now()
    quiet(3)
    assert not events(scene, "path-dead") and not events(scene, "session-lost")
    assert len(scene.updates(session.source, begin)) == 1
    assert not probes(scene, begin=silent_since)
    assert session.exchange() < 1
    assert scene.shown("bindings")["state"] == "registered"
    session.close()


def test_R6_6_one_that_sends_only_is_not_dead(make_places, quiet):
    """The correspondent is gone; the tunnel is not: probes are answered."""
    scene = started(make_places, ProbeInterval="300ms")
    media = stream(scene)
    in_tunnel(scene, media.source)
    wait_tunnelled(scene, media)
    scene.cn.ip("link set wan down")
    wait_until(lambda: counters(scene, "a")["probes_answered"] >= 3, "answered probes", 8)
    quiet(1)
    assert not events(scene, "path-dead")
    assert scene.shown("bindings")["state"] == "registered"


@pytest.mark.unjudged
def test_R7_echo_replies_of_others_do_not_keep_a_dead_path(make_places):
    """From the visited link, outside of the tunnel, as if from the anchor."""
    scene = started(make_places, ProbeInterval="300ms")
    media = stream(scene)
    in_tunnel(scene, media.source)
    wait_tunnelled(scene, media)
    scene.agent("A").command("data", "off")

    def forged():
        for probe in probes(scene)[-3:]:
            reply = forge.icmpv6(scene.agent("A").address, scene.address("B"), 129, 0,
                                 probe.inner.payload[4:])
            scene.forged("B", reply)
        return events(scene, "path-dead")
    wait_until(forged, "the path to be dead", 6, interval=0.05)


def test_R6_6_probes_on_demand(make_places):
    """`dmmctl test` sends one through each tunnel, whatever the intervals."""
    scene = started(make_places)
    session = quiet_session(scene)
    in_tunnel(scene, session.source)
    begin = scene.now()
    scene.daemon.ctl("test")
    wait_until(lambda: probes(scene, net.canonical(session.source), begin), "the probe", 3)
    session.close()


def test_E08_a_quiet_tunnel_that_dies_is_noticed(make_places):
    """By the idle probes, within their interval and the count of unanswered ones."""
    scene = started(make_places, IdleProbeInterval="1s", ProbeInterval="300ms")
    session = quiet_session(scene)
    in_tunnel(scene, session.source)
    wait_until(lambda: counters(scene, "a")["probes_answered"], "an answered probe", 5)
    begin = scene.now()
    scene.agent("A").command("data", "off")
    dead, = wait_event(scene, "path-dead", 8)
    took = dead["time_real_usec"] / 1e6 - begin
    print(f"dead after {took:.2f} s")
    assert took < 1 + 4 * 0.3 + 0.5
    scene.agent("A").command("data", "on")
    wait_event(scene, "path-alive")
    session.exchange()
    session.close()
