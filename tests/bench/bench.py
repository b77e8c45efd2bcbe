#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Speed and footprint, each figure beside its baseline of the same run.

ONLY=PATTERN selects figures by name.  Times of handovers come from captures, from a listener of
kernel events and from packets that the kernel stamps.  What is not installed of others is left out,
and so are the figures in virtual time if `make kernel` has not built their kernel.  Leaves
build/bench.json ({"machine", "figures"}: each figure with name, value, unit, n, min, max, baseline,
baseline_value, ratio, goal, met), build/bench.txt, which is what is shown at the end, and plots in
build/bench/*.svg; with README=1 a complete run writes its figures into README.md.
"""
import fnmatch
import json
import os
import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "net"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import clients  # noqa: E402
import connect  # noqa: E402
import crowd  # noqa: E402
import failover  # noqa: E402
import field  # noqa: E402
import footprint  # noqa: E402
import handovers  # noqa: E402
import machine  # noqa: E402
import plot  # noqa: E402
import prefixes  # noqa: E402
import readme  # noqa: E402
import sessions  # noqa: E402
import throughput  # noqa: E402
import virtual  # noqa: E402
from figure import NotHere  # noqa: E402
from lib.run import BUILD, TOP, Run, TimedOut  # noqa: E402

# Each gives figures; the names that it can give tell whether it has to run.
GROUPS = (handovers.Break, handovers.Make, field.Field, field.FastMake, virtual.Virtual,
          throughput.Throughput, prefixes.Prefixes, prefixes.Anchors, sessions.Sessions,
          sessions.Withdrawal, failover.Failover, crowd.Crowd, footprint.Rest, footprint.Start,
          connect.Connect, clients.Clients)


def wanted(name):
    only = os.environ.get("ONLY")
    return not only or fnmatch.fnmatchcase(name, f"*{only}*")


def table(figures):
    yield (f"{'figure':34} {'n':>5} {'median':>10} {'min':>10} {'max':>10} {'unit':8}"
           f" {'baseline':>10} {'ratio':>7} {'goal':>12} {'':6} baseline is")
    for f in figures:
        ratio = "-" if f.ratio is None else f"{f.ratio:.2f}"
        base = "-" if f.baseline_value is None else f"{f.baseline_value:.3f}"
        verdict = {None: "", True: "met", False: "MISSED"}[f.met]
        yield (f"{f.name:34} {f.n:5} {f.value:10.3f} {f.least:10.3f} {f.most:10.3f} {f.unit:8}"
               f" {base:>10} {ratio:>7} {f.goal or '-':>12} {verdict:6} {f.baseline}")


def measure(directory):
    """(figures, what failed, what is not on this machine)"""
    figures, failed, absent = [], [], []
    with Run() as run:
        for group in GROUPS:
            if not any(wanted(name) for name in group.NAMES):
                continue
            print(group.__doc__.splitlines()[0], end="", flush=True)
            begin = time.monotonic()
            try:
                figures += [f for f in group(run, directory / group.__name__.lower()).figures()
                            if wanted(f.name)]
            except NotHere as e:
                absent.append(f"{group.__name__}: {e}")
            except (TimedOut, RuntimeError, OSError) as e:
                failed.append(f"{group.__name__}: {e}")
            print(f"  ({time.monotonic() - begin:.0f} s)", flush=True)
    return figures, failed, absent


def main():
    if os.geteuid() != 0:
        print("figures are taken in network namespaces: that needs root", file=sys.stderr)
        return 1
    known = [name for group in GROUPS for name in group.NAMES]
    if not any(map(wanted, known)):
        print(f"no figure is like ONLY={os.environ['ONLY']}; there are: {' '.join(known)}",
              file=sys.stderr)
        return 2
    directory = BUILD / "bench"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    os.environ["NET_LOG_LEVEL"] = "info"  # as installed; tests have it tell everything
    about = machine.describe()
    print(machine.line(about), flush=True)
    figures, failed, absent = measure(directory)
    about["load_after"] = machine.load()
    (BUILD / "bench.json").write_text(json.dumps(
        {"machine": about, "figures": [f.record() for f in figures]}, indent=1) + "\n")
    text = "\n".join([machine.line(about), "", *table(figures)])
    (BUILD / "bench.txt").write_text(text + "\n")
    print(f"\n{text}")
    for path in plot.all_of(figures, directory):
        print(f"plot: {path}")
    for line in failed + absent:
        print(f"not measured: {line}", file=sys.stderr)
    if os.environ.get("README"):
        if os.environ.get("ONLY") or failed + absent:
            print("README.md is not changed: some figures are missing", file=sys.stderr)
        else:
            readme.write(TOP / "README.md", figures, about)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
