# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests of anchors look at: silence of sessions, who carries them, events, probes."""
from . import mip6, topology as net
from .judge import mobility, received_by_mn
from .packets import text
from .run import wait_until

ECHO_REQUEST, ECHO_REPLY = 128, 129
EVERY_20_MS = ("--interval-us", 20000)


def pair(scene, place="A", **settings):
    """Sections of two home agents of one place; settings: of both."""
    low = place.lower()
    return [scene.anchor(place, n, f"{low}{n + 1}", **settings) for n in range(2)]


def stream(scene, name="media", **settings):
    """A session in need that sends and receives fifty packets a second."""
    return scene.session(name, port=5004, kind="udp", options=EVERY_20_MS, **settings)


def wait_tunnelled(scene, session, begin=0.0, timeout=5.0):
    wait_until(lambda: arrivals(scene, session, begin, tunnelled=True),
               f"packets of {session.name} through a tunnel", timeout, interval=0.02)


def arrivals(scene, session, begin=0.0, tunnelled=False):
    """Times of the session's packets that came to the mobile node."""
    return [p.time for p in session.seen(scene.packets(), begin)
            if p.innermost.dst == session.source and (p.inner or not tunnelled)]


def silence(scene, session, begin):
    """The longest from a time on, as the mobile node heard it."""
    times = [begin, *arrivals(scene, session, begin)]
    return max((b - a for a, b in zip(times, times[1:])), default=float("inf"))


def carrier(scene, session, begin=0.0, end=float("inf")):
    """The home agent that sent the last of the session's packets that came through a tunnel."""
    last = [p for p in session.seen(scene.packets(), begin, end)
            if p.inner and p.inner.dst == session.source]
    return last[-1].src if last else None


def serving(scene, place, home):
    """Number of the home agent of a place that has a binding, or None."""
    return next((n for n, agent in enumerate(scene.places[place].agents)
                 if net.canonical(home) in agent.bindings()), None)


def events(scene, kind):
    return [e for e in scene.daemon.ctl("events") if e["kind"] == kind]


def wait_event(scene, kind, timeout=5.0):
    """Until there is such an event: all there are."""
    return wait_until(lambda: events(scene, kind), f"an event {kind}", timeout, interval=0.05)


def time_of(event):
    return event["time_real_usec"] / 1e6


def counters(scene, anchor):
    return scene.shown("anchors", name=anchor)["counters"]


def orders(scene, kind, begin=0.0):
    """Messages of a kind that came to the mobile node, in tunnels too."""
    return [(p, mip6.parse(p.innermost.payload)) for p in received_by_mn(scene.packets())
            if p.time >= begin and p.innermost.is_mobility and p.innermost.payload[2] == kind]


def revocation_acknowledgements(scene, begin=0.0):
    return [(p, m) for p, m in mobility(scene.packets())
            if p.time >= begin and m.revocation == mip6.BRA]


def probes(scene, home=None, begin=0.0):
    """Echo requests through a tunnel, of one home address or all."""
    return [p for p in scene.packets() if p.time >= begin and p.inner and
            p.inner.icmp_type == ECHO_REQUEST and home in (None, p.inner.src)]


def measurements(scene, begin=0.0):
    """{home agent: echo requests outside of tunnels}, without those that got none."""
    found = {}
    agents = {net.canonical(a) for p in scene.places.values() for a in p.addresses}
    for p in scene.packets():
        if p.time >= begin and p.icmp_type == ECHO_REQUEST and p.dst in agents:
            found.setdefault(p.dst, []).append(p)
    return found


def discovery_requests(scene, kind, begin=0.0):
    """ICMPv6 messages of a type that the mobile node has sent."""
    return [p for p in scene.packets() if p.time >= begin and p.icmp_type == kind]


def addresses_in(payload, at):
    return [text(payload[n:n + 16]) for n in range(at, len(payload) - 15, 16)]
