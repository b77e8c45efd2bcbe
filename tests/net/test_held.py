# SPDX-License-Identifier: GPL-2.0-or-later
"""What is sent while no path leads anywhere: the newest packet of a flow leaves by the next one."""
import time

import pytest
from lib import topology as net
from lib.daemon import PLANE
from lib.run import wait_until
from lib.session import TcpSession, UdpSession

pytestmark = pytest.mark.skipif(PLANE == "kernel", reason="its tunnels hold nothing")

WORDS = [b"first", b"second", b"third"]
PAUSED_AT = 64  # in an entry of the map "binding"
TRIED_THRICE = 1.6  # seconds; TCP has sent again after 0.2, 0.6 and 1.4, and would next after 3.0


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


def answers(session, patience=0.5):
    """All that comes back until nothing does."""
    found = []
    session.socket.settimeout(patience)
    try:
        while True:
            found.append(session.socket.recv(100))
    except TimeoutError:
        return found


def behind_update(scene, word, after):
    """Seconds from the update of a move to each packet that carries a word through the tunnel."""
    (update, _), = scene.updates(net.HOME2, after)
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


def test_it_is_sent_once_more_where_the_link_comes_back(bound, session):
    session.socket.send(WORDS[0])
    bound.plug("w0", "B")
    assert answers(session) == [WORDS[0]]


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


def test_a_stream_does_not_wait_for_its_timer(bound):
    session = TcpSession(bound.mn, net.CN, source=net.HOME2)
    session.exchange()
    lose(bound)
    begin = bound.now()
    session.socket.sendall(WORDS[0])
    time.sleep(TRIED_THRICE)
    bound.attach("C")
    assert session.socket.recv(100) == WORDS[0]
    assert 0 < behind_update(bound, WORDS[0], begin)[0] < 0.5, "its timer has more than a second"
    session.exchange()


def test_one_that_does_not_fit_is_not_held(bound, session):
    """As are segments that leave in one piece."""
    session.socket.send(bytes(4000))
    session.socket.send(WORDS[0])
    bound.attach("C")
    assert answers(session) == [WORDS[0]]


def test_a_crash_does_not_lose_it(bound, session):
    session.socket.send(WORDS[0])
    bound.daemon.crash()
    bound.daemon.start()
    bound.attach("C")
    assert answers(session) == [WORDS[0]]
