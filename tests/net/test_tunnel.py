# SPDX-License-Identifier: GPL-2.0-or-later
"""The tunnel on the wire, as sessions see it (requirement N11); test_header.py has its headers,
test_mtu.py its sizes, test_icmp.py errors, test_beside.py what is left alone."""
import pytest
from lib import judge, topology as net
from lib.session import TcpSession, UdpSession, unreachable


def test_tunnel_takes_every_size_up_to_its_mtu(bound):
    session = UdpSession(bound.mn, net.CN, source=net.HOME2)
    for octets in (0, 1, 500, 1232, 1411, 1412):
        assert session.exchange(max(octets, 1)), octets
    sizes = [p.size for p in judge.tunnelled_for(bound.packets(), net.HOME2)]
    assert max(sizes) <= judge.MTU


def test_bulk_transfer_through_both_tunnels(bound):
    for home in (net.HOME1, net.HOME2):
        session = TcpSession(bound.mn, net.CN, source=home)
        session.exchange(2_000_000, timeout=10)


@pytest.mark.parametrize("mtu", [1400, 1300, 1281])
def test_N11_smaller_path_mtu_from_the_start(scene, mtu):
    scene.nodes.set_core_mtu(mtu)
    scene.standard()
    scene.attach("B")
    session = TcpSession(scene.mn, net.CN, source=net.HOME2)
    session.exchange(300_000, timeout=15)
    assert_fits(scene, mtu)


def test_N11_path_mtu_that_shrinks_under_a_session(bound):
    session = TcpSession(bound.mn, net.CN, source=net.HOME2)
    session.exchange(300_000)
    bound.nodes.set_core_mtu(1360)
    begin = bound.now()
    session.exchange(300_000, timeout=15)
    assert_fits(bound, 1360, after=begin)


def test_N11_each_place_has_its_own_path_mtu(scene):
    scene.nodes.set_core_mtu(1340, places=("B",))
    scene.standard()
    scene.attach("B")
    session = TcpSession(scene.mn, net.CN, source=net.HOME2)
    session.exchange(200_000, timeout=15)
    for place in "CB":
        scene.move(place)
        scene.wait_bound(place)
        session.exchange(200_000, timeout=15)


def test_N11_udp_of_the_full_size_gets_through_a_narrow_path(scene):
    scene.nodes.set_core_mtu(1400)
    scene.standard()
    scene.attach("B")
    session = UdpSession(scene.mn, net.CN, source=net.HOME2)
    assert session.exchange(1400, timeout=8)


def assert_fits(scene, mtu, after=0.0):
    """A first burst may find out the path MTU; from then on all fits."""
    sent = [p.size for p in judge.sent_by_mn(judge.tunnelled_for(scene.packets(), net.HOME2))
            if p.time > after]
    assert max(sent[len(sent) // 2:]) <= mtu


def test_nothing_leaves_the_home_address_before_it_is_registered(scene, quiet):
    """No tunnel yet and no home network: packets stay inside (the judge looks for leaks)."""
    scene.standard()
    scene.ha2.command("silent", "on")
    assert unreachable(scene.mn, net.CN, net.HOME2)
    scene.plug("w0", "B")
    scene.wait_updates(1, net.HOME2)
    assert unreachable(scene.mn, net.CN, net.HOME2)
    assert judge.direct_for(scene.packets(), net.HOME2) == []
    scene.ha2.command("silent", "off")
    scene.wait_bound("B")
    assert UdpSession(scene.mn, net.CN, source=net.HOME2).exchange()
