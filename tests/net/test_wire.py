# SPDX-License-Identifier: GPL-2.0-or-later
"""Every mobility message that the mobile node has sent in any test so far, read by tshark and scapy
(R4).  The captures are kept, so this comes last, in a process of its own."""
import pytest
from lib import oracle, packets as pk, topology as net
from lib.run import BUILD


@pytest.fixture(scope="module")
def frames():
    macs = set(net.MN_MAC.values())
    found = [(p.time, p.raw) for path in sorted((BUILD / "net").glob("*/mn-*.pcap"))
             for p in pk.parsed(pk.read_frames(path)) if p.is_mobility and p.eth_src in macs]
    if not found:
        pytest.skip("no test before it has captured a message")
    return found


def test_R4_tshark_reads_every_message_as_meant(frames, directory):
    faults = oracle.tshark_faults(frames, directory / "all.pcap")
    assert not faults, "\n".join(faults[:20])


def test_R4_scapy_reads_every_message_as_meant(frames):
    faults = oracle.scapy_faults(frames)
    assert not faults, "\n".join(faults[:20])
