# SPDX-License-Identifier: GPL-2.0-or-later
"""A UDP socket that tells what programs seldom ask for: classes, hop limits, ICMP errors."""
import socket
import struct
from dataclasses import dataclass

from .packets import octets, text
from .run import wait_until

IPV6_RECVERR, IPV6_FLOWLABEL_MGR, IPV6_FLOWINFO_SEND = 25, 32, 33
IPV6_MTU_DISCOVER, PMTUDISC_DO = 23, 2
MSG_ERRQUEUE = 0x2000
LABEL_GET, LABEL_SHARED, LABEL_CREATE = 0, 255, 1  # of a struct in6_flowlabel_req
ORIGIN_ICMP6 = 3


@dataclass
class Datagram:
    data: bytes
    sender: str
    traffic_class: int
    hop_limit: int

    @property
    def ecn(self):
        return self.traffic_class & 3


@dataclass
class Error:
    """What the error queue has; offender: who sent the ICMP message, None if it was the host."""
    icmp_type: int
    code: int
    info: int
    offender: str
    data: bytes
    to: str


class Datagrams:
    def __init__(self, node, source=None, port=0):
        self.socket = node.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.set(socket.IPV6_RECVTCLASS, 1)
        self.set(socket.IPV6_RECVHOPLIMIT, 1)
        self.set(IPV6_RECVERR, 1)
        self.socket.bind((source or "::", port))
        self.port = self.socket.getsockname()[1]

    def set(self, option, value):
        self.socket.setsockopt(socket.IPPROTO_IPV6, option, value)

    def send(self, to, port, data, traffic_class=0, hop_limit=64, label=None):
        """label: one that the socket has taken; without: the kernel chooses."""
        self.set(socket.IPV6_TCLASS, traffic_class)
        self.set(socket.IPV6_UNICAST_HOPS, hop_limit)
        self.set(IPV6_FLOWINFO_SEND, int(label is not None))
        try:
            self.socket.sendto(data, (to, port, label or 0, 0))
        except OSError:  # of an earlier one; the queue still has it
            self.socket.sendto(data, (to, port, label or 0, 0))

    def take_label(self, to, label):
        """A flow label of our own for a destination (RFC 3542 leaves that to the system)."""
        self.set(IPV6_FLOWLABEL_MGR, octets(to) + struct.pack(
            "!I", label) + struct.pack("=BBHHHI", LABEL_GET, LABEL_SHARED, LABEL_CREATE, 0, 0, 0))

    def receive(self, timeout=3.0):
        """The next datagram, or None."""
        self.socket.settimeout(timeout)
        try:
            data, controls, _, sender = self.socket.recvmsg(65536, 1024)
        except TimeoutError:
            return None
        values = {kind: int.from_bytes(value, "little") for _, kind, value in controls}
        return Datagram(data, sender[0], values[socket.IPV6_TCLASS], values[socket.IPV6_HOPLIMIT])

    def take_error(self):
        """The next one in the error queue, or None."""
        self.socket.settimeout(0)
        try:
            data, controls, _, to = self.socket.recvmsg(65536, 1024, MSG_ERRQUEUE)
        except BlockingIOError:
            return None
        value = next(v for _, kind, v in controls if kind == IPV6_RECVERR)
        _, origin, icmp_type, code, _, info, _ = struct.unpack_from("=IBBBBII", value)
        offender = text(value[24:40]) if origin == ORIGIN_ICMP6 else None
        return Error(icmp_type, code, info, offender, data, to[0])

    def wait_error(self, timeout=5.0):
        return wait_until(self.take_error, "an ICMP error to reach the socket", timeout)

    def close(self):
        self.socket.close()
