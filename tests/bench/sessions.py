# SPDX-License-Identifier: GPL-2.0-or-later
"""What it costs to know of sessions, and how exactly a binding ends after the last one."""
import statistics
import time

import many
from figure import Figure, median, spread
from lib import native
from lib.places import Places
from lib.run import wait_until

SESSIONS = 1000
STEPS = (1, 30, SESSIONS)
ROUNDS = 6
HOLD = 2.0
ENDS = 16  # sessions on as many prefixes
APART = 0.04  # seconds between their ends


class Sessions:
    """A thousand sessions on one prefix against one: leaving its place, and going on"""

    NAMES = ["decision_tracked_median", "decision_tracked_max", "decision_leaving_median",
             "decision_leaving_max", "session_listing",
             *(f"{what}_{count}" for what in ("tracked", "leaving") for count in STEPS)]

    def __init__(self, run, directory):
        self._scene = Places(run, directory, "ABC", anchored="A")

    def figures(self):
        scene = self._scene
        try:
            many.prepare(scene)
            scene.attach("A")
            sessions = [many.connect(scene, scene.address("A"))]
            steps = {}
            for count in STEPS:
                while len(sessions) < count:
                    sessions.append(many.connect(scene, scene.address("A")))
                steps[count] = self._walk(ROUNDS if count in (1, SESSIONS) else ROUNDS // 2)
            (few_leaving, few_tracked), (many_leaving, many_tracked) = steps[1], steps[SESSIONS]
            plain = [self._plain_dump() for _ in range(ROUNDS)]
        finally:
            scene.close()
        listing = statistics.median(many_leaving) - statistics.median(few_leaving)
        return [
            *median("decision_tracked", many_tracked, "ms", "with one session", few_tracked),
            *median("decision_leaving", many_leaving, "ms", "with one session", few_leaving),
            Figure("session_listing", listing, "ms/1000", len(many_leaving),
                   min(many_leaving) - statistics.median(few_leaving),
                   max(many_leaving) - statistics.median(few_leaving),
                   "`ss` that lists them, less one that lists nothing",
                   statistics.median(plain)),
            *(spread(f"{what}_{count}", values, "ms", "with one session", one)
              for count, found in steps.items()
              for what, values, one in (("leaving", found[0], few_leaving),
                                        ("tracked", found[1], few_tracked)))]

    def _walk(self, rounds):
        """Milliseconds from the advertisement to the update: when the place is left and the kernel
        lists the sessions; and when they are known."""
        scene, leaving, tracked = self._scene, [], []
        home = [scene.address("A")]
        for _ in range(rounds):
            leaving.append(many.handover(scene, "B", home)[0])
            tracked.append(many.handover(scene, "C", home)[0])
            many.go(scene, "A")
            scene.wait_unbound("A")
        return leaving, tracked

    def _plain_dump(self):
        def taken(number):
            begin = time.perf_counter()
            self._scene.mn.command("ss", "-Htn6", "dport", "=", f":{number}")
            return time.perf_counter() - begin
        return (taken(many.LASTING) - taken(1)) * 1e3


class Withdrawal:
    """The end of a binding: the hold time after its last session"""

    NAMES = ["withdrawal_error_median", "withdrawal_error_max"]

    def __init__(self, run, directory):
        self._scene = Places(run, directory, "AB", anchored="A", prefixes={"A": ENDS})

    def figures(self):
        scene, ended = self._scene, {}
        try:
            many.prepare(scene, HoldTime=f"{HOLD:g}s")
            scene.attach("A")
            sessions = [many.connect(scene, a) for a in scene.native_addresses("A", "w0")]
            many.go(scene, "B")
            wait_until(lambda: len(scene.bound()) == ENDS, f"{ENDS} bindings")
            for session in sessions:
                session.close()
                ended[session.source] = time.time()
                time.sleep(APART)
            scene.wait_unbound("A", timeout=HOLD + 3)
            errors = [abs(p.time - ended[p.home_source] - HOLD) * 1e3
                      for p, _ in native.withdrawals(scene)]
        finally:
            scene.close()
        return median("withdrawal_error", errors, "ms", "a sleep of this program",
                      [self._sleep_error() for _ in range(ENDS)])

    @staticmethod
    def _sleep_error():
        begin = time.perf_counter()
        time.sleep(APART)
        return (time.perf_counter() - begin - APART) * 1e3
