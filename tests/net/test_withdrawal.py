# SPDX-License-Identifier: GPL-2.0-or-later
"""Withdrawal after the last session in need (E4): at the hold time, without a trace, and never at
the cost of a session that begins at that moment."""
import errno
import heapq
import os
import random
import signal
import socket
import time

import pytest
from lib import account, native, state, topology as net
from lib.run import wait_until
from lib.session import TcpSession, UdpSession

ECHO, LASTING = 8080, 2222  # ports of the correspondent
POLICY = f"[Rule lasting]\nPort={LASTING}\nService=session-lasting\n"
TOLERANCE = 0.5  # seconds around the hold time
RACE_HOLD, RACE_WINDOW = 0.15, 0.05  # seconds; a session starts within the window on either side
RACE_PREFIXES = 24  # and as many rounds each time that the host leaves
SLOW = bool(os.environ.get("SLOW"))
RACE_ROUNDS = 1000 if SLOW else 96


def left_a_place(make_places, managed=False, prefixes=1, **settings):
    """A host in B that has been in A, which nobody needs; and what its kernel holds."""
    scene = make_places("AB", anchored="AB", prefixes={"A": prefixes})
    scene.standard(policy=POLICY, **settings)
    scene.echo(port=LASTING)
    scene.echo(port=ECHO)
    scene.attach("A")
    scene.move("B", managed=managed)
    scene.wait_native("B")
    wait_until(lambda: all(a.get("deprecated") for a in scene.mn.addresses("w0")
                           if a["local"] != scene.address("B")), "earlier addresses to be left")
    before = native.everything(scene)
    scene.move("A", managed=managed)
    scene.wait_native("A")
    return scene, before


def away(scene, managed=False):
    scene.move("B", managed=managed)
    scene.wait_bound("A", "B")


def last_of(scene, source):
    """When the last packet of an address was seen that is no mobility message."""
    return max(p.time for p in scene.packets() if not p.innermost.is_mobility and
               source in (p.innermost.src, p.innermost.dst) and p.innermost.ports)


def wait_withdrawal(scene, home, timeout):
    packet, update = wait_until(lambda: native.withdrawals(scene, home), "the withdrawal",
                                timeout, interval=0.02)[0]
    assert update.flags and packet.home_address == home
    return packet.time


@pytest.mark.parametrize("hold", [0, 2] + ([10] if SLOW else []))
@pytest.mark.parametrize("kind", ["tcp", "udp", "killed"])
def test_E04_the_binding_is_withdrawn_at_the_hold_time(make_places, kind, hold):
    scene, _ = left_a_place(make_places, HoldTime=f"{hold}s")
    session = (UdpSession if kind == "udp" else TcpSession)(scene.mn, net.CN, port=LASTING)
    away(scene)
    session.exchange()
    if kind == "killed":  # without another word to the other end
        session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    session.close()
    closed = time.time()
    at = wait_withdrawal(scene, session.source, hold + 3)
    print(f"withdrawn {at - closed:.3f} s after the end, hold time {hold} s")
    assert abs(at - closed - hold) <= TOLERANCE
    scene.wait_unbound("A")
    assert len(native.withdrawals(scene)) == 1


def test_E04_a_new_session_within_the_hold_time_keeps_the_binding(make_places, quiet):
    scene, _ = left_a_place(make_places, HoldTime="1s")
    first = TcpSession(scene.mn, net.CN, port=LASTING)
    away(scene)
    first.close()
    quiet(0.6)
    second = TcpSession(scene.mn, net.CN, source=first.source, port=LASTING)
    quiet(1.5)
    second.exchange(20_000)
    assert not native.withdrawals(scene)
    second.close()
    closed = time.time()
    at = wait_withdrawal(scene, first.source, 4)
    assert abs(at - closed - 1) <= TOLERANCE


@pytest.mark.parametrize("managed", [False, True], ids=["kept", "flushed"])
def test_E04_R6_3_nothing_is_left_behind(make_places, managed):
    """Rules, tables, addresses, entries of the data plane: all as if there had been no session."""
    scene, before = left_a_place(make_places, managed)
    session = TcpSession(scene.mn, net.CN, port=LASTING)
    away(scene, managed)
    session.exchange(20_000)
    assert state.difference(before, native.everything(scene))
    session.close()
    scene.wait_unbound("A")
    wait_until(lambda: not state.difference(before, native.everything(scene)),
               lambda: state.difference(before, native.everything(scene)), 4, interval=0.1)
    assert scene.bound() == {}
    assert scene.daemon.ctl("bindings") == []


def test_E04_R6_3_after_many_sessions_and_moves_nothing_is_left_behind(make_places):
    """Several prefixes, several anchors, bound and withdrawn in many orders."""
    scene = make_places("ABC", anchored="AB", prefixes={"A": 3, "B": 2})
    scene.standard(policy=POLICY, HoldTime="100ms")
    scene.echo(port=LASTING)
    scene.attach("A")
    for place in "BC":
        scene.move(place)
        scene.wait_native(place)
    before = native.everything(scene)
    dice, sessions = random.Random(4), []
    for place in "ABACBABC":
        scene.move(place)
        scene.wait_native(place)
        for n in range(len(scene.places[place].prefixes) if place != "C" else 0):
            sessions.append(TcpSession(scene.mn, net.CN, scene.address(place, prefix=n), LASTING))
        for session in dice.sample(sessions, len(sessions) // 2):
            session.exchange()
            session.close()
            sessions.remove(session)
    for session in sessions:
        session.exchange()
        session.close()
    wait_until(lambda: not scene.bound(), lambda: f"no binding to be left: {scene.bound()}")
    wait_until(lambda: not state.difference(before, native.everything(scene)),
               lambda: state.difference(before, native.everything(scene)), 4, interval=0.1)


def test_E04_an_anchor_that_does_not_answer_does_not_keep_the_address(make_places, quiet):
    """Withdrawal is repeated, then given up: the host is rid of it all the same."""
    scene, before = left_a_place(make_places)
    session = TcpSession(scene.mn, net.CN, port=LASTING)
    away(scene)
    session.close()
    quiet(0.3)  # the other end has agreed
    scene.agent("A").command("silent", "on")
    wait_withdrawal(scene, session.source, 4)
    wait_until(lambda: not state.difference(before, native.everything(scene)),
               lambda: state.difference(before, native.everything(scene)), 20, interval=0.2)


def test_E04_a_move_ends_the_hold_time(make_places):
    """Nobody is in need any more: not worth another registration (E3)."""
    scene = make_places("ABC", anchored="A")
    scene.standard(policy=POLICY, HoldTime="2s")
    scene.echo(port=LASTING)
    scene.attach("A")
    session = TcpSession(scene.mn, net.CN, port=LASTING)
    away(scene)
    session.close()
    closed = time.time()
    left = native.leave(scene, "C")
    scene.wait_native("C")
    at = max(p.time for p, _ in wait_until(
        lambda: native.withdrawals(scene, session.source), "the withdrawal", 6))
    assert at - closed <= 2 - TOLERANCE
    scene.wait_unbound("A")
    assert account.pairs(scene.packets(), left)[session.source]["BU"] == 1


# The race.

class Starter:
    """Sessions that start around the end of the hold time of their addresses."""

    def __init__(self, scene, seed):
        self.scene, self.dice = scene, random.Random(seed)
        self.refused, self.working, self.faults = 0, 0, []

    def round(self, homes):
        """One session for each address ends, and a hold time later another one starts there."""
        old = {home: TcpSession(self.scene.mn, net.CN, home, LASTING) for home in homes}
        self.scene.move("B", managed=True)
        for number in range(len(homes)):
            self.scene.wait_bound("A", "B", prefix=number)
        events, now = [], time.monotonic() + 0.1
        for number, home in enumerate(homes):
            end = now + 0.02 * number
            start = end + RACE_HOLD + self.dice.uniform(-RACE_WINDOW, RACE_WINDOW)
            heapq.heappush(events, (end, "end", home))
            heapq.heappush(events, (start, "start", home))
        started = self.scene.mn.inside(lambda: self._play(events, old))
        for home, s in started.items():
            self._judge(home, s)
            s.close()

    def _play(self, events, old):
        """In the host's own thread, so that nothing comes between two calls."""
        started = {}
        while events:
            at, what, home = heapq.heappop(events)
            time.sleep(max(0.0, at - time.monotonic()))
            if what == "end":
                old[home].close()
                continue
            s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
            s.setblocking(False)
            try:
                s.bind((home, 0))
            except OSError as e:
                if e.errno != errno.EADDRNOTAVAIL:
                    self.faults.append(f"{home}: bind: {e}")
                self.refused += 1
                s.close()
                continue
            try:
                s.connect((net.CN, LASTING))
            except BlockingIOError:
                started[home] = s
            except OSError as e:
                self.faults.append(f"{home}: connect: {e}")
                s.close()
        return started

    def _judge(self, home, s):
        s.settimeout(3.0)
        try:
            wait_until(lambda: _connected(s), "the connection", 3.0)
            s.sendall(b"x" * 1000)
            got = 0
            while got < 1000:
                got += len(s.recv(1000))
        except (OSError, AssertionError) as e:
            self.faults.append(f"{home}: {e}")
            return
        again = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        if int.from_bytes(again[100:104], "little"):  # tcpi_total_retrans
            self.faults.append(f"{home}: packets were lost")
        self.working += 1


def _connected(s):
    error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))
    try:
        return bool(s.getpeername())
    except OSError:
        return False


def test_E04_no_session_is_lost_to_a_withdrawal(make_places):
    """One begins within 50 ms of the end of the hold time: the address is gone already, or the
    session works, and not one of its packets is lost."""
    if SLOW:
        signal.alarm(600)
    scene = make_places("AB", anchored="A", prefixes={"A": RACE_PREFIXES})
    scene.mn.set_sysctls(w0__max_addresses=0)
    scene.standard(policy=POLICY, HoldTime=f"{RACE_HOLD * 1000:.0f}ms")
    scene.echo(port=LASTING)
    scene.plug("w0", "A")
    homes = scene.native_addresses("A", "w0")
    starter, begin = Starter(scene, 1), time.monotonic()
    for number in range(-(-RACE_ROUNDS // RACE_PREFIXES)):
        if number:
            scene.move("A", managed=True)
        scene.wait_native("A")
        for home in homes:
            wait_until(lambda: scene.has_address(home, "w0"), f"{home} in A")
        starter.round(homes)
        wait_until(lambda: not scene.bound(), lambda: f"all to be withdrawn, not {scene.bound()}")
    rounds = starter.refused + starter.working + len(starter.faults)
    print(f"{rounds} rounds in {time.monotonic() - begin:.1f} s: {starter.refused} refused, "
          f"{starter.working} working, {len(starter.faults)} faults")
    assert not starter.faults, f"{len(starter.faults)} of {rounds}: {starter.faults[:10]}"
    assert rounds >= RACE_ROUNDS and starter.refused and starter.working
