# SPDX-License-Identifier: GPL-2.0-or-later
"""What all scenes have: a mobile node that is plugged in and out, captures, a daemon, a judge."""
import contextlib
import time

from . import forge, judge, packets as pk, peers, services, stream, topology as net
from .capture import Capture
from .daemon import DEVICE
from .run import wait_until
from .session import EchoServer

INSTANT = 0.001  # seconds
RADIO_HOLE = 0.1  # seconds without any network between two access points


class Stage:
    """A scene is made by its own build(), which gives the internet it plays in."""

    def __init__(self, run, directory):
        directory.mkdir(parents=True, exist_ok=True)
        run.next_scene()
        self.run, self.directory = run, directory
        with run.ip_gathered():
            self.nodes = self.build()
        self.mn, self.cn = self.nodes.mn, self.nodes.cn
        self.routers, self.captures = {}, {}
        self.place = dict.fromkeys(net.MN_INTERFACES)
        self.daemon = self.monitor = None
        self._judge = None
        self._servers = []

    def build(self):
        raise NotImplementedError

    # What stands on the stage.

    def capture(self, node="mn", device=None, expression="", **settings):
        """Capture on one device, or on both of the mobile node's."""
        for name in [device] if device else net.MN_INTERFACES:
            path = self.directory / f"{node}-{name}.pcap"
            self.captures[node, name] = Capture(self.nodes.nodes[node], name, path, expression,
                                                **settings)

    @staticmethod
    def now():
        """The captures' clock, between what was before and what comes: where time is virtual
        both could be of one instant."""
        time.sleep(INSTANT)
        return time.time() - INSTANT / 2

    def echo(self, node="cn", **settings):
        self._servers.append(EchoServer(self.nodes.nodes[node], **settings))

    def name_server(self, hosts=None, srv=(), node="cn"):
        return services.NameServer(self.nodes.nodes[node], self.directory, hosts, srv)

    def web_server(self, *names, node="cn"):
        self._servers.append(services.WebServer(self.nodes.nodes[node], self.run.directory, names))
        return self._servers[-1]

    def probe_server(self, node="cn", address=net.CN):
        return peers.ProbeServer(self.nodes.nodes[node], address, self.directory)

    def probe(self, kind, name, source, *options, **settings):
        return peers.Probe(self.mn, kind, name, self.directory, source, *options, **settings)

    # Moves.

    def plug(self, device, place):
        self.nodes.plug(device, place)
        self.place[device] = place

    def unplug(self, device, managed=False):
        """managed: a network manager takes away what the kernel had learnt on the network left,
        as those of desktops and servers do."""
        self.nodes.unplug(device)
        self.place[device] = None
        if managed:
            self.mn.command("ip", "-6", "addr", "flush", "dev", device, "scope", "global")
            self.mn.command("ip", "-6", "route", "flush", "dev", device, "proto", "ra")

    def move(self, place, device="w0", hole=RADIO_HOLE, managed=False):
        """Break before make: off the air, and on again elsewhere; managed: see unplug()."""
        self.unplug(device, managed)
        time.sleep(hole)
        self.plug(device, place)

    def routed_by(self, source, target=net.CN):
        """The device that the kernel would send by."""
        found = self.mn.ip_json("-6", "route", "get", target, "from", source)
        return found[0].get("dev") if found else None

    def is_tunnelled(self, source):
        """Whether the kernel would send it into a tunnel; data planes have devices of their own."""
        return (self.routed_by(source) or "").startswith(DEVICE)

    def has_address(self, address, device=None):
        """Configured and usable as a source."""
        address = net.canonical(address)
        return any(a["local"] == address and not a.get("dadfailed") and
                   (not a.get("tentative") or a.get("optimistic"))
                   for a in self.mn.addresses(device))

    def wait_native(self, place, device="w0", timeout=8.0):
        """Until a plain packet would leave from the place's own address by its own router."""
        sources = self.native_addresses(place, device)

        def native():
            found = self.mn.ip_json("-6", "route", "get", net.CN)
            source = found and found[0].get("dev") == device and found[0].get("prefsrc")
            return source in sources and self.mn.command("ping", "-c1", "-W1", "-I", source,
                                                         net.CN, check=False)
        wait_until(native, f"plain packets to leave from {' or '.join(sources)}", timeout)

    @staticmethod
    def native_addresses(place, device):
        return [net.canonical(net.care_of(place, device))]

    def wait_router(self, place, device="w0", after=0.0, timeout=5.0):
        """Until the mobile node has heard the router of a place, on the wire."""
        mac = net.ROUTER_MAC[place]
        wait_until(lambda: any(p.icmp_type == pk.RA and p.eth_src == mac and p.time > after
                               for p in self.packets(device=device)),
                   f"an advertisement in {place}", timeout, interval=0.02)

    def hasten_unreachability(self, device):
        """Let the kernel find out within a second or two that a neighbour has gone."""
        for key, value in (("base_reachable_time_ms", 300), ("delay_first_probe_time", 1),
                           ("retrans_time_ms", 200)):
            self.mn.set_sysctl(f"ipv6/neigh/{device}/{key}", value)

    # What was seen.

    def pins(self):
        """What is pinned for the daemon of this scene."""
        return sorted(str(p) for p in self.run.bpf.rglob("*") if not p.is_dir())

    def packets(self, node="mn", device=None):
        """Captured packets of one device, or of all the node's, in order of time."""
        return sorted((p for (n, d), c in self.captures.items()
                       if n == node and device in (None, d) for p in c.packets()),
                      key=lambda p: p.time)

    def updates(self, home=None, after=0.0):
        return [(p, m) for p, m in judge.binding_updates(self.packets(), home) if p.time >= after]

    def wait_updates(self, count, home=None, after=0.0, timeout=5.0):
        """Until so many binding updates were captured: all there are."""
        return wait_until(lambda: (u := self.updates(home, after)) and len(u) >= count and u,
                          f"{count} binding updates", timeout, interval=0.02)

    def wait_stream(self, source, device, timeout=5.0):
        """Until a probe's packets from the correspondent arrive by a device."""
        begin = time.time()
        wait_until(lambda: any(s.time > begin for s in stream.packets_of(
            self.packets(device=device), net.CN, net.canonical(source))),
            f"the stream to arrive by {device}", timeout, interval=0.1)

    def lost(self, source, begin, end=None):
        """Numbered packets of a probe (udp) that never arrived, from the last one before `begin` to
        the first one after `end`, or to the last of all; needs captures at both ends of the path."""
        source, found = net.canonical(source), {}
        for direction, node, ends in (("up", "cn", (source, net.CN)),
                                      ("down", "mn", (net.CN, source))):
            arrived = stream.packets_of(self._arriving(node), *ends)
            last = arrived[-1].time - 1e-6 if arrived and end is None else end
            found[direction] = stream.lost_within(arrived, begin, last) if arrived else None
        return found

    def _arriving(self, node):
        packets = self.packets(node)
        return judge.received_by_mn(packets) if node == "mn" else packets

    def forged(self, place, packet, device="w0"):
        """Send a packet to the mobile node as if the place's router had forwarded it."""
        frame = forge.frame(net.ROUTER_MAC[place], net.MN_MAC[device], packet)
        with self.nodes.routers[place].packet_socket("lan") as s:
            s.send(frame)

    def multicast(self, place, packet, mac=forge.ALL_NODES_MAC, source=None):
        """Send a packet to everybody on an access network."""
        frame = forge.frame(source or net.ROUTER_MAC[place], mac, packet)
        with self.nodes.routers[place].packet_socket("lan") as s:
            s.send(frame)

    # The end.

    def judged(self):
        """Faults of anything the mobile node sent."""
        if not self._judge or not self.captures:
            return []
        return self._judge.everything(self.packets())

    def close(self):
        """Everything goes, also when something on the way fails."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.run.remove_namespaces)
            stack.callback(self.run.stop_processes)
            if self.daemon and self.daemon.running():
                stack.callback(self.daemon.stop)
            for server in self._servers:
                stack.callback(server.close)
            for capture in self.captures.values():
                stack.callback(capture.stop)
