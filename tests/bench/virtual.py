# SPDX-License-Identifier: GPL-2.0-or-later
"""Outages in virtual time: each player in a guest of its own (roam.py).  Computing takes no time
there and a round trip 20 ms: what is left are round trips and timers."""
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from figure import NotHere, spread
from lib.run import BUILD, TOP
from roam import PLAYERS
from world import NOT_HERE

GUEST = TOP / "tests/kernel/uml.sh"
BUILT = TOP / "tests/kernel/build.sh"
ROAM = TOP / "tests/bench/roam.py"
MOVES = 12
SECONDS = 400  # of the host's time, for each guest
OTHERS = ("wireguard", "openvpn", "mptcp", "mobike")
FLOOR = "none"
# Player, plane of dmmd; the longest first.
GUESTS = [("dmmd", "bpf"), ("dmmd", "kernel"), *((who, "") for who in OTHERS), (FLOOR, "")]


def kernel():
    """The one with virtual time."""
    done = subprocess.run([BUILT, "-n"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHere("its kernel is not built: `sudo make kernel` first")
    return done.stdout.strip()


class Virtual:
    """Break before make in virtual time, both planes beside others and beside no mobility"""

    NAMES = ["virtual_outage", "virtual_outage_kernel_plane",
             *(f"virtual_outage_beside_{who}" for who in OTHERS)]

    def __init__(self, _run, directory):
        self._directory = directory
        self._kernel = kernel()

    def figures(self):
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            results = dict(zip(GUESTS, pool.map(self._roam, GUESTS)))
        for guest in (*GUESTS[:2], (FLOOR, "")):
            if not results[guest][0]:
                raise RuntimeError(results[guest][1])
        ours, floor = results["dmmd", "bpf"][0], results[FLOOR, ""][0]
        told = "no mobility: a request from the new address; round trip 20 ms, address ready"
        yield spread("virtual_outage", ours, "ms", told, floor)
        yield spread("virtual_outage_kernel_plane", results["dmmd", "kernel"][0], "ms", told, floor)
        for who in OTHERS:
            theirs, reason = results[who, ""]
            yield spread(f"virtual_outage_beside_{who}", ours, "ms",
                         reason or f"{PLAYERS[who].title}, the same moves, n={len(theirs)}", theirs)

    def _roam(self, guest):
        """(outages, None), or ([], why there are none)."""
        who, plane = guest
        place = self._directory / f"{who}{plane}"
        place.mkdir(parents=True, exist_ok=True)
        shown = ("-w", TOP) if Path("/tmp") in TOP.parents else ()
        done = subprocess.run(
            [GUEST, "-K", self._kernel, "-v", "-t", str(SECONDS), *shown, "-w", BUILD, "--",
             sys.executable, "-B", ROAM, who, str(MOVES), place],
            env={**os.environ, "B": str(BUILD), "DMMD_PLANE": plane or "auto"},
            capture_output=True, text=True, check=False)
        if done.returncode == NOT_HERE:
            return [], done.stdout.strip()
        if done.returncode:
            print(f"  {done.stderr.strip()[-300:]}", flush=True)
            return [], f"{PLAYERS[who].title} {plane}: not measured"
        return json.loads(done.stdout)["outages"], None
