# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures of README.md, between their markers, as one complete run has measured them."""
import os
import re

BEGIN, END = "<!-- benchmarks: begin", "<!-- benchmarks: end -->"
# Figures with a median and a maximum: their name, what they are, what their baseline is.
SPREAD = (
    ("ra_to_bu", "router advertisement to binding update on the wire",
     "to the kernel's own first packet"),
    ("link_up_to_rs", "link up to router solicitation on the wire",
     "to the first packet of a program"),
    ("break_outage_beyond_rtt", "outage beyond a round trip, break before make",
     "without mobility"),
    ("decision_tracked", "router advertisement to binding update, 1,000 sessions known",
     "with one session"),
    ("decision_leaving", "the same, 1,000 sessions to be listed first", "with one session"),
    ("withdrawal_error", "withdrawal of a binding: how far from `HoldTime=`",
     "of a sleep"),
    ("failover_silence", "silence when the path to an anchor dies",
     "`ProbeInterval=` times `ProbeCount=`"))
COUNTS = (1, 4, 16, 64)


def number(value, unit):
    if unit == "ms" and value < 0.1:
        return "below 0.1 ms"
    return f"{value:.2f} {unit}"


def section(figures):
    by_name = {f.name: f for f in figures}

    def value(name):
        return by_name[name].value

    lines = ["| figure | median | maximum | beside, in the same run |", "|---|---|---|---|"]
    for name, what, beside in SPREAD:
        middle, worst = by_name[f"{name}_median"], by_name[f"{name}_max"]
        lines.append(f"| {what} | {number(middle.value, middle.unit)} "
                     f"| {number(worst.value, worst.unit)} "
                     f"| {number(middle.baseline_value, middle.unit)} {beside} |")
    for count in COUNTS:
        one = by_name[f"ra_to_last_bu_{count}"]
        which = f"the last of {count} binding updates" if count > 1 else "the one binding update"
        beside = f"{one.ratio:.2f} of {count} times that of one" if count > 1 else "-"
        lines.append(f"| router advertisement to {which} | {number(one.value, one.unit)} "
                     f"| {number(one.most, one.unit)} | {beside} |")
    text = (f"Packets lost of 1000 a second, make before break, {by_name['make_lost_packets'].n} "
            f"moves: {value('make_lost_packets'):.0f}. Wake-ups of the daemon in an idle minute: "
            f"{value('idle_wakeups'):.0f}, with 1,000 sessions on 64 prefixes at 16 anchors "
            f"{value('idle_wakeups_tracking'):.0f}. Resident memory: "
            f"{value('memory_rss') / 1024:.1f} MiB, with those "
            f"{value('memory_rss_crowd') / 1024:.1f} MiB. Listing 1,000 sessions: "
            f"{value('session_listing'):.1f} ms, by `ss` "
            f"{by_name['session_listing'].baseline_value:.1f} ms. Ready after "
            f"{value('ready_first'):.0f} ms. Measured with {os.cpu_count()} processors, Linux "
            f"{'.'.join(os.uname().release.split('.')[:2])}, in network namespaces; the router "
            "answers at once.")
    return "\n".join([*lines, "", *_folded(text)])


def _folded(text, width=112):
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = ""
        line += f"{' ' if line else ''}{word}"
    yield line


def write(path, figures):
    old = path.read_text()
    new = re.sub(f"({re.escape(BEGIN)}[^\n]*\n).*?({re.escape(END)})",
                 lambda m: f"{m[1]}{section(figures)}\n{m[2]}", old, flags=re.DOTALL)
    path.write_text(new)
