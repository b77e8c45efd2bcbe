# SPDX-License-Identifier: GPL-2.0-or-later
"""The simulator: each scenario for its share of the handovers, one processor for each; then all of them under the sanitizers;
and a small study (tests/sim/STUDY.md), whose results must be related as they should.

SIM_HANDOVERS= sets how many there are over all scenarios, SIM_SECONDS= lets each scenario run for so long instead.
"""
import concurrent.futures
import os
import subprocess
import time

from .report import BUILD, FAILED, PASSED, chosen

LAYER = "sim"
HANDOVERS = int(os.environ.get("SIM_HANDOVERS") or 100_000)
SECONDS = int(os.environ.get("SIM_SECONDS") or 0)
SANITIZED = 40  # of so many handovers one runs under the sanitizers as well
GRACE = 120     # seconds
STUDY_NODES = int(os.environ.get("STUDY_NODES") or 200)


def _execute(argv, timeout):
    """(result, seconds, output)"""
    begin = time.monotonic()
    try:
        done = subprocess.run(argv, capture_output=True, text=True, errors="replace",
                              timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return FAILED, time.monotonic() - begin, f"not done after {timeout} s"
    result = PASSED if done.returncode == 0 else FAILED
    return result, time.monotonic() - begin, done.stdout + done.stderr[-3000:]


def _scenarios():
    listing = subprocess.run([BUILD / "sim", "--list"], capture_output=True, text=True, check=True)
    return [line.split("\t")[0] for line in listing.stdout.splitlines()]


def _work(names):
    """What to run: a name, a command, and how long it may take."""
    share = -(-HANDOVERS // len(names))
    amount = ["--seconds", str(SECONDS)] if SECONDS else ["--handovers", str(share)]
    for name in names:
        yield name, [BUILD / "sim", "--scenario", name, *amount], SECONDS + GRACE
    yield ("sanitizers",
           [BUILD / "sim-san", "--handovers", str(max(HANDOVERS // SANITIZED, 1))], GRACE)
    yield "study", [BUILD / "sim-study", "--check", "--nodes", str(STUDY_NODES)], GRACE


def run(report, only):
    for program in ("sim", "sim-san", "sim-study"):
        if not (BUILD / program).exists():
            report.add(LAYER, "all", FAILED, why=f"{BUILD}/{program} is not built")
            return
    work = [w for w in _work(_scenarios()) if chosen(f"{LAYER}/{w[0]}", only)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        done = pool.map(lambda w: _execute(w[1], w[2]), work)
        for (name, _, _), (result, seconds, output) in zip(work, done):
            report.add(LAYER, name, result, seconds, output if result == FAILED else "")
            if result == PASSED:
                print(f"        {output.splitlines()[-1]}", flush=True)
