# SPDX-License-Identifier: GPL-2.0-or-later
"""Unit tests: one Criterion program, built with the sanitizers.

Criterion reports a test as passed although the leak checker has complained behind it, so whatever a
sanitizer writes is a failure of its own.
"""
import collections
import os
import shutil
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ElementTree

from .report import BUILD, FAILED, PASSED, SKIPPED, chosen

LAYER = "unit"
TIMEOUT = 120
STATUS = {"PASSED": PASSED, "SKIPPED": SKIPPED}


def _numbered(cases):
    """Give the cases of a parameterised test, which share one name, numbers."""
    seen = collections.Counter()
    for suite, case in cases:
        name = f"{suite.get('name')}/{case.get('name')}"
        seen[name] += 1
        yield (name if seen[name] == 1 else f"{name}#{seen[name]}"), case


def _results(path):
    root = ElementTree.parse(path).getroot()
    for name, case in _numbered((s, c) for s in root.iter("testsuite") for c in s):
        result = STATUS.get(case.get("status"), FAILED)
        why = "\n".join((e.get("message") or "") + (e.text or "") for e in case).strip()
        yield name, result, float(case.get("time") or 0), why if result != PASSED else ""


def _sanitizers(report, findings, seconds):
    """What they wrote; a test that has failed also leaks what it did not come to free."""
    found = sorted(findings.iterdir())
    why = f"{len(found)} reports in {findings}, the first:\n" + found[0].read_text(
        errors="replace") if found else ""
    report.add(LAYER, "sanitizers", FAILED if found else PASSED, seconds, why)


def run(report, only):
    program, findings = BUILD / "unit", BUILD / "sanitizer"
    if not program.exists():
        report.add(LAYER, "all", FAILED, why=f"{program} is not built")
        return
    begin = time.monotonic()
    shutil.rmtree(findings, ignore_errors=True)
    findings.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        xml = os.path.join(scratch, "unit.xml")
        output = _execute([program, f"--xml={xml}"] + ([f"--filter=*{only}*"] if only else []),
                          f"log_path={findings}/report", scratch)
        if not os.path.exists(xml):
            report.add(LAYER, "all", FAILED, time.monotonic() - begin, output)
            return
        for name, result, seconds, why in _results(xml):
            if chosen(f"{LAYER}/{name}", only):
                report.add(LAYER, name, result, seconds, why)
    _sanitizers(report, findings, time.monotonic() - begin)


def _execute(argv, options, scratch):
    try:
        done = subprocess.run(argv, capture_output=True, text=True, errors="replace",
                              timeout=TIMEOUT, check=False, env={
                                  **os.environ, "TMPDIR": scratch, "ASAN_OPTIONS": options,
                                  "UBSAN_OPTIONS": f"{options}:print_stacktrace=1"})
        return done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        return f"not done after {TIMEOUT} s"
