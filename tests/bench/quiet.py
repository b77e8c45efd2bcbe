# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures are of a daemon that logs what it logs by default; tests have it tell everything."""
from lib.daemon import Daemon

LEVEL = "info"


def be_quiet():
    """Every daemon that is started from now on."""
    loud = Daemon.argv

    def argv(self):
        words = loud(self)
        words[words.index("--log-level") + 1] = LEVEL
        return words

    Daemon.argv = argv
