# SPDX-License-Identifier: GPL-2.0-or-later
"""Two home addresses at one home agent, which may share a tunnel: each has its own updates."""
import pytest
from lib import firewall, peers, topology as net
from lib.daemon import KEY, SPI, Anchor, anchor1
from lib.run import wait_until
from lib.session import UdpSession

OTHER = "2001:db8:22::101"


class Both(Anchor):
    """The anchor of two home addresses."""

    def serves(self, address):
        return address == OTHER or super().serves(address)


@pytest.fixture
def two(scene):
    """Both are in use, and registered at the same home agent, from B."""
    scene.start_routers()
    scene.ha1 = peers.start_ha1(scene.nodes, scene.directory)
    scene.ha2 = peers.start_ha2(scene.nodes, scene.directory, prefixes=[net.HOME2_PREFIX])
    scene.capture()
    scene.echo()
    both = Both("second", net.HA2, net.HOME2, KEY["second"], SPI["second"],
                HomeAddress=OTHER + "/64")
    scene.configure([anchor1(), both]).start()
    scene.attach("B")
    wait_until(lambda: len(scene.ha2.bindings()) == 2, "two bindings")
    sessions = [UdpSession(scene.mn, net.CN, source=home) for home in (net.HOME2, OTHER)]
    assert all(session.exchange() for session in sessions)
    yield scene, *sessions
    firewall.open_all(scene.mn)


def test_E12_one_that_waits_for_its_update_stops_no_other(two):
    two, one, other = two
    firewall.refuse_updates(two.mn, OTHER)
    begin = two.now()
    two.move("C")
    two.wait_updates(1, net.HOME2, begin)
    assert one.exchange(), "what has been announced goes on"
    assert not two.updates(OTHER, begin), "the other one still has to wait"
    firewall.open_all(two.mn)
    two.wait_updates(1, OTHER, begin)
    assert wait_until(other.exchange, "the other one to go on")
    (sent, _), = two.updates(OTHER, begin)
    leaves = [p for p in two.packets(device="w0") if p.inner and p.inner.src == OTHER
              and p.src == net.canonical(net.care_of("C"))]
    assert leaves and leaves[0].time > sent.time
