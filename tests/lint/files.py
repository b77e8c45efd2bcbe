#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What holds for every file: licence in the first line, size, nothing left unfinished."""
import re
import statistics

from sources import Report, lines_of, project_files

MAX_LINES = 900
MEDIAN_LINES = 200
CODE = {".c", ".h"}
SIZED = CODE | {".py", ".sh", ".awk", ".mk"}
SPDX = re.compile(r"SPDX-License-Identifier: (GPL-2\.0-or-later|LGPL-2\.1-or-later)\b")
LIBRARY = "libsock-ext"
# No place for a comment, or somebody else's text.
NO_LICENCE_LINE = re.compile(r"(LICENSE|COPYING.*|.*\.md|.*\.json|\.gitignore|systemd/deb/control\.in|"
                             r"tests/fuzz/corpus/.*|.*\.(pcap|png|svg))$")
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
BLANK_END = re.compile(r"[ \t]+$")


def check_licence(report, path, lines):
    if NO_LICENCE_LINE.match(str(path)) or not lines:
        return
    first = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
    match = SPDX.search(first)
    if not match:
        report.add(path, 1, "no SPDX-License-Identifier in the first line")
    elif match[1].startswith("L") and path.parts[0] != LIBRARY:
        report.add(path, 1, f"only {LIBRARY} is under the LGPL")


def check_text(report, path, lines):
    for number, line in enumerate(lines, 1):
        if match := UNFINISHED.search(line):
            report.add(path, number, f"{match[1]}: finish it")
        if path.suffix in SIZED and BLANK_END.search(line):
            report.add(path, number, "blanks at the end of the line")


def main():
    report = Report("files")
    sizes = []
    for path in project_files():
        lines = lines_of(path)
        if lines is None or path.name == "LICENSE" or "corpus" in path.parts:
            continue
        check_licence(report, path, lines)
        check_text(report, path, lines)
        if path.suffix in SIZED and len(lines) > MAX_LINES:
            report.add(path, len(lines), f"more than {MAX_LINES} lines")
        if path.suffix in CODE:
            sizes.append(len(lines))
    if sizes and statistics.median(sizes) >= MEDIAN_LINES:
        report.add(".", 0, f"the median C file has {statistics.median(sizes):.0f} lines, "
                   f"it should be below {MEDIAN_LINES}")
    report.finish()


main()
