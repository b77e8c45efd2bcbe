# SPDX-License-Identifier: GPL-2.0-or-later
"""The files of the project, as the lint programs see them."""
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]


def project_files():
    """Every file that is, or is going to be, under version control."""
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             cwd=TOP, check=True, capture_output=True, text=True).stdout
    names = sorted(set(filter(None, listing.split("\0"))))
    return [pathlib.Path(n) for n in names if (TOP / n).is_file()]


def lines_of(path):
    """Its lines, or None if it is not text."""
    try:
        return (TOP / path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return None


class Report:
    """Collects findings; the exit status of the program."""

    def __init__(self, name):
        self.name = name
        self.n = 0

    def add(self, path, line, text):
        self.n += 1
        print(f"{path}:{line}: {text}")

    def finish(self):
        if self.n:
            sys.exit(f"{self.name}: {self.n} finding(s)")
