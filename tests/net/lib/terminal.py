# SPDX-License-Identifier: GPL-2.0-or-later
"""What the demonstration says to people: events with their time, excerpts of dmmctl, tables."""
import os
import subprocess
import sys
import textwrap
import time

from .daemon import DMMCTL

WIDTH = 100


class Terminal:
    def __init__(self):
        self._colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._begin = time.time()

    def style(self, text, code):
        return f"\033[{code}m{text}\033[0m" if self._colour else text

    def heading(self, text):
        print(f"\n{self.style(text, '1')}", flush=True)

    def event(self, who, what, at=None):
        seconds = (at or time.time()) - self._begin
        print(f"{seconds:8.3f} s  {self.style(f'{who:<13}', '36')} {what}", flush=True)

    def dmmctl(self, bus, *argv, only=()):
        """Show what dmmctl says; only: lines that have one of these words."""
        print(self.style(f"            $ dmmctl {' '.join(argv)}", "32"))
        said = subprocess.run([DMMCTL, "--bus", bus, "--no-pager", *argv], capture_output=True,
                              text=True, check=False)
        lines = (said.stdout + said.stderr).rstrip().splitlines()
        for line in lines:
            if not only or any(word in line for word in only):
                print(self.style(f"            {line}", "2"), flush=True)

    @staticmethod
    def legend(*notes):
        for note in notes:
            print(textwrap.fill(note, WIDTH, initial_indent="  ", subsequent_indent="  "))

    @staticmethod
    def table(titles, rows):
        """The first column and words to the left, numbers to the right."""
        cells = [[_text(c) for c in row] for row in rows]
        widths = [max(len(t), *(len(r[n]) for r in cells)) if cells else len(t)
                  for n, t in enumerate(titles)]
        right = [n > 0 and all(_is_number(r[n]) for r in cells) for n in range(len(titles))]
        for row in [titles, *cells]:
            print("  ".join(c.rjust(w) if r else c.ljust(w)
                            for c, w, r in zip(row, widths, right)).rstrip())


def _text(cell):
    if cell is None:
        return "-"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)


def _is_number(text):
    return text == "-" or text.replace(",", "").replace(".", "").lstrip("+-").isdigit()
