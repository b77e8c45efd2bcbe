# SPDX-License-Identifier: GPL-2.0-or-later
"""What is sent while no path leads anywhere: the newest packet of a flow leaves by the next one."""
import socket
import struct
import time

import pytest
from lib import state, topology as net
from lib.daemon import DEVICE, PLANE
from lib.faults import asleep, remove_uplink, restore_uplink
from lib.run import run_command, wait_until
from lib.session import TcpSession, UdpSession

pytestmark = pytest.mark.skipif(PLANE == "kernel", reason="its tunnels hold nothing")

WORDS = [b"first", b"second", b"third"]
SILENT_PORT = 9
SLOW = 0.3  # seconds that an agent takes
STREAM = 9  # packets in a row
YOUNG = 5   # seconds by which what is held may seem to be sent later: it is not old in this test
REPAIRED = 6  # seconds in which what others may have changed is looked for and put back
AGE = 8  # octets, at both ends of an entry of the map "held"
PAUSED_AT = 64  # in an entry of the map "binding"
TRIED = 2.0  # seconds; TCP has sent again three or four times, and would next after 3.0


@pytest.fixture
def session(bound):
    """One that has been used, and then the link is gone."""
    session = UdpSession(bound.mn, net.CN, source=net.HOME2)
    assert session.exchange()
    lose(bound)
    yield session
    session.close()


def lose(scene):
    scene.unplug("w0")
    wait_until(lambda: all(int(e["value"][PAUSED_AT], 16) for e in scene.daemon.plane("binding")),
               "the plane to know that the link is down")


def heard(receiver, patience=0.5):
    """All that comes until nothing does."""
    found = []
    receiver.settimeout(patience)
    try:
        while True:
            found.append(receiver.recv(100))
    except TimeoutError:
        return found


def answers(session):
    return heard(session.socket)


def behind_update(scene, word, after):
    """Seconds from the first update of a move to each packet that carries a word through the
    tunnel."""
    update = scene.updates(net.HOME2, after)[0][0]
    return [p.time - update.time for p in scene.packets()
            if p.inner and p.src == update.src and p.innermost.payload.endswith(word)]


def test_the_newest_packet_of_a_flow_follows_the_update(bound, session):
    begin = bound.now()
    for word in WORDS:
        session.socket.send(word)
    bound.attach("C")
    assert answers(session) == [WORDS[-1]]
    waited, = behind_update(bound, WORDS[-1], begin)
    assert waited > 0


def test_each_home_address_has_its_own(bound, session):
    with_first = UdpSession(bound.mn, net.CN, source=net.HOME1)
    for one, word in ((with_first, WORDS[0]), (session, WORDS[1])):
        one.socket.send(word)
    bound.attach("C")
    assert answers(with_first) == [WORDS[0]] and answers(session) == [WORDS[1]]


def test_it_is_sent_where_nobody_advertises(scene):
    """There the host is back as soon as the link is."""
    scene.configured_place()
    session = UdpSession(scene.mn, net.CN, source=net.HOME2)
    assert session.exchange()
    lose(scene)
    session.socket.send(WORDS[0])
    scene.plug("w0", "B")
    assert answers(session) == [WORDS[0]]


def test_an_uplink_that_is_gone_is_down(bound, session):
    """Also when paths are put back meanwhile, as others may have changed them."""
    remove_uplink(bound, "w0")
    session.socket.send(WORDS[0])
    bound.mn.command("ip", "-6", "rule", "del", "from", net.HOME2)
    wait_until(lambda: net.HOME2 in str(state.rules(bound.mn)), "the rule to be back")
    session.socket.send(WORDS[1])
    restore_uplink(bound, "w0", 40)
    bound.plug("w0", "B")
    assert answers(session) == [WORDS[1]]


def test_eight_flows_of_it_have_a_place_each(bound, session):
    flows = [session, *(UdpSession(bound.mn, net.CN, source=net.HOME2) for _ in range(7))]
    for flow in flows:
        for word in WORDS:
            flow.socket.send(word)
    bound.attach("C")
    assert [answers(flow) for flow in flows] == [WORDS[-1:]] * len(flows)


def test_a_flow_keeps_its_place(bound, session):
    """Also when another place becomes free: what is older must not follow what is newer."""
    other = UdpSession(bound.mn, net.CN, source=net.HOME2)
    for flow, word in ((session, WORDS[0]), (other, WORDS[1])):
        flow.socket.send(word)
    grow_older(bound, 61)
    other.socket.send(WORDS[2])
    bound.attach("C")
    assert answers(other) == [WORDS[2]] and not answers(session)


def test_it_is_sent_once_more_where_the_link_comes_back(bound, session):
    session.socket.send(WORDS[0])
    bound.plug("w0", "B")
    assert answers(session) == [WORDS[0]]


def test_it_arrives_once_however_often_the_link_comes_back(bound, session, quiet):
    """The receiver says nothing, so that nothing tells whether it has arrived."""
    with bound.cn.socket(socket.AF_INET6, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("", SILENT_PORT))
        session.socket.connect((net.CN, SILENT_PORT))
        session.socket.send(WORDS[0])
        first = age(bound)
        quiet(REPAIRED)
        assert age(bound) == first, "it grows old from when it was sent"
        for expected in (WORDS[:1], [], []):
            bound.plug("w0", "B")
            assert heard(receiver) == expected
            lose(bound)


def test_a_slow_agent_does_not_lose_it(bound):
    """What comes before it has read the update it does not let in."""
    datagrams = UdpSession(bound.mn, net.CN, source=net.HOME2)
    streams = TcpSession(bound.mn, net.CN, source=net.HOME2)
    assert datagrams.exchange()
    streams.exchange()
    lose(bound)
    begin = bound.now()
    datagrams.socket.send(WORDS[0])
    streams.socket.sendall(WORDS[1])
    time.sleep(TRIED)
    with asleep(bound.ha2.process):
        bound.plug("w0", "C")
        bound.wait_updates(1, net.HOME2, begin)
        time.sleep(SLOW)
    assert answers(datagrams) == [WORDS[0]]
    assert streams.socket.recv(100) == WORDS[1]
    assert len(behind_update(bound, WORDS[0], begin)) == 1
    assert behind_update(bound, WORDS[1], begin)[-1] < SLOW + 0.5, "its timer has longer"


@pytest.mark.parametrize(("packets", "pause", "early"), [(STREAM, 0, True), (STREAM - 1, 0, False),
                                                        (STREAM, 0.08, False)])
def test_a_packet_of_a_stream_does_not_wait_for_the_answer(bound, session, packets, pause, early):
    """The next one would not, either."""
    burst(session, packets, pause)
    grow_older(bound, -YOUNG)
    begin = bound.now()
    with asleep(bound.ha2.process):
        bound.plug("w0", "C")
        bound.wait_updates(1, net.HOME2, begin)
        time.sleep(SLOW)
        assert len(behind_update(bound, WORDS[0], begin)) == early
    assert answers(session) == [WORDS[0]]
    assert len(behind_update(bound, WORDS[0], begin)) == 1


def burst(session, packets, pause=0.0):
    for _ in range(packets):
        time.sleep(pause)
        session.socket.send(WORDS[0])


@pytest.mark.parametrize("packets", [STREAM, 1])
def test_nothing_leaves_before_the_update(bound, packets):
    """Which waits, since there were three of them in this second."""
    session = UdpSession(bound.mn, net.CN, source=net.HOME2)
    assert session.exchange()
    time.sleep(1.2)
    for place in "CBC":
        lose(bound)
        begin = bound.now()
        bound.plug("w0", place)
        bound.wait_updates(1, net.HOME2, begin)
    lose(bound)
    burst(session, packets)
    grow_older(bound, -YOUNG)
    begin = bound.now()
    bound.plug("w0", "B")
    assert heard(session.socket, 2) == [WORDS[0]]
    waited, = behind_update(bound, WORDS[0], begin)
    assert waited > 0


def test_a_stream_that_has_ended_waits(bound, session):
    burst(session, STREAM)
    begin = bound.now()
    time.sleep(SLOW)
    with asleep(bound.ha2.process):
        bound.plug("w0", "C")
        bound.wait_updates(1, net.HOME2, begin)
        time.sleep(SLOW)
        assert not behind_update(bound, WORDS[0], begin)
    assert answers(session) == [WORDS[0]]


def test_a_stream_does_not_leave_by_the_path_that_lost_it(bound, session):
    """As long as nothing tells whether the link that comes back leads to the same place."""
    burst(session, STREAM)
    grow_older(bound, -YOUNG)
    with asleep(bound.routers["C"].process):
        bound.plug("w0", "C")
        assert not answers(session)
        assert bound.daemon.plane("held")
    assert answers(session) == [WORDS[0]]


@pytest.mark.parametrize(("seconds", "sent"), [(50, True), (61, False)])
def test_after_a_minute_nobody_waits_for_it(bound, session, seconds, sent):
    session.socket.send(WORDS[0])
    grow_older(bound, seconds)
    bound.plug("w0", "B")
    assert answers(session) == WORDS[:sent]
    assert sent or not bound.daemon.plane("held")


def age(scene):
    """When what is held was sent first."""
    held, = scene.daemon.plane("held")
    return held["value"][:AGE]


def octets_of(held):
    return bytes(int(octet, 16) for octet in held["value"])


def grow_older(scene, seconds, word=WORDS[0]):
    """As if the one with this word that is held had been sent that much earlier."""
    held, = (e for e in scene.daemon.plane("held") if word in octets_of(e))
    value = octets_of(held)
    first, = struct.unpack("=Q", value[:AGE])
    earlier = struct.pack("=Q", (first - seconds * 10**9) % 2**64)
    run_command("bpftool", "map", "update", "pinned", str(scene.daemon.pins / "held"),
                "key", *held["key"],
                "value", *(f"{octet:#x}" for octet in earlier + value[AGE:-AGE] + earlier))


def test_what_has_arrived_is_not_sent_again(bound):
    """Not at the next move, nor when the link that carried it has been lost."""
    session = UdpSession(bound.mn, net.CN, source=net.HOME2)
    assert session.exchange()
    for place in "CB":
        for word in WORDS:
            session.socket.send(word)
        assert answers(session) == WORDS
        lose(bound)
        bound.attach(place)
        assert not answers(session)


@pytest.fixture
def connection(bound):
    """One that waits for its timer, which has more than a second."""
    session = TcpSession(bound.mn, net.CN, source=net.HOME2)
    session.exchange()
    lose(bound)
    session.begin = bound.now()
    session.socket.sendall(WORDS[0])
    time.sleep(TRIED)
    return session


def test_a_connection_does_not_wait_for_its_timer(bound, connection):
    bound.attach("C")
    assert connection.socket.recv(100) == WORDS[0]
    assert 0 < behind_update(bound, WORDS[0], connection.begin)[0] < 0.5
    connection.exchange()


def test_a_segment_leaves_once_by_each_path(bound, connection):
    """Also when a path is set again."""
    with asleep(bound.ha2.process):
        bound.plug("w0", "C")
        bound.wait_updates(1, net.HOME2, connection.begin)
        bound.mn.ip(f"link set {DEVICE} mtu 1300")
        wait_until(lambda: bound.mn.ip_json("link", "show", DEVICE)[0]["mtu"] > 1300,
                   "the device to be put back")
        time.sleep(SLOW)  # what leads into it is next
        sent = behind_update(bound, WORDS[0], connection.begin)
        assert len([t for t in sent if t < 1]) == 1, "later its timer sends, too"
    assert connection.socket.recv(100) == WORDS[0]


def test_one_that_does_not_fit_is_not_held(bound, session):
    """Nor are its fragments, nor segments that leave in one piece."""
    session.socket.send(bytes(30000))
    assert not bound.daemon.plane("held")
    session.socket.send(WORDS[0])
    bound.attach("C")
    assert answers(session) == [WORDS[0]]


def test_a_crash_does_not_lose_it(bound, session):
    session.socket.send(WORDS[0])
    bound.daemon.crash()
    bound.daemon.start()
    bound.attach("C")
    assert answers(session) == [WORDS[0]]
