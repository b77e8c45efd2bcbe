# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of handovers, each over at least twenty, beside the same moves without mobility."""
import time

import plain
from figure import Figure, median, spread
from lib import judge, move, packets as pk, topology as net
from lib.capture import STREAM_KIB
from lib.scene import Scene

# An interface that comes and goes again and again is not preferred at once: with another one that
# works, few moves are made in a row.
PORTIONS = {"break": (22,), "make": (6, 6, 5, 5)}
WARM_UP = 2  # the first moves meet neighbours that nobody knows yet
PLACES = "BC"
STREAM_SECONDS = 600  # longer than any run; ended when the moves are done
PHASES = move.PHASES[1:]  # the first is the zero of the others


def milliseconds(seconds):
    return [s * 1e3 for s in seconds]


def moves_with_stream(run, directory, mode):
    """[(move, what a 1 ms stream suffered)], the same of spans without a move, and the time from
    each link up to the first solicitation."""
    moves, still, solicitations = [], [], []
    for number, rounds in enumerate(PORTIONS[mode]):
        more = _moves_of_a_scene(run, directory / str(number), mode, rounds)
        for found, new in zip((moves, still, solicitations), more):
            found += new
    return moves, still, solicitations


def _moves_of_a_scene(run, directory, mode, rounds):
    scene = Scene(run, directory)
    try:
        scene.standard()
        scene.capture("cn", "wan", "udp", buffer=STREAM_KIB)
        scene.probe_server()
        scene.attach("C")
        scene.probe("udp", "stream", net.HOME2, "--seconds", STREAM_SECONDS)
        scene.wait_stream(net.HOME2, "w0")
        made = [move.make_move(scene, PLACES[i % 2], mode) for i in range(WARM_UP + rounds)]
        still = [_stand_still(m.end - m.begin) for m in made[WARM_UP:]] if mode == "make" else []
        watch = move.StreamWatch(scene, net.HOME2)
        measured = [move.measure(scene, m) for m in made[WARM_UP:]]
        return ([(m, watch.suffered(m.begin, m.end)) for m in measured],
                [watch.suffered(*span) for span in still], _solicitations(scene, measured))
    finally:
        scene.close()


def _stand_still(seconds):
    """A span as long as a move in which nothing happens."""
    begin = time.time()
    time.sleep(seconds)
    span = begin, time.time()
    time.sleep(0.1)  # the stream goes on behind it
    return span


def _solicitations(scene, measured):
    sent = [p.time for p in judge.sent_by_mn(scene.packets()) if p.icmp_type == pk.RS]
    return [min(t for t in sent if t > m.plugged) - m.link_up for m in measured]


class Break:
    """Break before make: twenty-two moves of one interface"""

    NAMES = [*(f"{what}_{how}" for what in ("ra_to_bu", "link_up_to_rs", "break_outage_beyond_rtt")
               for how in ("median", "max")), *(f"phase_{phase}" for phase in PHASES)]

    def __init__(self, run, directory):
        self._run, self._directory = run, directory

    def figures(self):
        base = plain.measure(self._run, self._directory / "plain")
        moves, _, solicitations = moves_with_stream(self._run, self._directory / "moves", "break")
        phases = [m.phases for m, _ in moves]
        outage = [p["data"] - (p["ba"] - p["bu"]) for p in phases]
        return [
            *median("ra_to_bu", [p["bu"] - p["ra"] for p in phases], "ms",
                    "advertisement to the kernel's own test for duplicates",
                    milliseconds(base.reaction)),
            *median("link_up_to_rs", milliseconds(solicitations), "ms",
                    "link up to the first packet of a program that sends every 1 ms, no mobility",
                    milliseconds(base.first_sent)),
            *median("break_outage_beyond_rtt", outage, "ms",
                    "link up to the first answer less a round trip, fixed address, no mobility",
                    milliseconds(base.outage)),
            *(spread(f"phase_{name}", [p[name] for p in phases if p[name] is not None], "ms",
                     "since listeners hear of the link") for name in PHASES)]


class Make:
    """Make before break: twenty-two moves between two interfaces"""

    NAMES = ["make_lost_packets", "make_silence_median", "make_silence_max"]

    def __init__(self, run, directory):
        self._run, self._directory = run, directory

    def figures(self):
        moves, still, _ = moves_with_stream(self._run, self._directory / "moves", "make")
        lost = [h["lost_up"] + h["lost_down"] for _, h in moves]
        unmoved = sum(h["lost_up"] + h["lost_down"] for h in still)
        return [
            Figure("make_lost_packets", sum(lost), "packets", len(lost), min(lost), max(lost),
                   "the same stream without a move", unmoved),
            *median("make_silence", milliseconds(h["outage"] for _, h in moves), "ms",
                    "longest silence of the 1 ms stream without a move",
                    milliseconds(h["outage"] for h in still))]
