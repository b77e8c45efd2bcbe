#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Break before make with an address that is ready, for one player:  roam.py PLAYER MOVES DIRECTORY

Made for a guest in virtual time (virtual.py), where computing takes none and only round trips and
timers count.  The access routers are half of ROUND_TRIP away from the core, one
way.  At link-up the network manager gives the address, without a test for duplicates, and the
default route.  The host sends a request every millisecond, the correspondent answers each.

Writes one JSON object: {"outages": [ms, ...]}, each from link up, as listeners hear of it, to the
first reply to a request sent since; of a stream, which repeats what was lost, to its next octets.
Status 3 and a line: it is not on this machine.
"""
import json
import pathlib
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "net"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lib import topology as net  # noqa: E402
from lib.run import LIBC, Run, TimedOut, wait_until  # noqa: E402
from mobike import Mobike  # noqa: E402
from tunnels import Dmmd, KernelWireGuard, MpTcp, NotInstalled, OpenVpn, Other  # noqa: E402
from world import NOT_HERE, World  # noqa: E402

ROUND_TRIP = 20  # milliseconds
INTERVAL = 1e-3  # seconds between requests
HOLE, SETTLE = 0.3, 1.5
PATIENCE = 20
WARM_UP = 2  # moves that meet neighbours that nobody knows yet
PORT, SIZE = 6000, 64
NUMBER = struct.Struct("=Q")
PR_SET_TIMERSLACK = 29


class Nothing(Other):
    """No mobility: each request from the address of the moment."""

    title = "no mobility"

    def __init__(self, scene):
        super().__init__(scene)
        self.source = None

    def start(self):
        """There is nothing to start."""


PLAYERS = {"none": Nothing, "dmmd": Dmmd, "wireguard": KernelWireGuard, "openvpn": OpenVpn,
           "mptcp": MpTcp, "mobike": Mobike}


class Roaming(World):
    """The topology of world.py, with a far core and addresses given by hand."""

    tunnels = PLAYERS

    def prepare_networks(self):
        for place in "BC":
            router = self.nodes.routers[place]
            for node, device in ((router, "wan"), (self.nodes.core, net.ROUTER[place])):
                node.command("tc", "qdisc", "add", "dev", device, "root", "netem", "delay",
                             f"{ROUND_TRIP / 2}ms")
            # Its way to the rest is known, as that of any router that is in use.
            router.command("ping", "-c1", net.HA2)

    def manage_network(self):
        """All is done when the link comes up."""

    def join(self, device, place):
        plugged = time.time()
        self.plug(device, place)
        self.mn.ip(f"addr add {net.care_of(place, device)}/64 dev {device} nodad",
                   f"route replace default via {net.router_address(place)} dev {device}")
        if isinstance(self.tunnel, Other):
            self.tunnel.arrived(place, device)
        return plugged

    def leave(self, device):
        super().leave(device)
        self.mn.command("ip", "-6", "route", "flush", "default", "dev", device)


class Echo(threading.Thread):
    """The correspondent: it sends back what comes."""

    def __init__(self, node, stream):
        super().__init__(daemon=True)
        self._stream = stream
        self._socket = open_socket(node, stream)
        self._socket.bind(("", PORT))
        if stream:
            self._socket.listen()
        self.start()

    def run(self):
        if self._stream:
            peer = self._socket.accept()[0]
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while data := peer.recv(65536):
                peer.sendall(data)
            return
        while True:
            data, peer = self._socket.recvfrom(2048)
            try:
                self._socket.sendto(data, peer)
            except OSError:
                pass  # as if it were lost under way


class Requests:
    """Numbered requests of the host and the replies to them, each with its time."""

    def __init__(self, world):
        self._stream = world.tunnel.kind == "mptcp"
        self._socket = open_socket(world.mn, self._stream)
        if world.tunnel.source:
            self._socket.bind((world.tunnel.source, 0))
        if self._stream:
            self._socket.connect((net.CN, PORT))
        self.sent, self.replies, self._ended = [], [], False
        for work in (self._send_all, self._receive_all):
            threading.Thread(target=work, daemon=True).start()
        wait_until(lambda: len(self.replies) > 100, "replies", 10)

    def _send_all(self):
        LIBC.prctl(PR_SET_TIMERSLACK, 1)
        due = time.monotonic()
        while not self._ended:
            number = NUMBER.pack(len(self.sent))
            self.sent.append(time.time())
            try:
                if self._stream:
                    self._socket.send(number)
                else:
                    self._socket.sendto(number.ljust(SIZE, b"\0"), (net.CN, PORT))
            except OSError:
                pass  # there is no way at this moment
            due += INTERVAL
            time.sleep(max(due - time.monotonic(), 0))

    def _receive_all(self):
        while not self._ended:
            try:
                data = self._socket.recv(65536)
            except OSError:
                continue  # an ICMP error of the way that was
            if not data:
                return
            number = None if self._stream else NUMBER.unpack_from(data)[0]
            self.replies.append((time.time(), number))

    def answered_after(self, when):
        """When the first reply came to a request sent since, or None."""
        start = len(self.replies)
        while start and self.replies[start - 1][0] > when:
            start -= 1
        return next((at for at, number in self.replies[start:]
                     if self._stream or self.sent[number] >= when), None)

    def stop(self):
        self._ended = True


def open_socket(node, stream):
    if not stream:
        return node.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    opened = node.socket(socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_MPTCP)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


def move(world, requests, place):
    """The outage, in milliseconds."""
    world.leave("w0")
    time.sleep(HOLE)
    plugged = world.join("w0", place)
    up = wait_until(lambda: world.monitor.link_up("w0", plugged), "the link to be up")
    first = wait_until(lambda: requests.answered_after(up), f"a reply in {place}", PATIENCE, 0.02)
    time.sleep(SETTLE)
    return (first - up) * 1e3


def measure(world, moves):
    Echo(world.cn, world.tunnel.kind == "mptcp")
    requests = Requests(world)
    outages = [move(world, requests, "BC"[n % 2]) for n in range(WARM_UP + moves)]
    requests.stop()
    return {"outages": outages[WARM_UP:]}


def main():
    name, moves, directory = sys.argv[1:]
    with Run() as run:
        world = Roaming(run, pathlib.Path(directory))
        try:
            world.prepare(name)
            print(json.dumps(measure(world, int(moves))), flush=True)
        except NotInstalled as e:
            print(e)
            return NOT_HERE
        except (TimedOut, RuntimeError) as e:
            print(f"{name}: {e}", file=sys.stderr)
            return 1
        finally:
            world.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
