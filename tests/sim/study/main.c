/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "csv.h"

#define WARMUP (600 * USEC_PER_SEC)
#define IN_NEED 0.2
#define MEAN_LENGTH 120.0
#define MEAN_ALIVE 2.0

struct options {
	uint64_t seed, nodes, seconds, workers;
	const char *directory;
	bool check;
};

static const char usage[] = "study [OPTION...]\n"
			    "  --seed N         everything follows from it (default 1)\n"
			    "  --nodes N        mobile nodes (default 10000); a tenth of them for "
			    "each point of a curve\n"
			    "  --seconds S      measured time (default 3600)\n"
			    "  --workers N      processes (default: one for each processor)\n"
			    "  --output DIR     where the tables go (default .)\n"
			    "  --check          no tables: a small study, whose results must be "
			    "related as they should:\n"
			    "                   200 nodes are enough, a few are not\n";

static uint64_t number(const char *s)
{
	uint64_t v;
	char *end;

	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno || end == s || *end) {
		fprintf(stderr, "study: %s is no number\n", s);
		exit(2);
	}
	return v;
}

static void parse(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {{"seed", required_argument, NULL, 's'},
					      {"nodes", required_argument, NULL, 'n'},
					      {"seconds", required_argument, NULL, 't'},
					      {"workers", required_argument, NULL, 'w'},
					      {"output", required_argument, NULL, 'o'},
					      {"check", no_argument, NULL, 'c'},
					      {0}};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		switch (c) {
		case 's':
			o->seed = number(optarg);
			break;
		case 'n':
			o->nodes = number(optarg);
			break;
		case 't':
			o->seconds = number(optarg);
			break;
		case 'w':
			o->workers = number(optarg);
			break;
		case 'o':
			o->directory = optarg;
			break;
		case 'c':
			o->check = true;
			break;
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (optind < argc || o->nodes < 1 || o->nodes > UINT32_MAX || o->seconds < 20 ||
	    o->seconds > MAX_SAMPLES * SAMPLE_INTERVAL / USEC_PER_SEC || o->workers < 1 ||
	    o->workers > MAX_WORKERS) {
		fputs(usage, stderr);
		exit(2);
	}
}

static double clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- the runs ------------------------------------------------------------------------------ */

struct study {
	const struct options *o;
	struct tally *tally; /* of the last run */
	double residence[MOVEMENT_MAX];
};

static struct setup setup_of(const struct study *st, enum movement movement, enum mode mode)
{
	return (struct setup){
		.mode = mode,
		.movement = movement,
		.seed = st->o->seed,
		.nodes = (unsigned)st->o->nodes,
		.warmup = WARMUP,
		.duration = st->o->seconds * USEC_PER_SEC,
		.in_need = IN_NEED,
		.length = MEAN_LENGTH,
		.alive = MEAN_ALIVE,
	};
}

/* Fewer nodes are enough for a point of a curve. */
static struct setup point_of(const struct study *st, enum movement movement, enum mode mode)
{
	struct setup s = setup_of(st, movement, mode);

	s.nodes = s.nodes < 10 ? 1 : s.nodes / 10;
	return s;
}

static void do_run(struct study *st, const struct setup *s)
{
	double begin = clock_now();

	run(s, (unsigned)st->o->workers, st->tally);
	printf("%-9s %-12s %3.0f %% in need, %4.0f s: %8llu handovers, %8llu updates, %.1f s\n",
	       movement_names[s->movement], mode_names[s->mode], 100 * s->in_need, s->length,
	       (unsigned long long)st->tally->handovers,
	       (unsigned long long)tally_updates(st->tally), clock_now() - begin);
	fflush(stdout);
}

static void compare(struct study *st)
{
	const char *dir = st->o->directory;
	char head[1024];
	FILE *summary, *anchors, *bindings, *messages;

	snprintf(head, sizeof(head), "movement,mode,%s", csv_figures_head);
	summary = csv_open(dir, "summary", head);
	anchors = csv_open(dir, "anchors", "movement,mode,column,row,bindings,most_bindings");
	bindings = csv_open(dir, "bindings", "movement,mode,bindings,time_pct");
	messages = csv_open(dir, "messages",
			    "movement,mode,moves,refreshes,withdrawals,returns,retransmissions,"
			    "acknowledgements");
	for (enum movement v = 0; v < MOVEMENT_MAX; v++)
		for (enum mode m = 0; m < MODE_MAX; m++) {
			struct setup s = setup_of(st, v, m);

			do_run(st, &s);
			st->residence[v] = figures_of(&s, st->tally).residence;
			fprintf(summary, "%s,%s,", movement_names[v], mode_names[m]);
			csv_figures(summary, &s, st->tally);
			csv_anchors(anchors, &s, st->tally);
			csv_bindings(bindings, &s, st->tally);
			csv_messages(messages, &s, st->tally);
		}
	csv_close(summary);
	csv_close(anchors);
	csv_close(bindings);
	csv_close(messages);
}

/* Modes up to `last`; without anchors nothing depends on most of it. */
static void vary(struct study *st, const char *name, enum mode last, const double *values,
		 unsigned n, void (*set)(const struct study *st, struct setup *s, double value))
{
	char head[1024];
	FILE *f;

	snprintf(head, sizeof(head), "movement,mode,%s,%s", name, csv_figures_head);
	f = csv_open(st->o->directory, name, head);
	for (enum movement v = 0; v < MOVEMENT_MAX; v++)
		for (enum mode m = 0; m <= last; m++)
			for (unsigned i = 0; i < n; i++) {
				struct setup s = point_of(st, v, m);

				set(st, &s, values[i]);
				do_run(st, &s);
				fprintf(f, "%s,%s,%g,", movement_names[v], mode_names[m],
					values[i]);
				csv_figures(f, &s, st->tally);
			}
	csv_close(f);
}

static void set_share(const struct study *st, struct setup *s, double pct)
{
	(void)st;
	s->in_need = pct / 100;
}

/* As many sessions at a time, whatever their length. */
static void set_length(const struct study *st, struct setup *s, double residences)
{
	s->length = residences * st->residence[s->movement];
}

static void set_local(const struct study *st, struct setup *s, double pct)
{
	(void)st;
	s->local = pct / 100;
}

static void break_anchor(struct study *st)
{
	FILE *f = csv_open(st->o->directory, "failure",
			   "movement,mode,lost_at_once_pct,lost_pct,lost_of_all_pct");

	for (enum movement v = 0; v < MOVEMENT_MAX; v++)
		for (enum mode m = MODE_DISTRIBUTED; m <= MODE_CENTRAL; m++) {
			struct setup s = setup_of(st, v, m);

			s.fails = true;
			do_run(st, &s);
			csv_failure(f, &s, st->tally);
		}
	csv_close(f);
}

static void make_study(const struct options *o)
{
	static const double shares[] = {0, 5, 10, 20, 40, 60, 80, 100};
	static const double lengths[] = {0.125, 0.25, 0.5, 1, 2, 4, 8};
	static const double local[] = {0, 50, 100};
	struct study st = {.o = o, .tally = malloc(sizeof(*st.tally))};

	if (!st.tally) {
		fputs("study: no memory\n", stderr);
		exit(1);
	}
	compare(&st);
	vary(&st, "in_need_pct", MODE_CENTRAL, shares, sizeof(shares) / sizeof(*shares), set_share);
	vary(&st, "length_in_residences", MODE_NONE, lengths, sizeof(lengths) / sizeof(*lengths),
	     set_length);
	vary(&st, "local_pct", MODE_CENTRAL, local, sizeof(local) / sizeof(*local), set_local);
	break_anchor(&st);
	free(st.tally);
}

int main(int argc, char **argv)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct options o = {.seed = 1,
			    .nodes = 10000,
			    .seconds = 3600,
			    .workers = processors > MAX_WORKERS ? MAX_WORKERS
				       : processors > 0         ? (uint64_t)processors
								: 1,
			    .directory = "."};

	parse(argc, argv, &o);
	log_init("study", LOG_EMERG);
	if (o.check)
		return check_relations(o.seed, (unsigned)o.nodes, o.seconds * USEC_PER_SEC,
				       (unsigned)o.workers)
			       ? 1
			       : 0;
	if (mkdir(o.directory, 0755) < 0 && errno != EEXIST) {
		fprintf(stderr, "study: %s: %s\n", o.directory, strerror(errno));
		return 1;
	}
	make_study(&o);
	return 0;
}
