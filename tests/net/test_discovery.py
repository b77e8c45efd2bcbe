# SPDX-License-Identifier: GPL-2.0-or-later
"""Where anchors come from (E7, G3, S6): configuration, router advertisements, DHAAD, DNS; and home
addresses made from what was found."""
import struct

import pytest
from scapy.all import Ether
from scapy.layers.inet6 import ICMPv6HAADRequest

from lib import forge, judge, ndoption, services, topology as net
from lib.observe import (discovery_requests, events, silence, stream, wait_event,
                         wait_tunnelled)
from lib.packets import octets, write_capture
from lib.run import run_command, wait_until

REQUEST, REPLY = 144, 145  # of dynamic home agent address discovery
DOMAIN = "example.org"


def anycast(place):
    """RFC 6275 section 5.3, RFC 2526: the mobile agents' anycast address."""
    return net.canonical(net.PREFIX[place].replace("::/64", ":0:fdff:ffff:ffff:fffe"))


def start(scene, section, *more, **settings):
    scene.standard([section, *more], **settings)
    return scene


def listed(scene):
    return {a["address"]: a for a in scene.daemon.ctl("anchors")}


def found(scene, origin, *addresses, timeout=5.0):
    """Until exactly these anchors are known from there."""
    wanted = {net.canonical(a) for a in addresses}
    wait_until(lambda: {a for a, shown in listed(scene).items() if shown["origin"] == origin}
               == wanted, lambda: f"{wanted} from {origin}: {listed(scene)}", timeout,
               interval=0.05)


def session_moves(scene, begin_at="A", to="B"):
    """A session begins in a place and goes on in another one, through the anchor that was found."""
    media = stream(scene)
    assert media.source == scene.address(begin_at)
    scene.move(to)
    scene.wait_bound(begin_at, to)
    wait_tunnelled(scene, media)
    return media


def test_E07_G3_by_configuration(make_places):
    scene = make_places("AB", anchored="AB")
    scene.standard()
    scene.attach("A")
    found(scene, "configuration", *(scene.agent(p).address for p in "AB"))
    session_moves(scene)


# Router advertisements


def test_E07_G3_by_router_advertisement(make_places):
    """A router with the H flag, of a prefix that such agents may anchor (options 7 and 8)."""
    scene = make_places("AB", anchored="A")
    start(scene, scene.anchor("A", found=True, Discover="router-advertisement"))
    assert not listed(scene)
    scene.attach("A")
    found(scene, "router-advertisement", scene.agent("A").address)
    shown, = scene.daemon.ctl("anchors")
    assert (shown["section"], shown["prefix"], shown["preference"]) == ("a", net.PREFIX["A"], 10)
    assert shown["health"] == "untried", "nothing was sent to it"
    assert not scene.updates()
    assert "home agent" in wait_event(scene, "anchor-found")[0]["text"]
    session_moves(scene)
    assert scene.shown("anchors")["health"] == "reachable"


def test_E07_two_advertise_themselves(make_places):
    """Beside the router, each with the preference that it advertises: the higher is the better."""
    scene = make_places("AB", anchored="A", agents={"A": 2})
    section = scene.anchor("A", found=True, Discover="router-advertisement")
    start(scene, section, MeasureAnchors="no")
    scene.start_agent_routers()
    scene.routers["A", 1].command("home-agent", "lan", "50,1800")
    scene.attach("A")
    scene.routers["A", 0].command("advertise")
    scene.routers["A", 1].command("advertise")
    found(scene, "router-advertisement", *scene.places["A"].addresses)
    best = scene.shown("anchors", rank=1)
    assert (best["address"], best["preference"]) == (scene.agent("A", 1).address, 50)
    media = stream(scene)
    scene.move("B")
    scene.wait_bound("A", "B", number=1)
    wait_tunnelled(scene, media)


@pytest.mark.parametrize("what", ["no flag", "no lifetime", "not allowed"])
def test_E07_advertisements_that_name_no_agent(make_places, quiet, what):
    """Without the H flag, with a lifetime of 0, or of a prefix that nobody has allowed."""
    scene = make_places("AB", anchored="A")
    section = scene.anchor("A", found=True, Discover="router-advertisement")
    if what == "not allowed":
        section.prefixes = ["2001:db8:ffff::/64"]
    start(scene, section)
    if what != "not allowed":
        scene.routers["A"].command("home-agent", "lan", "off")
    scene.attach("A")
    if what == "no lifetime":
        say_agent(scene, "A", "fe80::1234", "2001:db8:a::1", lifetime=0)
    scene.session("ssh")
    quiet(0.3)
    assert not listed(scene)
    scene.move("B")
    scene.wait_native("B")
    assert not scene.updates()


def say_agent(scene, place, source, agent, preference=1000, lifetime=1800,
              mac="02:00:00:00:00:bd"):
    """An advertisement of somebody who is no default router but says that he is a home agent."""
    body = struct.pack("!BBHII", 64, 0x20, 0, 0, 0)
    body += struct.pack("!BBBBIII", 3, 4, 64, 0xE0, 86400, 14400, 0) + octets(agent)
    body += struct.pack("!BBHHH", 8, 1, 0, preference, lifetime)
    scene.multicast(place, forge.icmpv6(source, forge.ALL_NODES, 134, 0, body), source=mac)


# Dynamic home agent address discovery


def dhaad(scene, **settings):
    return scene.anchor("A", found=True, Discover="dhaad", **settings)


def test_E07_G3_by_dhaad(make_places):
    """One request to the anycast address of the home prefix; the list is in order of preference."""
    scene = make_places("AB", anchored="A", agents={"A": 2})
    start(scene, dhaad(scene), MeasureAnchors="no")
    for n in range(2):
        scene.agent("A", n).command("agents", ",".join(reversed(scene.places["A"].addresses)))
    scene.attach("B")
    found(scene, "dhaad", *scene.places["A"].addresses)
    request, = discovery_requests(scene, REQUEST)
    assert (request.src, request.dst, request.headers) == (scene.address("B"), anycast("A"), [])
    dissected = Ether(request.raw)[ICMPv6HAADRequest]
    assert (dissected.type, dissected.code, dissected.R) == (REQUEST, 0, 0)
    assert tshark_fields(scene, request, "icmpv6.type", "icmpv6.mip6.identifier",
                         "icmpv6.checksum.status") == [
        "144", str(dissected.id), "1"]
    first = scene.shown("anchors", rank=1)
    assert first["address"] == scene.agent("A", 1).address
    assert not scene.updates(), "no session, no signalling"


def tshark_fields(scene, packet, *names):
    path = scene.directory / "one.pcap"
    write_capture(path, [(packet.time, packet.raw)])
    argv = [word for name in names for word in ("-e", name)]
    return run_command("tshark", "-r", str(path), "-T", "fields", *argv).strip("\n").split("\t")


def test_E07_the_agent_found_by_dhaad_serves(make_places):
    scene = make_places("AB", anchored="A")
    start(scene, dhaad(scene))
    scene.attach("A")
    found(scene, "dhaad", scene.agent("A").address)
    session_moves(scene)
    assert len(discovery_requests(scene, REQUEST)) == 1, "once is enough"


def test_E12_dhaad_is_asked_again_with_patience(make_places):
    """INITIAL_DHAAD_TIMEOUT is 3 s, doubled each time; the same identifier throughout."""
    scene = make_places("AB", anchored="A")
    start(scene, dhaad(scene))
    scene.agent("A").command("silent", "on")
    scene.attach("B")
    requests = wait_until(lambda: len(r := discovery_requests(scene, REQUEST)) == 2 and r,
                          "the second request", 6)
    assert requests[1].time - requests[0].time == pytest.approx(3.0, abs=0.1)
    scene.agent("A").command("silent", "off")
    found(scene, "dhaad", scene.agent("A").address, timeout=8)
    third = discovery_requests(scene, REQUEST)[2]
    assert third.time - requests[1].time == pytest.approx(6.0, abs=0.1)
    assert len({p.payload[4:6] for p in (*requests, third)}) == 1


def test_R7_forged_dhaad_replies_are_nothing(make_places, quiet):
    """With another identifier, or when nothing was asked."""
    scene = make_places("AB", anchored="A")
    start(scene, dhaad(scene))
    scene.agent("A").command("silent", "on")
    scene.attach("B")
    request, = wait_until(lambda: discovery_requests(scene, REQUEST), "the request")
    right = struct.unpack_from("!H", request.payload, 4)[0]
    reply(scene, (right + 1) % 65536)
    quiet(0.3)
    assert not listed(scene)
    reply(scene, right)
    found(scene, "dhaad", "2001:db8:a::bad")
    reply(scene, right, "2001:db8:a::bad2")
    quiet(0.3)
    assert len(listed(scene)) == 1


def reply(scene, identifier, agent="2001:db8:a::bad"):
    body = struct.pack("!HH", identifier, 0) + octets(agent)
    scene.forged("B", forge.icmpv6(net.router_address("A"), scene.address("B"), REPLY, 0, body, 64))


FALSE = "2001:db8:a::bad"


def costs_little(scene):
    """The false agent is asked first.  It cannot answer; the true one serves, and the session goes
    on.  What the session sends is not for the false one to see."""
    media = stream(scene)
    begin = scene.now()
    scene.move("B")
    scene.wait_bound("A", "B")
    wait_tunnelled(scene, media)
    took = silence(scene, media, begin)
    print(f"the session was silent for {took:.2f} s")
    assert took < 3.0
    assert scene.shown("anchors", address=FALSE)["health"] == "silent"
    assert media.alive() and not events(scene, "session-lost")
    seen = [p for p in judge.tunnelled_for(scene.packets(), media.source) if p.dst == FALSE]
    assert not seen, f"{len(seen)} packets of the session went to the false agent"


@pytest.mark.unjudged
def test_R7_a_false_agent_of_dhaad_costs_little(make_places):
    """A reply that nobody authenticates is a hint."""
    scene = make_places("AB", anchored="A")
    start(scene, dhaad(scene, FirstTimeout="200ms"), MeasureAnchors="no")
    agent = scene.agent("A")
    agent.command("agents", f"{FALSE},{agent.address}")
    scene.attach("A")
    found(scene, "dhaad", FALSE, agent.address)
    costs_little(scene)


# DNS


def dns(scene, **settings):
    return scene.anchor("A", found=True, Discover="dns", Domain=DOMAIN, **settings)


def names(scene, *priorities):
    """ha1, ha2 ... are the home agents of A, with service records of these priorities."""
    hosts = {f"ha{n + 1}.{DOMAIN}": [address]
             for n, address in enumerate(scene.places["A"].addresses)}
    targets = [(f"ha{n + 1}.{DOMAIN}", priority, 0) for n, priority in enumerate(priorities)]
    return scene.name_server(hosts, services.home_agents(DOMAIN, *targets))


def test_E07_G3_by_dns(make_places):
    """SRV _mip6._ipv6, the lower priority first (RFC 5026)."""
    scene = make_places("AB", anchored="A", agents={"A": 2})
    server = names(scene, 20, 10)
    start(scene, dns(scene), resolver=server.address, MeasureAnchors="no")
    scene.attach("A")
    found(scene, "dns", *scene.places["A"].addresses)
    assert ("SRV", f"{services.MIP6}.{DOMAIN}") in server.queries()
    assert {q for q, _ in server.queries()} == {"SRV", "AAAA"}
    assert scene.shown("anchors", rank=1)["address"] == scene.agent("A", 1).address
    assert not scene.updates()
    media = stream(scene)
    scene.move("B")
    scene.wait_bound("A", "B", number=1)
    wait_tunnelled(scene, media)
    assert len([q for q, _ in server.queries() if q == "SRV"]) == 1, "asked once"


def test_E07_dns_without_service_records(make_places):
    """The domain itself is then the name of the home agent."""
    scene = make_places("AB", anchored="A")
    server = scene.name_server({DOMAIN: scene.places["A"].addresses})
    start(scene, dns(scene), resolver=server.address)
    scene.attach("B")
    found(scene, "dns", scene.agent("A").address)


def test_E07_dns_that_knows_nothing(make_places, quiet):
    """Nothing is found, nothing else suffers; another place may know more."""
    scene = make_places("AB", anchored="A")
    server = scene.name_server({})
    start(scene, dns(scene), resolver=server.address)
    scene.attach("A")
    wait_until(lambda: ("SRV", f"{services.MIP6}.{DOMAIN}") in server.queries(), "the question")
    quiet(0.3)
    assert not listed(scene)
    server.change({f"ha.{DOMAIN}": scene.places["A"].addresses},
                  services.home_agents(DOMAIN, (f"ha.{DOMAIN}", 1, 1)))
    scene.move("B")
    found(scene, "dns", scene.agent("A").address)


# Home address autoconfiguration


UNUSED = {"HoldTime": "60s"}  # nobody uses the address made: its binding stands to be looked at


def automatic(scene):
    home = scene.wait_shown("bindings", state="registered")["home_address"]
    assert net.canonical(home) in scene.bound()
    return net.canonical(home)


def of_prefix(address, place):
    return octets(address)[:8] == octets(net.router_address(place))[:8]


@pytest.mark.parametrize("source", ["dhaad", "dns"])
def test_E07_S6_a_home_address_is_made(make_places, source):
    """From the home prefix that was found; it serves sessions, wherever the host is."""
    scene = make_places("AB", anchored="A")
    settings = dict(UNUSED)
    if source == "dns":
        settings["resolver"] = names(scene, 1).address
        section = dns(scene, HomeAddress="auto")
        section.prefixes = []  # the home agent's own is the home prefix
    else:
        section = dhaad(scene, HomeAddress="auto")
    start(scene, section, **settings)
    section.prefixes = scene.anchor("A").prefixes  # as the judge may know
    scene.attach("B")
    home = automatic(scene)
    assert of_prefix(home, "A") and not octets(home)[8] & 2, "a random interface identifier"
    wait_until(lambda: scene.has_address(home, "dmm0"), "the address on the device")
    ssh = scene.session("ssh", source=home)
    ssh.wait_progress()
    assert ssh.carried(scene.packets()).direct == 0


@pytest.mark.parametrize("how", ["stop", "crash"])
def test_E07_E14_the_address_made_survives_a_restart(make_places, how):
    scene = make_places("AB", anchored="A")
    start(scene, dhaad(scene, HomeAddress="auto"), **UNUSED)
    scene.attach("B")
    home = automatic(scene)
    wait_until(lambda: f"{home} {scene.agent('A').address}" in scene.daemon.state_file.read_text(),
               "the state file")
    getattr(scene.daemon, how)()
    scene.daemon.start()
    wait_until(scene.bus.has_name, "dmmd to be on the bus")
    assert automatic(scene) == home
    assert len(scene.daemon.ctl("bindings")) == 1


def test_E08_an_address_that_somebody_else_has_is_made_anew(make_places):
    """Status 134: never again that address, but another one."""
    scene = make_places("AB", anchored="A")
    start(scene, dhaad(scene, HomeAddress="auto"), **UNUSED)
    scene.agent("A").command("status", 134, 1)
    scene.attach("B")
    refused = wait_event(scene, "binding-refused")
    (first, _), *_ = scene.wait_updates(1)
    wait_until(lambda: scene.bound(), "another home address", 10)
    assert first.home_source not in scene.bound()
    assert of_prefix(list(scene.bound())[0], "A")
    assert first.home_source in refused[0]["text"]
    assert len([p for p, _ in scene.updates() if p.home_source == first.home_source]) == 1


# False agents on the visited link


@pytest.mark.unjudged  # the false agent is none of those that the judge knows
def test_R7_a_false_agent_on_the_link_never_gets_a_binding(make_places):
    """Somebody in A advertises himself as a home agent of A's prefix with the highest preference;
    he does not know the key.  The session loses a few seconds at most; he hears nothing of it."""
    scene = make_places("AB", anchored="A")
    start(scene, scene.anchor("A", found=True, Discover="router-advertisement",
                              FirstTimeout="200ms"), MeasureAnchors="no")
    scene.attach("A")
    found(scene, "router-advertisement", scene.agent("A").address)
    say_agent(scene, "A", "fe80::bad", FALSE)
    found(scene, "router-advertisement", scene.agent("A").address, FALSE)
    costs_little(scene)


@pytest.mark.unjudged
def test_R7_a_flood_of_false_agents_leaves_the_true_one(make_places, quiet):
    """They take each other's room, not that of the one that serves."""
    scene = make_places("AB", anchored="A")
    start(scene, scene.anchor("A", found=True, Discover="router-advertisement",
                              FirstTimeout="200ms"), MeasureAnchors="no")
    scene.attach("A")
    media = stream(scene)
    scene.move("B")
    scene.wait_bound("A", "B")
    scene.move("A")
    scene.wait_unbound("A")
    for n in range(100):
        say_agent(scene, "A", f"fe80::bad:{n:x}", f"2001:db8:a::bad:{n:x}",
                  mac=f"02:00:00:00:bd:{n:02x}")
    quiet(0.5)
    assert len(listed(scene)) <= 16 and scene.agent("A").address in listed(scene)
    begin = scene.now()
    scene.move("B")
    scene.wait_bound("A", "B")
    wait_tunnelled(scene, media, begin)
    took = silence(scene, media, begin)
    print(f"the session was silent for {took:.2f} s")
    assert took < 3.0


def test_R4_the_wire_has_no_experimental_types(make_places):
    """What discovery sends by default is registered: DHAAD and nothing unknown (R4)."""
    scene = make_places("AB", anchored="A")
    start(scene, dhaad(scene))
    scene.attach("A")
    found(scene, "dhaad", scene.agent("A").address)
    session_moves(scene)
    ours = judge.sent_by_mn(scene.packets())
    kinds = {p.icmp_type for p in ours if p.icmp_type is not None}
    assert kinds <= {128, 129, 133, 135, 136, 143, REQUEST}, kinds
    assert ndoption.PREFIX_PROPERTY not in kinds
