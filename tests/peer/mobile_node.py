# SPDX-License-Identifier: GPL-2.0-or-later
"""A mobile node of a few lines, independent of the daemon's codecs: scapy builds and reads packets,
the authentication of RFC 4285 is computed here."""

import hashlib
import hmac
import socket
import struct
import time

from scapy.layers.inet6 import HAO, IPv6, IPv6ExtHdrDestOpt, in6_chksum

ETH_P_IPV6 = 0x86DD
MH = 135
NTP_EPOCH = 2208988800
ALGORITHMS = {"hmac-sha1-96": (hashlib.sha1, 12), "hmac-sha256-128": (hashlib.sha256, 16)}


def packed(address):
    return socket.inet_pton(socket.AF_INET6, address)


def text(octets):
    return socket.inet_ntop(socket.AF_INET6, octets)


def ntp(seconds):
    """32.32 timestamp of a time since 1970."""
    return int((seconds + NTP_EPOCH) * 2 ** 32)


def pad_to(message, modulus, offset):
    """PadN or Pad1 so that the next option starts at modulus * n + offset."""
    gap = (offset - len(message)) % modulus
    if gap == 1:
        return message + b"\0"
    return message + (bytes([1, gap - 2]) + bytes(gap - 2) if gap else b"")


class Key:
    def __init__(self, spi, key, algorithm="hmac-sha1-96"):
        self.spi, self.key = spi, key
        self.digest, self.length = ALGORITHMS[algorithm]

    def authenticator(self, coa, home, signed):
        signed = signed[:4] + b"\0\0" + signed[6:]
        data = packed(coa) + packed(home) + signed
        return hmac.new(self.key, data, self.digest).digest()[:self.length]


def finish(message):
    """Final length and padding, checksum still zero."""
    message = pad_to(message, 8, 0)
    return message[:1] + bytes([len(message) // 8 - 1]) + message[2:]


def binding_update(home, coa, sequence, lifetime, flags=0xC000, alt_coa=True, key=None, nai=None,
                   timestamp=None):
    """A whole Mobility Header with checksum zero.  coa enters option 3 and the authenticator;
    lifetime in seconds."""
    m = struct.pack("!BBBBHHHH", 59, 0, 5, 0, 0, sequence, flags, lifetime // 4)
    if alt_coa:
        m = pad_to(m, 8, 6) + bytes([3, 16]) + packed(coa)
    if nai:
        m += bytes([8, 1 + len(nai), 1]) + nai.encode()
    if timestamp is not None:
        m = pad_to(m, 8, 2) + bytes([10, 8]) + struct.pack("!Q", timestamp)
    if key:
        m = pad_to(m, 8, 5) + struct.pack("!BBBI", 9, 5 + key.length, 1, key.spi)
        at = len(m)
        m = finish(m + bytes(key.length))
        m = m[:at] + key.authenticator(coa, home, m[:at]) + m[at + key.length:]
    return finish(m)


def revocation_acknowledgement(home, coa, sequence, status=0, flags=0, key=None):
    """A whole Mobility Header with checksum zero (RFC 5846 section 5.2)."""
    m = struct.pack("!BBBBHBBHH", 59, 0, 16, 0, 0, 2, status, sequence, flags)
    if key:
        m = pad_to(m, 8, 5) + struct.pack("!BBBI", 9, 5 + key.length, 1, key.spi)
        at = len(m)
        m = finish(m + bytes(key.length))
        m = m[:at] + key.authenticator(coa, home, m[:at]) + m[at + key.length:]
    return finish(m)


def packet(source, agent, message, home=None):
    """Around a Mobility Header: with home, as from away."""
    summed = IPv6(src=home or source, dst=agent)
    checksum = in6_chksum(MH, summed, message)
    message = message[:4] + struct.pack("!H", checksum) + message[6:]
    if not home:
        return bytes(IPv6(src=source, dst=agent, nh=MH) / message)
    options = IPv6ExtHdrDestOpt(nh=MH, options=[HAO(hoa=home)])
    return bytes(IPv6(src=source, dst=agent) / options / message)


class Answer:
    """A packet with a Mobility Header, as it came."""

    def __init__(self, octets):
        ip = IPv6(octets)
        self.source, self.destination = ip.src, ip.dst
        offset, nh = 40, ip.nh
        self.home = None
        if nh == 43:
            length = 8 + 8 * octets[41]
            assert octets[42:44] == b"\x02\x01", "not a type 2 routing header in use"
            self.home = text(octets[48:64])
            nh, offset = octets[40], 40 + length
        assert nh == MH
        self.message = octets[offset:40 + ip.plen]
        self.type = self.message[2]
        self.options = {}
        if self.type == 6:
            (self.status, self.flags, self.sequence,
             self.lifetime) = struct.unpack("!BBHH", self.message[6:12])
            if self.length_ok:
                self._read_options(12)
        elif self.type == 12:
            n = self.message[6]
            self.agents = [text(self.message[8 + 16 * i:24 + 16 * i]) for i in range(n)]
            self._read_options(8 + 16 * n)
        elif self.type == 16:
            (self.kind, self.trigger, self.sequence,
             self.flags) = struct.unpack("!BBHH", self.message[6:12])
            if self.length_ok:
                self._read_options(12)
        elif self.type == 7:
            self.status, self.about = self.message[6], text(self.message[8:24])

    def _read_options(self, at):
        m = self.message
        while at < len(m):
            if m[at] == 0:
                at += 1
                continue
            length = m[at + 1]
            assert at + 2 + length <= len(m), "option past the end"
            self.options.setdefault(m[at], (at, m[at + 2:at + 2 + length]))
            at += 2 + length

    @property
    def checksum_ok(self):
        pseudo = IPv6(src=self.source, dst=self.home or self.destination)
        zeroed = self.message[:4] + b"\0\0" + self.message[6:]
        return struct.pack("!H", in6_chksum(MH, pseudo, zeroed)) == self.message[4:6]

    @property
    def length_ok(self):
        return len(self.message) == 8 * (self.message[1] + 1)

    def authentic(self, key, coa, home):
        if 9 not in self.options:
            return False
        at, data = self.options[9]
        subtype, spi = struct.unpack("!BI", data[:5])
        right = key.authenticator(coa, home, self.message[:at + 7])
        return subtype == 1 and spi == key.spi and data[5:] == right


class MobileNode:
    """Sends by a raw socket, hears everything that reaches one interface."""

    def __init__(self, lab, ns, ifname, home, coa, agent, key=None, nai=None):
        self.home, self.coa, self.agent, self.key, self.nai = home, coa, agent, key, nai
        self.sequence = 100
        with lab.inside(ns):
            self.out = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
            self.heard = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                                       socket.htons(ETH_P_IPV6))
            self.heard.bind((ifname, ETH_P_IPV6))
            # The kernel must not complain of the tunnel's packets.
            self.tunnel = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_IPV6)

    def close(self):
        for s in (self.out, self.heard, self.tunnel):
            s.close()

    def send(self, octets):
        self.out.sendto(octets, (IPv6(octets).dst, 0))

    def packets(self, timeout):
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            self.heard.settimeout(left)
            try:
                octets, source = self.heard.recvfrom(65536)
            except socket.timeout:
                return
            if source[2] != socket.PACKET_OUTGOING:
                yield octets

    def flush(self):
        for _ in self.packets(0.05):
            pass

    def answer(self, timeout=1.0):
        """The next mobility message that is not tunnelled, or None."""
        for octets in self.packets(timeout):
            if octets[6] == MH or (octets[6] == 43 and octets[40] == MH):
                return Answer(octets)
        return None

    def tunnelled(self, timeout=1.0, wanted=lambda ip: True):
        """The next inner packet from the agent, or None."""
        for octets in self.packets(timeout):
            ip = IPv6(octets)
            if ip.nh == 41 and ip.src == self.agent and ip.dst == self.coa:
                inner = IPv6(octets[40:])
                if wanted(inner):
                    return inner
        return None

    def update(self, lifetime=420, coa=None, source=None, at_home=False, **more):
        """Send one binding update."""
        coa = coa or self.coa
        self.sequence = more.pop("sequence", self.sequence + 1)
        more.setdefault("key", self.key)
        more.setdefault("nai", self.nai)
        if more["key"]:
            more.setdefault("timestamp", ntp(time.time()))
        home = more.pop("home", self.home)
        m = binding_update(home, coa, self.sequence, lifetime, **more)
        octets = packet(source or coa, self.agent, m, None if at_home else home)
        self.send(octets)
        return octets

    def acknowledge_revocation(self, sequence, status=0, key=None):
        m = revocation_acknowledgement(self.home, self.coa, sequence, status,
                                       key=key or self.key)
        self.send(packet(self.coa, self.agent, m, self.home))

    def register(self, **more):
        """A binding update and its answer, which must be well formed."""
        self.flush()
        self.update(**more)
        answer = self.answer()
        assert answer and answer.type == 6, "no acknowledgement"
        assert answer.checksum_ok and answer.length_ok
        return answer

    def encapsulate(self, inner, source=None, agent=None):
        self.send(bytes(IPv6(src=source or self.coa, dst=agent or self.agent, nh=41) / inner))
