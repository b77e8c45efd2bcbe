# SPDX-License-Identifier: GPL-2.0-or-later
"""Mobility messages counted in captures."""
from collections import Counter

from . import judge, mip6

NAME = {mip6.BRR: "BRR", mip6.BU: "BU", mip6.BA: "BA", mip6.BE: "BE", mip6.HAS: "HAS"}
REVOCATION = {mip6.BRI: "BRI", mip6.BRA: "BRA"}


def name_of(message):
    if message.type == mip6.BREV:
        return REVOCATION.get(message.revocation, "revocation")
    return NAME.get(message.type, str(message.type))


def messages(packets, begin=0.0, end=float("inf")):
    """Counter of mobility messages by name, sent and received alike, in tunnels too."""
    found = Counter()
    for p in packets:
        if begin <= p.time <= end and p.innermost.is_mobility:
            found[name_of(mip6.parse(p.innermost.payload))] += 1
    return found


def pairs(packets, begin=0.0, end=float("inf")):
    """{home address: Counter} of binding updates and acknowledgements."""
    found = {}
    for p, m in judge.mobility(packets):
        if begin <= p.time <= end and m.type in (mip6.BU, mip6.BA):
            home = p.home_source if m.type == mip6.BU else p.home_destination
            found.setdefault(home, Counter())[name_of(m)] += 1
    return found


def one_pair_each(packets, homes, begin=0.0, end=float("inf")):
    """What speaks against exactly one update and one acknowledgement for each of these home
    addresses, and nothing else."""
    found, faults = pairs(packets, begin, end), []
    for home in homes:
        if found.pop(home, None) != {"BU": 1, "BA": 1}:
            faults.append(f"{home}: {dict(pairs(packets, begin, end).get(home, {}))}")
    faults += [f"{home}, which needs none: {dict(c)}" for home, c in found.items()]
    others = messages(packets, begin, end) - Counter(BU=len(homes), BA=len(homes))
    return faults or [f"{n} more {name}" for name, n in others.items()]
