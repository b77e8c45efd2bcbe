#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run test layers: run.py [LAYER...]

Prints one line for each test and writes build/check.json.  ONLY=PATTERN selects tests by a shell
pattern for a part of their names.  The last line is `N passed, N failed, N skipped`; leaves 0 when
nothing failed, 1 when something did, 2 when it was asked for something that it does not know.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from layer import fuzz, kernel, net, sim, system, unit  # noqa: E402
from layer.report import BUILD, Report  # noqa: E402

LAYERS = {"unit": unit.run, "sim": sim.run, "fuzz": fuzz.run, "net": net.run,
          "kernel": kernel.run, "system": system.run}


def main(argv):
    unknown = [name for name in argv if name not in LAYERS]
    if unknown:
        print(f"unknown layer {unknown[0]}; there are: {', '.join(LAYERS)}", file=sys.stderr)
        return 2
    report, only = Report(), os.environ.get("ONLY") or None
    for name in argv or LAYERS:
        LAYERS[name](report, only)
    report.write(BUILD / "check.json")
    if only and not report.tests:
        print(f"ONLY={only}: there is no such test", file=sys.stderr)
        return 2
    return report.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
