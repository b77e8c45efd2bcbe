#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Speed and footprint, each figure beside its baseline of the same run.

ONLY=PATTERN selects figures by name.  Times of handovers come from captures and from a listener of
kernel events.  Leaves build/bench.json, a list of {name, value, unit, baseline, baseline_value,
ratio, n}; with README=1 a complete run writes its figures into README.md.
"""
import fnmatch
import json
import os
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "net"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import connect  # noqa: E402
import crowd  # noqa: E402
import failover  # noqa: E402
import footprint  # noqa: E402
import handovers  # noqa: E402
import prefixes  # noqa: E402
import readme  # noqa: E402
import sessions  # noqa: E402
from lib.run import BUILD, TOP, Run, TimedOut  # noqa: E402

# Each gives figures; the names that it can give tell whether it has to run.
GROUPS = (handovers.Break, handovers.Make, prefixes.Prefixes, sessions.Sessions,
          sessions.Withdrawal, failover.Failover, crowd.Crowd, footprint.Rest, footprint.Start,
          connect.Connect)


def wanted(name):
    only = os.environ.get("ONLY")
    return not only or fnmatch.fnmatchcase(name, f"*{only}*")


def print_table(figures):
    print(f"\n{'figure':34} {'n':>5} {'value':>10} {'min':>10} {'max':>10} {'unit':8}"
          f" {'baseline':>10} {'ratio':>7}  baseline is")
    for f in figures:
        ratio = "-" if f.ratio is None else f"{f.ratio:.2f}"
        base = "-" if f.baseline_value is None else f"{f.baseline_value:.3f}"
        print(f"{f.name:34} {f.n:5} {f.value:10.3f} {f.least:10.3f} {f.most:10.3f} {f.unit:8}"
              f" {base:>10} {ratio:>7}  {f.baseline}")


def main():
    if os.geteuid() != 0:
        print("figures are taken in network namespaces: that needs root", file=sys.stderr)
        return 1
    directory = BUILD / "bench"
    shutil.rmtree(directory, ignore_errors=True)
    figures, failed = [], []
    with Run() as run:
        for group in GROUPS:
            if any(wanted(name) for name in group.NAMES):
                print(f"{group.__doc__.splitlines()[0]}", flush=True)
                try:
                    figures += [f for f in group(run, directory / group.__name__.lower()).figures()
                                if wanted(f.name)]
                except (TimedOut, RuntimeError) as e:
                    failed.append(f"{group.__name__}: {e}")
    (BUILD / "bench.json").write_text(json.dumps([f.record() for f in figures], indent=1) + "\n")
    print_table(figures)
    for line in failed:
        print(f"not measured: {line}", file=sys.stderr)
    if os.environ.get("README") and not os.environ.get("ONLY") and not failed:
        readme.write(TOP / "README.md", figures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
