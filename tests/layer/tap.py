# SPDX-License-Identifier: GPL-2.0-or-later
"""A script that says its results in TAP (Test Anything Protocol), as a layer."""
import re
import subprocess
import time

from .report import FAILED, PASSED, SKIPPED, TOP, chosen

LINE = re.compile(r"(not )?ok \d+(?: - )?(.*)")
SKIP = re.compile(r"\s*# SKIP\b\s*(.*)", re.IGNORECASE)


def run(report, layer, argv, only, timeout):
    """Every `ok` and `not ok` line is a test; what follows a failure is its detail."""
    begin = time.monotonic()
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", cwd=TOP, timeout=timeout, check=False)
        output, status = done.stdout + done.stderr, done.returncode
    except subprocess.TimeoutExpired:
        output, status = f"not done after {timeout} s", 1
    count = failures = 0
    for line in output.splitlines():
        match = LINE.fullmatch(line)
        if not match:
            continue
        count += 1
        failures += bool(match[1])
        skip = SKIP.search(match[2])
        name = f"{count:02}_" + re.sub(r"\W+", "_", SKIP.sub("", match[2])).strip("_")
        result = FAILED if match[1] else SKIPPED if skip else PASSED
        if chosen(f"{layer}/{name}", only) or result == FAILED:
            now = time.monotonic()
            report.add(layer, name, result, now - begin if count == 1 else 0.0,
                       skip[1] if skip else output if match[1] else "")
    if (status != 0 and not failures) or count == 0:
        report.add(layer, "all", FAILED, time.monotonic() - begin, output)
