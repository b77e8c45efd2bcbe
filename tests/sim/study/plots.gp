# SPDX-License-Identifier: GPL-2.0-or-later
# Plots of the study, from the tables in the current directory.

set datafile separator ","
set terminal svg size 900,420 dynamic enhanced font "sans,13" background "white"
set grid ytics lc rgb "#dddddd"
set key outside top center horizontal
set style fill solid 0.8 noborder
set tics nomirror

distributed = "#1b7a3d"
centralised = "#b5452c"
none = "#777777"

# A column of a table, for one movement and one mode.
pick(column, movement, mode) = strcol("movement") eq movement && strcol("mode") eq mode ? \
	column(column) : NaN
title_of(movement) = movement eq "waypoint" ? "pedestrians, random waypoint" : "vehicles on streets"

do for [plot in "in_need_pct length_in_residences"] {
	share = plot eq "in_need_pct"
	table = plot.".csv"
	what = share ? "sessions in need (%)" : "mean session length / mean residence time"
	name = share ? "need" : "length"
	if (!share) { set logscale x 2 } else { unset logscale x }
	do for [movement in "waypoint streets"] {
		set xlabel what

		set output "signalling-".name."-".movement.".svg"
		set title "Binding updates and acknowledgements: ".title_of(movement)
		set ylabel "messages per node and hour"
		set yrange [0:*]
		plot table using plot:(pick("messages_per_hour", movement, "distributed")) \
				with linespoints lw 2 lc rgb distributed title "distributed", \
			table using plot:(pick("messages_per_hour", movement, "centralised")) \
				with linespoints lw 2 lc rgb centralised title "centralised"

		set output "tunnelled-".name."-".movement.".svg"
		set title "Traffic through tunnels: ".title_of(movement)
		set ylabel "share of traffic (%)"
		set yrange [0:119]
		plot table using plot:(pick("tunnelled_pct", movement, "distributed")) \
				with linespoints lw 2 lc rgb distributed title "distributed", \
			table using plot:(pick("tunnelled_in_need_pct", movement, "distributed")) \
				with linespoints dt 2 lc rgb distributed title "of sessions in need", \
			table using plot:(pick("tunnelled_pct", movement, "centralised")) \
				with linespoints lw 2 lc rgb centralised title "centralised"
	}
}

set xlabel "mean session length / mean residence time"
do for [movement in "waypoint streets"] {
	set output "broken-length-".movement.".svg"
	set title "Sessions in need that a move breaks: ".title_of(movement)
	set ylabel "sessions in need (%)"
	set yrange [0:119]
	plot "length_in_residences.csv" \
			using "length_in_residences":(pick("broken_in_need_pct", movement, "distributed")) \
			with linespoints lw 2 lc rgb distributed title "distributed", \
		"" using "length_in_residences":(pick("broken_in_need_pct", movement, "centralised")) \
			with linespoints dt 2 lw 2 lc rgb centralised title "centralised", \
		"" using "length_in_residences":(pick("broken_in_need_pct", movement, "none")) \
			with linespoints lw 2 lc rgb none title "no mobility management"

	set output "stretch-length-".movement.".svg"
	set title "Path stretch: ".title_of(movement)
	set ylabel "hops taken / hops of the direct way"
	set yrange [1:*]
	plot "length_in_residences.csv" \
			using "length_in_residences":(pick("stretch", movement, "distributed")) \
			with linespoints lw 2 lc rgb distributed title "distributed, all traffic", \
		"" using "length_in_residences":(pick("stretch_of_tunnelled", movement, "distributed")) \
			with linespoints dt 2 lc rgb distributed title "distributed, what is tunnelled", \
		"" using "length_in_residences":(pick("stretch", movement, "centralised")) \
			with linespoints lw 2 lc rgb centralised title "centralised"
}
unset logscale x

# How the load spreads over the anchors, the busiest first.
set xlabel "anchors, the busiest first"
set ylabel "bindings, mean over time"
set yrange [0:*]
set xrange [0:101]
set output "anchors.svg"
set title "Bindings at each of the 100 anchors; the central one has one for every node"
sorted = "LC_ALL=C sort -t, -k5,5gr anchors.csv | grep "
plot "< ".sorted."waypoint,distributed" using 0:5 with steps lw 2 lc rgb distributed \
		title "pedestrians", \
	"< ".sorted."streets,distributed" using 0:5 with steps dt 2 lw 2 lc rgb distributed \
		title "vehicles"
unset xrange

# How many bindings a node has at a time.
set xlabel "bindings of a node at a time"
set ylabel "share of time (%)"
set logscale y
set yrange [0.001:200]
set xrange [-0.7:*]
set xtics 1
set boxwidth 0.35
set output "bindings.svg"
set title "Concurrent bindings of a node, distributed"
plot "bindings.csv" using (column("bindings") - 0.19):(pick("time_pct", "waypoint", "distributed")) \
		with boxes lc rgb distributed title "pedestrians", \
	"" using (column("bindings") + 0.19):(pick("time_pct", "streets", "distributed")) \
		with boxes lc rgb "#8fc4a3" title "vehicles"
unset logscale y
unset xrange

# One anchor dies.
set bmargin 4
set xlabel ""
set ylabel "sessions in need (%)"
set yrange [0:119]
set xrange [-0.5:3.5]
set xtics ("pedestrians,\ndistributed" 0, "pedestrians,\ncentralised" 1, "vehicles,\ndistributed" 2, \
	"vehicles,\ncentralised" 3)
set output "failure.svg"
set title "One anchor dies: sessions in need that are lost"
plot "failure.csv" using ($0 - 0.19):"lost_at_once_pct" with boxes lc rgb centralised \
		title "at once, of those alive", \
	"" using ($0 + 0.19):"lost_pct" with boxes lc rgb "#dba392" \
		title "in all, of those alive or begun later", \
	"" using ($0 - 0.19):(column("lost_at_once_pct") + 5):(sprintf("%.2f", column("lost_at_once_pct"))) \
		with labels font "sans,11" notitle, \
	"" using ($0 + 0.19):(column("lost_pct") + 5):(sprintf("%.2f", column("lost_pct"))) \
		with labels font "sans,11" notitle
