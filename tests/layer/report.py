# SPDX-License-Identifier: GPL-2.0-or-later
"""Results of tests: one line each on the terminal, all of them in a file."""
import fnmatch
import json
import os
import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("B") or "build")
if not BUILD.is_absolute():
    BUILD = TOP / BUILD

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
COLOUR = {PASSED: "\033[32m", FAILED: "\033[31m", SKIPPED: "\033[33m"}
DETAIL_LINES = 25
LINE_LENGTH = 500


def chosen(name, only):
    """Whether the pattern (of a part of the name) selects a test."""
    return only is None or fnmatch.fnmatchcase(name, f"*{only}*")


class Report:
    def __init__(self):
        self.tests = []
        self._colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def add(self, layer, name, result, seconds=0.0, why=""):
        """One result; why: the reason of a skipped test, the details of a failed one."""
        self.tests.append({"name": f"{layer}/{name}", "layer": layer, "result": result,
                           "seconds": round(seconds, 3), **({"why": why} if why else {})})
        word = f"{COLOUR[result]}{result}\033[0m" if self._colour else result
        reason = f"  ({why})" if result == SKIPPED and why else ""
        print(f"{word}  {layer}/{name}  {seconds:.2f} s{reason}", flush=True)
        self._tell_details(self.tests[-1])

    def _tell_details(self, test):
        if test["result"] == FAILED:
            for line in test.get("why", "").strip().splitlines()[-DETAIL_LINES:]:
                print(f"        {line[:LINE_LENGTH]}", flush=True)

    def count(self, result, layer=None):
        return sum(1 for t in self.tests if t["result"] == result and
                   layer in (None, t["layer"]))

    def totals(self, layer=None):
        return {result: self.count(result, layer) for result in (PASSED, FAILED, SKIPPED)}

    def write(self, path):
        layers = dict.fromkeys(t["layer"] for t in self.tests)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({
            **self.totals(), "layers": {layer: self.totals(layer) for layer in layers},
            "tests": self.tests}, indent=1) + "\n")

    def close(self):
        """Tell the failures once more, and end with the line that scripts look for."""
        failures = [t for t in self.tests if t["result"] == FAILED]
        if failures:
            print("failed:")
        for test in failures:
            print(f"  {test['name']}")
            self._tell_details(test)
        total = self.totals()
        print(f"{total[PASSED]} passed, {total[FAILED]} failed, {total[SKIPPED]} skipped",
              flush=True)
        return 1 if failures else 0
