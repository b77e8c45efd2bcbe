# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets that nobody should believe, written octet by octet and sent as whole frames."""
import struct

from . import mip6
from .packets import (FRAGMENT, ICMPV6, IPV6, MOBILITY, RA, ROUTING, TUNNEL, UDP, octets,
                      text)

ALL_NODES, ALL_NODES_MAC = "ff02::1", "33:33:00:00:00:01"


def _mac(text):
    return bytes.fromhex(text.replace(":", ""))


def frame(eth_src, eth_dst, packet):
    return _mac(eth_dst) + _mac(eth_src) + struct.pack("!H", IPV6) + packet


def ipv6(src, dst, next_header, payload, hop_limit=64):
    return struct.pack("!IHBB", 6 << 28, len(payload), next_header, hop_limit) + octets(
        src) + octets(dst) + payload


def with_class(packet, traffic_class):
    """The packet with another traffic class; no checksum covers it."""
    first = struct.unpack_from("!I", packet)[0] & 0xF00FFFFF | traffic_class << 20
    return struct.pack("!I", first) + packet[4:]


def fragments(packet, size, identification):
    """The packet, without extension headers, in fragments of at most so many octets."""
    payload, room = packet[40:], (size - 48) // 8 * 8
    for at in range(0, len(payload), room):
        more = at + room < len(payload)
        header = struct.pack("!BBHI", packet[6], 0, at | more, identification)
        yield ipv6(text(packet[8:24]), text(packet[24:40]), FRAGMENT,
                   header + payload[at:at + room], packet[7])


def _sum(src, dst, next_header, data):
    pseudo = octets(src) + octets(dst) + struct.pack("!IBBBB", len(data), 0, 0, 0, next_header)
    data = pseudo + data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp(src, dst, source_port, port, data):
    length = 8 + len(data)
    bare = struct.pack("!HHHH", source_port, port, length, 0) + data
    return ipv6(src, dst, UDP, bare[:6] + struct.pack("!H", _sum(src, dst, UDP, bare)) + data)


def icmpv6(src, dst, kind, code, body, hop_limit=255):
    bare = struct.pack("!BBH", kind, code, 0) + body
    message = bare[:2] + struct.pack("!H", _sum(src, dst, ICMPV6, bare)) + body
    return ipv6(src, dst, ICMPV6, message, hop_limit)


def tunnelled(outer_src, outer_dst, inner):
    return ipv6(outer_src, outer_dst, TUNNEL, inner)


def routing_header(next_header, home, kind=2, length=2, left=1):
    return bytes([next_header, length, kind, left, 0, 0, 0, 0]) + octets(home)


def acknowledgement(anchor, coa, home, message, with_routing=True):
    """A mobility message from an anchor to a care-of address, its checksum right."""
    summed = mip6.with_checksum(anchor, home if with_routing else coa, message)
    if not with_routing:
        return ipv6(anchor, coa, MOBILITY, summed)
    return ipv6(anchor, coa, ROUTING, routing_header(MOBILITY, home) + summed)


def signed_ba(status, sequence, lifetime, key, spi, coa, home, options=(),
              algorithm="hmac-sha1-96"):
    """A binding acknowledgement with a mobility message authentication option."""
    message = mip6.build_ba(status, sequence, lifetime,
                            [*options, mip6.auth_option(spi, algorithm)])
    return mip6.sign(message, key, spi, algorithm, coa, home)


def router_advertisement(src, prefix, mac, lifetime=1800, flags=0, valid=86400, preferred=14400):
    """To all nodes, for one /64 on-link and autonomous prefix."""
    body = struct.pack("!BBHII", 64, flags, lifetime, 0, 0)
    body += bytes([3, 4, 64, 0xC0]) + struct.pack("!III", valid, preferred, 0) + octets(
        prefix.split("/")[0])
    body += bytes([1, 1]) + _mac(mac)
    return icmpv6(src, ALL_NODES, RA, 0, body)


def binding_error(src, dst, status, home):
    body = bytes([mip6.NO_NEXT_HEADER, 2, mip6.BE, 0, 0, 0, status, 0]) + octets(home)
    return ipv6(src, dst, MOBILITY, mip6.with_checksum(src, dst, body))
