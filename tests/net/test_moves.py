# SPDX-License-Identifier: GPL-2.0-or-later
"""Moves: break and make, home and away; rules E6, E10, E13, requirements N2, N4, P2."""
import signal
import socket
import time

import pytest
from lib import judge, mip6, packets as pk, topology as net
from lib.daemon import anchor1
from lib.run import wait_until
from lib.session import TcpSession, UdpSession

PREFER_W0 = (["Match=w0", "Preference=10"], ["Match=w1", "Preference=0"])
DISCARD_PORT, SMALL_BUFFER, BUFFERS_FULL = 9, 4608, 60
MAX_SOLICITATIONS, MAX_NEIGHBOUR_SOLICITATIONS = 1, 6  # one attachment, RFC 6059


def test_sessions_survive_break_before_make(scene):
    scene.standard()
    scene.attach("A")
    sessions = [TcpSession(scene.mn, net.CN, source=home) for home in (net.HOME1, net.HOME2)]
    for place in ("B", "C", "A", "C", "A"):
        scene.move(place)
        scene.wait_bound(place)
        for session in sessions:
            session.exchange(20000)


def test_senders_do_not_wait_for_a_link_that_is_down(scene):
    """What is sent in the hole is lost at once: else it would fill the buffer of its socket until
    neighbour discovery gives up, seconds after the next network is there."""
    scene.standard()
    scene.attach("B")
    with (scene.cn.socket(socket.AF_INET6, socket.SOCK_DGRAM) as receiver,
          scene.mn.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender):
        receiver.bind(("", DISCARD_PORT))
        sender.bind((net.HOME2, 0))
        sender.connect((net.CN, DISCARD_PORT))
        sender.setblocking(False)
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
        scene.unplug("w0")
        for _ in range(BUFFERS_FULL):
            sender.send(bytes(1000))
            time.sleep(0.001)
        scene.plug("w0", "C")
        scene.wait_bound("C")
        sender.send(bytes(1000))


def test_sessions_survive_a_move_without_loss_of_carrier(scene, quiet):
    """The access point changes its network: the interface notices nothing but a new router."""
    scene.standard()
    scene.attach("B")
    session = TcpSession(scene.mn, net.CN, source=net.HOME1)
    session.exchange()
    quiet(2.2)  # a router heard within the last second counts as present
    scene.nodes.air.ip("link set m0 master brC")
    scene.routers["C"].command("advertise")
    scene.wait_bound("C")
    session.exchange(20000)


def test_E06_home_again(scene):
    scene.standard()
    scene.attach("B")
    session = TcpSession(scene.mn, net.CN, source=net.HOME1)
    session.exchange()
    begin = scene.now()
    scene.move("A")
    scene.wait_bound("A")
    home_at = scene.now()
    session.exchange(50000)

    (packet, update), = scene.updates(net.HOME1, after=begin)
    assert packet.src == net.canonical(net.HOME1) and not packet.headers
    assert update.lifetime == 0 and packet.eth_dst == scene.nodes.ha1.mac("lan")
    packets = scene.packets()
    assert not [p for p in judge.tunnelled_for(packets, net.HOME1) if p.time > home_at]
    assert [p for p in judge.direct_for(packets, net.HOME1) if p.time > home_at]


def test_E06_the_home_address_is_claimed_as_the_standard_says(scene):
    """RFC 6275 section 11.5.5: no duplicate address detection while a binding lives, an
    advertisement to all nodes with the override flag behind the acknowledgement."""
    scene.standard()
    scene.attach("B")
    begin = scene.now()
    scene.move("A")
    scene.wait_bound("A")
    wait_until(lambda: _claims(scene, begin), "the home address to be announced")
    answered = judge.acknowledgements(scene.packets(), net.HOME1)[-1][0].time
    packet, override, solicited, mac = _claims(scene, begin)[0]
    assert override and not solicited and mac == net.MN_MAC["w0"]
    assert packet.dst == "ff02::1" and packet.hop_limit == 255 and packet.time > answered
    detections = [p for p in judge.sent_by_mn(scene.packets()) if p.icmp_type == pk.NS and
                  p.src == "::" and p.nd_target == net.canonical(net.HOME1)]
    assert not [p for p in detections if begin < p.time]


def _claims(scene, after):
    return [c for c in judge.neighbour_advertisements(judge.sent_by_mn(scene.packets()), net.HOME1)
            if c[0].time > after and c[0].dst == "ff02::1"]


def test_E06_neighbours_at_home_reach_the_home_address_at_once(scene):
    """The home agent's claim on the address is undone in the memory of its neighbours."""
    scene.standard()
    scene.attach("B")
    scene.nodes.ara.command("ping", "-c1", "-W1", net.HOME1)
    scene.move("A")
    scene.wait_bound("A")
    wait_until(lambda: _claims(scene, 0), "the home address to be announced")
    scene.nodes.ara.command("ping", "-c1", "-W1", net.HOME1)


def test_E10_make_before_break_loses_nothing(scene):
    scene.standard()
    scene.probe_server()
    scene.attach("B", "w0")
    probe = scene.probe("udp", "stream", net.HOME2, "--seconds", 30)
    for old, new, place in (("w0", "w1", "C"), ("w1", "w0", "B"), ("w0", "w1", "C")):
        scene.wait_stream(net.HOME2, old)
        scene.plug(new, place)
        scene.wait_bound(place, new)
        scene.wait_stream(net.HOME2, new)
        scene.unplug(old)
    scene.wait_stream(net.HOME2, "w1")
    summary = probe.finish()
    assert summary["ok"] and summary["sent_up"] > 100
    assert (summary["lost_up"], summary["lost_down"]) == (0, 0), summary


def test_E10_the_new_path_is_registered_before_the_old_one_is_left(scene):
    scene.standard()
    scene.attach("B", "w0")
    session = TcpSession(scene.mn, net.CN, source=net.HOME1)
    session.exchange()
    begin = scene.now()
    scene.plug("w1", "C")
    scene.wait_bound("C", "w1")
    session.exchange()
    answered = judge.acknowledgements(scene.packets(), net.HOME1)[-1][0].time
    sent = [p for p in judge.sent_by_mn(judge.tunnelled_for(scene.packets(), net.HOME1))
            if p.time > begin]
    assert all(p.time > answered for p in sent if p.src == net.canonical(net.care_of("C", "w1")))
    scene.unplug("w0")
    session.exchange()


def test_E10_while_the_anchor_is_silent_the_old_path_goes_on(scene):
    scene.standard()
    scene.attach("B", "w0")
    session = TcpSession(scene.mn, net.CN, source=net.HOME2)
    session.exchange()
    scene.ha2.command("drop", 1)
    begin = scene.now()
    scene.plug("w1", "C")
    scene.wait_updates(1, net.HOME2, after=begin)
    session.exchange(20000)
    assert scene.ha2.care_of() == net.canonical(net.care_of("B", "w0"))
    scene.wait_bound("C", "w1")
    session.exchange(20000)


@pytest.mark.parametrize("hole", [0.1, 1.5])
def test_E13_back_in_the_same_network_nothing_is_signalled(scene, hole, quiet):
    scene.standard()
    scene.attach("B")
    session = TcpSession(scene.mn, net.CN, source=net.HOME1)
    session.exchange()
    begin = scene.now()
    scene.move("B", hole=hole)
    session.exchange()
    quiet(0.5)
    assert scene.updates(after=begin) == []


def test_E13_in_the_same_network_a_router_need_not_advertise(scene, quiet):
    """RFC 6059: it is asked by its link-layer address, and a neighbour answers at once."""
    scene.standard()
    scene.attach("B")
    session = TcpSession(scene.mn, net.CN, source=net.HOME1)
    session.exchange()
    router = scene.routers["B"].process
    router.send_signal(signal.SIGSTOP)
    begin = scene.now()
    scene.move("B")
    plugged = scene.now()
    session.exchange()
    took = scene.now() - plugged
    print(f"goes on {took * 1000:.1f} ms after the plug")
    assert took < 0.5, "waits for something else than the router's answer"
    sent = [p for p in judge.sent_by_mn(scene.packets()) if p.time > begin]
    asked = [p for p in sent if p.icmp_type == pk.NS and p.dst.startswith("fe80:")]
    assert asked, "no router is asked by its link-layer address"
    assert not [p for p in scene.packets() if p.time > begin and p.icmp_type == pk.RA]
    router.send_signal(signal.SIGCONT)
    quiet(0.5)
    assert scene.updates(after=begin) == []
    scene.move("C")
    scene.wait_bound("C")
    session.exchange()


def test_E13_another_router_with_the_same_prefix_is_no_movement(scene, quiet):
    """Network-based mobility: the prefix follows the host, so there is nothing to tell."""
    scene.start_routers(places=("A", "B"))
    scene.start_routers(places=("C",), prefix=net.PREFIX["B"])
    scene.start_agents()
    scene.capture()
    scene.configure().start()
    scene.attach("B")
    begin = scene.now()
    scene.move("C")
    scene.wait_router("C")
    quiet(0.5)
    assert scene.updates(after=begin) == []


def test_N2_attachment_costs_one_solicitation_and_few_probes(scene, quiet):
    scene.standard()
    scene.attach("B")
    quiet(2.0)  # the kernel's own questions about the first attachment
    begin = scene.now()
    scene.move("B")
    scene.wait_router("B", after=begin)
    quiet(0.5)
    sent = [p for p in judge.sent_by_mn(scene.packets()) if p.time > begin]
    assert len([p for p in sent if p.icmp_type == pk.RS]) <= MAX_SOLICITATIONS
    assert len([p for p in sent if p.icmp_type == pk.NS]) <= MAX_NEIGHBOUR_SOLICITATIONS
    assert judge.mobility(sent) == []


def test_a_router_that_vanishes_is_replaced_by_another_link(scene):
    scene.standard(links=PREFER_W0)
    scene.attach("B", "w0")
    scene.plug("w1", "C")
    scene.hasten_unreachability("w0")
    session = TcpSession(scene.mn, net.CN, source=net.HOME1)
    session.exchange()
    traffic = UdpSession(scene.mn, net.CN, source=net.HOME1)
    scene.nodes.arb.ip("link set lan down")  # the wire to the mobile node stays
    # Traffic is what makes the kernel ask whether the router is still there.
    wait_until(lambda: traffic.exchange(timeout=0.1) and
               scene.ha1.care_of() == net.canonical(net.care_of("C", "w1")),
               "the tunnel to move to the other link", timeout=15)
    session.exchange(20000, timeout=10)


def test_a_router_that_retires_is_replaced_by_another_link(scene):
    scene.standard(links=PREFER_W0)
    scene.attach("B", "w0")
    scene.plug("w1", "C")
    session = TcpSession(scene.mn, net.CN, source=net.HOME1)
    session.exchange()
    scene.routers["B"].command("lifetime", 0)
    scene.wait_bound("C", "w1")
    session.exchange(20000)


def test_ten_quick_moves_end_in_the_last_place(scene):
    scene.standard()
    scene.attach("B")
    session = TcpSession(scene.mn, net.CN, source=net.HOME2)
    session.exchange()
    for number in range(10):
        scene.move("BC"[number % 2], hole=0.03)
    scene.move("C", hole=0.03)
    scene.wait_bound("C", timeout=10)
    session.exchange(20000)


def test_P2_an_anchor_on_the_access_router_serves_both_ways(scene):
    """The home agent runs on the router of network A itself."""
    scene.start_routers()
    agent = scene.start_agent_on_router()
    scene.capture()
    scene.echo()
    scene.configure([anchor1(at=net.router_address("A"))]).start()
    scene.plug("w0", "A")
    scene.wait_home_address("w0")
    session = TcpSession(scene.mn, net.CN, source=net.HOME1)
    session.exchange()
    scene.move("B")
    scene.wait_care_of(agent, "B")
    session.exchange(20000)
    scene.move("A")
    wait_until(lambda: not agent.bindings(), "the binding to go")
    session.exchange(20000)


def test_R4_only_registered_messages_and_options_are_used(scene):
    """Binding updates of RFC 6275, options of RFC 6275, 4283 and 4285."""
    scene.standard()
    scene.attach("B")
    scene.move("C")
    scene.wait_bound("C")
    kinds = {o.type for _, m in scene.updates() for o in m.options}
    assert kinds <= {mip6.PAD1, mip6.PADN, mip6.ALT_COA, mip6.MN_ID, mip6.AUTH, mip6.REPLAY}
