# SPDX-License-Identifier: GPL-2.0-or-later
"""The numbered packets of a UDP probe, followed through captures."""
import struct
from dataclasses import dataclass

from .packets import UDP

MAGIC, DATA = 0x646D6D70, 1


@dataclass
class Seen:
    time: float
    number: int
    packet: object  # as captured, with its tunnel
    flow: int


def _number(packet):
    """(flow, sequence) of a data packet of the probe, or None."""
    inner = packet.innermost
    if inner.upper != UDP or len(inner.udp_data) < 20:
        return None
    magic, kind, flow, number = struct.unpack_from("!IIQI", inner.udp_data)
    return (flow, number) if (magic, kind) == (MAGIC, DATA) else None


def packets_of(packets, source, target):
    """The data packets from one address to another, in order of capture."""
    found = []
    for packet in packets:
        inner = packet.innermost
        if inner.src == source and inner.dst == target:
            numbered = _number(packet)
            if numbered:
                found.append(Seen(packet.time, numbered[1], packet, numbered[0]))
    return found


def lost_within(arrived, begin, end):
    """Numbers that never arrived, between the last one before a time and the first one after
    another."""
    before = [s.number for s in arrived if s.time < begin]
    after = [s.number for s in arrived if s.time > end]
    if not before or not after:
        return None
    there = {s.number for s in arrived}
    return sum(1 for n in range(max(before), min(after)) if n not in there)


def longest_gap(arrived, begin, end):
    """(seconds, start, end) of the longest silence between arrivals that touches a time range."""
    best = (0.0, begin, begin)
    for a, b in zip(arrived, arrived[1:]):
        if b.time >= begin and a.time <= end and b.time - a.time > best[0]:
            best = (b.time - a.time, a.time, b.time)
    return best
