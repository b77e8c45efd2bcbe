# SPDX-License-Identifier: GPL-2.0-or-later
"""What home agents ask for: home agent switch (E9, S10), binding revocation, refreshes; and that
only the home agent itself can (E11, R7)."""
import pytest

from lib import forge, judge, mip6, packets as pk, topology as net
from lib.observe import (carrier, counters, events, orders, pair, revocation_acknowledgements,
                         serving, silence, stream, time_of, wait_event, wait_tunnelled)
from lib.run import run_command, wait_until

FORGED = ("bad-auth", "no-auth", "wrong-spi", "bad-checksum", "wrong-hoa", "no-rh2", "truncated")
HINT_INTERVAL = 5.0  # seconds between refreshes that unauthenticated messages ask for


def through_tunnel(make_places, places="AB", anchored="A", agents=2, sections=None, **settings):
    """In B, with a stream of packets from the address of A."""
    scene = make_places(places, anchored=anchored, agents={"A": agents})
    scene.standard(sections(scene) if sections else None, **settings)
    scene.attach("A")
    media = stream(scene)
    scene.move("B")
    scene.wait_shown("bindings", state="registered", home_address=media.source)
    wait_tunnelled(scene, media)
    return scene, media


def one_section(scene):
    return [scene.anchor("A")]


def update_times(scene, begin, home):
    """(destination, lifetime) of each binding update since."""
    return [(p.dst, m.lifetime) for p, m in scene.updates(home, begin)]


def wait_moved(scene, media, to, begin):
    wait_until(lambda: scene.agent("A", to).care_of(media.source), "the binding at the other")
    wait_until(lambda: carrier(scene, media, begin) == scene.agent("A", to).address,
               "the stream through the other", interval=0.05)


@pytest.mark.parametrize("via", ["", "via tunnel"])
def test_E09_S10_a_switch_names_another_agent(make_places, via):
    """By type 2 routing header or through the tunnel; the one named was not known before."""
    scene, media = through_tunnel(make_places, sections=one_section)
    other = scene.agent("A", 1)
    begin = scene.now()
    scene.agent("A", 0).command("switch", media.source, other.address, *via.split())
    wait_moved(scene, media, 1, begin)
    sent = update_times(scene, begin, media.source)
    assert [(dst, bool(lifetime)) for dst, lifetime in sent] == [
        (scene.agent("A", 0).address, False), (other.address, True)], sent
    took = silence(scene, media, begin)
    print(f"the session was silent for {took * 1000:.0f} ms")
    assert took < 0.3
    assert not scene.agent("A", 0).bindings()
    assert scene.agent("A", 0).counters()["switches_sent"] == 1, "the answer came at once"
    old, new = scene.shown("anchors", name="a"), scene.shown("anchors", origin="switch")
    assert (old["leaving"], old["switching"]) == (True, "yes")
    assert (new["address"], new["health"]) == (other.address, "reachable")
    assert scene.shown("bindings", home_address=media.source)["anchor"] == new["name"]
    assert media.alive() and not events(scene, "session-lost")


def test_E09_a_switch_without_a_list(make_places):
    scene, media = through_tunnel(make_places, sections=pair)
    number = serving(scene, "A", media.source)
    begin = scene.now()
    scene.agent("A", number).command("switch", media.source, "none")
    wait_moved(scene, media, 1 - number, begin)
    assert silence(scene, media, begin) < 0.3
    assert wait_event(scene, "anchor-switch")


def test_E09_after_a_switch_the_old_agent_is_not_asked_again(make_places, quiet):
    """Not by other addresses either, nor after the next move."""
    scene, media = through_tunnel(make_places, "ABC", sections=pair)
    number = serving(scene, "A", media.source)
    begin = scene.now()
    scene.agent("A", number).command("switch", media.source, "none")
    wait_moved(scene, media, 1 - number, begin)
    begin = scene.now()
    scene.move("C")
    scene.wait_bound("A", "C", number=1 - number)
    quiet(0.5)
    assert {dst for dst, _ in update_times(scene, begin, media.source)} == {
        scene.agent("A", 1 - number).address}


def test_E09_a_lost_answer_is_sent_again(make_places):
    """The first de-registration gets lost; a repeated switch message changes nothing more."""
    scene, media = through_tunnel(make_places, sections=one_section)
    agent, other = scene.agent("A", 0), scene.agent("A", 1)
    agent.command("drop", 1)
    begin = scene.now()
    agent.command("switch", media.source, other.address)
    agent.command("switch", media.source, other.address)  # the same request, told twice
    wait_moved(scene, media, 1, begin)
    to_old = [m for p, m in scene.updates(media.source, begin) if p.dst == agent.address]
    assert [m.lifetime for m in to_old] == [0, 0]
    assert len([p for p, _ in scene.updates(media.source, begin) if p.dst == other.address]) == 1
    assert len(events(scene, "anchor-switch")) == 1


def test_E09_G1_a_switch_to_a_foreign_prefix_drains(make_places):
    """Nobody else serves the prefix: its sessions live as long as the agent keeps them, and then
    their owners are told.  New sessions begin elsewhere."""
    scene, media = through_tunnel(make_places, anchored="AB", agents=0)
    scene.wait_native("B")
    begin = scene.now()
    scene.agent("A").command("switch", media.source, scene.agent("B").address, "advice", 4)
    scene.wait_shown("anchors", name="a", leaving=True)
    new = scene.session("new")
    assert new.source == scene.address("B")
    assert scene.agent("A").care_of(media.source) and not scene.agent("B").bindings()
    lost, = wait_event(scene, "session-lost", 6)
    assert 3.5 < time_of(lost) - begin < 5.0, "the refresh advice is how long it is kept"
    assert media.source in lost["text"]
    scene.wait_unbound("A")
    assert not scene.agent("B").bindings()
    new.wait_progress()


def test_E09_the_last_session_ends_the_draining(make_places):
    scene, media = through_tunnel(make_places, anchored="AB", agents=0)
    scene.agent("A").command("switch", media.source, scene.agent("B").address, "advice", 400)
    scene.wait_shown("anchors", name="a", leaving=True)
    media.close()
    scene.wait_unbound("A")
    assert not events(scene, "session-lost")


def test_E09_a_fixed_address_without_sessions_goes_at_once(make_places):
    """Nobody would notice: nothing is kept at an agent that wants to be left."""
    scene = make_places("AB", anchored="AB")
    home = scene.anchor("A", name="a")
    home.home = net.HOME1
    scene.standard([home, scene.anchor("B")])
    scene.attach("B")
    wait_until(lambda: scene.agent("A").care_of(net.HOME1), "the fixed home address")
    scene.agent("A").command("switch", net.HOME1, scene.agent("B").address)
    scene.wait_unbound("A")
    assert net.HOME1 not in scene.agent("B").bindings()


def test_E11_forged_switches_change_nothing(make_places, quiet):
    scene, media = through_tunnel(make_places, sections=one_section)
    begin = scene.now()
    for fault in FORGED:
        scene.agent("A", 0).command("switch", media.source, scene.agent("A", 1).address, "once",
                                    "forged", fault)
    wait_until(lambda: len(orders(scene, mip6.HAS, begin)) >= len(FORGED) - 1, "the forgeries")
    quiet(0.5)
    assert_unmoved(scene, media, begin)
    assert scene.shown("anchors", name="a")["leaving"] is False
    assert len(scene.daemon.ctl("anchors")) == 1
    assert counters(scene, "a")["switches"] == 0
    assert counters(scene, "a")["dropped_authentication"] >= 3
    assert events(scene, "forged")


def assert_unmoved(scene, media, begin):
    """Nothing that came since has changed the binding."""
    assert not scene.updates(media.source, begin)
    assert scene.agent("A", 0).care_of(media.source) == scene.address("B")
    assert carrier(scene, media, begin) == scene.agent("A", 0).address
    assert silence(scene, media, begin) < 0.3


@pytest.mark.unjudged
def test_R7_a_replayed_switch_changes_nothing(make_places, quiet):
    """What the agent once said truly is not true when somebody else says it again."""
    scene, media = through_tunnel(make_places, sections=pair)
    number = serving(scene, "A", media.source)
    scene.agent("A", number).command("revoke", media.source, "trigger", 7)
    wait_until(lambda: orders(scene, mip6.BREV), "the revocation")
    scene.wait_shown("bindings", state="registered")
    (packet, _), *_ = orders(scene, mip6.BREV)
    quiet(0.3)
    begin = scene.now()
    scene.forged("B", packet.raw[14:])
    wait_until(lambda: orders(scene, mip6.BREV, begin), "the replayed message")
    quiet(0.5)
    assert not scene.updates(media.source, begin)
    assert scene.agent("A", number).care_of(media.source) == scene.address("B")
    assert not revocation_acknowledgements(scene, begin)


# Binding revocation


def tshark_of(scene, packet):
    """What tshark reads in a revocation acknowledgement."""
    path = scene.directory / "bra.pcap"
    pk.write_capture(path, [(packet.time, packet.raw)])
    names = ("mip6.mhtype", "mip6.bri_br.type", "mip6.bri_status", "mip6.bri_seqnr",
             "ipv6.opt.mipv6.home_address", "_ws.malformed")
    argv = [word for name in names for word in ("-e", name)]
    text = run_command("tshark", "-r", str(path), "-T", "fields", "-E", "separator=|", *argv)
    return dict(zip(names, text.strip("\n").split("|")))


def wait_acknowledged(scene, media, status, begin):
    """The acknowledgement of a revocation, on the wire and as the agent understood it."""
    agent = scene.agent("A", 0)
    wait_until(lambda: agent.command("revocation")["revocation"], "the acknowledgement")
    (bri_packet, bri), *_ = orders(scene, mip6.BREV, begin)
    (packet, bra), *_ = wait_until(lambda: revocation_acknowledgements(scene, begin), "a BRA")
    assert (bra.status, bra.sequence) == (status, bri.sequence)
    assert packet.time - bri_packet.time < 0.2
    assert (packet.src, packet.dst, packet.home_source) == (
        scene.address("B"), agent.address, media.source)
    assert agent.command("revocation")["revocation"] == {
        "home": media.source, "status": status, "sequence": bri.sequence}
    assert tshark_of(scene, packet) == {
        "mip6.mhtype": "16", "mip6.bri_br.type": "2", "mip6.bri_status": str(status),
        "mip6.bri_seqnr": str(bri.sequence), "ipv6.opt.mipv6.home_address": media.source,
        "_ws.malformed": ""}
    return bra


def test_E09_revoked_by_the_administrator(make_places, quiet):
    """Trigger 1: the binding is gone, the owner is told, and nobody asks for it again at once."""
    scene, media = through_tunnel(make_places, agents=0)
    begin = scene.now()
    scene.agent("A").command("revoke", media.source, "trigger", 1)
    wait_acknowledged(scene, media, 0, begin)
    scene.wait_unbound("A")
    lost, = wait_event(scene, "session-lost")
    assert media.source in lost["text"] and events(scene, "binding-revoked")
    scene.wait_shown("prefixes", prefix=net.PREFIX["A"], state="lost")
    quiet(2)
    assert not scene.updates(media.source, begin)
    assert not [p for p in judge.tunnelled_for(scene.packets(), media.source)
                if p.time > begin + 1.5 and p.eth_src == net.MN_MAC["w0"]], "the tunnel is closed"


def test_E09_revoked_for_a_handover_of_the_network(make_places):
    """Trigger 3, and another agent of the prefix: it takes over."""
    scene, media = through_tunnel(make_places, sections=pair)
    number = serving(scene, "A", media.source)
    begin = scene.now()
    scene.agent("A", number).command("revoke", media.source, "trigger", 3)
    wait_moved(scene, media, 1 - number, begin)
    assert silence(scene, media, begin) < 0.5
    assert not events(scene, "session-lost")


def test_E09_revoked_without_another_agent(make_places):
    scene, media = through_tunnel(make_places, agents=0)
    begin = scene.now()
    scene.agent("A").command("revoke", media.source, "trigger", 3)
    wait_acknowledged(scene, media, 0, begin)
    assert wait_event(scene, "session-lost")


def test_E09_revoked_as_out_of_sync(make_places):
    """Trigger 7: registered again at once."""
    scene, media = through_tunnel(make_places, agents=0)
    begin = scene.now()
    scene.agent("A").command("revoke", media.source, "trigger", 7)
    wait_acknowledged(scene, media, 0, begin)
    scene.wait_bound("A", "B")
    update, = scene.updates(media.source, begin)
    assert update[1].lifetime
    wait_tunnelled(scene, media, update[0].time)
    assert silence(scene, media, begin) < 0.5
    assert not events(scene, "session-lost")


@pytest.mark.parametrize("flags, status", [(0x8000, 135), (0x4000, 129)])
def test_E09_revocations_that_do_not_concern_us(make_places, quiet, flags, status):
    """Of a proxy binding, or of an IPv4 home address that the message does not name."""
    scene, media = through_tunnel(make_places, agents=0)
    begin = scene.now()
    scene.agent("A").command("revoke", media.source, "trigger", 1, "flags", flags, "once")
    bra = wait_acknowledged(scene, media, status, begin)
    assert bra.flags & 0xc000 == flags
    quiet(0.3)
    assert scene.agent("A").care_of(media.source) == scene.address("B")
    assert not scene.updates(media.source, begin)
    assert silence(scene, media, begin) < 0.3


def test_E09_every_transmission_of_a_revocation_is_answered(make_places):
    """Its acknowledgement is lost on the way: the agent says it again."""
    scene, media = through_tunnel(make_places, agents=0)
    begin = scene.now()
    rule = ("inet", "lossy")
    node = scene.nodes.routers["B"]
    node.command("nft", "add", "table", *rule)
    node.command("nft", "add", "chain", *rule, "forward",
                 "{ type filter hook forward priority 0; }")
    node.command("nft", "add", "rule", *rule, "forward", "ip6", "daddr",
                 scene.agent("A").address, "exthdr", "dst", "exists", "drop")
    scene.agent("A").command("revoke", media.source, "trigger", 1)
    wait_until(lambda: revocation_acknowledgements(scene, begin), "the first acknowledgement")
    node.command("nft", "delete", "table", *rule)
    wait_until(lambda: len(orders(scene, mip6.BREV, begin)) == 2, "the repeated revocation")
    wait_until(lambda: scene.agent("A").command("revocation")["revocation"], "the answer to it")
    assert len(revocation_acknowledgements(scene, begin)) == 2
    assert len(events(scene, "binding-revoked")) == 1


def test_E11_forged_revocations_change_nothing(make_places, quiet):
    scene, media = through_tunnel(make_places, agents=0)
    begin = scene.now()
    for fault in FORGED:
        scene.agent("A").command("revoke", media.source, "trigger", 1, "once", "forged", fault)
        wait_until(lambda: scene.agent("A").counters()["revocations_sent"], fault)
    quiet(0.5)
    assert not revocation_acknowledgements(scene, begin)
    assert_unmoved(scene, media, begin)
    assert counters(scene, "a")["revocations"] == 0
    assert not events(scene, "binding-revoked") and not events(scene, "session-lost")


# Hints: nothing authenticates them


@pytest.mark.parametrize("hint", ["refresh {}", "error 1 {}"])
def test_E12_a_hint_makes_the_agent_be_asked(make_places, quiet, hint):
    """One refresh, however many hints come within five seconds."""
    scene, media = through_tunnel(make_places, agents=0)
    words = hint.format(media.source).split()
    last = scene.updates(media.source)[-1][0].time
    scene.agent("A").command(*words)
    quiet(0.3)
    assert not [u for u in scene.updates(media.source) if u[0].time > last], "so soon after"
    wait_until(lambda: scene.now() > last + HINT_INTERVAL + 0.1, "the interval", 10)
    begin = scene.now()
    for _ in range(5):
        scene.agent("A").command(*words)
    wait_until(lambda: scene.updates(media.source, begin), "the refresh")
    quiet(0.5)
    assert len(scene.updates(media.source, begin)) == 1
    assert scene.agent("A").care_of(media.source) == scene.address("B")
    assert silence(scene, media, begin) < 0.3


def test_E11_hints_of_others_are_nothing(make_places, quiet):
    """Binding errors from another address, for another home address, or of status 2."""
    scene, media = through_tunnel(make_places, agents=0)
    last, coa = scene.updates(media.source)[-1][0].time, scene.address("B")
    wait_until(lambda: scene.now() > last + HINT_INTERVAL + 0.1, "the interval", 10)
    begin = scene.now()
    scene.forged("B", forge.binding_error(net.router_address("B"), coa, 1, media.source))
    scene.forged("B", forge.binding_error(scene.agent("A").address, coa, 1, net.HOME2))
    scene.forged("B", forge.binding_error(scene.agent("A").address, coa, 2, media.source))
    wait_until(lambda: len(orders(scene, mip6.BE, begin)) == 3, "the errors")
    quiet(0.5)
    assert_unmoved(scene, media, begin)


def test_E08_an_agent_that_forgot_is_told_again(make_places):
    """It answers tunnelled packets by binding errors; the session goes on."""
    scene, media = through_tunnel(make_places, agents=0)
    last = scene.updates(media.source)[-1][0].time
    wait_until(lambda: scene.now() > last + HINT_INTERVAL + 0.1, "the interval", 10)
    begin = scene.now()
    scene.agent("A").command("forget", media.source)
    scene.agent("A").command("error", 1, media.source, scene.address("B"))
    scene.wait_bound("A", "B")
    wait_until(lambda: silence(scene, media, begin) < 5, "the stream")
    assert carrier(scene, media, begin) == scene.agent("A").address
