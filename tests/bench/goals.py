# SPDX-License-Identifier: GPL-2.0-or-later
"""What figures have to reach.  make bench tells of each whether it does, and fails for none."""

# Name: (what is compared, how, with what); "value", its "ratio" to the baseline, or what it is
# "beyond" that.
GOALS = {
    "tcp_up": ("ratio", ">=", 0.95), "tcp_down": ("ratio", ">=", 0.95),
    "small_up": ("ratio", ">=", 0.85), "small_down": ("ratio", ">=", 0.85),
    "round_trip": ("ratio", "<=", 1.10),
    "break_outage_beyond_rtt_median": ("value", "<=", 5),
    "break_outage_beyond_rtt_max": ("value", "<=", 20),
    "make_lost_packets": ("value", "<=", 0), "make_silence_max": ("beyond", "<=", 5),
    "fast_make_lost": ("value", "<=", 0), "fast_make_gap_max": ("beyond", "<=", 5),
    "handover_cpu_1": ("value", "<=", 1), "handover_cpu_16": ("value", "<=", 3),
    "handover_cpu_64": ("value", "<=", 10),
    "idle_wakeups": ("value", "<=", 0), "wakeups_per_advertisement": ("value", "<=", 1),
    "packets_for_advertisements": ("value", "<=", 0),
    "memory_pss": ("value", "<=", 4096),
    "clients_cpu": ("value", "<=", 1000),
    **{f"{what}_{way}_beside_{who}": ("ratio", "<=", 1) for what in ("outage", "reaction")
       for way in ("up", "down") for who in ("wireguard", "openvpn")},
    **{f"virtual_outage{beside}": ("beyond", "<=", 1)
       for beside in ("", "_kernel_plane", "_beside_wireguard", "_beside_openvpn")},
    **{f"virtual_outage_beside_{who}": ("ratio", "<=", 1) for who in ("mptcp", "mobike")},
}


def words(name):
    if name not in GOALS:
        return None
    what, how, limit = GOALS[name]
    return {"value": f"{how} {limit:g}", "ratio": f"{how} {limit:g} of it",
            "beyond": f"{how} it + {limit:g}"}[what]


def met(figure):
    if figure.name not in GOALS:
        return None
    what, how, limit = GOALS[figure.name]
    if what != "value" and figure.baseline_value is None:
        return None
    value = {"value": figure.value, "ratio": figure.ratio}.get(what)
    if what == "beyond":
        value = figure.value - figure.baseline_value
    return value >= limit if how == ">=" else value <= limit
