# SPDX-License-Identifier: GPL-2.0-or-later
"""Binding acknowledgements, good and bad: every status code, every way to spoil one (R7, E11)."""
import pytest
from lib import forge, judge, mip6, packets as pk, peers, topology as net
from lib.daemon import anchor2
from lib.run import wait_until
from lib.session import TcpSession, unreachable

QUICK = "200ms"  # FirstTimeout of these tests
NEVER, LATER, NOW, BACK_OFF = "never", "later", "now", "back off"
# RFC 6275 section 6.1.8 and successors; what the mobile node does next, by the table of its
# behaviour: 129, 134 and 146 are final, 131 to 133 mean a wrong agent, 135 and 144 are mended.
FINAL, WRONG_AGENT, MENDED = (129, 134, 146), (131, 132, 133), (135, 144)
STATUSES = [*range(128, 181), 200, 255]


def reaction(status):
    if status in FINAL:
        return NEVER
    if status in WRONG_AGENT:
        return LATER
    return NOW if status in MENDED else BACK_OFF


@pytest.fixture
def alone(scene):
    """Only the second anchor, so that every binding update is for it."""
    scene.start_routers()
    scene.ha2 = peers.start_ha2(scene.nodes, scene.directory)
    scene.capture()
    scene.echo()
    scene.configure([anchor2(FirstTimeout=QUICK)]).start()
    return scene


@pytest.mark.parametrize("status", STATUSES)
def test_R7_refusal(alone, status, quiet):
    scene = alone
    scene.ha2.command("status", status, 1)
    begin = scene.now()
    scene.plug("w0", "B")
    scene.wait_updates(1)
    what = reaction(status)
    if what in (NEVER, LATER):
        quiet(0.8)
        assert len(scene.updates()) == 1
        assert unreachable(scene.mn, net.CN, net.HOME2)
        assert not [p for p in judge.tunnelled_for(scene.packets(), net.HOME2)
                    if p.time > begin + 0.8]
        return
    scene.wait_care_of(scene.ha2, "B")
    (first, _), (second, _) = scene.wait_updates(2)
    if what == BACK_OFF:
        assert second.time - first.time >= 0.2
    TcpSession(scene.mn, net.CN, source=net.HOME2).exchange()


@pytest.mark.parametrize("status", [0, 1, 2, 5, 127])
def test_R7_acceptance(alone, status, quiet):
    alone.ha2.command("status", status, 1)
    alone.attach("B")
    TcpSession(alone.mn, net.CN, source=net.HOME2).exchange()
    quiet(0.5)
    assert len(alone.updates()) == 1


@pytest.mark.unjudged  # the number falls back on purpose
def test_R7_out_of_window_continues_above_the_agents_number(alone):
    """The state file is an old one, so the next number is too low; the agent tells its own."""
    scene = alone
    scene.attach("B")
    wait_until(scene.daemon.state_file.exists, "the state file")
    (_, last), = scene.updates()
    scene.daemon.crash()
    scene.daemon.set_saved_sequence(last.sequence - 1000 & 0xFFFF)
    begin = scene.now()
    scene.daemon.start()
    (_, low), (_, right) = scene.wait_updates(2, after=begin)
    assert not judge.sequence_newer(low.sequence, last.sequence)
    assert right.sequence == last.sequence + 1 & 0xFFFF
    scene.wait_care_of(scene.ha2, "B")
    TcpSession(scene.mn, net.CN, source=net.HOME2).exchange()


def test_R7_lost_state_at_the_agent_is_registered_anew(alone):
    """Status 133 where a binding was accepted before: the agent has lost its memory."""
    alone.attach("B")
    alone.ha2.command("status", 133, 1)
    alone.move("C")
    alone.wait_care_of(alone.ha2, "C")
    TcpSession(alone.mn, net.CN, source=net.HOME2).exchange()


REFUSED_FAULTS = ("truncated", "bad-auth", "no-auth", "bad-checksum", "wrong-sequence",
                  "wrong-hoa", "no-rh2", "wrong-spi")
TOLERATED_FAULTS = ("duplicate", "unknown-option")


@pytest.mark.parametrize("fault", REFUSED_FAULTS)
def test_R7_spoilt_acknowledgement_is_not_believed(alone, fault, quiet):
    """It is as if it had not come: the update is sent again, with the next number."""
    scene = alone
    scene.ha2.command("ba-mutate", fault, 1)
    scene.plug("w0", "B")
    (first, old), (second, new) = scene.wait_updates(2)[:2]
    assert 0.15 < second.time - first.time < 0.5
    assert judge.sequence_newer(new.sequence, old.sequence)
    scene.wait_care_of(scene.ha2, "B")
    TcpSession(scene.mn, net.CN, source=net.HOME2).exchange()
    quiet(0.8)
    assert len(scene.updates()) == 2
    assert scene.daemon.running()


@pytest.mark.parametrize("fault", REFUSED_FAULTS)
def test_E11_spoilt_acknowledgement_moves_nothing(alone, fault):
    """On a second link, while the first one still carries the session."""
    scene = alone
    scene.attach("B", "w0")
    session = TcpSession(scene.mn, net.CN, source=net.HOME2)
    scene.ha2.command("ba-mutate", fault, 1)
    begin = scene.now()
    scene.plug("w1", "C")
    wait_until(lambda: len(judge.acknowledgements(scene.packets())) >= 2 or
               scene.updates(after=begin)[1:], "the spoilt acknowledgement")
    session.exchange(20000)
    scene.wait_care_of(scene.ha2, "C", "w1", timeout=8)
    scene.unplug("w0")
    session.exchange(20000)


@pytest.mark.parametrize("fault", TOLERATED_FAULTS)
def test_R7_odd_but_right_acknowledgement_is_accepted(alone, fault, quiet):
    alone.ha2.command("ba-mutate", fault, 1)
    alone.attach("B")
    TcpSession(alone.mn, net.CN, source=net.HOME2).exchange()
    quiet(0.6)
    assert len(alone.updates()) == 1


def test_R7_oversized_acknowledgement_does_no_harm(alone):
    alone.ha2.command("ba-mutate", "oversized", 1)
    alone.attach("B")
    TcpSession(alone.mn, net.CN, source=net.HOME2).exchange()
    assert alone.daemon.running()


def test_R7_replayed_acknowledgement_does_not_confirm_a_new_update(alone):
    """The answer to the move before, octet by octet, instead of the one due."""
    scene = alone
    scene.attach("B")
    scene.ha2.command("ba-mutate", "replayed", 1)
    begin = scene.now()
    scene.move("C")
    assert len(scene.wait_updates(2, after=begin)) >= 2
    scene.wait_care_of(scene.ha2, "C")
    TcpSession(scene.mn, net.CN, source=net.HOME2).exchange()


def test_R7_late_acknowledgement_of_an_older_move_changes_nothing(alone):
    """Reordered: the answer for the first place comes behind the answer for the second."""
    scene = alone
    scene.ha2.command("ba-mutate", "delayed", 600, 1)
    scene.plug("w0", "B")
    scene.wait_updates(1)
    scene.plug("w1", "C")
    scene.wait_care_of(scene.ha2, "C", "w1")
    session = TcpSession(scene.mn, net.CN, source=net.HOME2)
    wait_until(lambda: [p for p, _ in judge.acknowledgements(scene.packets(device="w0"))],
               "the late acknowledgement", timeout=3)
    begin = scene.now()
    session.exchange(20000)
    used = {p.src for p in judge.sent_by_mn(judge.tunnelled_for(scene.packets(), net.HOME2))
            if p.time > begin}
    assert used == {net.canonical(net.care_of("C", "w1"))}


def _forged(scene, message, home=net.HOME2, anchor=net.HA2, with_routing=True):
    scene.forged("B", forge.acknowledgement(anchor, net.care_of("B"), home, message,
                                            with_routing))


def _signed(sequence, status=0, lifetime=1200, key=peers.KEY["second"]):
    return forge.signed_ba(status, sequence, lifetime, key, peers.SPI["second"],
                           net.care_of("B"), net.HOME2)


def test_R7_forged_acknowledgements_while_waiting(alone, quiet):
    """The agent is silent; somebody on the link answers in its place, without the key."""
    scene = alone
    scene.ha2.command("silent", "on")
    scene.plug("w0", "B")
    _, update = scene.wait_updates(1)[0]
    plain = mip6.build_ba(0, update.sequence, 1200)
    for message in (plain, _signed(update.sequence, key="00" * 16),
                    mip6.build_ba(0, update.sequence, 0), mip6.build_ba(129, update.sequence, 0),
                    mip6.build_ba(134, update.sequence, 0)):
        _forged(scene, message)
        _forged(scene, message, with_routing=False)
        _forged(scene, message, home="2001:db8:22::666")
        _forged(scene, message, anchor="2001:db8:2::666")
    sent = len(scene.updates())
    scene.wait_updates(sent + 1)  # it goes on asking
    scene.ha2.command("silent", "off")
    scene.wait_care_of(scene.ha2, "B", timeout=8)
    TcpSession(scene.mn, net.CN, source=net.HOME2).exchange()


def test_R7_forged_refusal_does_not_end_a_binding(alone, quiet):
    scene = alone
    scene.attach("B")
    session = TcpSession(scene.mn, net.CN, source=net.HOME2)
    _, update = scene.updates()[-1]
    for sequence in (update.sequence, update.sequence + 1 & 0xFFFF):
        for status in (128, 129, 133, 134, 135, 146):
            _forged(scene, mip6.build_ba(status, sequence, 0))
        _forged(scene, _signed(sequence, status=134, key="11" * 16))
    session.exchange(20000)
    quiet(0.3)
    assert len(scene.updates()) == 1


def test_R7_right_acknowledgement_that_nobody_waits_for_is_ignored(alone, quiet):
    """Authentic, but no update with that number is outstanding: a replay from long ago."""
    scene = alone
    scene.attach("B")
    session = TcpSession(scene.mn, net.CN, source=net.HOME2)
    _, update = scene.updates()[-1]
    for back in (0, 1, 2, 1000):
        for status, lifetime in ((0, 0), (129, 0), (0, 4)):
            _forged(scene, _signed(update.sequence - back & 0xFFFF, status, lifetime))
    session.exchange(20000)
    quiet(0.3)
    assert len(scene.updates()) == 1
    assert scene.is_tunnelled(net.HOME2)


def test_R7_malformed_mobility_messages_do_no_harm(alone):
    """Every length and every type, cut short, with options that run past the end."""
    scene = alone
    scene.attach("B")
    session = TcpSession(scene.mn, net.CN, source=net.HOME2)
    good = _signed(scene.updates()[-1][1].sequence)
    for message in _malformed(good):
        _forged(scene, message)
        _forged(scene, message, with_routing=False)
    session.exchange(20000)
    assert scene.daemon.running()
    complaints = [p for p in judge.sent_by_mn(scene.packets()) if p.upper == pk.MOBILITY and
                  mip6.parse(p.payload).type != mip6.BU]
    assert len(complaints) <= 3, "binding errors without a rate limit"


def _malformed(good):
    for kind in range(0, 256, 5):
        yield good[:2] + bytes([kind]) + good[3:]
    for length in range(8, len(good), 4):
        yield good[:length]
    for header_length in (0, 1, 2, 4, 50, 255):
        yield good[:1] + bytes([header_length]) + good[2:]
    for option_length in (0, 1, 200, 255):
        yield good[:13] + bytes([option_length]) + good[14:]
    yield good + bytes(1200)


def test_R7_status_is_reported_with_its_name(alone):
    """What the agent said is in the log, in words."""
    alone.ha2.command("status", 129, 1)
    alone.plug("w0", "B")
    wait_until(lambda: "129" in alone.daemon.process.output(), "the refusal in the log")
    assert "administratively prohibited" in alone.daemon.process.output()
    assert peers.KEY["second"] not in alone.daemon.process.output()
    assert net.HOME2 in alone.daemon.process.output()
