# SPDX-License-Identifier: GPL-2.0-or-later
"""Fuzz programs: the kept inputs again, then new ones for FUZZ_SECONDS each."""
import concurrent.futures
import os
import pathlib
import subprocess
import time

from .report import BUILD, FAILED, PASSED, SKIPPED, TOP, chosen

LAYER = "fuzz"
SECONDS = int(os.environ.get("FUZZ_SECONDS") or 4)
GRACE = 60  # seconds that a program may take beyond its time
INPUT_OCTETS = 4096
SOURCES = TOP / "tests/fuzz"


def _run(argv, timeout):
    """(result, seconds, output) of one run of a fuzz program."""
    begin = time.monotonic()
    try:
        done = subprocess.run(argv, capture_output=True, text=True, errors="replace",
                              timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return FAILED, timeout, f"not done after {timeout} s"
    result = PASSED if done.returncode == 0 else FAILED
    return result, time.monotonic() - begin, "" if result == PASSED else done.stderr[-3000:]


def _replay(program, corpus):
    inputs = sorted(str(p) for p in corpus.rglob("*") if p.is_file())
    if not inputs:
        return SKIPPED, 0.0, f"{corpus} holds no inputs"
    return _run([program, *inputs], GRACE)


def _explore(program, name, corpus):
    found, grown = BUILD / "fuzz-found", BUILD / "fuzz-corpus" / name
    for directory in (found, grown):
        directory.mkdir(parents=True, exist_ok=True)
    seeds = [corpus] if corpus.is_dir() else []
    return _run([program, f"-max_total_time={SECONDS}", f"-max_len={INPUT_OCTETS}", "-timeout=10",
                 f"-artifact_prefix={found}/{name}-", grown, *seeds], SECONDS + GRACE)


def _target(name):
    program, corpus = BUILD / "fuzz" / name, SOURCES / "corpus" / name
    if not program.exists():
        yield f"{name}/kept_inputs", (FAILED, 0.0, f"{program} is not built")
        return
    yield f"{name}/kept_inputs", _replay(program, corpus)
    if SECONDS > 0:
        yield f"{name}/new_inputs", _explore(program, name, corpus)


def run(report, only):
    names = [p.stem for p in sorted(pathlib.Path(SOURCES).glob("*.c"))]
    names = [n for n in names if chosen(f"{LAYER}/{n}/kept_inputs/new_inputs", only)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for results in pool.map(lambda n: list(_target(n)), names):
            for name, (result, seconds, why) in results:
                report.add(LAYER, name, result, seconds, why)
