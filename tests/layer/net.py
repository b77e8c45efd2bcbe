# SPDX-License-Identifier: GPL-2.0-or-later
"""Packet-level tests: pytest in tests/net, one process for each processor.

Each process has namespaces of its own and tells its results in a file as they come.  The messages
of all captures are read by other programs when the others are done.
"""
import json
import os
import subprocess
import sys
import tempfile
import time

from .report import BUILD, FAILED, SKIPPED, TOP

LAYER = "net"
DIRECTORY = TOP / "tests/net"
LAST = DIRECTORY / "test_wire.py"
TIMEOUT = 1500


class Worker:
    """One pytest and the file it writes its results to.

    wrapper: words in front of its command; environment: more variables.
    """

    def __init__(self, results, only, *argv, shard="0/1", wrapper=(), environment=None):
        self._results = results
        open(results, "w").close()
        self._log = open(f"{results}.log", "w+")
        self._read = 0
        self.process = subprocess.Popen(
            [*wrapper, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", *argv],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT, cwd=TOP,
            env={**os.environ, "NET_RESULTS": results, "NET_SHARD": shard,
                 "NET_ONLY": only or "", "PYTHONDONTWRITEBYTECODE": "1",
                 **(environment or {})})

    def tell(self, report, one):
        report.add(LAYER, one["name"], one["result"], one["seconds"], one["why"])

    def report_new(self, report):
        with open(self._results) as f:
            f.seek(self._read)
            for line in iter(f.readline, ""):
                if not line.endswith("\n"):
                    break
                self._read += len(line)
                self.tell(report, json.loads(line))

    def finish(self, report):
        """What it has written besides its results."""
        self.report_new(report)
        self._log.seek(0)
        output = self._log.read()
        self._log.close()
        return output

    def close(self, report):
        """Say what kept it from running its tests at all."""
        output = self.finish(report)
        if self.process.returncode not in (0, 1, 5):  # well, failures, nothing selected
            report.add(LAYER, "pytest", FAILED, why=output)


def _run(report, workers):
    deadline = time.monotonic() + TIMEOUT
    while any(w.process.poll() is None for w in workers):
        time.sleep(0.1)
        for worker in workers:
            worker.report_new(report)
        if time.monotonic() > deadline:
            for worker in workers:
                worker.process.terminate()
    for worker in workers:
        worker.close(report)


def run(report, only):
    if os.geteuid() != 0:
        report.add(LAYER, "all", SKIPPED, why="network namespaces need root")
        return
    (BUILD / "net").mkdir(parents=True, exist_ok=True)
    count = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as scratch:
        _run(report, [Worker(f"{scratch}/{i}", only, str(DIRECTORY), f"--ignore={LAST}",
                             shard=f"{i}/{count}") for i in range(count)])
        _run(report, [Worker(f"{scratch}/last", only, str(LAST))])
