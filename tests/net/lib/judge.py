# SPDX-License-Identifier: GPL-2.0-or-later
"""What must hold for whatever the mobile node sends, in any scenario.

Each judge gives a list of faults in words; an empty list is a clean sheet.
"""
import os
from collections import defaultdict

from . import mip6, topology as net
from .daemon import PLANE
from .packets import DEST_OPTIONS, MOBILITY, NA, NS, RA, RS, TUNNEL, octets

HOP_LIMIT = 64
ECT0, CE = 2, 3  # RFC 3168 section 5
MAX_UPDATE_RATE = 3  # in one second, for each home address and agent (RFC 6275 section 12)
MTU = 1500
# Seconds between a timestamp sent and the capture's clock; a neighbour solicitation that is lost
# makes a message wait for one.
CLOCK_TOLERANCE = float(os.environ.get("NET_CLOCK_TOLERANCE") or 1.5)
NEIGHBOUR_DISCOVERY = (RS, RA, NS, NA)


def sent_by_mn(packets):
    macs = set(net.MN_MAC.values())
    return [p for p in packets if p.eth_src in macs]


def received_by_mn(packets):
    macs = set(net.MN_MAC.values())
    return [p for p in packets if p.eth_src not in macs]


def mobility(packets):
    """(packet, message) of each mobility message outside of tunnels."""
    return [(p, mip6.parse(p.payload)) for p in packets if p.upper == MOBILITY]


def binding_updates(packets, home=None):
    return [(p, m) for p, m in mobility(sent_by_mn(packets)) if m.type == mip6.BU and
            (home is None or p.home_source == net.canonical(home))]


def acknowledgements(packets, home=None):
    return [(p, m) for p, m in mobility(received_by_mn(packets)) if m.type == mip6.BA and
            (home is None or p.home_destination == net.canonical(home))]


def sequence_newer(new, old):
    return 0 < (new - old) % 65536 < 32768


def traffic_class_around(inner):
    """The tunnels of the kernel keep a congestion mark from the outside (RFC 3168 section 9.1.1, full
    functionality): ECT(0) around CE.  Nothing is lost: at the other end CE goes before ECT(0)."""
    kernel = PLANE == "kernel" and inner.traffic_class & 3 == CE
    return inner.traffic_class & ~3 | ECT0 if kernel else inner.traffic_class


class Judge:
    def __init__(self, anchors, lifetime=1800):
        self._anchors = list(anchors)
        self._homes = {net.canonical(a.home) for a in anchors if a.home}
        self._found = {}
        self.lifetime = lifetime
        self.starts = []  # of the daemon; how often it is started is not its own doing

    def anchor_of(self, address):
        """The anchor of a home address, or None."""
        if address not in self._found:
            self._found[address] = next((a for a in self._anchors if a.serves(address)), None)
        return self._found[address]

    def everything(self, packets):
        """All that the mobile node sent, on all its interfaces, in order of time."""
        packets = sorted(sent_by_mn(packets), key=lambda p: p.time)
        return [*self.messages(packets), *self.series(packets), *self.tunnel(packets),
                *self.leaks(packets)]

    # One message at a time.

    def messages(self, packets):
        faults = []
        for packet, message in mobility(packets):
            own = list(message.problems)
            if message.type == mip6.BU:
                own += self._binding_update(packet, message)
            elif message.type == mip6.BREV:
                own += self._revocation_acknowledgement(packet, message)
            else:
                own.append(f"sends type {message.type}")
            own += self._header(packet, message)
            faults += [f"{packet}: {fault}" for fault in own]
        faults += [f"{p}: mobility message inside the tunnel" for p in packets
                   if p.inner and p.innermost.upper == MOBILITY]
        return faults

    def _header(self, packet, message):
        if message.payload_proto != mip6.NO_NEXT_HEADER:
            yield f"payload protocol {message.payload_proto}"
        if message.reserved:
            yield "reserved octet not zero"
        expected = mip6.checksum(packet.home_source, packet.dst,
                                 message.raw[:4] + b"\0\0" + message.raw[6:])
        if message.checksum != expected:
            yield f"checksum {message.checksum:#06x}, should be {expected:#06x}"
        if packet.hop_limit != HOP_LIMIT:
            yield f"hop limit {packet.hop_limit}"
        if packet.problem:
            yield packet.problem
        yield from mip6.alignment_problems(message)

    def _binding_update(self, packet, message):
        home = packet.home_source
        anchor = self.anchor_of(home)
        if not anchor:
            yield f"for {home}, which is nobody's home address"
            return
        if packet.dst not in anchor.agents:
            yield "not to the anchor of its home address"
        if message.flags != mip6.BU_ACK | mip6.BU_HOME:
            yield f"flags {message.flags:#06x}"
        if message.alt_coa != packet.src:
            yield f"alternate care-of address {message.alt_coa}"
        if message.lifetime > self.lifetime:
            yield f"lifetime {message.lifetime}"
        if packet.src == home:
            if packet.headers or message.lifetime:
                yield "from the home address, but not a plain de-registration"
        elif packet.headers != [DEST_OPTIONS]:
            yield f"headers {packet.headers}, home address option {packet.home_address}"
        yield from self._authentication(packet, message, anchor)

    def _revocation_acknowledgement(self, packet, message):
        anchor = self.anchor_of(packet.home_source)
        if message.revocation != mip6.BRA:
            yield "revokes something"
        elif not anchor or packet.dst not in anchor.agents:
            yield f"for {packet.home_source}, not to its anchor"
        else:
            yield from self._authentication(packet, message, anchor)

    def _authentication(self, packet, message, anchor):
        option = message.option(mip6.AUTH)
        if not anchor.key:
            if option or message.option(mip6.REPLAY):
                yield "authentication without a key"
            return
        if option is None:
            yield "no authentication option"
            return
        algorithm = anchor.settings.get("Algorithm", "hmac-sha1-96")
        if option[0] != mip6.MN_HA or int.from_bytes(option[1:5], "big") != anchor.spi:
            yield f"authentication subtype {option[0]} or SPI wrong"
        if option[5:] != mip6.authenticator(message, anchor.key, algorithm, packet.src,
                                            packet.home_source):
            yield "authenticator wrong"
        kinds = [o.type for o in message.options if o.type not in (mip6.PAD1, mip6.PADN)]
        if kinds[-1] != mip6.AUTH:
            yield f"options in order {kinds}"
        if anchor.settings.get("Replay") == "none":
            return
        if message.timestamp is None:
            yield "no timestamp"
        elif abs(message.timestamp - packet.time) > CLOCK_TOLERANCE:
            yield f"timestamp off by {message.timestamp - packet.time:.3f} s"

    # Series of messages.

    def series(self, packets):
        faults, by_home = [], defaultdict(list)
        for packet, message in mobility(packets):
            if message.type == mip6.BU:
                by_home[packet.home_source].append((packet, message))
        for home, sent in by_home.items():
            for (_, old), (packet, new) in zip(sent, sent[1:]):
                if not sequence_newer(new.sequence, old.sequence):
                    faults.append(f"{packet}: sequence {new.sequence} after {old.sequence}")
                if old.timestamp and new.timestamp and new.timestamp <= old.timestamp:
                    faults.append(f"{packet}: timestamp does not rise")
            for agent in {p.dst for p, _ in sent}:
                faults += self._rate([p for p, _ in sent if p.dst == agent])
        return faults

    def _rate(self, sent):
        """Updates for one home address to one home agent."""
        for early, late in zip(sent, sent[MAX_UPDATE_RATE:]):
            restarted = any(early.time < t < late.time for t in self.starts)
            if late.time - early.time < 1.0 and not restarted:
                yield (f"{late}: {MAX_UPDATE_RATE + 1} updates for {late.home_source} within "
                       f"{late.time - early.time:.3f} s")

    # Tunnel packets.

    def tunnel(self, packets):
        faults = []
        for packet in packets:
            if packet.upper == TUNNEL and packet.inner:
                faults += [f"{packet}: {fault}" for fault in self._tunnelled(packet)]
        return faults

    def _tunnelled(self, packet):
        inner, anchor = packet.inner, self.anchor_of(packet.inner.src)
        if inner.problem:
            yield f"inside: {inner.problem}"
        if not anchor:
            yield f"tunnels for {inner.src}, which is no home address"
            return
        if packet.dst not in anchor.agents:
            yield "tunnelled to another than its anchor"
        if packet.src in self._homes:
            yield "tunnelled from a home address"
        if packet.traffic_class != traffic_class_around(inner):
            yield f"traffic class {packet.traffic_class} around {inner.traffic_class}"
        if packet.hop_limit != HOP_LIMIT:
            yield f"outer hop limit {packet.hop_limit}"
        if inner.hop_limit == 0 or inner.hop_limit == 255 and \
                inner.icmp_type in NEIGHBOUR_DISCOVERY:
            yield f"hop limit {inner.hop_limit} inside"
        if packet.size > MTU:
            yield f"{packet.size} octets"
        if packet.payload_length != inner.size:
            yield f"payload length {packet.payload_length} around {inner.size} octets"
        if inner.inner:
            yield "tunnel in a tunnel"
        if octets(inner.dst)[0] == 0xFF or octets(inner.dst)[:2] == b"\xfe\x80":
            yield "link-local or multicast traffic tunnelled"

    def leaks(self, packets):
        """Packets from a home address that went to a foreign router as they are: always wrong for
        one that is fixed, for one that was native only while it is bound."""
        faults, bound = [], set(self._homes)
        for p in packets:
            if p.upper == MOBILITY:
                message = mip6.parse(p.payload)
                if message.type == mip6.BU and p.home_source not in self._homes:
                    (bound.add if message.lifetime else bound.discard)(p.home_source)
            elif p.src in bound and p.eth_dst in PLACE_OF_MAC and \
                    not _native(p.src, PLACE_OF_MAC[p.eth_dst]):
                faults.append(f"{p}: from a home address past the tunnel")
        return faults


PLACE_OF_MAC = {mac: place for place, mac in net.ROUTER_MAC.items()}


def _native(address, place):
    """Whether a place's network, all its prefixes, has the address."""
    return octets(address)[:6] == octets(net.router_address(place))[:6]


def tunnelled_for(packets, address):
    """Tunnel packets whose inner packet is from or to the address, in either direction."""
    address = net.canonical(address)
    return [p for p in packets if p.inner and address in (p.inner.src, p.inner.dst)]


def direct_for(packets, address):
    """Packets from or to the address outside of tunnels, neighbour discovery left out."""
    address = net.canonical(address)
    return [p for p in packets if not p.inner and address in (p.src, p.dst) and
            p.icmp_type not in NEIGHBOUR_DISCOVERY]


def neighbour_advertisements(packets, target):
    """(packet, override, solicited, link-layer address) of advertisements for a target."""
    found = []
    for p in packets:
        if p.icmp_type == NA and p.nd_target == net.canonical(target):
            flags, option = p.payload[4], p.payload[24:32]
            mac = ":".join(f"{o:02x}" for o in option[2:8]) if option[:1] == b"\x02" else None
            found.append((p, bool(flags & 0x20), bool(flags & 0x40), mac))
    return found
