# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is tunnelled and who is not: rules E1, E3, E5; requirements R1, R2, R3, R5, P4, P5."""
from lib import judge, packets as pk, topology as net
from lib.daemon import anchor1, anchor2
from lib.run import wait_until
from lib.session import TcpSession, UdpSession

OBSERVATION = 1.0  # seconds of looking on where nothing must happen


def test_E01_no_anchor_no_signalling(scene, quiet):
    scene.start_routers()
    scene.capture()
    scene.echo()
    scene.configure([]).start()
    scene.plug("w0", "B")
    coa = net.care_of("B")
    wait_until(lambda: scene.has_address(coa), "an address")
    session = TcpSession(scene.mn, net.CN)
    session.exchange()
    assert session.source == net.canonical(coa)
    quiet(OBSERVATION)
    assert judge.mobility(scene.packets()) == []
    assert not any(p.inner for p in scene.packets())


def test_E01_plain_session_is_native_and_never_tunnelled(scene):
    scene.standard()
    scene.attach("B")
    session, datagrams = TcpSession(scene.mn, net.CN), UdpSession(scene.mn, net.CN)
    session.exchange(20000)
    assert datagrams.exchange()
    coa = net.canonical(net.care_of("B"))
    assert session.source == coa and datagrams.source == coa
    assert judge.tunnelled_for(scene.packets(), coa) == []
    assert judge.direct_for(scene.packets(), coa)


def test_P5_at_home_nothing_is_signalled(scene, quiet):
    scene.start_routers()
    scene.start_agents()
    scene.capture()
    scene.echo()
    scene.configure([anchor1()]).start()
    scene.plug("w0", "A")
    scene.wait_home_address("w0")
    session = TcpSession(scene.mn, net.CN, source=net.HOME1)
    session.exchange(20000)
    quiet(OBSERVATION)
    assert judge.mobility(scene.packets()) == []
    assert not any(p.inner for p in scene.packets())


def test_P5_a_registered_host_at_rest_sends_nothing(scene, quiet):
    scene.standard()
    scene.attach("B")
    registered = len(judge.mobility(scene.packets()))
    quiet(2 * OBSERVATION)
    assert len(judge.mobility(scene.packets())) == registered


def test_E03_each_home_address_registers_at_its_own_anchor(scene):
    scene.standard()
    for place in ("B", "C", "B"):
        begin = scene.now()
        scene.move(place)
        scene.wait_bound(place)
        coa = net.canonical(net.care_of(place))
        for home, anchor in ((net.HOME1, net.HA1), (net.HOME2, net.HA2)):
            (packet, update), = scene.updates(home, after=begin)
            assert (packet.src, packet.dst) == (coa, net.canonical(anchor))
            assert update.lifetime > 0


def test_E05_home_address_serves_its_sessions_but_no_new_ones(scene):
    scene.standard()
    scene.attach("B")
    old = TcpSession(scene.mn, net.CN, source=net.HOME2)
    for place in ("C", "A", "B"):
        scene.move(place, managed=True)
        scene.wait_bound(place)
        scene.wait_native(place)
        new = TcpSession(scene.mn, net.CN)
        assert new.source == net.canonical(net.care_of(place))
        new.exchange()
        new.close()
        old.exchange()


def test_E01_new_sessions_leave_from_the_new_place_without_a_network_manager(scene):
    """Nobody takes away what the kernel had learnt on the old network."""
    scene.standard()
    for place in ("B", "C", "B"):
        scene.move(place)
        scene.wait_bound(place)
        scene.wait_native(place)


def test_R1_new_sessions_go_past_the_anchor_old_ones_through_it(scene):
    scene.standard()
    scene.attach("B")
    scene.capture("ha2", "wan", "ip6")
    scene.capture("ha1", "lan", "ip6")
    old = TcpSession(scene.mn, net.CN, source=net.HOME2)
    scene.move("C", managed=True)
    scene.wait_bound("C")
    scene.wait_native("C")
    new = TcpSession(scene.mn, net.CN)
    new.exchange(20000)
    old.exchange(20000)
    assert judge.tunnelled_for(scene.packets("ha2"), net.HOME2)
    for agent in ("ha1", "ha2"):
        assert not [p for p in scene.packets(agent) if p.innermost.upper == pk.TCP and
                    new.source in (p.innermost.src, p.innermost.dst)]


def test_R2_one_process_one_session_tunnelled_and_one_native(scene):
    scene.standard()
    scene.attach("B")
    with_mobility = TcpSession(scene.mn, net.CN, source=net.HOME1)
    without = TcpSession(scene.mn, net.CN)
    for session in (with_mobility, without):
        session.exchange(50000)
    packets = scene.packets()
    tunnelled = {p.inner.ports[0] for p in judge.sent_by_mn(packets) if p.inner}
    direct = {p.ports[0] for p in judge.sent_by_mn(packets) if p.upper == pk.TCP}
    assert with_mobility.port in tunnelled and with_mobility.port not in direct
    assert without.port in direct and without.port not in tunnelled


def test_R3_no_ipv4_packet_is_sent(scene):
    scene.standard()
    scene.attach("B")
    TcpSession(scene.mn, net.CN, source=net.HOME1).exchange()
    scene.move("C")
    scene.wait_bound("C")
    frames = [f for c in scene.captures.values() for _, f in pk.read_frames(c.path)]
    assert frames and all(f[12:14] == b"\x86\xdd" for f in frames)


def test_P4_a_dead_anchor_touches_only_its_own_sessions(scene):
    scene.standard()
    scene.attach("B")
    first = TcpSession(scene.mn, net.CN, source=net.HOME1)
    second = TcpSession(scene.mn, net.CN, source=net.HOME2)
    plain = TcpSession(scene.mn, net.CN)
    for session in (first, second, plain):
        session.exchange()
    scene.ha2.process.kill()
    scene.ha2 = None
    first.exchange()
    plain.exchange()
    scene.move("C")
    scene.wait_bound("C")
    first.exchange()


def test_R5_an_anchor_that_is_not_there_leaves_the_rest_alone(scene):
    scene.start_routers()
    scene.capture()
    scene.echo()
    scene.configure([anchor1(FirstTimeout="200ms"), anchor2(FirstTimeout="200ms")]).start()
    scene.plug("w0", "B")
    wait_until(lambda: scene.has_address(net.care_of("B")), "an address")
    scene.wait_native("B")
    session = TcpSession(scene.mn, net.CN)
    session.exchange(20000)
    scene.wait_updates(3, net.HOME2)
    session.exchange()
