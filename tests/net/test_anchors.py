# SPDX-License-Identifier: GPL-2.0-or-later
"""Which anchor is the best one (E7, G3): health, measured round trip, preference; what is
remembered of each; and mobile prefix discovery."""
import contextlib

import pytest
from scapy.all import Ether
from scapy.layers.inet6 import ICMPv6MPSol

from lib import forge, packets as pk, topology as net
from lib.delay import SlowEcho, no_echo
from lib.observe import (carrier, discovery_requests, events, measurements, silence, stream,
                         wait_tunnelled)
from lib.run import run_command, wait_until

SOLICITATION, ADVERTISEMENT = 146, 147  # of mobile prefixes


@contextlib.contextmanager
def distances(scene, *seconds):
    """The home agents of A answer echo requests and binding updates after these times."""
    agents = range(len(seconds))
    slow = [SlowEcho(scene.nodes.nodes[scene.places["A"].agent_node(n)],
                     scene.places["A"].addresses[n], 0) for n in agents]

    def change(*seconds):
        for n, s in enumerate(seconds):
            slow[n].seconds = s
            scene.agent("A", n).command("ba-mutate", "delayed", round(s * 1000), 1000)
    change(*seconds)
    try:
        yield change
    finally:
        for one in slow:
            one.close()


def two_agents(make_places, places="AB", preferences=(0, 0), **settings):
    scene = make_places(places, anchored="A", agents={"A": 2})
    scene.standard([scene.anchor("A", n, f"a{n + 1}", Preference=p)
                    for n, p in enumerate(preferences)], **settings)
    return scene


def ranks(scene):
    return [a["name"] for a in scene.daemon.ctl("anchors")]


def wait_measured(scene, begin=0.0):
    wait_until(lambda: all(a["last_rtt_usec"] for a in scene.daemon.ctl("anchors")),
               "the measurements")
    wait_until(lambda: len(measurements(scene, begin)) == 2, "the echo requests")


def test_E07_the_nearest_anchor_serves(make_places):
    """One echo request to each; the nearer one is better, whatever the preference."""
    scene = two_agents(make_places, preferences=(50, 0))
    with distances(scene, 0.06, 0.01):
        scene.attach("A")
        wait_measured(scene)
        assert ranks(scene) == ["a2", "a1"]
        rtt = {a["name"]: a["rtt_usec"] / 1e6 for a in scene.daemon.ctl("anchors")}
        assert 0.06 <= rtt["a1"] < 0.12
        assert 0.01 <= rtt["a2"] < 0.05
        assert {len(sent) for sent in measurements(scene).values()} == {1}
        media = stream(scene)
        scene.move("B")
        scene.wait_bound("A", "B", number=1)
        wait_tunnelled(scene, media)
        assert not scene.agent("A", 0).bindings()


def test_E07_preference_among_those_that_are_alike(make_places):
    scene = two_agents(make_places, preferences=(0, 10))
    with distances(scene, 0.2, 0.21):  # 50 ms apart would be another distance
        scene.attach("A")
        wait_measured(scene)
        assert ranks(scene) == ["a2", "a1"]
        scene.session("ssh")
        scene.move("B")
        scene.wait_bound("A", "B", number=1)


def test_E07_ranked_anew_after_a_move(make_places):
    """What was near from one place is far from another: sessions that begin then take the other
    anchor, those that live stay where they are."""
    scene = two_agents(make_places)
    with distances(scene, 0.01, 0.06) as change:
        scene.attach("A")
        wait_measured(scene)
        assert ranks(scene) == ["a1", "a2"]
        media = stream(scene)
        scene.move("B")
        scene.wait_bound("A", "B", number=0)
        wait_tunnelled(scene, media)
        change(0.06, 0.01)
        begin = scene.now()
        scene.move("A")
        scene.wait_unbound("A")
        wait_until(lambda: len(measurements(scene, begin)) == 2, "the echo requests")
        wait_until(lambda: ranks(scene) == ["a2", "a1"],
                   lambda: f"another order: {scene.daemon.ctl('anchors')}", interval=0.05)
        media.close()
        stream(scene, "next")
        scene.move("B")
        scene.wait_bound("A", "B", number=1)


def test_E07_a_living_session_is_not_moved_to_a_nearer_anchor(make_places):
    scene = two_agents(make_places, "ABC")
    with distances(scene, 0.01, 0.06) as change:
        scene.attach("A")
        wait_measured(scene)
        media = stream(scene)
        scene.move("B")
        scene.wait_bound("A", "B", number=0)
        change(0.06, 0.01)
        begin = scene.now()
        scene.move("C")
        scene.wait_bound("A", "C", number=0)
        wait_until(lambda: len(measurements(scene, begin)) == 2, "the echo requests")
        wait_tunnelled(scene, media, begin)
        assert {p.dst for p, _ in scene.updates(after=begin)} == {scene.agent("A", 0).address}


def test_E07_health_counts_more_than_distance(make_places):
    """Who has refused or been silent is asked last, also by what begins later."""
    scene = two_agents(make_places, "ABC")
    with distances(scene, 0.01, 0.06):
        scene.attach("A")
        wait_measured(scene)
        first = stream(scene)
        scene.agent("A", 0).command("status", 130, 5)
        scene.move("B")
        scene.wait_bound("A", "B", number=1)
        assert ranks(scene) == ["a2", "a1"]
        scene.move("A")
        scene.wait_unbound("A", 1)
        first.close()
        stream(scene, "next")
        begin = scene.now()
        scene.move("C")
        scene.wait_bound("A", "C", number=1)
        assert {p.dst for p, _ in scene.updates(after=begin)} == {scene.agent("A", 1).address}


@pytest.mark.parametrize("why", ["no choice", "switched off"])
def test_P5_nothing_is_measured_in_vain(make_places, quiet, why):
    """One echo to each anchor after a move, if there is a choice, and if it is wanted."""
    if why == "no choice":
        scene = make_places("AB", anchored="AB")
        scene.standard()
    else:
        scene = two_agents(make_places, MeasureAnchors="no")
    scene.attach("A")
    scene.move("B")
    scene.wait_native("B")
    quiet(0.3)
    assert not measurements(scene)


def test_R7_echo_replies_that_nobody_asked_for(make_places, quiet):
    """Neither unasked nor with another sequence number do they make an anchor look near."""
    scene = two_agents(make_places)
    for n in range(2):
        no_echo(scene.nodes.nodes[scene.places["A"].agent_node(n)])
    scene.attach("A")
    sent = wait_until(lambda: len(m := measurements(scene)) == 2 and m, "the echo requests")
    request = sent[scene.agent("A", 0).address][0]
    identifier, sequence = request.payload[4:6], int.from_bytes(request.payload[6:8], "big")
    body = identifier + ((sequence + 1) % 65536).to_bytes(2, "big")
    scene.forged("A", forge.icmpv6(scene.agent("A", 0).address, scene.address("A"), 129, 0, body))
    scene.forged("A", forge.icmpv6(net.router_address("A"), scene.address("A"), 129, 0,
                                   request.payload[4:8]))
    quiet(0.3)
    assert not any(a["rtt_usec"] for a in scene.daemon.ctl("anchors"))


def test_G3_abilities_are_remembered(make_places):
    """What an anchor can do is known from what it did."""
    scene = make_places("AB", anchored="A")
    scene.standard()
    scene.attach("A")
    media = stream(scene)
    scene.move("B")
    scene.wait_bound("A", "B")
    wait_tunnelled(scene, media)
    shown = scene.shown("anchors", name="a")
    assert [shown[k] for k in ("prefix_discovery", "switching", "revocation")] == ["unknown"] * 3
    scene.agent("A").command("revoke", media.source, "trigger", 7)
    scene.wait_shown("anchors", name="a", revocation="yes")
    scene.wait_bound("A", "B")
    scene.agent("A").command("switch", media.source, "none", "once")
    scene.wait_shown("anchors", name="a", switching="yes", leaving=True)


# Mobile prefix discovery


def asked(make_places, **settings):
    """In B, with a session; the agent has accepted it with status 1."""
    scene = make_places("AB", anchored="A")
    scene.standard(**settings)
    scene.attach("A")
    media = stream(scene)
    scene.agent("A").command("status", 1, 1)
    return scene, media


def solicitations(scene, begin=0.0):
    return discovery_requests(scene, SOLICITATION, begin)


def test_E12_prefix_discovery_is_asked_once(make_places, quiet):
    """Status 1: one solicitation from the care-of address with the home address option; the answer
    by type 2 routing header is taken."""
    scene, media = asked(make_places)
    scene.agent("A").command("lifetimes", 7200, 3600)
    scene.move("B")
    scene.wait_bound("A", "B")
    solicitation, = wait_until(lambda: solicitations(scene), "the solicitation")
    assert (solicitation.src, solicitation.dst, solicitation.home_address) == (
        scene.address("B"), scene.agent("A").address, media.source)
    assert solicitation.headers == [pk.DEST_OPTIONS]
    assert Ether(solicitation.raw)[ICMPv6MPSol].type == SOLICITATION
    assert tshark_finds(scene, solicitation, "icmpv6.type") == str(SOLICITATION)
    answer = next(p for p in scene.packets() if p.icmp_type == ADVERTISEMENT)
    assert answer.payload[4:6] == solicitation.payload[4:6]
    assert answer.routing_home == media.source
    scene.wait_shown("anchors", name="a", prefix_discovery="yes")
    shown = scene.shown("prefixes", prefix=net.PREFIX["A"])
    left = (shown["valid_until_usec"] - shown["preferred_until_usec"]) / 1e6
    assert left == pytest.approx(3600, abs=1)
    quiet(3.5)
    assert len(solicitations(scene)) == 1
    wait_tunnelled(scene, media)


def tshark_finds(scene, packet, name):
    path = scene.directory / "one.pcap"
    pk.write_capture(path, [(packet.time, packet.raw)])
    return run_command("tshark", "-r", str(path), "-T", "fields", "-e", name).strip("\n")


def test_E12_prefix_discovery_is_patient(make_places):
    """INITIAL_SOLICIT_TIMER is 3 s, doubled each time."""
    scene, media = asked(make_places)
    node = scene.nodes.nodes["ara"]
    for words in (("table", "ip6", "deaf"),
                  ("chain", "ip6", "deaf", "input",
                   "{ type filter hook output priority 0; }"),
                  ("rule", "ip6", "deaf", "input", "icmpv6", "type", ADVERTISEMENT, "drop")):
        node.command("nft", "add", *words)
    scene.move("B")
    scene.wait_bound("A", "B")
    sent = wait_until(lambda: len(s := solicitations(scene)) == 2 and s, "the second one", 5)
    assert sent[1].time - sent[0].time == pytest.approx(3.0, abs=0.1)
    wait_tunnelled(scene, media)


def test_R7_prefix_advertisements_of_others_are_nothing(make_places, quiet):
    """Unasked, with another identifier, from elsewhere, without the routing header: the prefix
    keeps its lifetimes.  At most they make the agent be asked."""
    scene, media = asked(make_places)
    scene.move("B")
    scene.wait_bound("A", "B")
    wait_until(lambda: any(p.icmp_type == ADVERTISEMENT for p in scene.packets()), "the answer")
    scene.wait_shown("anchors", name="a", prefix_discovery="yes")
    shown = scene.shown("prefixes", prefix=net.PREFIX["A"])
    agent, coa = scene.agent("A").address, scene.address("B")
    quiet(3.2)
    over = bytes([3, 4, 64, 0xC0]) + bytes(12) + pk.octets("2001:db8:a::")
    body = bytes.fromhex("12340000") + over
    for source, with_header in ((agent, True), (agent, False), (net.router_address("B"), True)):
        bare = forge.icmpv6(source, media.source if with_header else coa, ADVERTISEMENT, 0, body)
        if with_header:
            bare = forge.ipv6(source, coa, pk.ROUTING, forge.routing_header(
                pk.ICMPV6, media.source) + bare[40:])
        scene.forged("B", bare)
    quiet(0.5)
    after = scene.shown("prefixes", prefix=net.PREFIX["A"])
    assert after["state"] == "remote"
    assert after["valid_until_usec"] >= shown["valid_until_usec"] - 1e6
    assert len(solicitations(scene)) <= 2
    assert media.alive()


def test_E11_a_prefix_that_is_said_to_be_over_keeps_its_sessions(make_places, quiet):
    """Without IPsec nothing authenticates the advertisement: nobody loses his address by it, but
    nothing new begins there."""
    scene, media = asked(make_places)
    scene.agent("A").command("lifetimes", 0, 0)
    begin = scene.now()
    scene.move("B")
    scene.wait_bound("A", "B")
    wait_until(lambda: any(p.icmp_type == ADVERTISEMENT for p in scene.packets()), "the answer")
    quiet(1)
    wait_tunnelled(scene, media, scene.now() - 0.2)
    assert carrier(scene, media) == scene.agent("A").address
    assert silence(scene, media, begin) < 1.0
    assert not events(scene, "session-lost")


def test_E12_an_unasked_advertisement_is_a_hint(make_places, quiet):
    """RFC 6275 section 11.4.3: it makes the mobile node ask."""
    scene = make_places("AB", anchored="A")
    scene.standard()
    scene.attach("A")
    media = stream(scene)
    scene.move("B")
    scene.wait_bound("A", "B")
    wait_tunnelled(scene, media)
    quiet(0.2)
    scene.agent("A").command("advertise", media.source)
    wait_until(lambda: solicitations(scene), "the solicitation")
    scene.wait_shown("anchors", name="a", prefix_discovery="yes")
    quiet(0.3)
    assert len(solicitations(scene)) == 1
