# SPDX-License-Identifier: GPL-2.0-or-later
"""The same moves made by dmmd, wireguard-go, OpenVPN and MPTCP; world.py is one such world."""
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from figure import Figure, spread
from tunnels import OPENVPN_KEEPALIVE, TUNNELS, WIREGUARD_KEEPALIVE
from world import NOT_HERE

WORLD = Path(__file__).resolve().parent / "world.py"
MOVES = 12
# A host that changes between two interfaces again and again is not followed at once.
MAKE_WORLDS, MAKE_MOVES, WARM_UP = 2, 5, 1
PATIENT_WORLDS = 6  # side by side, as they only wait for a keepalive
OTHERS = {"up": ("wireguard", "openvpn", "mptcp"), "down": ("wireguard", "openvpn"),
          "make": ("wireguard", "openvpn")}
SILENT = {"wireguard": "sends nothing until it owes an answer for 10 s, or "
                       f"PersistentKeepalive={WIREGUARD_KEEPALIVE}",
          "openvpn": f"sends nothing until --keepalive {' '.join(OPENVPN_KEEPALIVE)}"}


def worlds(name, mode, moves, directory, beside=1):
    """The results of worlds side by side, or the reason why there are none."""
    argv = [sys.executable, "-B", WORLD, name, mode, str(moves)]
    running = []
    for number in range(beside):
        place = directory / f"{name}-{mode}-{number}"
        place.mkdir(parents=True, exist_ok=True)
        running.append(subprocess.Popen([*argv, place], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True))
    results, reason = [], f"{TUNNELS[name].title}: not measured"
    for one in running:
        out, err = one.communicate()
        if one.returncode == NOT_HERE:
            reason = out.strip()
        elif one.returncode:
            print(f"  {err.strip()[-300:]}", flush=True)
        else:
            results.append(json.loads(out))
    return results, None if results else reason


class Field:
    """Break before make, for traffic up and for traffic down alone, beside others"""

    NAMES = [f"{what}_{way}_beside_{who}" for way in ("up", "down")
             for what in ("outage", "reaction") for who in OTHERS[way]]

    def __init__(self, _run, directory):
        self._directory = directory

    def figures(self):
        return [figure for way in ("up", "down") for figure in self._way(way)]

    def _way(self, way):
        results, reason = worlds("dmmd", way, MOVES, self._directory)
        if reason:
            raise RuntimeError(reason)
        ours = [m for r in results for m in r["moves"]]
        for who, (results, reason) in zip(OTHERS[way], self._others(way)):
            theirs = [m for r in results for m in r["moves"]]
            title = TUNNELS[who].title
            told = f"{title}, the same moves, n={len(theirs)}"
            if way == "down":
                told += f", {SILENT[who]}"
            yield spread(f"outage_{way}_beside_{who}", [m["outage"] for m in ours], "ms",
                         reason or told, [m["outage"] for m in theirs])
            yield spread(f"reaction_{way}_beside_{who}", [m["beyond"] for m in ours], "ms",
                         reason or told, [m["beyond"] for m in theirs])


    def _others(self, way):
        """What worlds() gives for each: those that only wait side by side, others alone."""
        def one(who):
            beside = PATIENT_WORLDS if way == "down" else 1
            return worlds(who, way, MOVES // beside, self._directory, beside)
        with ThreadPoolExecutor(len(OTHERS[way]) if way == "down" else 1) as pool:
            return list(pool.map(one, OTHERS[way]))


class FastMake:
    """Make before break with 10,000 packets a second up and as many down, beside others"""

    NAMES = ["fast_make_lost", "fast_make_gap_median", "fast_make_gap_max",
             *(f"fast_make_lost_beside_{who}" for who in OTHERS["make"])]

    def __init__(self, _run, directory):
        self._directory = directory

    def figures(self):
        results, reason = worlds("dmmd", "make", WARM_UP + MAKE_MOVES, self._directory)
        for number in range(1, MAKE_WORLDS):
            more, _ = worlds("dmmd", "make", WARM_UP + MAKE_MOVES, self._directory / str(number))
            results += more
        if reason:
            raise RuntimeError(reason)
        moves = [m for r in results for m in r["moves"][WARM_UP:]]
        still = [r["still"] for r in results]
        lost = [m["lost"] for m in moves]
        beside = [m["beside"] for m in moves]
        middle = spread("fast_make_gap_median", [m["gap"] for m in moves], "ms",
                        "a stream beside them that stays where it is, meanwhile", beside)
        return [self._sum("fast_make_lost", lost, "the same streams without a move",
                          [s["lost"] for s in still]),
                middle,
                Figure("fast_make_gap_max", middle.most, "ms", middle.n, middle.least, middle.most,
                       middle.baseline, max(beside)),
                *(self._beside(who, lost) for who in OTHERS["make"])]

    def _beside(self, who, lost):
        results, reason = worlds(who, "make", WARM_UP + len(lost), self._directory)
        theirs = [m["lost"] for r in results for m in r["moves"][WARM_UP:]]
        still = sum(r["still"]["lost"] for r in results)
        told = f"{TUNNELS[who].title}, the same moves; {still} lost in one span without a move"
        return self._sum(f"fast_make_lost_beside_{who}", lost, reason or told, theirs)

    @staticmethod
    def _sum(name, lost, baseline, base):
        return Figure(name, sum(lost), "packets", len(lost), min(lost), max(lost), baseline,
                      sum(base) if base else None, lost, base)
