# SPDX-License-Identifier: GPL-2.0-or-later
"""Native first: sessions start without tunnel and signalling; only one in need keeps its address
after a move, through the anchor of that address, for as long as it lives (E1, E3, E5, E6)."""
import os
import random
import signal
import socket

import pytest
from lib import account, judge, native, state, topology as net
from lib.run import wait_until
from lib.session import Dead, TcpSession

ECHO, LASTING = 8080, 2222  # ports of the correspondent
POLICY = f"[Rule lasting]\nPort={LASTING}\nService=session-lasting\n"
WALK = "BCABCABCAB"  # ten handovers that begin in A
SLOW_SECONDS = 600
AT_ONCE, PATIENCE = 0.1, 0.5  # seconds; a care-of address is worth waiting for
CHANGING_OVER = 4  # packets of 1 ms that the agent itself may lose between tunnel and home link


def talkative(scene, **settings):
    """The standard scene with ports that echo, one for sessions in need and one for others."""
    scene.standard(policy=POLICY, **settings)
    scene.echo(port=LASTING)
    scene.echo(port=ECHO)


def browse(scene, quiet, seconds):
    """What a host does all day: short exchanges, and a connection that nobody closes."""
    sessions, end = [], scene.now() + seconds
    while not sessions or scene.now() < end:
        sessions.append(TcpSession(scene.mn, net.CN, port=ECHO))
        sessions[-1].exchange()
        if sessions[1:]:
            sessions.pop().close()
            quiet(1.0)
    return sessions


def ten_handovers(scene, quiet, seconds):
    talkative(scene)
    scene.attach("A")
    left_open = browse(scene, quiet, 0)
    for place in WALK:
        scene.move(place)
        scene.wait_native(place)
        left_open += browse(scene, quiet, seconds / len(WALK))
        assert left_open[-1].source == scene.address(place)
    quiet(0.5)
    assert native.mobility(scene) == []
    assert native.tunnelled(scene) == []
    assert not any(scene.agent(p).counters().get("updates") for p in "AB")


def test_E01_P5_ten_handovers_without_need_cost_no_signalling(make_places, quiet):
    ten_handovers(make_places("ABC", anchored="AB"), quiet, 0)


@pytest.mark.skipif(not os.environ.get("SLOW"), reason="takes ten minutes; SLOW=1")
def test_E01_P5_ten_minutes_without_need_cost_no_signalling(make_places, quiet):
    signal.alarm(SLOW_SECONDS + 60)
    ten_handovers(make_places("ABC", anchored="AB"), quiet, SLOW_SECONDS)


def test_E01_R1_P1_sessions_start_native_everywhere(make_places):
    """From the address of the place, by its own router, whatever is still tunnelled."""
    scene = make_places("ABC", anchored="AB")
    scene.standard()
    scene.attach("A")
    old = scene.session("old", port=22)
    for place in "BC":
        scene.move(place)
        scene.wait_bound("A", place)
        scene.wait_native(place)
        new = scene.session(f"new-{place}", port=443)
        first = native.first_packet(new, scene.packets())
        assert not first.inner and first.src == scene.address(place)
        assert first.eth_dst == net.ROUTER_MAC[place]
        new.wait_progress()
        old.wait_progress()
        assert new.carried(scene.packets()).tunnelled_packets == 0
        new.close()


def test_E03_a_session_in_need_lives_on_through_its_own_anchor(make_places):
    scene = make_places("AB", anchored="AB")
    scene.standard()
    scene.attach("A")
    ssh = scene.session("ssh", port=22)
    web = scene.session("web", port=443)
    ssh.wait_progress()
    left = native.leave(scene, "B")
    scene.wait_bound("A", "B")
    ssh.wait_progress()
    assert not account.one_pair_each(scene.packets(), [ssh.source], left)
    # The kernel has the new router's route a moment before anybody can have heard of it.
    assert not native.stray(scene, ssh, left + 0.02)
    scene.wait_shown("prefixes", state="remote")
    web.close()
    ssh.close()
    scene.wait_unbound("A")


def test_E03_R2_two_sessions_of_one_process_have_different_fates(make_places, quiet):
    """Both of this process: the one in need is carried from A to C, the other is not."""
    scene = make_places("ABC", anchored="AB", prefixes={"A": 2})
    talkative(scene)
    scene.attach("A")
    kept = TcpSession(scene.mn, net.CN, source=scene.address("A"), port=LASTING)
    left_alone = TcpSession(scene.mn, net.CN, source=scene.address("A", prefix=1), port=ECHO)
    for session in (kept, left_alone):
        session.exchange()
    begin = scene.now()
    for place in "BC":
        left = native.leave(scene, place)
        scene.wait_bound("A", place)
        kept.exchange(20_000)
        with pytest.raises(Dead):
            left_alone.exchange(timeout=0.3)
        assert not account.one_pair_each(scene.packets(), [kept.source], left)
    assert not judge.tunnelled_for(scene.packets(), left_alone.source)
    assert {p.dst for p in judge.sent_by_mn(native.tunnelled(scene, begin))} == \
        {scene.agent("A").address}
    kept.close()
    scene.wait_unbound("A")
    quiet(0.3)
    assert len(native.withdrawals(scene, begin=begin)) == 1


def test_E03_F1_P3_prefixes_at_several_anchors_are_remote_at_once(make_places):
    """Each with a binding and a path of its own, and none for what nobody needs."""
    scene = make_places("ABCDE", anchored="ABCD")
    scene.standard()
    sessions = {}
    scene.attach("A")
    for place, following in zip("ABC", "BCD"):
        sessions[place] = scene.session(f"ssh-{place}", port=22)
        assert sessions[place].source == scene.address(place)
        scene.move(following)
        scene.wait_native(following)
    for place in sessions:
        scene.wait_bound(place, "D")
    left = native.leave(scene, "E")
    for place in sessions:
        scene.wait_bound(place, "E")
    for session in sessions.values():
        session.wait_progress()
    assert not account.one_pair_each(scene.packets(), [s.source for s in sessions.values()], left)
    assert scene.bound() == {s.source: (p, 0, scene.address("E")) for p, s in sessions.items()}
    packets = scene.packets()
    for place, session in sessions.items():
        assert not native.stray(scene, session, left)
        outer = {(p.src, p.dst) for p in judge.sent_by_mn(session.seen(packets, left)) if p.inner}
        assert outer == {(scene.address("E"), scene.agent(place).address)}

    sessions["B"].close()
    scene.wait_unbound("B")
    for place in "AC":
        sessions[place].wait_progress()
        scene.wait_bound(place, "E")


@pytest.mark.parametrize("managed", [False, True], ids=["kept", "flushed"])
def test_E05_G2_addresses_of_earlier_places_are_valid_and_never_chosen(make_places, managed):
    scene = make_places("ABC", anchored="AB")
    talkative(scene)
    scene.attach("A")
    sessions = [TcpSession(scene.mn, net.CN, port=LASTING)]
    for place in "BC":
        scene.move(place, managed=managed)
        scene.wait_native(place)
        scene.wait_bound("A", place)
        if place == "B":
            sessions.append(TcpSession(scene.mn, net.CN, port=LASTING))
    scene.wait_bound("B", "C")
    assert [s.source for s in sessions] == [scene.address("A"), scene.address("B")]
    listed = scene.mn.addresses()
    for session in sessions:
        session.exchange()
        found = [a for a in listed if a["local"] == session.source]
        assert found and all(a.get("deprecated") and a["valid_life_time"] > 0 for a in found)
    assert [a["local"] for a in listed if not a.get("deprecated")] == [scene.address("C")]
    # Whatever the destination, without a word from the application.
    for target in (net.CN, scene.agent("A").address, scene.agent("B").address,
                   net.router_address("C")):
        route, = scene.mn.ip_json("-6", "route", "get", target)
        assert (route["prefsrc"], route["dev"]) == (scene.address("C"), "w0")
    for _ in range(5):
        assert TcpSession(scene.mn, net.CN, port=ECHO).source == scene.address("C")
    # Who asks for one of them by name may have it while it is bound.
    TcpSession(scene.mn, net.CN, source=scene.address("A"), port=ECHO).exchange()


def walked(make_places, managed=False):
    """A scene in A that has been in B before, so that nothing new is learnt on the next visit; and
    what the kernel holds now."""
    scene = make_places("AB", anchored="AB")
    talkative(scene)
    scene.attach("A")
    for place in "BA":
        scene.move(place, managed=managed)
        scene.wait_native(place)
    return scene, native.everything(scene)


def wait_nothing_left(scene, before, timeout=4.0):
    wait_until(lambda: not state.difference(before, native.everything(scene)),
               lambda: state.difference(before, native.everything(scene)), timeout, interval=0.1)


@pytest.mark.parametrize("managed", [False, True], ids=["kept", "flushed"])
def test_E06_back_home_a_session_goes_on_natively(make_places, managed):
    """Also when a network manager has taken the address away, and the kernel makes it anew while
    the anchor still defends it."""
    scene, before = walked(make_places, managed)
    session = TcpSession(scene.mn, net.CN, port=LASTING)
    session.exchange()
    scene.move("B", managed=managed)
    scene.wait_bound("A", "B")
    session.exchange(20_000)
    left = native.leave(scene, "A", managed=managed)
    scene.wait_unbound("A")
    session.exchange(20_000)
    assert not account.one_pair_each(scene.packets(), [session.source], left)
    (_, update), = scene.updates(after=left)
    assert update.lifetime == 0 and session.source == scene.address("A")
    home = scene.now()
    session.exchange(50_000)
    assert not native.tunnelled(scene, home)
    update_at = native.withdrawals(scene, session.source, left)[0][0].time
    assert update_at - native.advertised(scene, "A", left) < (PATIENCE if managed else AT_ONCE)
    if managed:
        session.close()
    wait_nothing_left(scene, before)
    found, = [a for a in scene.mn.addresses() if a["local"] == session.source]
    assert found["dev"] == "w0" and not found.get("dadfailed")
    if not managed:
        session.exchange(20_000)
    TcpSession(scene.mn, net.CN, port=LASTING).exchange()


def test_E06_N4_home_by_the_other_interface(make_places):
    """Make before break: nothing is lost on the way home but by the agent, and the tunnel goes."""
    scene = make_places("AB", anchored="AB")
    scene.standard()
    scene.attach("A")
    call = scene.session("call", port=5004, kind="udp")
    scene.move("B")
    scene.wait_bound("A", "B")
    scene.wait_stream(call.source, "w0")
    begin = scene.now()
    scene.plug("w1", "A")
    scene.wait_unbound("A")
    scene.wait_stream(call.source, "w1")
    scene.unplug("w0", managed=True)
    left = scene.now()
    scene.wait_stream(call.source, "w1")
    summary = call.close()
    assert not account.one_pair_each(scene.packets(), [call.source], begin)
    assert not native.tunnelled(scene, left)
    lost = scene.lost(call.source, begin)
    assert lost["up"] == 0 and lost["down"] <= CHANGING_OVER, summary
    wait_until(lambda: not scene.has_address(call.source), "the home address to go", 6)


def test_E06_ten_times_away_and_home_again(make_places):
    """Sometimes by the kernel alone, sometimes with a network manager that takes addresses away."""
    scene, before = walked(make_places)
    session, dice = TcpSession(scene.mn, net.CN, port=LASTING), random.Random(1)
    for place in "BABABABABA":
        left = native.leave(scene, place, managed=dice.random() < 0.5)
        if place == "B":
            scene.wait_bound("A", "B")
        else:
            scene.wait_unbound("A")
        session.exchange(20_000)
        assert not account.one_pair_each(scene.packets(), [session.source], left)
    session.close()
    for place in "BA":  # for what the kernel has learnt last
        scene.move(place)
        scene.wait_native(place)
    wait_nothing_left(scene, before)


def bound_away(make_places, managed, **settings):
    """A session from A, in B; what the kernel holds there without one; and other settings."""
    scene = make_places("ABC", anchored="AB")
    talkative(scene, **settings)
    scene.attach("A")
    scene.move("B", managed=managed)
    scene.wait_native("B")
    before = native.everything(scene)
    scene.move("A", managed=managed)
    scene.wait_native("A")
    session = TcpSession(scene.mn, net.CN, port=LASTING)
    scene.move("B", managed=managed)
    scene.wait_bound("A", "B")
    session.exchange(20_000)
    wait_until(lambda: saved(scene, session.source), "the binding to be on the disk")
    return scene, session, before


def saved(scene, home):
    path = scene.daemon.state_file
    return path.exists() and home in path.read_text()


@pytest.mark.parametrize("managed", [False, True], ids=["kept", "flushed"])
@pytest.mark.parametrize("end", ["killed", "stopped"])
def test_E14_a_restart_adopts_what_native_prefixes_left(make_places, managed, end):
    """While the daemon is dead the session goes on; the next one keeps the binding, moves it, and
    withdraws it in the end."""
    scene, session, before = bound_away(make_places, managed, OnStop="keep")
    if end == "killed":
        scene.daemon.crash()
    else:
        assert scene.daemon.stop() == 0
    session.exchange(20_000)
    begin = scene.now()
    scene.daemon.start()
    session.exchange(20_000)
    wait_until(lambda: scene.daemon.ctl("sessions"), "the session to be known")
    assert not native.withdrawals(scene, begin=begin)
    left = native.leave(scene, "C", managed=managed)
    scene.wait_bound("A", "C")
    session.exchange(20_000)
    assert not account.one_pair_each(scene.packets(), [session.source], left)
    scene.move("B", managed=managed)
    scene.wait_bound("A", "B")
    session.close()
    scene.wait_unbound("A")
    wait_until(lambda: state.owned(scene.mn) == [] or scene.daemon.ctl("bindings") == [],
               "the binding to be forgotten")
    assert not [a for a in scene.mn.addresses("dmm0") if a["local"] == session.source]
    assert scene.daemon.plane("binding") == [] and scene.daemon.plane("accept") == []


def test_E14_a_session_that_ended_while_nobody_looked_is_noticed(make_places):
    scene, session, before = bound_away(make_places, managed=True, OnStop="keep")
    scene.daemon.crash()
    session.close()
    begin = scene.now()
    scene.daemon.start()
    scene.wait_unbound("A")
    assert len(native.withdrawals(scene, session.source, begin)) == 1
    wait_nothing_left(scene, before)


def test_E14_moved_while_nobody_looked(make_places):
    """The daemon dies, the host goes on to C: the next daemon brings the session there."""
    scene, session, _ = bound_away(make_places, managed=False, OnStop="keep")
    scene.daemon.crash()
    scene.move("C")
    scene.daemon.start()
    scene.wait_bound("A", "C")
    session.exchange(20_000)


def test_E14_home_while_nobody_looked(make_places):
    scene, session, _ = bound_away(make_places, managed=False, OnStop="keep")
    scene.daemon.crash()
    scene.move("A")
    scene.daemon.start()
    scene.wait_unbound("A")
    session.exchange(20_000)
    begin = scene.now()
    session.exchange(20_000)
    assert not native.tunnelled(scene, begin)


def test_E14_a_stop_withdraws_what_native_prefixes_left(make_places):
    scene, session, _ = bound_away(make_places, managed=False)
    assert scene.daemon.stop() == 0
    scene.wait_unbound("A")
    assert state.owned(scene.mn) == []


def test_E03_the_daemon_starts_after_the_first_move(make_places):
    """What it finds on an address of an earlier place it cannot know to be anchored, but by its
    configuration: the session lives on."""
    scene = make_places("AB", anchored="A")
    scene.start_routers()
    scene.start_agents()
    scene.capture()
    scene.echo(port=LASTING)
    scene.configure(policy=POLICY)
    scene.attach("A")
    session = TcpSession(scene.mn, net.CN, port=LASTING)
    scene.move("B", managed=False)
    scene.daemon.start()
    scene.wait_bound("A", "B", timeout=8)
    session.exchange(20_000)


def test_E03_offline_between_two_places_for_long(make_places, quiet):
    """Nothing is lost but time: the session is taken up where the host comes up again."""
    scene, session, _ = bound_away(make_places, managed=True)
    scene.unplug("w0", managed=True)
    quiet(2.5)  # longer than the hold time, which is none of it
    left = scene.now()
    scene.plug("w0", "C")
    scene.wait_bound("A", "C")
    session.exchange(20_000, timeout=10)
    assert not account.one_pair_each(scene.packets(), [session.source], left)


def test_E04_a_session_that_ends_while_offline(make_places, quiet):
    """The anchor is told as soon as that is possible: at home again, its tunnel must be gone."""
    scene, session, _ = bound_away(make_places, managed=False)
    scene.unplug("w0")
    session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    session.close()
    quiet(2.0)
    scene.plug("w0", "A")
    scene.wait_unbound("A")
    wait_until(lambda: scene.routed_by(scene.address("A")) == "w0", "a way from home")
    TcpSession(scene.mn, net.CN, source=scene.address("A"), port=LASTING).exchange()
