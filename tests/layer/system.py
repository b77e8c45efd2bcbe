# SPDX-License-Identifier: GPL-2.0-or-later
"""The installed package under a real systemd and D-Bus, beside other network managers."""
import os

from . import tap
from .report import BUILD, SKIPPED, TOP

LAYER = "system"
TIMEOUT = 900


def run(report, only):
    if os.geteuid() != 0:
        report.add(LAYER, "all", SKIPPED, why="a systemd of its own needs root")
        return
    tap.run(report, LAYER, [TOP / "tests/system/run.sh", BUILD], only, TIMEOUT)
