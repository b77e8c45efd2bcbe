# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures of README.md, between their markers, as one complete run has measured them."""
import re

BEGIN, END = "<!-- benchmarks: begin", "<!-- benchmarks: end -->"
WIDTH = 112


def amount(value, unit):
    """As short as a reader wants it."""
    if unit == "ms" and value >= 1000:
        value, unit = value / 1000, "s"
    if unit == "ms" and value < 0.1:
        return "below 0.1 ms"
    if unit == "KiB":
        value, unit = value / 1024, "MiB"
    if unit == "1000/s":
        return f"{value:.0f},000/s"
    if unit in ("packets", "times") or unit.startswith("in "):
        return f"{value:g}"
    if unit == "ns":
        value, unit = value / 1000, "us"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{digits}f} {unit}"


class Rows:
    """Rows of the tables: what, dmmd, and what stands beside it in the same run."""

    def __init__(self, figures):
        self.by_name = {f.name: f for f in figures}

    def value(self, name):
        return amount(self.by_name[name].value, self.by_name[name].unit)

    def base(self, name):
        return amount(self.by_name[name].baseline_value, self.by_name[name].unit)

    def row(self, what, name, beside="", worst=None):
        """A figure and its baseline; worst: the figure that has the maximum."""
        most = self.by_name[worst].value if worst else None
        told = self.value(name)
        if worst:
            told += f", at most {amount(most, self.by_name[name].unit)}"
        return f"| {what} | {told} | {self.base(name)}{' ' + beside if beside else ''} |"

    def others(self, what, prefix, names):
        """One figure of dmmd beside the same of others."""
        found = [self.by_name.get(f"{prefix}_{n}") for n in names]
        own = next(f for f in found if f)
        told = amount(own.value, own.unit)
        if own.unit == "ms":
            told += f", at most {amount(own.most, own.unit)}"
        return " | ".join([f"| {what}", told, *(self.other(f) for f in found)]) + " |"

    @staticmethod
    def other(figure):
        if not figure:
            return "-"
        if figure.baseline_value is None:
            return "not installed" if "not installed" in figure.baseline else "not measured"
        return amount(figure.baseline_value, figure.unit)


def moves(rows):
    names = ("beside_wireguard", "beside_openvpn", "beside_mptcp")
    tunnels = ("wireguard", "openvpn", "none")
    return ["| the same moves, the same traffic | dmmd | wireguard-go | OpenVPN | MPTCP |",
            "|---|---|---|---|---|",
            rows.others("silence after a move while the host sends", "outage_up", names),
            rows.others("the same while it only receives", "outage_down", names),
            rows.others("TCP through the tunnel, up", "tcp_up", tunnels),
            rows.others("TCP through the tunnel, down", "tcp_down", tunnels),
            rows.others("packets of 64 octets, up", "small_up", tunnels),
            rows.others("round trip through the tunnel", "round_trip", tunnels)]


def virtual(rows):
    others = ("wireguard", "openvpn", "mptcp", "mobike")
    found = [rows.by_name[f"virtual_outage_beside_{who}"] for who in others]
    told = [rows.value("virtual_outage"), rows.value("virtual_outage_kernel_plane"),
            rows.base("virtual_outage"), *(rows.other(f) for f in found)]
    return ["| in virtual time, round trip 20 ms | dmmd | dmmd, kernel plane | no mobility | "
            "WireGuard | OpenVPN | MPTCP | strongSwan MOBIKE |", f"|{'---|' * 8}",
            f"| silence after a move, the address ready | {' | '.join(told)} |"]


def costs(rows):
    return ["| figure (median) | dmmd | beside it |", "|---|---|---|",
            rows.row("router advertisement to binding update on the wire", "ra_to_bu_median",
                     "to the kernel's own first packet", "ra_to_bu_max"),
            rows.row("outage beyond a round trip, break before make",
                     "break_outage_beyond_rtt_median", "without mobility",
                     "break_outage_beyond_rtt_max"),
            rows.row("packets lost of 10,000 a second each way, make before break",
                     "fast_make_lost", "without a move"),
            rows.row("TCP through the tunnel, up", "tcp_up", "without a tunnel"),
            rows.row("TCP through the tunnel, down", "tcp_down", "without a tunnel"),
            rows.row("round trip through the tunnel", "round_trip", "without a tunnel"),
            rows.row("`connect()` with hooks, nothing asked", "connect_tcp_hooks_idle",
                     "without hooks"),
            rows.row("advertisement to binding update, 1,000 sessions known",
                     "decision_tracked_median", "with one session"),
            rows.row("advertisement to the last of 64 binding updates", "ra_to_last_bu_64",
                     "64 times that of one"),
            f"| processor time of a handover, 1 prefix | {rows.value('handover_cpu_1')} | - |",
            rows.row("the same, all told to `dmmctl monitor` by D-Bus", "handover_cpu_heard",
                     "with nobody listening"),
            rows.row("processor time of a handover, 64 prefixes", "handover_cpu_64",
                     "64 times that of one"),
            rows.row("10,000 programs ask at once: processor time", "clients_cpu",
                     "one after the other"),
            rows.row("silence when the path to an anchor dies", "failover_silence_median",
                     "`ProbeInterval=` times `ProbeCount=`", "failover_silence_max"),
            rows.row("wake-ups in an idle minute", "idle_wakeups", "`ip monitor`"),
            rows.row("wake-ups by an unchanged router advertisement", "wakeups_per_advertisement",
                     "`ip monitor`"),
            rows.row("memory, shared pages by share (PSS)", "memory_pss", "`ip monitor`"),
            rows.row("resident memory, 64 prefixes, 16 anchors, 1,000 sessions",
                     "memory_rss_crowd", "before it joins a network"),
            rows.row("ready after its start", "ready_first", "`dmmd --version`")]


def section(figures, about):
    rows = Rows(figures)
    release = ".".join(about["kernel"].split(".")[:2])
    text = (f"Measured on {about['cores']} cores ({about['cpu']}), Linux {release}, in network "
            "namespaces; the router answers a solicitation at once; everybody has optimistic "
            "addresses and somebody who solicits at link-up. While it only receives, a host with "
            "WireGuard or OpenVPN is not found before its next keepalive. TCP, small packets and "
            "round trips are bound by the processor, and where other machines share that a fifth "
            "between two of those figures is chance. In virtual time (User-Mode Linux) computing "
            "takes none, and what is left are round trips and timers; the address is ready at "
            "link-up. `sudo make bench` measures all of this anew, that with the kernel that `make "
            "kernel` builds, and draws plots into `build/bench/`.")
    return "\n".join([*moves(rows), "", *virtual(rows), "", *costs(rows), "", *_folded(text)])


def _folded(text, width=WIDTH):
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = ""
        line += f"{' ' if line else ''}{word}"
    yield line


def write(path, figures, about):
    old = path.read_text()
    new = re.sub(f"({re.escape(BEGIN)}[^\n]*\n).*?({re.escape(END)})",
                 lambda m: f"{m[1]}{section(figures, about)}\n{m[2]}", old, flags=re.DOTALL)
    path.write_text(new)
