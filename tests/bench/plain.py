# SPDX-License-Identifier: GPL-2.0-or-later
"""The baseline of handovers: the same moves with a fixed address at each place and no mobility."""
import time
from dataclasses import dataclass, field

from lib import judge, packets as pk, topology as net
from lib.monitor import Monitor
from lib.run import wait_until
from lib.scene import Scene
from lib.session import UdpSession

ROUNDS = 22
TRIPS = 5
PLACES = "BC"


@dataclass
class Baseline:
    """Lists of seconds, one of each move."""

    first_sent: list = field(default_factory=list)  # link up to the first packet of a program
    outage: list = field(default_factory=list)  # link up to the first answer, less a round trip
    reaction: list = field(default_factory=list)  # advertisement to the kernel's test of an address


def measure(run, directory):
    scene = Scene(run, directory)
    result = Baseline()
    try:
        scene.start_routers()
        scene.capture()
        scene.echo()
        scene.monitor = Monitor(scene.mn, directory / "monitor.txt")
        scene.mn.set_sysctls(w0__optimistic_dad=1, w0__use_optimistic=1)
        for number in range(ROUNDS):
            _move(scene, PLACES[number % 2], result)
    finally:
        scene.close()
    return result


def _move(scene, place, result):
    scene.unplug("w0", managed=True)
    address = net.canonical(net.PREFIX[place].replace("/64", "77"))
    scene.mn.ip(f"addr add {address}/64 dev w0 nodad",
                f"route replace default via {net.router_address(place)} dev w0")
    session = UdpSession(scene.mn, net.CN, source=address)
    time.sleep(0.1)
    plugged = time.time()
    scene.plug("w0", place)
    session.exchange(interval=0.001)
    trip = min(_round_trip(session) for _ in range(TRIPS))
    session.close()
    up = wait_until(lambda: scene.monitor.link_up("w0", plugged), "the link to be up")
    datagrams = [p for p in scene.packets() if p.upper == pk.UDP and p.time > plugged]
    sent, answered = judge.sent_by_mn(datagrams), judge.received_by_mn(datagrams)
    result.first_sent.append(sent[0].time - up)
    result.outage.append(answered[0].time - up - trip)
    result.reaction.append(_kernel_reaction(scene, place))
    scene.mn.command("ip", "-6", "route", "del", "default", "via", net.router_address(place))


def _round_trip(session):
    begin = time.perf_counter()
    session.exchange()
    return time.perf_counter() - begin


def _kernel_reaction(scene, place):
    """From an advertisement to the first packet about the address that the kernel makes of it."""
    begin, coa = time.time(), net.canonical(net.care_of(place))
    scene.routers[place].command("advertise")

    def seen():
        packets = [p for p in scene.packets() if p.time > begin]
        advert = [p.time for p in packets if p.icmp_type == pk.RA]
        test = [p.time for p in packets if p.icmp_type == pk.NS and p.nd_target == coa]
        return advert and test and (test[0] - advert[0],)
    return wait_until(seen, "the kernel to test the address")[0]
