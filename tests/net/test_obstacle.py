# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks that block what mobility needs: found out, named, and what can be done about it said."""
import json

import pytest

from lib import firewall, topology as net
from lib.observe import events, wait_event
from lib.daemon import DMMCTL
from lib.run import run_command, wait_until
from lib.session import TcpSession

ECHO = 2222
POLICY = f"[Rule echo]\nProtocol=tcp\nPort={ECHO}\nService=session-lasting\n"


def started(make_places, **settings):
    scene = make_places("AB", anchored="A")
    scene.standard(policy=POLICY, **settings)
    scene.echo(port=ECHO)
    scene.attach("A")
    session = TcpSession(scene.mn, net.CN, port=ECHO)
    session.exchange()
    return scene, session


def router(scene, place="B"):
    return scene.nodes.routers[place]


def wait_obstacle(scene, kind, timeout=20.0):
    return wait_until(lambda: scene.shown("bindings", obstacle=kind),
                      lambda: f"the obstacle to be {kind}: {scene.daemon.ctl('bindings')}", timeout,
                      interval=0.1)


def findings(scene):
    text = run_command(DMMCTL, "--bus", scene.bus.address, "--json=short", "test", check=False)
    return [f["words"] for f in json.loads(text) if not f["ok"]]


@pytest.mark.unjudged
def test_R6_7_blocked_mobility_header_is_named(make_places):
    scene, session = started(make_places)
    firewall.block_protocol(router(scene), firewall.MOBILITY)
    scene.move("B")
    found = wait_obstacle(scene, "signalling")
    assert "protocol 135" in found["obstacle_words"]
    assert any("protocol 135" in words for words in findings(scene))
    assert not any("protocol 41" in words for words in findings(scene)), "that does pass"
    firewall.open_all(router(scene))
    scene.wait_bound("A", "B", timeout=40.0)
    wait_obstacle(scene, "none")
    session.exchange(timeout=30.0)


@pytest.mark.unjudged
def test_R6_7_an_anchor_that_answers_nothing_is_named(make_places):
    scene, _ = started(make_places)
    scene.nodes.core.ip(f"route add unreachable {net.router_address('A')}/128")
    scene.move("B")
    assert "answers nothing" in wait_obstacle(scene, "unreachable")["obstacle_words"]


@pytest.mark.unjudged
@pytest.mark.parametrize("managed", [False, True], ids=["alone", "beside-a-manager"])
def test_R6_7_blocked_tunnel_is_named(make_places, managed):
    """A manager takes addresses away, but not the on-link prefix that the home agent is in."""
    scene, session = started(make_places, ProbeInterval="200ms")
    firewall.block_protocol(router(scene), firewall.IPV6_IN_IPV6)
    scene.move("B", managed=managed)
    session.socket.sendall(b"x" * 100)
    found = wait_obstacle(scene, "tunnel")
    assert "protocol 41" in found["obstacle_words"]
    assert any("protocol 41" in words for words in findings(scene))
    assert not any("protocol 135" in words for words in findings(scene)), "these do pass"
    scene.wait_shown("bindings", waiting_for="an answer through its tunnel, which is dead")
    firewall.open_all(router(scene))
    wait_obstacle(scene, "none", timeout=60.0)
    session.socket.settimeout(60.0)
    assert session.socket.recv(100) == b"x" * 100, "it has come back late"


def test_N11_a_path_mtu_black_hole_is_named_and_got_round(make_places):
    scene, session = started(make_places, ProbeInterval="200ms")
    scene.nodes.set_core_mtu(1400, places=("B",))
    firewall.hide_too_big(router(scene))
    scene.move("B")
    session.exchange()
    session.exchange(octets=200000, timeout=40.0)
    found = wait_obstacle(scene, "mtu")
    assert "Packet Too Big" in found["obstacle_words"]
    assert len(events(scene, "obstacle")) == 1
    wait_event(scene, "obstacle")
    session.exchange(octets=200000, timeout=10.0)
