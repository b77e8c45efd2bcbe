# SPDX-License-Identifier: GPL-2.0-or-later
"""Processor time of a process, as exact as the scheduler has it."""


def spent(pid):
    """Milliseconds on a processor so far; the daemon has one thread."""
    with open(f"/proc/{pid}/schedstat") as f:
        return int(f.read().split()[0]) / 1e6
