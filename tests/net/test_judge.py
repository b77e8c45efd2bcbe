# SPDX-License-Identifier: GPL-2.0-or-later
"""The judges themselves: they accept a message known to be right and see each fault put into it."""
import struct

import pytest
from lib import forge, mip6, packets as pk, topology as net
from lib.daemon import Anchor
from lib.judge import Judge

HA, HOME, COA = "2001:db8:1::1", "2001:db8:1::100", "2001:db8:2::1"
KEY = "000102030405060708090a0b0c0d0e0f"
# A binding update as RFC 6275 and RFC 4285 define it: sequence 0x1234, 420 s, network access
# identifier, timestamp, SPI 256; sum and authenticator by an independent generator.
UPDATE = bytes.fromhex(
    "3b09050092ca1234c00000690100031020010db8000200000000000000000001080f016d6e406578616d706c65"
    "2e6e6574000a08e000000080000000000911010000010045440be8a92b23430dea2d3a")
ANSWER = bytes.fromhex("3b030600bfa50000123400640009110100000100cb492d6998f0a6e1047240a1")
SENT_AT = 0xE0000000 - mip6.NTP_EPOCH + 0.5


def packet(message=UPDATE, home=HOME, source=COA, target=HA):
    options = bytes([pk.MOBILITY, 2, 1, 2, 0, 0, 0xC9, 16]) + pk.octets(home)
    frame = forge.frame(net.MN_MAC["w0"], "02:00:00:00:00:0b",
                        forge.ipv6(source, target, pk.DEST_OPTIONS, options + message))
    return pk.parse_frame(frame, SENT_AT)


def judge():
    return Judge([Anchor("home", HA, HOME, KEY, 256)])


def summed(message):
    return mip6.with_checksum(HOME, HA, message)


def test_judge_accepts_a_known_update():
    assert judge().everything([packet()]) == []


def test_judge_builds_a_known_acknowledgement():
    message = mip6.build_ba(0, 0x1234, 400, [mip6.auth_option(256)])
    message = mip6.sign(message, KEY, 256, "hmac-sha1-96", COA, HOME)
    assert mip6.with_checksum(HA, HOME, message) == ANSWER


SPOILT = {
    "checksum": UPDATE[:4] + b"\0\1" + UPDATE[6:],
    "payload protocol": summed(b"\x3a" + UPDATE[1:]),
    "reserved": summed(UPDATE[:3] + b"\1" + UPDATE[4:]),
    "flags": summed(UPDATE[:8] + b"\xc0\x10" + UPDATE[10:]),
    "authenticator": summed(UPDATE[:-1] + b"\0"),
    "Header Len": summed(UPDATE[:1] + b"\x08" + UPDATE[2:]),
    "runs past the end": summed(UPDATE[:-18] + b"\xff" + UPDATE[-17:]),
    "alternate care-of": summed(UPDATE[:31] + b"\2" + UPDATE[32:]),
    "lifetime": summed(UPDATE[:10] + struct.pack("!H", 900) + UPDATE[12:]),
}


@pytest.mark.parametrize("fault", SPOILT)
def test_judge_sees(fault):
    faults = judge().everything([packet(SPOILT[fault])])
    assert any(fault in f for f in faults), faults


def test_judge_sees_a_sum_over_the_care_of_address():
    faults = judge().everything([packet(mip6.with_checksum(COA, HA, UPDATE))])
    assert any("checksum" in f for f in faults)


def test_judge_sees_numbers_that_do_not_rise_and_a_rate_too_high():
    faults = judge().everything([packet()] * 5)
    assert any("sequence" in f for f in faults) and any("within" in f for f in faults)


def test_judge_sees_a_leak_and_a_wrong_tunnel():
    inner = forge.udp(HOME, "2001:db8:3::1", 1, 2, b"x")
    leak, wrong = (pk.parse_frame(forge.frame(net.MN_MAC["w0"], "02:00:00:00:00:0b", data))
                   for data in (inner, forge.tunnelled(COA, "2001:db8:9::9", inner)))
    assert any("past the tunnel" in f for f in judge().everything([leak]))
    assert any("another than its anchor" in f for f in judge().everything([wrong]))
    right = pk.parse_frame(forge.frame(net.MN_MAC["w0"], "02:00:00:00:00:0b",
                                       forge.tunnelled(COA, HA, inner)))
    assert judge().everything([right]) == []
