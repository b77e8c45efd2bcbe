# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks that move their hosts themselves, where nothing is to be done (E13, N1-N4, N10), and
plain ones, where nothing can be done (R5)."""
import pytest
from lib import account, judge, native, packets as pk, state, topology as net
from lib.peers import Router
from lib.run import wait_until
from lib.session import TcpSession

ECHO, LASTING = 8080, 2222  # ports of the correspondent
POLICY = f"[Rule lasting]\nPort={LASTING}\nService=session-lasting\n"
# RFC 6543: what every access gateway of a Proxy Mobile IPv6 domain has in common.
SHARED, SHARED_MAC = "fe80::200:5eff:fe00:5213", "00:00:5e:00:52:13"
LISTENER_REPORT = 143  # of the kernel, from before
RESUMED = 0.010  # seconds that the daemon may add to what the link itself takes
MAX_SOLICITATIONS, MAX_NEIGHBOUR_SOLICITATIONS = 1, 6  # RFC 6059


def gateway(scene, place):
    """Make the router of a place look like all others of its domain."""
    router = scene.nodes.routers[place]
    router.ip(f"link set lan address {SHARED_MAC}")
    for address in router.addresses("lan", scope="link"):
        router.ip(f"addr del {address['local']}/64 dev lan")
    router.ip(f"addr add {SHARED}/64 dev lan nodad")


def same_prefix(scene, place, as_of):
    """The network keeps the host's prefix at another place: its router, too, has it, and the core
    network sends the host's packets there."""
    router = scene.nodes.routers[place]
    router.ip(f"addr add {net.router_address(as_of)}/64 dev lan nodad")
    scene.routers[place] = Router(scene.nodes, place, scene.directory, prefix=net.PREFIX[as_of])


def follow(scene, prefix, place):
    """The core network sends packets for a prefix to a place from now on."""
    scene.nodes.core.ip(f"route replace {prefix} via 2001:db8:f{net.SEGMENT[place]}::2")


def domain(make_places, shared):
    """A and B are of one domain that keeps A's prefix; C and its prefix are another one's."""
    scene = make_places("ABC", anchored="C")
    if shared:
        for place in "ABC":
            gateway(scene, place)
    scene.start_routers("AC")
    same_prefix(scene, "B", as_of="A")
    scene.start_agents()
    scene.capture()
    scene.capture("cn", "wan")
    scene.configure([scene.anchor("C")], policy=POLICY).start()
    scene.echo(port=LASTING)
    scene.serve(5004)
    return scene


@pytest.mark.parametrize("shared", [False, True], ids=["own-routers", "one-link-local-address"])
def test_E13_N2_N4_the_prefix_follows_the_host_and_nothing_is_signalled(make_places, quiet, shared):
    scene = domain(make_places, shared)
    scene.attach("A")
    session = TcpSession(scene.mn, net.CN, port=LASTING)
    session.exchange()
    quiet(1.5)  # the kernel's own questions about the first attachment
    for place in "BABA":
        left = native.leave(scene, place)
        follow(scene, net.PREFIX["A"], place)
        session.exchange(20_000)
        quiet(0.3)
        sent = [p for p in judge.sent_by_mn(scene.packets()) if p.time > left]
        assert native.mobility(scene, left) == [] and native.tunnelled(scene, left) == []
        assert len([p for p in sent if p.icmp_type == pk.RS]) <= MAX_SOLICITATIONS
        # A host that is told a new router by its network has to ask for it, and for itself.
        assert len([p for p in sent if p.icmp_type == pk.NS]) <= MAX_NEIGHBOUR_SOLICITATIONS
    assert scene.bound() == {} and session.source == net.canonical(net.care_of("A"))
    assert scene.daemon.ctl("bindings") == []


def first_up(scene, session, after):
    """When the correspondent got the session's first packet from the new place."""
    return next((p.time for p in session.seen(scene.packets("cn"), after)
                 if p.src == session.source), None)


def test_E13_N1_the_stream_resumes_as_soon_as_the_link_does(make_places, quiet):
    """With the daemon as without it: what it adds is measured against a host that has none."""
    scene = domain(make_places, shared=True)
    scene.attach("A")
    call = scene.session("call", port=5004, kind="udp")
    scene.wait_stream(call.source, "w0")
    quiet(1.0)
    gaps = {}
    for what in ("with", "without"):
        if what == "without":
            assert scene.daemon.stop() == 0
        gaps[what] = []
        for place in "BABA":
            left = native.leave(scene, place)
            plugged = scene.now()
            follow(scene, net.PREFIX["A"], place)
            scene.wait_stream(call.source, "w0")
            gaps[what].append(wait_until(lambda: first_up(scene, call, left), "the way up") -
                              plugged)
            quiet(0.3)
    print({k: [f"{g * 1e3:.1f} ms" for g in v] for k, v in gaps.items()})
    assert sorted(gaps["with"])[1] <= sorted(gaps["without"])[1] + RESUMED


def test_N10_another_domain_is_a_movement_though_the_router_looks_the_same(make_places):
    """Same link-local address, same link-layer address, another prefix: the anchored session of C
    goes on, C's own way."""
    scene = domain(make_places, shared=True)
    scene.attach("C")
    session = TcpSession(scene.mn, net.CN, port=LASTING)
    for number, place in enumerate("ABA"):
        left = native.leave(scene, place)
        follow(scene, net.PREFIX["A"], place)
        scene.wait_bound("C", "A")
        session.exchange(20_000)
        if number:  # the domain has kept its prefix
            assert native.mobility(scene, left) == []
        else:
            assert not account.one_pair_each(scene.packets(), [session.source], left)
    left = native.leave(scene, "C")
    scene.wait_unbound("C")
    session.exchange(20_000)
    assert not account.one_pair_each(scene.packets(), [session.source], left)


def test_N3_correspondents_never_see_a_care_of_address(make_places):
    scene = make_places("AB", anchored="A")
    scene.standard(policy=POLICY)
    scene.echo(port=LASTING)
    scene.attach("A")
    session = TcpSession(scene.mn, net.CN, port=LASTING)
    left = native.leave(scene, "B")
    scene.wait_bound("A", "B")
    session.exchange(20_000)
    coa = scene.address("B")
    seen = [p for p in scene.packets("cn") if p.time > left and not p.icmp_type]
    assert seen and not [p for p in seen if coa in (p.src, p.dst) or
                         pk.octets(coa) in p.raw or p.is_mobility or p.headers]


# Networks without this or that.

def plain(make_places, places="A", routers=True, **settings):
    scene = make_places(places, anchored="A")
    if routers:
        scene.start_routers()
    scene.start_agents()
    scene.capture()
    scene.configure(policy=POLICY, **settings)
    scene.echo(port=LASTING)
    return scene


def nothing_done(scene):
    assert native.mobility(scene) == [] and native.tunnelled(scene) == []
    assert scene.bound() == {}


def test_R5_no_router(make_places, quiet):
    """The host keeps asking as RFC 4861 says, three times, and says what it waits for."""
    scene = plain(make_places, routers=False)
    scene.daemon.start()
    scene.plug("w0", "A")
    wait_until(lambda: "advertisement" in str(scene.shown("links", name="w0")),
               lambda: f"the wait to be shown: {scene.daemon.ctl('links')}")
    quiet(1.0)
    nothing_done(scene)
    assert len([p for p in scene.packets() if p.icmp_type == pk.RS]) <= 3
    status = scene.daemon.ctl("status")
    assert not status.get("uplink") and not status.get("care_of_address"), status


def test_R5_no_ipv6(make_places, quiet):
    """An interface whose IPv6 is off is none of the daemon's business; IPv4 goes on."""
    scene = plain(make_places)
    scene.mn.set_sysctls(w0__disable_ipv6=1)
    scene.nodes.plug_ipv4("w0")
    before = state.filters(scene.mn)
    scene.daemon.start()
    scene.plug("w0", "A")
    wait_until(lambda: scene.mn.command("ping", "-c1", "-W1", net.CN4, check=False), "IPv4")
    quiet(1.0)
    nothing_done(scene)
    assert [p for p in scene.packets() if p.icmp_type != LISTENER_REPORT] == []
    assert not scene.daemon.ctl("status").get("uplink")
    assert scene.daemon.stop() == 0
    assert state.filters(scene.mn) == before


def test_R5_ipv4_only(make_places, quiet):
    """IPv6 is on, but the network has none."""
    scene = plain(make_places, routers=False)
    scene.nodes.plug_ipv4("w0")
    scene.daemon.start()
    scene.plug("w0", "A")
    wait_until(lambda: scene.mn.command("ping", "-c1", "-W1", net.CN4, check=False), "IPv4")
    quiet(1.0)
    nothing_done(scene)
    assert not scene.daemon.ctl("status").get("uplink")


def test_R5_no_anchor_anywhere(make_places):
    """Local prefixes only: sessions start, die with their place, and that is all."""
    scene = make_places("AB")
    scene.start_routers()
    scene.capture()
    scene.configure([], policy=POLICY).start()
    scene.echo(port=LASTING)
    scene.attach("A")
    first = TcpSession(scene.mn, net.CN, port=LASTING)
    first.exchange()
    scene.move("B")
    scene.wait_native("B")
    second = TcpSession(scene.mn, net.CN, port=LASTING)
    second.exchange()
    assert (first.source, second.source) == (scene.address("A"), scene.address("B"))
    assert native.mobility(scene) == [] and native.tunnelled(scene) == []
    wait_until(lambda: [p["anchoring"] for p in scene.daemon.ctl("prefixes")
                        if p["state"] == "native"] != ["anchored"], "the prefix not to be anchored")


def test_R5_an_anchor_that_is_not_there_costs_nothing_until_needed(make_places, quiet):
    scene = plain(make_places, "AB")
    scene.agent("A").stop()
    scene.daemon.start()
    scene.attach("A")
    scene.move("B")
    scene.wait_native("B")
    quiet(0.5)
    assert native.mobility(scene) == []
