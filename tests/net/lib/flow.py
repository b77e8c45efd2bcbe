# SPDX-License-Identifier: GPL-2.0-or-later
"""Sessions of the mobile node's applications, and what captures tell of each.

Followed is any session whose two ends are known.  A Session is a probe with a socket of its own: a
checked octet stream (tcp) or numbered packets (udp) both ways, from whatever address the kernel
chose.
"""
import re
import signal
from dataclasses import dataclass

from . import packets as pk, peers, topology as net
from .run import wait_until

PROTOCOL = {"tcp": pk.TCP, "udp": pk.UDP}
LONG = 600  # seconds: until somebody ends it


@dataclass
class Carried:
    """A session's packets as one capture point saw them; octets of its own IPv6 packets."""

    direct: int = 0
    tunnelled: int = 0
    direct_packets: int = 0
    tunnelled_packets: int = 0
    first: float = None
    last: float = None
    first_tunnelled: float = None
    last_tunnelled: float = None
    longest_gap: float = 0.0  # seconds between two of them, in any direction


class Followed:
    """By captures alone, whoever holds the socket."""

    def __init__(self, source, source_port, port, kind="tcp", to=net.CN):
        self.source, self.source_port = net.canonical(source), source_port
        self.to, self.port, self.kind = net.canonical(to), port, kind

    def matches(self, packet):
        """Whether the packet, or the one in its tunnel, is of this session."""
        p = packet.innermost
        if p.upper != PROTOCOL[self.kind] or not p.ports:
            return False
        ends = (p.src, p.ports[0], p.dst, p.ports[1])
        ours = (self.source, self.source_port, self.to, self.port)
        return ends in (ours, ours[2:] + ours[:2])

    def seen(self, packets, begin=0.0, end=float("inf")):
        return [p for p in packets if begin <= p.time <= end and self.matches(p)]

    def carried(self, packets, begin=0.0, end=float("inf")):
        """Add up what was captured at one point in a range of time."""
        total = Carried()
        for p in self.seen(packets, begin, end):
            if p.inner:
                total.tunnelled += p.inner.size
                total.tunnelled_packets += 1
                total.first_tunnelled = total.first_tunnelled or p.time
                total.last_tunnelled = p.time
            else:
                total.direct += p.size
                total.direct_packets += 1
            if total.last:
                total.longest_gap = max(total.longest_gap, p.time - total.last)
            total.first, total.last = total.first or p.time, p.time
        return total


class Session(Followed):
    """source: the address to bind to, else the kernel chooses; rate: octets a second each way of
    tcp, 0 = as fast as it goes; wrapper: words before the command, ("setpriv", "--reuid=1000",
    "--clear-groups") makes it another user's."""

    def __init__(self, scene, name, kind="tcp", port=22, source=None, rate=20_000, seconds=LONG,
                 to=net.CN, wrapper=(), options=()):
        self.scene, self.name, self.kind, self.port = scene, name, kind, port
        more = ("--rate", rate) if kind == "tcp" else ("--connect",)
        self.probe = peers.Probe(scene.mn, kind, name, scene.directory, source or "any",
                                 "--seconds", seconds, *more, *options, to=to, port=port,
                                 wrapper=wrapper)
        super().__init__(*wait_until(self._socket, f"the socket of {name}"), port, kind, to)
        self.summary = None

    def _socket(self):
        """Our end of the connection, as the kernel lists it."""
        if not self.alive():
            raise RuntimeError(f"{self.name} ended early: {self.probe.process.output()}")
        for line in self.scene.mn.command("ss", "-Hnp6", f"--{self.kind}").splitlines():
            if f"pid={self.probe.process.pid}," in line and f":{self.port} " in f"{line} ":
                local = next(w for w in line.split() if w.startswith("[") or ":" in w)
                address, _, number = local.rpartition(":")
                return net.canonical(address.strip("[]").partition("%")[0]), int(number)
        return None

    def alive(self):
        return self.probe.process.running()

    def octets(self):
        """(sent and acknowledged, received) of a TCP session, as the kernel counts them now."""
        text = self.scene.mn.command("ss", "-Hnit6", f"sport = {self.source_port}")
        found = [re.search(rf"\b{what}:(\d+)", text) for what in ("bytes_acked", "bytes_received")]
        return tuple(int(m[1]) if m else 0 for m in found)

    def wait_progress(self, timeout=5.0):
        """Until TCP octets that begin now have gone up and come down."""
        up, down = self.octets()
        wait_until(lambda: (o := self.octets())[0] > up and o[1] > down,
                   f"{self.name} to make progress", timeout)

    def close(self):
        """End it properly: the summary of the probe."""
        self.summary = self.probe.finish()
        return self.summary

    def abort(self):
        """The application dies; its socket is closed by the kernel."""
        self.probe.process.stop(signal.SIGKILL)
