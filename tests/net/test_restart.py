# SPDX-License-Identifier: GPL-2.0-or-later
"""Rule E14 and requirement R6.3: crash, restart, stop; what stays and what must not."""
import contextlib
import signal

import pytest
from lib import judge, state, topology as net
from lib.daemon import PLANE, Anchor, Daemon, anchor1, anchor2
from lib.peers import KEY, SPI
from lib.run import wait_until
from lib.session import TcpSession, UdpSession, unreachable


def sessions(scene):
    return [TcpSession(scene.mn, net.CN, source=home) for home in (net.HOME1, net.HOME2)]


def test_E14_traffic_goes_on_while_the_daemon_is_dead(bound):
    both = sessions(bound)
    bound.daemon.crash()
    for session in both:
        session.exchange(200_000)
    TcpSession(bound.mn, net.CN, source=net.HOME2).exchange(20000)


def test_E14_kill_in_the_middle_of_a_stream_loses_nothing(bound):
    """The stream is 1 ms apart; neither the crash nor the start after it costs one packet."""
    scene = bound
    scene.probe_server()
    probe = scene.probe("udp", "stream", net.HOME2, "--seconds", 30)
    scene.wait_stream(net.HOME2, "w0")
    begin = scene.now()
    scene.daemon.crash()
    scene.wait_stream(net.HOME2, "w0")
    scene.daemon.start()
    scene.wait_updates(1, net.HOME2, after=begin)
    scene.wait_stream(net.HOME2, "w0")
    summary = probe.finish()
    assert summary["ok"] and (summary["lost_up"], summary["lost_down"]) == (0, 0), summary


def test_E14_numbers_rise_over_crashes(bound, quiet):
    """Crashes right behind an update; the judge compares all numbers ever sent."""
    for _ in range(5):
        quiet(0.5)  # the rate limit is not what this is about
        begin = bound.now()
        bound.daemon.crash()
        bound.daemon.start()
        bound.wait_updates(2, after=begin)
    statuses = {m.status for _, m in judge.acknowledgements(bound.packets())}
    assert statuses == {0}, "an update was refused"


def test_E14_moved_while_dead(bound):
    """The next start finds another network, and follows."""
    both = sessions(bound)
    bound.daemon.crash()
    bound.move("C")
    wait_until(lambda: bound.has_address(net.care_of("C")), "an address at C")
    bound.daemon.start()
    bound.wait_bound("C", timeout=8)
    for session in both:
        session.exchange(20000)


def test_E14_home_while_dead(bound):
    session = TcpSession(bound.mn, net.CN, source=net.HOME1)
    session.exchange()
    bound.daemon.crash()
    bound.move("A")
    wait_until(lambda: bound.has_address(net.care_of("A")), "an address at A")
    bound.daemon.start()
    bound.wait_bound("A")
    session.exchange(20000)


def test_E14_what_is_stale_is_removed(bound):
    """An anchor is taken out of the configuration while the daemon is dead."""
    bound.daemon.crash()
    bound.daemon.anchors = [anchor2()]
    bound.daemon.configure()
    bound.daemon.start()
    bound.wait_care_of(bound.ha2, "B")
    wait_until(lambda: not any(a["local"] == net.HOME1 for a in bound.mn.addresses()),
               "the old home address to go")
    assert not [r for r in state.rules(bound.mn) if net.HOME1 in str(r)]


def test_two_daemons_do_not_fight(bound):
    """The second one says why it will not start, and harms nothing."""
    session = TcpSession(bound.mn, net.CN, source=net.HOME1)
    before = state.snapshot(bound.mn)
    second = bound.daemon.argv()
    process = bound.mn.start("second", second, bound.directory / "second.log")
    assert process.wait(timeout=5) != 0
    assert process.output().strip()
    session.exchange(20000)
    assert state.difference(before, state.snapshot(bound.mn)) == []
    assert bound.daemon.running()


@pytest.mark.parametrize("place", ["A", "B", None])
def test_R6_3_stop_leaves_nothing(scene, place):
    """Addresses, rules, routes, devices, filters, settings, pins: all as before."""
    scene.start_routers()
    scene.start_agents()
    scene.capture()
    with contextlib.suppress(FileNotFoundError):  # a kernel that has no such thing
        scene.mn.set_sysctls(w0__optimistic_dad=0)
    before = state.snapshot(scene.mn)
    scene.configure().start()
    assert state.owned(scene.mn)
    if place:
        scene.attach(place)
    assert scene.daemon.stop() == 0
    if place:
        scene.unplug("w0")
        scene.mn.ip("link set w0 down", "link set w0 up")  # what the kernel itself has learnt
    assert state.owned(scene.mn) == []
    wait_until(lambda: not state.difference(before, state.snapshot(scene.mn)),
               lambda: "nothing to be left: " + "; ".join(
                   state.difference(before, state.snapshot(scene.mn))), timeout=3)
    assert scene.pins() == []


def test_R6_3_stop_withdraws_the_bindings(bound):
    begin = bound.now()
    assert bound.daemon.stop() == 0
    assert bound.ha1.bindings() == {} and bound.ha2.bindings() == {}
    last = bound.updates(after=begin)
    assert sorted(p.home_source for p, _ in last) == sorted(
        map(net.canonical, (net.HOME1, net.HOME2)))
    assert all(m.lifetime == 0 for _, m in last)


def test_R6_3_stop_with_silent_anchors_ends_soon(bound):
    bound.ha1.command("silent", "on")
    bound.ha2.command("silent", "on")
    begin = bound.now()
    assert bound.daemon.stop() == 0
    assert bound.now() - begin < 4
    assert state.owned(bound.mn) == []


def test_stop_that_keeps_goes_on_carrying_traffic(scene):
    scene.standard(OnStop="keep")
    scene.attach("B")
    both = sessions(scene)
    assert scene.daemon.stop() == 0
    for session in both:
        session.exchange(20000)
    scene.daemon.start()
    scene.wait_bound("B")
    for session in both:
        session.exchange(20000)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_by_signal_is_clean(bound, number):
    bound.daemon.process.send_signal(number)
    assert bound.daemon.process.wait() == 0
    assert state.owned(bound.mn) == []


def test_R6_7_an_anchor_that_lost_its_memory(bound):
    """It restarts with an empty binding cache and says so when asked: registered again."""
    session = TcpSession(bound.mn, net.CN, source=net.HOME2)
    session.exchange()
    bound.ha2.command("forget", net.HOME2)
    assert bound.ha2.bindings() == {}
    wait_until(lambda: bound.ha2.care_of() or  # it complains of each packet
               bound.ha2.command("error", 1, net.HOME2, net.care_of("B")) and None,
               "the binding to be there again", timeout=8, interval=0.2)
    session.exchange(20000)


def test_R6_7_an_anchor_that_says_nothing_of_its_loss_is_found_by_the_refresh(scene):
    scene.start_routers()
    scene.start_agents()
    scene.capture()
    scene.echo()
    scene.configure([anchor1(), anchor2(Lifetime="8s")]).start()
    scene.attach("B")
    session = TcpSession(scene.mn, net.CN, source=net.HOME2)
    scene.ha2.command("forget", net.HOME2)
    scene.wait_care_of(scene.ha2, "B", timeout=9)
    session.exchange(20000)


def test_R6_7_a_refresh_request_is_answered(bound, quiet):
    quiet(0.1)
    begin = bound.now()
    bound.ha2.command("refresh", net.HOME2)
    quiet(0.3)
    if not bound.updates(net.HOME2, after=begin):
        quiet(5)  # within five seconds of the last one it may be ignored
        bound.ha2.command("refresh", net.HOME2)
        bound.wait_updates(1, net.HOME2, after=begin)


@pytest.mark.parametrize("broken, word", [
    ("HomeAddress=2001:db8::zz/64", "HomeAddress"), ("Addres=2001:db8:2::2", "Addres"),
    ("Lifetime=forever", "Lifetime")])
def test_a_broken_configuration_is_told_with_file_and_line(scene, broken, word):
    daemon = scene.configure()
    daemon.config.write_text(daemon.config.read_text() + broken + "\n")
    line = len(daemon.config.read_text().splitlines())
    process = scene.mn.start("broken", daemon.argv(), scene.directory / "broken.log")
    assert process.wait() != 0
    assert f"{daemon.config}:{line}" in process.output() and word in process.output()
    assert state.owned(scene.mn) == []


@pytest.mark.unjudged  # the numbers begin anew, which is what the file is for
def test_state_file_that_is_damaged_does_not_stop_the_daemon(bound):
    bound.daemon.crash()
    bound.daemon.state_file.write_bytes(b"\xff" * 500)
    bound.daemon.start()
    bound.wait_bound("B")
    session = UdpSession(bound.mn, net.CN, source=net.HOME1)
    assert session.exchange()


def test_two_daemons_with_files_of_their_own_serve_two_namespaces(bound):
    """Nothing is shared outside of namespace, state file and pins."""
    anchor = Anchor("third", net.HA1, "2001:db8:a::300", KEY["home"], SPI["home"])
    other = Daemon(bound.nodes.cn, bound.directory, [anchor], name="other")
    other.start()
    assert not unreachable(bound.mn, net.CN, net.HOME1)
    assert other.stop() == 0
    assert not unreachable(bound.mn, net.CN, net.HOME1)
    assert state.owned(bound.nodes.cn) == []


@pytest.mark.skipif(PLANE == "kernel", reason="it pins nothing")
@pytest.mark.parametrize("plane", ["bpf", "auto", "kernel"])
def test_a_daemon_elsewhere_does_not_take_its_pins(bound, plane):
    """Namespaces share them; what it could use of its own it may."""
    session = UdpSession(bound.mn, net.CN, source=net.HOME1)
    anchor = Anchor("third", net.HA1, "2001:db8:a::300", KEY["home"], SPI["home"])
    other = Daemon(bound.nodes.cn, bound.directory, [anchor], name="other", Plane=plane,
                   PinDirectory=bound.daemon.pins)
    other.start(wait=False)
    other.process.wait_output("no data plane: PinDirectory=" if plane != "kernel" else "data plane")
    other.process.stop()
    bound.unplug("w0")
    bound.attach("C")
    assert session.exchange() and not state.owned(bound.nodes.cn)
