# SPDX-License-Identifier: GPL-2.0-or-later
"""Mobility messages (RFC 6275 section 6, RFC 4283, RFC 4285), read and written independently.

The tools have known faults here: tshark does not verify the checksum, scapy computes it wrongly
when a packet is built again.  Hence own code, and theirs beside it (see oracle).
"""
import hashlib
import hmac
import struct
from dataclasses import dataclass, field

from .packets import MOBILITY, octets, text

BRR, HOTI, COTI, HOT, COT, BU, BA, BE = range(8)
HAS, BREV = 12, 16
BRI, BRA = 1, 2  # kinds of a binding revocation message
NO_NEXT_HEADER = 59
PAD1, PADN, REFRESH_ADVICE, ALT_COA = 0, 1, 2, 3
MN_ID, AUTH, REPLAY = 8, 9, 10
BU_ACK, BU_HOME = 0x8000, 0x4000
LIFETIME_UNIT = 4
NTP_EPOCH = 2208988800  # seconds from 1900 to 1970
MN_HA = 1
DIGEST = {"hmac-sha1-96": (hashlib.sha1, 12), "hmac-sha256-128": (hashlib.sha256, 16)}
# Where options must start, "xn+y" (RFC 6275 section 6.2, RFC 4285 section 5 and 6).
ALIGNMENT = {REFRESH_ADVICE: (2, 0), ALT_COA: (8, 6), AUTH: (4, 1), REPLAY: (8, 2)}
MIN_HEADER_LEN = {BRR: 0, HOTI: 1, COTI: 1, HOT: 2, COT: 2, BU: 1, BA: 1, BE: 2, HAS: 0, BREV: 1}


def checksum(source, destination, message):
    """Internet checksum over the pseudo-header of RFC 8200 section 8.1 and the message."""
    data = octets(source) + octets(destination) + struct.pack("!IBBBB", len(message), 0, 0, 0,
                                                             MOBILITY) + message
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def with_checksum(source, destination, message):
    message = message[:4] + b"\0\0" + message[6:]
    return message[:4] + struct.pack("!H", checksum(source, destination, message)) + message[6:]


@dataclass
class Option:
    type: int
    offset: int  # from the start of the Mobility Header
    data: bytes


@dataclass
class Message:
    type: int
    payload_proto: int
    header_length: int
    reserved: int
    checksum: int
    raw: bytes
    options: list = field(default_factory=list)
    sequence: int = None
    flags: int = None
    lifetime: int = None  # seconds
    status: int = None
    home: str = None
    agents: list = field(default_factory=list)  # of a home agent switch
    revocation: int = None  # BRI, whose status is the trigger, or BRA
    problems: list = field(default_factory=list)

    def option(self, kind):
        """The data of the only option of that kind, or None."""
        found = [o for o in self.options if o.type == kind]
        return found[0].data if len(found) == 1 else None

    @property
    def alt_coa(self):
        data = self.option(ALT_COA)
        return text(data) if data and len(data) == 16 else None

    @property
    def timestamp(self):
        """The replay protection's time, in seconds since 1970."""
        data = self.option(REPLAY)
        return struct.unpack("!Q", data)[0] / 2**32 - NTP_EPOCH if data else None


def _options(message, at):
    data = message.raw
    while at < len(data):
        if data[at] == PAD1:
            message.options.append(Option(PAD1, at, b""))
            at += 1
            continue
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            message.problems.append(f"option {data[at]} runs past the end")
            return
        message.options.append(Option(data[at], at, data[at + 2:at + 2 + data[at + 1]]))
        at += 2 + data[at + 1]


def parse(data):
    """Take a Mobility Header apart; faults are collected in `problems`."""
    if len(data) < 8:
        return Message(-1, 0, 0, 0, 0, data, problems=["shorter than 8 octets"])
    message = Message(data[2], data[0], data[1], data[3], struct.unpack_from("!H", data, 4)[0],
                      data)
    if 8 * (data[1] + 1) != len(data):
        message.problems.append(f"Header Len says {8 * (data[1] + 1)} of {len(data)} octets")
    if min(data[1], len(data) // 8 - 1) < MIN_HEADER_LEN.get(data[2], 0):
        message.problems.append("shorter than its type needs")
        return message
    if data[2] == BU:
        message.sequence, message.flags, units = struct.unpack_from("!HHH", data, 6)
        message.lifetime = units * LIFETIME_UNIT
        _options(message, 12)
    elif data[2] == BA:
        message.status, message.flags, message.sequence, units = struct.unpack_from(
            "!BBHH", data, 6)
        message.lifetime = units * LIFETIME_UNIT
        _options(message, 12)
    elif data[2] == BE:
        message.status, message.home = data[6], text(data[8:24])
        _options(message, 24)
    elif data[2] == BREV:
        message.revocation, message.status, message.sequence, message.flags = struct.unpack_from(
            "!BBHH", data, 6)
        _options(message, 12)
    elif data[2] == HAS:
        end = 8 + 16 * data[6]
        if end > len(data):
            message.problems.append(f"{data[6]} addresses in {len(data)} octets")
            return message
        message.agents = [text(data[at:at + 16]) for at in range(8, end, 16)]
        _options(message, end)
    elif data[2] == BRR:
        _options(message, 8)
    return message


def authenticator(message, key, algorithm, coa, home):
    """What the mobility message authentication option must hold (RFC 4285 section 5.1)."""
    option = next(o for o in message.options if o.type == AUTH)
    end = option.offset + 2 + 5  # type and length, subtype and SPI
    covered = octets(coa) + octets(home) + message.raw[:4] + b"\0\0" + message.raw[6:end]
    digest, length = DIGEST[algorithm]
    return hmac.new(bytes.fromhex(key), covered, digest).digest()[:length]


def alignment_problems(message):
    for option in message.options:
        modulus, rest = ALIGNMENT.get(option.type, (1, 0))
        if option.offset % modulus != rest:
            yield f"option {option.type} starts at {option.offset}, not {modulus}n+{rest}"


def _pad(message, modulus, rest):
    missing = (rest - len(message)) % modulus
    if missing == 1:
        return message + bytes([PAD1])
    return message + (bytes([PADN, missing - 2]) + bytes(missing - 2) if missing else b"")


def build_ba(status, sequence, lifetime, options=()):
    """A binding acknowledgement without checksum; options: (type, data) in order."""
    message = bytes([NO_NEXT_HEADER, 0, BA, 0, 0, 0]) + struct.pack(
        "!BBHH", status, 0, sequence, lifetime // LIFETIME_UNIT)
    for kind, data in options:
        modulus, rest = (8, 5) if kind == AUTH else ALIGNMENT.get(kind, (1, 0))
        message = _pad(message, modulus, rest) + bytes([kind, len(data)]) + data
    message = _pad(message, 8, 0)
    return message[:1] + bytes([len(message) // 8 - 1]) + message[2:]


def sign(message, key, spi, algorithm, coa, home):
    """Put the authenticator into a message that build_ba() gave a zero one."""
    parsed = parse(message)
    option = next(o for o in parsed.options if o.type == AUTH)
    value = authenticator(parsed, key, algorithm, coa, home)
    at = option.offset + 7
    assert struct.unpack_from("!I", message, option.offset + 3)[0] == spi
    return message[:at] + value + message[at + len(value):]


def auth_option(spi, algorithm="hmac-sha1-96"):
    """(type, data) of an authentication option that is still to be signed."""
    return AUTH, struct.pack("!BI", MN_HA, spi) + bytes(DIGEST[algorithm][1])
