#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The results of a study for people to read: tables.py [DIRECTORY] writes the tables of STUDY.md from the *.csv there."""
import csv
import pathlib
import sys

MOVEMENTS = {"waypoint": "pedestrians", "streets": "vehicles"}
SUMMARY = (
    ("handovers per node and hour", "handovers_per_hour", 1),
    ("mean residence time, s", "residence_s", 0),
    ("BU + BA per node and hour", "messages_per_hour", 1),
    ("BU + BA per handover", "messages_per_handover", 2),
    ("octets of them per node and hour", "octets_per_hour", 0),
    ("traffic tunnelled, %", "tunnelled_pct", 1),
    ("... of sessions in need", "tunnelled_in_need_pct", 1),
    ("... of others on the same address", "tunnelled_by_chance_pct", 1),
    ("path stretch, all traffic", "stretch", 3),
    ("path stretch, tunnelled traffic", "stretch_of_tunnelled", 3),
    ("bindings of a node, mean", "bindings_of_node", 2),
    ("bindings of a node, most", "most_bindings_of_node", 0),
    ("bindings of an anchor, mean", "bindings_of_anchor", 1),
    ("... of the busiest anchor, mean", "busiest_anchor_mean", 1),
    ("... of any anchor, most", "most_bindings_of_anchor", 0),
    ("sessions in need that break, %", "broken_in_need_pct", 2),
    ("other sessions that begin anew, %", "broken_others_pct", 1),
)
CURVE = (("BU + BA", "messages_per_hour", 1), ("tunnelled, %", "tunnelled_pct", 1),
         ("stretch", "stretch", 3), ("bindings of a node", "bindings_of_node", 2))


def read(directory, name):
    with open(directory / f"{name}.csv", encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def show(value, digits):
    return f"{float(value):,.{digits}f}" if float(value) else "0"


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + "|".join("---" if i == 0 else "---:" for i in range(len(head))) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def summary(directory):
    runs = read(directory, "summary")
    table([""] + [f"{MOVEMENTS[r['movement']]}, {r['mode']}" for r in runs],
          ([name] + [show(r[key], digits) for r in runs] for name, key, digits in SUMMARY))


def messages(directory):
    kinds = ("moves", "refreshes", "withdrawals", "returns", "retransmissions", "acknowledgements")
    table(["per node and hour", *kinds],
          ([f"{MOVEMENTS[r['movement']]}, {r['mode']}"] + [show(r[k], 2) for k in kinds]
           for r in read(directory, "messages") if r["mode"] != "none"))


def failure(directory):
    table(["", "lost at once, % of those alive", "lost in all, % of those alive or begun later",
           "the same of all sessions, in need or not"],
          ([f"{MOVEMENTS[r['movement']]}, {r['mode']}"] +
           [show(r[k], 2) for k in ("lost_at_once_pct", "lost_pct", "lost_of_all_pct")]
           for r in read(directory, "failure")))


def curve(directory, name, title, extra=()):
    columns = CURVE + tuple(extra)
    for movement, people in MOVEMENTS.items():
        runs = [r for r in read(directory, name) if r["movement"] == movement]
        modes = {m: [r for r in runs if r["mode"] == m] for m in ("distributed", "centralised")}
        table([f"{people}: {title}"] + [f"{what}, {mode}" for what, _, _ in columns
                                        for mode in modes],
              ([f"{float(d[name]):g}"] +
               [show(r[key], digits) for _, key, digits in columns for r in (d, c)]
               for d, c in zip(*modes.values())))


def main():
    directory = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/study")
    summary(directory)
    messages(directory)
    failure(directory)
    curve(directory, "in_need_pct", "% of sessions in need")
    curve(directory, "length_in_residences", "session length / residence time")
    curve(directory, "local_pct", "% of correspondents near")


main()
