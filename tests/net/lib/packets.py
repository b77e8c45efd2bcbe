# SPDX-License-Identifier: GPL-2.0-or-later
"""Captured packets taken apart: Ethernet, IPv6 with its extension headers, tunnels.

Written from RFC 8200, RFC 2473 and RFC 6275 section 6; it shares no code with the daemon.
"""
import socket
import struct
from dataclasses import dataclass, field

IPV6, IPV4 = 0x86DD, 0x0800
HOP_BY_HOP, TCP, UDP, TUNNEL, ROUTING, FRAGMENT = 0, 6, 17, 41, 43, 44
ICMPV6, DEST_OPTIONS, MOBILITY = 58, 60, 135
OPTION_PAD1, OPTION_PADN, OPTION_HOME_ADDRESS = 0, 1, 0xC9
NS, NA, RS, RA = 135, 136, 133, 134
LINK_ETHERNET = 1
PCAP_MAGIC_US, PCAP_MAGIC_NS = 0xA1B2C3D4, 0xA1B23C4D


def text(address):
    return socket.inet_ntop(socket.AF_INET6, address)


def octets(address):
    return socket.inet_pton(socket.AF_INET6, address)


@dataclass(repr=False)
class Packet:
    """One IPv6 packet.  `inner` is the packet in a tunnel, `upper` the last next header."""

    time: float = 0.0
    eth_src: str = ""
    eth_dst: str = ""
    raw: bytes = b""
    src: str = ""
    dst: str = ""
    traffic_class: int = 0
    flow_label: int = 0
    hop_limit: int = 0
    payload_length: int = 0
    home_address: str = None  # of a home address option
    routing_home: str = None  # of a type 2 routing header
    headers: list = field(default_factory=list)  # next header numbers in order
    fragment_offset: int = None
    more_fragments: bool = False
    upper: int = None
    payload: bytes = b""
    inner: "Packet" = None
    problem: str = None  # why the parser stopped

    @property
    def size(self):
        return 40 + self.payload_length

    @property
    def home_source(self):
        """The source that upper layers see."""
        return self.home_address or self.src

    @property
    def home_destination(self):
        return self.routing_home or self.dst

    @property
    def ports(self):
        if self.upper in (TCP, UDP) and len(self.payload) >= 4:
            return struct.unpack_from("!HH", self.payload)
        return None

    @property
    def icmp_type(self):
        return self.payload[0] if self.upper == ICMPV6 and self.payload else None

    @property
    def is_mobility(self):
        return self.upper == MOBILITY

    @property
    def nd_target(self):
        return text(self.payload[8:24]) if self.icmp_type in (NS, NA) else None

    @property
    def innermost(self):
        return self.inner.innermost if self.inner else self

    @property
    def udp_data(self):
        return self.payload[8:]

    def __repr__(self):
        what = {MOBILITY: "mobility", ICMPV6: f"icmp6 {self.icmp_type}", UDP: "udp", TCP: "tcp",
                TUNNEL: "tunnel"}.get(self.upper, str(self.upper))
        inner = f" [{self.inner}]" if self.inner else ""
        home = f" home={self.home_address or self.routing_home}" \
            if self.home_address or self.routing_home else ""
        return f"{self.time:.6f} {self.src} > {self.dst}{home} {what}{inner}"


def _destination_options(packet, data):
    at = 2
    while at < len(data):
        if data[at] == OPTION_PAD1:
            at += 1
            continue
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            packet.problem = "destination option past its header"
            return
        if data[at] == OPTION_HOME_ADDRESS and data[at + 1] == 16:
            packet.home_address = text(data[at + 2:at + 18])
        at += 2 + data[at + 1]


def _routing_header(packet, data):
    if data[2] == 2 and len(data) == 24:
        packet.routing_home = text(data[8:24])


def _fragment_header(packet, data):
    bits = struct.unpack_from("!H", data, 2)[0]
    packet.fragment_offset, packet.more_fragments = bits & 0xFFF8, bool(bits & 1)


def parse_ipv6(data, time=0.0, raw=b""):
    """Take an IPv6 packet apart; what cannot be read is told in `problem`."""
    if len(data) < 40 or data[0] >> 4 != 6:
        return Packet(time=time, raw=raw or data, problem="no IPv6 header")
    first, length, upper, hops = struct.unpack_from("!IHBB", data)
    packet = Packet(time=time, raw=raw or data, src=text(data[8:24]), dst=text(data[24:40]),
                    traffic_class=first >> 20 & 0xFF, flow_label=first & 0xFFFFF, hop_limit=hops,
                    payload_length=length)
    if 40 + length > len(data):
        packet.problem = "shorter than its payload length"
    rest = data[40:40 + length]
    while upper in (HOP_BY_HOP, ROUTING, DEST_OPTIONS, FRAGMENT):
        size = 8 if upper == FRAGMENT else 8 * (rest[1] + 1) if len(rest) >= 8 else 8
        if len(rest) < size:
            packet.problem = "extension header cut off"
            return packet
        packet.headers.append(upper)
        header, upper, rest = rest[:size], rest[0], rest[size:]
        if packet.headers[-1] == DEST_OPTIONS:
            _destination_options(packet, header)
        elif packet.headers[-1] == ROUTING:
            _routing_header(packet, header)
        elif packet.headers[-1] == FRAGMENT:
            _fragment_header(packet, header)
            if packet.fragment_offset:
                break
    packet.upper, packet.payload = upper, rest
    if upper == TUNNEL and not packet.fragment_offset:
        packet.inner = parse_ipv6(rest, time)
    return packet


def mac_text(data):
    return ":".join(f"{o:02x}" for o in data)


def parse_frame(data, time=0.0):
    """An Ethernet frame: a Packet, or None for anything but IPv6."""
    if len(data) < 14 or struct.unpack_from("!H", data, 12)[0] != IPV6:
        return None
    packet = parse_ipv6(data[14:], time, data)
    packet.eth_dst, packet.eth_src = mac_text(data[:6]), mac_text(data[6:12])
    return packet


class FrameReader:
    """The records of a capture file that may still grow: each call goes on behind the last."""

    def __init__(self, path):
        self._path, self._at, self._order, self._unit = path, 24, None, None

    def _read_header(self, header):
        self._order = "<" if header[0] in (0xD4, 0x4D) else ">"
        magic, link = (struct.unpack_from(self._order + "I", header, at)[0] for at in (0, 20))
        self._unit = {PCAP_MAGIC_US: 1e-6, PCAP_MAGIC_NS: 1e-9}[magic]
        if link != LINK_ETHERNET:
            raise ValueError(f"{self._path}: link type {link}")

    def frames(self):
        """(time, octets) of each record that is complete."""
        with open(self._path, "rb") as f:
            header = f.read(24)
            if len(header) < 24:
                return
            if not self._order:
                self._read_header(header)
            f.seek(self._at)
            data = f.read()
        at = 0
        while at + 16 <= len(data):
            seconds, fraction, length, _ = struct.unpack_from(self._order + "IIII", data, at)
            if at + 16 + length > len(data):
                break
            yield seconds + fraction * self._unit, data[at + 16:at + 16 + length]
            at += 16 + length
        self._at += at


def read_frames(path):
    return FrameReader(path).frames()


def parsed(frames):
    """The IPv6 packets of (time, octets)."""
    return [p for p in (parse_frame(frame, time) for time, frame in frames) if p]


def write_capture(path, frames):
    """A capture file of (time, octets of an Ethernet frame)."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", PCAP_MAGIC_US, 2, 4, 0, 0, 262144, LINK_ETHERNET))
        for time, frame in frames:
            f.write(struct.pack("<IIII", int(time), int(time % 1 * 1e6), len(frame), len(frame)))
            f.write(frame)
