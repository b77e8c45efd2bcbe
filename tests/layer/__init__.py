# SPDX-License-Identifier: GPL-2.0-or-later
"""The test layers, as tests/run.py runs them.

    report   results: one line each on the terminal, all of them in build/check.json
    unit     build/unit (Criterion), and what the sanitizers say beside it
    sim      build/sim: lives of a mobile node in virtual time, with and without the sanitizers
    fuzz     build/fuzz/NAME: the kept inputs again, then new ones for a few seconds
    net      pytest in tests/net, on all processors

A layer is a function run(report, only) that adds its results; `only` is a shell pattern or None.
"""
