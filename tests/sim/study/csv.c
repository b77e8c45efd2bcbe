/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MS_PER_HOUR 3600e3

static double ratio(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

static double total(const uint64_t of[2])
{
	return (double)(of[0] + of[1]);
}

static void count_anchors(const struct setup *s, const struct tally *t, struct figures *f)
{
	unsigned samples = samples_of(s), anchors = s->mode == MODE_CENTRAL ? 1 : NETWORKS;
	uint64_t sum = 0;

	for (unsigned a = 0; a < ANCHORS; a++) {
		uint64_t of_anchor = 0;

		for (unsigned k = 0; k < samples; k++) {
			of_anchor += t->at[k][a];
			if (t->at[k][a] > f->anchor_most)
				f->anchor_most = t->at[k][a];
		}
		sum += of_anchor;
		f->anchor_busiest = f->anchor_busiest > ratio((double)of_anchor, samples)
					    ? f->anchor_busiest
					    : ratio((double)of_anchor, samples);
	}
	f->anchor_mean = ratio((double)sum, samples * anchors);
}

struct figures figures_of(const struct setup *s, const struct tally *t)
{
	double hours = (double)t->node_time / MS_PER_HOUR;
	double messages = (double)(tally_updates(t) + t->acknowledgements);
	double traffic = total(t->direct) + total(t->tunnelled);
	double time = 0;
	struct figures f = {
		.residence = ratio((double)t->node_time / 1e3, (double)t->handovers),
		.handovers = ratio((double)t->handovers, hours),
		.per_hour = ratio(messages, hours),
		.octets = ratio((double)t->octets, hours),
		.per_handover = ratio(messages, (double)t->handovers),
		.tunnelled = ratio(total(t->tunnelled), traffic),
		.tunnelled_in_need = ratio((double)t->tunnelled[1], traffic),
		.tunnelled_by_chance = ratio((double)t->tunnelled[0], traffic),
		.stretch = ratio((double)t->hops_taken, (double)t->hops_direct),
		.tunnel_stretch =
			ratio((double)t->tunnel_hops_taken, (double)t->tunnel_hops_direct),
		.most_bindings = (double)t->most_bindings,
		.broken = ratio((double)t->broken[1], (double)t->seen[1]),
		.broken_rest = ratio((double)t->broken[0], (double)t->seen[0]),
		.lost_at_once = ratio((double)t->lost_at_once[1], (double)t->alive[1]),
		.lost = ratio((double)(t->lost_at_once[1] + t->lost_later[1]),
			      (double)(t->alive[1] + t->begun_later[1])),
		.lost_all = ratio(total(t->lost_at_once) + total(t->lost_later),
				  total(t->alive) + total(t->begun_later)),
	};

	for (unsigned k = 0; k <= MAX_BINDINGS; k++)
		time += (double)k * (double)t->binding_time[k];
	f.bindings = ratio(time, (double)t->node_time);
	count_anchors(s, t, &f);
	return f;
}

/* --- files --------------------------------------------------------------------------------- */

FILE *csv_open(const char *directory, const char *name, const char *head)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.csv", directory, name);
	f = fopen(path, "w");
	if (!f) {
		fprintf(stderr, "study: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	fprintf(f, "%s\n", head);
	return f;
}

void csv_close(FILE *f)
{
	if (ferror(f) || fclose(f)) {
		perror("study");
		exit(1);
	}
}

const char csv_figures_head[] =
	"handovers_per_hour,residence_s,messages_per_hour,octets_per_hour,messages_per_handover,"
	"tunnelled_pct,tunnelled_in_need_pct,tunnelled_by_chance_pct,stretch,stretch_of_tunnelled,"
	"bindings_of_node,most_bindings_of_node,bindings_of_anchor,busiest_anchor_mean,"
	"most_bindings_of_anchor,broken_in_need_pct,broken_others_pct";

void csv_figures(FILE *out, const struct setup *s, const struct tally *t)
{
	struct figures f = figures_of(s, t);

	fprintf(out,
		"%.2f,%.1f,%.3f,%.1f,%.3f,%.3f,%.3f,%.3f,%.4f,%.4f,%.4f,%.0f,%.2f,%.2f,%.0f,%.3f,"
		"%.3f\n",
		f.handovers, f.residence, f.per_hour, f.octets, f.per_handover, 100 * f.tunnelled,
		100 * f.tunnelled_in_need, 100 * f.tunnelled_by_chance, f.stretch, f.tunnel_stretch,
		f.bindings, f.most_bindings, f.anchor_mean, f.anchor_busiest, f.anchor_most,
		100 * f.broken, 100 * f.broken_rest);
}

void csv_anchors(FILE *out, const struct setup *s, const struct tally *t)
{
	unsigned samples = samples_of(s);

	for (unsigned a = 0; a < ANCHORS; a++) {
		unsigned at = a == CENTRAL ? CENTRE : a, most = 0;
		uint64_t sum = 0;

		if ((a == CENTRAL) != (s->mode == MODE_CENTRAL))
			continue;
		for (unsigned k = 0; k < samples; k++) {
			sum += t->at[k][a];
			if (t->at[k][a] > most)
				most = t->at[k][a];
		}
		fprintf(out, "%s,%s,%u,%u,%.3f,%u\n", movement_names[s->movement],
			mode_names[s->mode], at % GRID, at / GRID, (double)sum / samples, most);
	}
}

void csv_bindings(FILE *out, const struct setup *s, const struct tally *t)
{
	for (unsigned k = 0; k <= t->most_bindings && k <= MAX_BINDINGS; k++)
		fprintf(out, "%s,%s,%u,%.5f\n", movement_names[s->movement], mode_names[s->mode], k,
			100 * ratio((double)t->binding_time[k], (double)t->node_time));
}

void csv_messages(FILE *out, const struct setup *s, const struct tally *t)
{
	double hours = (double)t->node_time / MS_PER_HOUR;

	fprintf(out, "%s,%s,%.3f,%.3f,%.3f,%.3f,%.4f,%.3f\n", movement_names[s->movement],
		mode_names[s->mode], ratio((double)t->moves, hours),
		ratio((double)t->refreshes, hours), ratio((double)t->withdrawals, hours),
		ratio((double)t->returns, hours), ratio((double)t->retransmissions, hours),
		ratio((double)t->acknowledgements, hours));
}

void csv_failure(FILE *out, const struct setup *s, const struct tally *t)
{
	struct figures f = figures_of(s, t);

	fprintf(out, "%s,%s,%.4f,%.4f,%.4f\n", movement_names[s->movement], mode_names[s->mode],
		100 * f.lost_at_once, 100 * f.lost, 100 * f.lost_all);
}
