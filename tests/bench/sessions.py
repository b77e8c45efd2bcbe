# SPDX-License-Identifier: GPL-2.0-or-later
"""What it costs to know of sessions, and how exactly a binding ends after the last one."""
import statistics
import time

import many
from figure import Figure, median
from lib import native
from lib.places import Places
from lib.run import wait_until

SESSIONS = 1000
ROUNDS = 6
HOLD = 2.0
ENDS = 16  # sessions on as many prefixes
APART = 0.04  # seconds between their ends


class Sessions:
    """A thousand sessions on one prefix against one: leaving its place, and going on"""

    NAMES = ["decision_tracked_median", "decision_tracked_max", "decision_leaving_median",
             "decision_leaving_max", "session_listing"]

    def __init__(self, run, directory):
        self._scene = Places(run, directory, "ABC", anchored="A")

    def figures(self):
        scene = self._scene
        try:
            many.prepare(scene)
            scene.attach("A")
            sessions = [many.connect(scene, scene.address("A"))]
            few_leaving, few_tracked = self._walk()
            while len(sessions) < SESSIONS:
                sessions.append(many.connect(scene, scene.address("A")))
            many_leaving, many_tracked = self._walk()
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
                   statistics.median(plain))]

    def _walk(self):
        """Milliseconds from the advertisement to the update: when the place is left and the kernel
        lists the sessions; and when they are known."""
        scene, leaving, tracked = self._scene, [], []
        home = [scene.address("A")]
        for _ in range(ROUNDS):
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
