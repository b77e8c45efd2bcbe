# SPDX-License-Identifier: GPL-2.0-or-later
"""Plots of the figures by gnuplot; a plot needs figures of its groups, and gnuplot.

    timeline.svg     a handover by phase, every move
    outage.svg       distribution of outages, dmmd and others
    virtual.svg      the same in virtual time, beside no mobility
    throughput.svg   by tunnel
    connect.svg      connect() by way, policy and size of the table
    prefixes.svg, anchors.svg, sessions.svg     cost against their number
"""
import shutil
import subprocess

HEAD = """set terminal svg size 860,{height} dynamic font 'sans,13' background '#ffffff'
set output '{output}'
set border 3 lc rgb '#606060'
set tics nomirror tc rgb '#404040'
set grid {grid} lc rgb '#dddddd' lt 1
set title "{title}" font 'sans,15'
set key {key}
"""
BLUE, ORANGE, GREEN, GREY, RED = "#1f5fa8", "#d9822b", "#3a9457", "#8a8a8a", "#b03a48"
PURPLE = "#75519c"
COLOUR = {"dmmd": BLUE, "plain": GREY, "wireguard-go": RED, "OpenVPN": ORANGE, "MPTCP": GREEN}
VIRTUAL = {"wireguard": ("WireGuard", RED), "openvpn": ("OpenVPN", ORANGE),
           "mptcp": ("MPTCP", GREEN), "mobike": ("strongSwan MOBIKE", PURPLE)}
NAMES = {"wireguard": "wireguard-go", "openvpn": "OpenVPN", "mptcp": "MPTCP"}
LEAST = 0.01  # of logarithmic scales, ms


class Plot:
    """Commands for gnuplot with its data inside."""

    def __init__(self, directory, name, title, height=430, grid="y", key="top left"):
        self.path = directory / f"{name}.svg"
        self._blocks = 0
        self._text = HEAD.format(output=self.path, title=title, height=height, grid=grid, key=key)

    def add(self, text):
        self._text += text + "\n"

    def block(self, rows):
        """A block of data: its name."""
        self._blocks += 1
        name = f"$d{self._blocks}"
        lines = (" ".join(f'"{v}"' if isinstance(v, str) else f"{v:.6g}" for v in row)
                 for row in rows)
        self.add("\n".join([f"{name} << E", *lines, "E"]))
        return name

    def draw(self):
        self.path.with_suffix(".gp").write_text(self._text)
        subprocess.run(["gnuplot", self.path.with_suffix(".gp")], check=True, capture_output=True)
        return self.path


def timeline(by_name, directory):
    """The phases of break before make, a line for each, a dot for each move."""
    phases = [(f.name.partition("phase_")[2], f) for n, f in by_name.items()
              if n.startswith("phase_")]
    if not phases:
        return None
    plot = Plot(directory, "timeline", "Handover by phase, break before make", 340, "x", "off")
    rows = [(value, len(phases) - at, phase) for at, (phase, f) in enumerate(phases)
            for value in f.samples]
    middle = [(f.value, len(phases) - at) for at, (_, f) in enumerate(phases)]
    dots, medians = plot.block(rows), plot.block(middle)
    labels = ", ".join(f'"{LABELS[p]}" {len(phases) - at}' for at, (p, _) in enumerate(phases))
    plot.add(f"set yrange [0.4:{len(phases) + 0.6}]\nset ytics ({labels})\n"
             "set xlabel 'ms since listeners hear of the link (dots: moves; bars: medians)'")
    plot.add(f"plot {dots} u 1:($2+0.12*(rand(0)-0.5)) w p pt 7 ps 0.4 lc rgb '{BLUE}', "
             f"{medians} u 1:2:(0):(0.28) w vectors nohead lw 3 lc rgb '{ORANGE}', "
             f"{medians} u 1:2:(0):(-0.28) w vectors nohead lw 3 lc rgb '{ORANGE}'")
    return plot.draw()


LABELS = {"ra": "router advertisement", "address": "address usable", "bu": "binding update",
          "ba": "acknowledgement", "data": "first packet back"}


def outage(by_name, directory):
    """The share of moves that were over after so long."""
    series = []  # title, colour, outages, dashed
    for way in ("up", "down"):
        beside = {who: by_name.get(f"outage_{way}_beside_{who}") for who in NAMES}
        there = {NAMES[w]: f for w, f in beside.items() if f}
        if there:
            own = next(iter(there.values())).samples
            series.append((f"dmmd, {way}", COLOUR["dmmd"], own,
                           way == "down"))
        series += [(f"{n}, {way}", COLOUR[n], f.baseline_samples, way == "down")
                   for n, f in there.items() if f.baseline_samples]
    return _distribution(directory, "outage", "Outage of a move, break before make: traffic up "
                         "alone, down alone", series)


def virtual(by_name, directory):
    """The same in virtual time."""
    own, kernel = (by_name.get(f"virtual_outage{plane}") for plane in ("", "_kernel_plane"))
    series = [("no mobility", GREY, own.baseline_samples, False),
              ("dmmd", BLUE, own.samples, False)] if own else []
    if kernel:
        series.append(("dmmd, kernel plane", BLUE, kernel.samples, True))
    for who, (title, colour) in VIRTUAL.items():
        beside = by_name.get(f"virtual_outage_beside_{who}")
        if beside and beside.baseline_samples:
            series.append((title, colour, beside.baseline_samples, False))
    return _distribution(directory, "virtual", "Outage of a move in virtual time, break before "
                         "make, round trip 20 ms, address ready", series)


def _distribution(directory, name, title, series):
    if not series:
        return None
    plot = Plot(directory, name, title, 430, "x y", "outside right")
    plot.add("set logscale x\nset xlabel 'milliseconds from link up to the first packet'\n"
             "set ylabel 'share of moves'\nset yrange [0:1.05]")
    lines = []
    for label, colour, values, dashed in series:
        ordered = sorted(max(v, LEAST) for v in values)
        data = plot.block([(v, (n + 1) / len(ordered)) for n, v in enumerate(ordered)])
        dash = " dt 2" if dashed else ""
        lines.append(f"{data} u 1:2 w lp lw 2 pt 7 ps 0.4{dash} lc rgb '{colour}' t '{label}'")
    plot.add("plot " + ", ".join(lines))
    return plot.draw()


def throughput(by_name, directory):
    if not {"tcp_up", "tcp_down", "small_up", "small_down"} <= by_name.keys():
        return None
    names = ("tcp_up", "tcp_down", "small_up", "small_down")
    found = {"plain": [by_name[n].baseline_value for n in names],
             "dmmd": [by_name[n].value for n in names]}
    for who, title in NAMES.items():
        figures = [by_name.get(f"{n}_{who}") for n in names]
        if all(f and f.baseline_value is not None for f in figures):
            found[title] = [f.baseline_value for f in figures]
    plot = Plot(directory, "throughput", "The same path with and without a tunnel, share of plain",
                420, "y", "outside right")
    bases = found["plain"]
    labels = [f"TCP up\\n{bases[0]:.1f} Gbit/s", f"TCP down\\n{bases[1]:.1f} Gbit/s",
              f"64 octets up\\n{bases[2]:.0f},000/s", f"64 octets down\\n{bases[3]:.0f},000/s"]
    rows = [(label, *(values[at] / bases[at] for values in found.values()))
            for at, label in enumerate(labels)]
    _bars(plot, rows, [(t, COLOUR[t]) for t in found], "of plain")
    return plot.draw()


def _bars(plot, rows, titles, ylabel, least="0"):
    data = plot.block(rows)
    plot.add(f"set style data histogram\nset style histogram clustered gap 1\n"
             f"set style fill solid 0.9 noborder\nset ylabel '{ylabel}'\n"
             f"set yrange [{least}:*]\nset bmargin 4")
    columns = (f"{data} u {at + 2}{':xtic(1)' if at == 0 else ''} lc rgb '{colour}' t '{title}'"
               for at, (title, colour) in enumerate(titles))
    plot.add("plot " + ", ".join(columns))


WAYS = {"preload_idle": "preload\\nnot asked", "preload_4": "preload\\n4 entries",
        "preload_64": "preload\\n64", "preload_1024": "preload\\n1024",
        "hooks_idle": "hooks\\nnot asked", "hooks": "hooks\\nasked",
        "hooks_policy_5": "policy\\n5 rules", "hooks_policy_64": "policy\\n64 rules"}


def connect(by_name, directory):
    figures = {p: [by_name.get(f"connect_{p}_{w}") for w in WAYS] for p in ("udp", "tcp")}
    ways = [w for at, w in enumerate(WAYS) if all(figures[p][at] for p in figures)]
    if not ways:
        return None
    plot = Plot(directory, "connect", "What connect() takes more than a bare one", 420, "y")
    rows = [(WAYS[w], *(by_name[f"connect_{p}_{w}"].value -
                        by_name[f"connect_{p}_{w}"].baseline_value for p in figures)) for w in ways]
    bare = [f"{p.upper()}, bare {by_name[f'connect_{p}_{ways[0]}'].baseline_value / 1e3:.1f} us"
            for p in figures]
    plot.add("set xzeroaxis lt 1 lc rgb '#606060'")
    _bars(plot, rows, list(zip(bare, (BLUE, ORANGE))), "nanoseconds", "*<0")
    return plot.draw()


def growth(name, title, xlabel, series):
    """A plot of cost against a number; series: (title, prefix of the figures' names)."""
    def make(by_name, directory):
        found = []
        for label, prefix in series:
            points = [(int(n[len(prefix):]), f) for n, f in by_name.items()
                      if n.startswith(prefix) and n[len(prefix):].isdigit()]
            if points:
                found.append((label, sorted(points, key=lambda p: p[0])))
        if not found:
            return None
        plot = Plot(directory, name, title)
        plot.add(f"set xlabel '{xlabel}'\nset ylabel 'milliseconds (median, least, most)'\n"
                 "set yrange [0:*]\nset logscale x 2\nset offsets graph 0.05, graph 0.05, 0, 0")
        ticks = sorted({x for _, points in found for x, _ in points})
        plot.add("set xtics (" + ", ".join(f"'{t:,}' {t}" for t in ticks) + ")")
        lines = []
        for (label, points), colour in zip(found, (BLUE, ORANGE, GREEN)):
            data = plot.block([(x, f.value, f.least, f.most) for x, f in points])
            lines.append(f"{data} u 1:2:3:4 w yerrorlines lw 2 pt 7 ps 0.6 lc rgb '{colour}' "
                         f"t '{label}'")
        plot.add("plot " + ", ".join(lines))
        return plot.draw()
    return make


BU = "router advertisement to the last binding update"
CPU = "processor time of the daemon, from link down to half a second behind"
PLOTS = (timeline, outage, virtual, throughput, connect,
         growth("prefixes", "A handover against the number of prefixes in need", "prefixes",
                [(BU, "ra_to_last_bu_"), (CPU, "handover_cpu_")]),
         growth("anchors", "A handover against the number of anchors", "anchors, one prefix each",
                [(BU, "anchors_ra_to_last_bu_"), (CPU, "anchors_handover_cpu_")]),
         growth("sessions", "A handover against the number of sessions", "sessions of one prefix",
                [("sessions known: advertisement to binding update", "tracked_"),
                 ("sessions to be listed first", "leaving_")]))


def all_of(figures, directory):
    """The paths of those that could be drawn."""
    if not shutil.which("gnuplot"):
        print("no plots: gnuplot is not installed")
        return []
    by_name, drawn = {f.name: f for f in figures}, []
    for make in PLOTS:
        try:
            drawn.append(make(by_name, directory))
        except subprocess.CalledProcessError as e:
            print(f"no plot: {e.stderr.decode().strip()[-200:]}")
    return [path for path in drawn if path]
