# SPDX-License-Identifier: GPL-2.0-or-later
"""Payload protection (RFC 6275 section 5.5): tunnels through ESP, on the plane of the kernel's own
tunnels.  At the home agents the kernel's IPsec has the keys, and judges what comes."""
import json
import pathlib
import subprocess

import pytest
from lib import forge, judge, packets as pk, protection, state, topology as net
from lib.bus import Bus
from lib.daemon import DMMCTL, DMMD, PLANE, anchor1, anchor2
from lib.datagrams import Datagrams
from lib.observe import stream
from lib.protection import ESP
from lib.run import run_command, wait_until
from lib.session import TcpSession, UdpSession, unreachable

pytestmark = pytest.mark.skipif(
    PLANE != "kernel", reason="only tunnels of the kernel are protected: make check-kernel")

SECRET = b"this must not arrive"
HOMES = {net.HOME1: net.HA1, net.HOME2: net.HA2}
CARE_OF = [net.care_of(place) for place in "BC"]


@pytest.fixture
def make(scene):
    """Makes a scene with protection to both home agents; theirs: other keys that they have."""
    bus = Bus(scene.run, scene.directory)

    def start(theirs=None, before=None, **settings):
        scene.keys = [protection.make_keys(n) for n in (1, 2)]
        for node, address, keys in zip((scene.nodes.ha1, scene.nodes.ha2), (net.HA1, net.HA2),
                                       theirs(scene.keys) if theirs else scene.keys):
            protection.protect_agent(node, address, keys, CARE_OF)
        if before:
            before()
        scene.standard([
            anchor1(**scene.keys[0].settings(scene.run, "home")),
            anchor2(**scene.keys[1].settings(scene.run, "second"))], ["--ipsec"],
            bus=bus.address, **settings)
        wait_until(bus.has_name, "dmmd to be on the bus")
        return scene
    yield start
    bus.process.stop()


@pytest.fixture
def bound(make):
    scene = make()
    scene.attach("B")
    return scene


def binding(scene, home=net.HOME2):
    return next(b for b in scene.daemon.ctl("bindings")
                if net.canonical(b["home_address"]) == net.canonical(home))


def tunnelled(scene, after=0.0):
    """Packets with a header for protocol 41, protected or not, either way."""
    return [p for p in scene.packets() if p.time > after and p.upper in (ESP, pk.TUNNEL)]


def unprotected(scene):
    """Nothing between a home agent and the mobile node has plain data in it."""
    return [p for p in tunnelled(scene) if p.upper != ESP] + [
        p for home in HOMES for p in judge.direct_for(scene.packets(), home)
        if p.upper != pk.MOBILITY]


def xfrm(node):
    return node.command("ip", "xfrm", "state") + node.command("ip", "xfrm", "policy")


def findings(scene):
    text = run_command(DMMCTL, "--bus", scene.daemon.bus, "--json=short", "test", check=False)
    return [f for f in json.loads(text) if not f["ok"]]


def test_R7_payload_is_encrypted_and_authenticated_over_a_move(bound):
    sessions = [TcpSession(bound.mn, net.CN, source=home) for home in HOMES]
    for place in "BC":
        if place == "C":
            bound.move("C")
            bound.wait_bound("C")
        begin = bound.now()
        for session in sessions:
            session.exchange(100_000, timeout=20)
        assert {binding(bound, home)["protection"] for home in HOMES} == {"esp"}
        ends = {(p.src, p.dst) for p in tunnelled(bound, after=begin)}
        coa = net.canonical(net.care_of(place))
        assert {(coa, net.canonical(a)) for a in HOMES.values()} <= ends
        assert {(net.canonical(a), coa) for a in HOMES.values()} <= ends
    assert unprotected(bound) == []
    # What the home agents' kernels have taken apart is not an opinion of ours; this is a third one.
    rows = protection.decoded(bound.captures["mn", "w0"].path, bound.keys)
    assert len(rows) == len([p for p in tunnelled(bound) if p.fragment_offset is None]) > 100
    assert {r["esp.icv_good"] for r in rows} == {"1"}
    for row in rows:
        inside = {a for part in ("ipv6.src", "ipv6.dst") for a in row[part].split(",")[1:]}
        assert inside & {net.canonical(h) for h in HOMES}, row
    for session in sessions:
        protection.reset(session)
    assert bound.daemon.stop() == 0
    assert xfrm(bound.mn) == ""


def test_R7_without_protection_nothing_of_ipsec_is_there(scene):
    """The same option at its default."""
    bus = Bus(scene.run, scene.directory)
    scene.standard([anchor1(PayloadProtection="no"), anchor2()], bus=bus.address)
    wait_until(bus.has_name, "dmmd to be on the bus")
    scene.attach("B")
    TcpSession(scene.mn, net.CN, source=net.HOME1).exchange(20_000)
    assert binding(scene, net.HOME1)["protection"] == "no"
    assert {p.upper for p in tunnelled(scene)} == {pk.TUNNEL}
    assert xfrm(scene.mn) == ""
    bus.process.stop()


def test_N11_full_size_fits_into_what_protection_leaves(bound):
    session = TcpSession(bound.mn, net.CN, source=net.HOME2)
    session.exchange(500_000, timeout=20)
    sizes = [p.size for p in judge.sent_by_mn(tunnelled(bound))]
    assert judge.MTU - 16 < max(sizes) <= judge.MTU
    bound.nodes.set_core_mtu(1400)
    begin = bound.now()
    session.exchange(500_000, timeout=25)
    sizes = [p.size for p in judge.sent_by_mn(tunnelled(bound, after=begin))]
    assert 1400 - 16 < max(sizes[len(sizes) // 2:]) <= 1400
    assert UdpSession(bound.mn, net.CN, source=net.HOME2).exchange(4000)
    assert unprotected(bound) == []


def test_E11_plain_packet_with_the_right_addresses_is_dropped_and_counted(bound):
    program, port = Datagrams(bound.mn, net.HOME2, 9999), 9999
    session = TcpSession(bound.mn, net.CN, source=net.HOME2)
    session.exchange()
    before = bound.daemon.refused("not-accepted")
    for number in range(1, 4):
        bound.forged("B", forge.tunnelled(net.HA2, net.care_of("B"), forge.udp(
            net.CN, net.HOME2, 7, port, SECRET)))
        wait_until(lambda n=number: bound.daemon.refused("not-accepted") == before + n,
                   lambda n=number: f"packet {n} to be counted beside {before}: "
                   f"{bound.daemon.refused('not-accepted')}")
    assert program.receive(0.3) is None
    session.exchange(20_000)


def test_R7_other_keys_let_nothing_in_and_are_told(make):
    scene = make(theirs=lambda keys: [keys[0], keys[1].forged()])
    scene.attach("B")
    TcpSession(scene.mn, net.CN, source=net.HOME1).exchange(20_000)
    assert unreachable(scene.mn, net.CN, net.HOME2)
    arrived = [p for p in judge.received_by_mn(tunnelled(scene)) if p.src == net.canonical(net.HA2)]
    assert arrived and {p.upper for p in arrived} == {ESP}
    assert scene.daemon.refused("not-accepted") >= 1
    assert any("PayloadKeyFile=" in f["words"] for f in findings(scene))
    assert "compare them with its own" in scene.daemon.process.output()
    for direction in (d for k in scene.keys for d in (k.out, k.back)):
        for secret in (direction.encryption, direction.authentication):
            assert secret not in scene.daemon.process.output()


def test_E14_states_are_adopted_and_those_of_others_left_alone(make):
    other = protection.make_keys(9)
    scene = make()
    protection.add_state(scene.mn, protection.Direction(0x7777), net.CN, net.HA1)
    scene.mn.command("ip", "xfrm", "policy", "add", "src", net.CN, "dst", net.HA1, "dir", "out",
                     "tmpl", "proto", "esp", "mode", "transport")
    theirs = xfrm(scene.mn)
    scene.attach("B")
    session = TcpSession(scene.mn, net.CN, source=net.HOME2)
    session.exchange()
    before = protection.read_states(scene.mn)
    assert len(before) == 5
    scene.daemon.crash()
    session.exchange(20_000)
    begin = scene.now()
    scene.daemon.start()
    scene.wait_updates(2, after=begin)
    session.exchange(20_000)
    assert protection.read_states(scene.mn) == before
    # With other keys in its file, only those are replaced.
    scene.daemon.crash()
    new = protection.Keys(scene.keys[1].out, other.back)
    new.settings(scene.run, "second")
    begin = scene.now()
    scene.daemon.start()
    scene.wait_updates(2, after=begin)
    after = protection.read_states(scene.mn)
    assert before.keys() - after.keys() == {(net.canonical(net.care_of("B")), 0x2002)}
    assert after.keys() - before.keys() == {(net.canonical(net.care_of("B")), other.back.spi)}
    assert unprotected(scene) == []
    protection.reset(session)
    assert scene.daemon.stop() == 0
    assert xfrm(scene.mn) == theirs and state.owned(scene.mn) == []


def test_R7_protection_begins_and_ends_with_a_reload(scene):
    bus = Bus(scene.run, scene.directory)
    scene.standard([anchor1(), anchor2()], ["--ipsec"], bus=bus.address)
    wait_until(bus.has_name, "dmmd to be on the bus")
    scene.attach("B")
    session = TcpSession(scene.mn, net.CN, source=net.HOME2)
    session.exchange(50_000)
    assert {p.upper for p in tunnelled(scene)} == {pk.TUNNEL}

    def reload(anchor, **expected):
        scene.daemon.anchors[1] = anchor
        scene.daemon.configure()
        begin = scene.now()
        scene.daemon.ctl("reload")
        session.exchange(50_000, timeout=20)
        assert binding(scene)["protection"] == expected["told"]
        seen = [p for p in tunnelled(scene, after=begin)
                if p.upper == ESP or p.inner.src == net.canonical(net.HOME2)]
        assert {p.upper for p in judge.sent_by_mn(seen)} == {expected["upper"]}

    keys = protection.make_keys(2)
    protection.protect_agent(scene.nodes.ha2, net.HA2, keys, CARE_OF)
    reload(anchor2(**keys.settings(scene.run, "second")), told="esp", upper=ESP)
    scene.nodes.ha2.command("ip", "xfrm", "policy", "flush")
    reload(anchor2(), told="no", upper=pk.TUNNEL)
    assert xfrm(scene.mn) == ""
    bus.process.stop()


def test_R7_what_somebody_flushes_is_put_back(bound):
    session = TcpSession(bound.mn, net.CN, source=net.HOME2)
    for what in ("state", "policy"):
        bound.mn.command("ip", "xfrm", what, "flush")
        session.exchange(20_000, timeout=10)
    assert len(protection.read_states(bound.mn)) == 4
    assert unprotected(bound) == []


def test_R7_what_cannot_be_protected_is_blocked_and_told(make, quiet):
    scene = make()
    protection.add_state(scene.mn, scene.keys[1].out, net.CN, net.HA2)  # somebody else's
    scene.plug("w0", "B")
    scene.wait_updates(2)
    wait_until(lambda: binding(scene)["protection"] == "blocked", "it to be told", timeout=10)
    assert unreachable(scene.mn, net.CN, net.HOME2)
    TcpSession(scene.mn, net.CN, source=net.HOME1).exchange(20_000)
    quiet(0.3)
    assert unprotected(scene) == []
    assert "another program has" in binding(scene)["protection_words"]
    assert "another program has" in scene.daemon.process.output()
    found = findings(scene)
    assert any(f["words"].startswith("blocked: another program has") for f in found)
    assert "protection " + net.canonical(net.HA2) in [f["what"] for f in found]
    assert not any("protocol 50" in f["words"] or "puts this back" in f["words"] for f in found)
    assert not any(f["what"].split()[0] == "tunnel" for f in found)
    assert "Blocked" in run_command(DMMCTL, "--bus", scene.daemon.bus, "--colour=never")
    scene.mn.command("ip", "xfrm", "state", "delete", "src", net.CN, "dst", net.HA2, "proto",
                     "esp", "spi", scene.keys[1].out.spi)
    scene.move("C")
    scene.wait_bound("C")
    TcpSession(scene.mn, net.CN, source=net.HOME2).exchange(20_000)
    assert binding(scene)["protection"] == "esp"


def test_R7_nothing_goes_on_by_a_home_link_that_was_left(make):
    """Its router may be anybody's there."""
    scene = make()
    scene.attach("A")
    protection.add_state(scene.mn, scene.keys[0].out, net.CN, net.HA1)  # somebody else's
    scene.move("B")
    wait_until(lambda: binding(scene, net.HOME1)["protection"] == "blocked", "it to be told",
               timeout=10)
    assert unreachable(scene.mn, net.CN, net.HOME1)
    routes = scene.mn.command("ip", "-6", "route", "show", "table", "all").splitlines()
    assert [r for r in routes if "dev w0" in r and f"src {net.HOME1}" in r] == []


def test_R7_a_kernel_without_esp_blocks_and_is_told(scene, quiet):
    """Its module is gone and nothing loads it."""
    loader = pathlib.Path("/proc/sys/kernel/modprobe")
    before = loader.read_text()
    if "esp6 " in pathlib.Path("/proc/modules").read_text():
        wait_until(lambda: subprocess.run(["rmmod", "esp6"], check=False).returncode == 0,
                   "nobody to use ESP any more", interval=0.2)
    loader.write_text("/bin/false")
    bus = Bus(scene.run, scene.directory)
    try:
        keys = protection.make_keys(2)
        scene.standard([anchor1(), anchor2(**keys.settings(scene.run, "second"))],
                       bus=bus.address)
        if "lacks ESP" not in scene.daemon.process.output():
            pytest.skip("ESP is built into this kernel")
        wait_until(bus.has_name, "dmmd to be on the bus")
        scene.plug("w0", "B")
        scene.wait_updates(2)
        scene.wait_care_of(scene.ha1, "B")
        wait_until(lambda: binding(scene)["protection"] == "blocked", "it to be told")
        assert "CONFIG_INET6_ESP" in binding(scene)["protection_words"]
        assert unreachable(scene.mn, net.CN, net.HOME2)
        TcpSession(scene.mn, net.CN, source=net.HOME1).exchange(20_000)
        quiet(0.3)
        inner = {p.inner.src for p in judge.sent_by_mn(tunnelled(scene)) if p.inner}
        assert inner == {net.canonical(net.HOME1)}
        assert judge.direct_for(scene.packets(), net.HOME2) == [
            p for p in judge.direct_for(scene.packets(), net.HOME2) if p.upper == pk.MOBILITY]
    finally:
        loader.write_text(before)
        bus.process.stop()


def test_E09_R7_a_switch_to_an_agent_without_keys_blocks(make_places, quiet):
    scene = make_places("AB", anchored="A", agents={"A": 2})
    place, keys = scene.places["A"], protection.make_keys(1)
    protection.protect_agent(scene.nodes.nodes[place.agent_node(0)], place.addresses[0], keys,
                             [scene.address("B")])
    scene.standard([scene.anchor("A", **keys.settings(scene.run, "a"))],
                   agent_options=["--ipsec"])
    scene.attach("A")
    media = stream(scene)
    scene.move("B")
    wait_until(lambda: {p.src for p in tunnelled(scene)} == {net.canonical(place.addresses[0]),
                                                             scene.address("B")},
               "protected packets both ways", timeout=10)
    assert binding(scene, media.source)["protection"] == "esp"
    scene.agent("A", 0).command("switch", media.source, place.addresses[1])
    wait_until(lambda: "no keys for a home agent" in (
        binding(scene, media.source)["protection_words"] or ""), "it to be told", timeout=10)
    quiet(1)
    assert binding(scene, media.source)["protection"] == "blocked"
    assert {p.upper for p in judge.sent_by_mn(tunnelled(scene))} == {ESP}
    begin = scene.now()
    quiet(0.5)  # the new agent sends what it gets as it is
    assert [p for p in judge.received_by_mn(tunnelled(scene, after=begin)) if p.inner]


def test_a_plane_that_cannot_protect_is_a_fault_of_the_configuration(scene):
    keys = protection.make_keys(1)
    daemon = scene.configure([anchor1(**keys.settings(scene.run, "home"))], Plane="bpf")
    done = scene.mn.start("check", [DMMD, "--config", daemon.config, "--check-config"],
                          scene.directory / "check.log")
    assert done.wait() != 0
    assert "Plane=bpf cannot protect payload" in done.output()
