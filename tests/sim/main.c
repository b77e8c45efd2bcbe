/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many lives of a mobile node, each from one number.  See network.h for what is simulated,
 * check.h for what must hold.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "scenario.h"

#define HANDOVERS_OF_A_LIFE 50

struct options {
	const struct scenario *scenario; /* NULL: all */
	uint64_t seed, seeds, handovers, life;
	double seconds;
	bool trace, bench;
};

static const char usage[] = "sim [OPTION...]\n"
			    "  --scenario NAME  only this one; --list names them\n"
			    "  --seed N         the first seed (default 1, or SEED=); the scenario "
			    "follows from the seed\n"
			    "  --seeds N        how many seeds (default 1)\n"
			    "  --handovers N    go on with further seeds until there were so many\n"
			    "  --seconds S      go on with further seeds for so long\n"
			    "  --life N         handovers of one seed (default 50)\n"
			    "  --trace          tell everything that happens\n"
			    "  --bench          tell how fast it is\n";

static const struct scenario *find_scenario(const char *name)
{
	for (unsigned i = 0; i < n_scenarios; i++)
		if (strcmp(scenarios[i].name, name) == 0)
			return &scenarios[i];
	fprintf(stderr, "sim: there is no scenario %s\n", name);
	exit(2);
}

static uint64_t number(const char *s)
{
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno || end == s || *end) {
		fprintf(stderr, "sim: %s is no number\n", s);
		exit(2);
	}
	return v;
}

static void parse(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {{"scenario", required_argument, NULL, 'S'},
					      {"seed", required_argument, NULL, 's'},
					      {"seeds", required_argument, NULL, 'n'},
					      {"handovers", required_argument, NULL, 'h'},
					      {"seconds", required_argument, NULL, 't'},
					      {"life", required_argument, NULL, 'l'},
					      {"trace", no_argument, NULL, 'T'},
					      {"bench", no_argument, NULL, 'b'},
					      {"list", no_argument, NULL, 'L'},
					      {0}};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		switch (c) {
		case 'S':
			o->scenario = find_scenario(optarg);
			break;
		case 's':
			o->seed = number(optarg);
			break;
		case 'n':
			o->seeds = number(optarg);
			break;
		case 'h':
			o->handovers = number(optarg);
			break;
		case 't':
			o->seconds = (double)number(optarg);
			break;
		case 'l':
			o->life = number(optarg);
			break;
		case 'T':
			o->trace = true;
			break;
		case 'b':
			o->bench = true;
			break;
		case 'L':
			for (unsigned i = 0; i < n_scenarios; i++)
				printf("%s\t%s\n", scenarios[i].name, scenarios[i].what);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		fputs(usage, stderr);
		exit(2);
	}
}

static double clock_now(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void add(struct result *sum, const struct result *one)
{
	sum->handovers += one->handovers;
	sum->messages += one->messages;
	sum->packets += one->packets;
	sum->checks += one->checks;
	sum->events += one->events;
	sum->forged += one->forged;
	sum->sessions += one->sessions;
	sum->virtual += one->virtual;
}

static bool enough(const struct options *o, const struct result *sum, uint64_t seeds, double begin)
{
	if (o->handovers && sum->handovers >= o->handovers)
		return true;
	if (o->seconds > 0 && clock_now(CLOCK_MONOTONIC) - begin >= o->seconds)
		return true;
	return !o->handovers && o->seconds <= 0 && seeds >= o->seeds;
}

int main(int argc, char **argv)
{
	const char *seed = getenv("SEED");
	struct options o = {
		.seed = seed && *seed ? number(seed) : 1, .seeds = 1, .life = HANDOVERS_OF_A_LIFE};
	struct result sum = {0}, one;
	uint64_t seeds = 0, failed = 0;
	double begin = clock_now(CLOCK_MONOTONIC), cpu;

	parse(argc, argv, &o);
	log_init("sim", o.trace ? LOG_DEBUG : LOG_EMERG);
	setvbuf(stderr, NULL, _IOFBF, 1 << 16);
	for (uint64_t n = o.seed; !enough(&o, &sum, seeds, begin); n++) {
		const struct scenario *s = &scenarios[n % n_scenarios];

		if (o.scenario && s != o.scenario)
			continue;
		scenario_run(s, n, o.life, o.trace ? stderr : NULL, &one);
		add(&sum, &one);
		seeds++;
		if (!one.failed)
			continue;
		printf("FAILED %s: %s\n  again: SEED=%llu build/sim --trace\n", s->name, one.text,
		       (unsigned long long)n);
		if (++failed >= 5)
			break;
	}
	cpu = clock_now(CLOCK_PROCESS_CPUTIME_ID);
	printf("%llu handovers, %llu messages, %llu packets, %llu forged, %llu sessions, %llu "
	       "events, "
	       "%llu invariants checked, %llu seeds, %.0f virtual hours, %.1f s: %s\n",
	       (unsigned long long)sum.handovers, (unsigned long long)sum.messages,
	       (unsigned long long)sum.packets, (unsigned long long)sum.forged,
	       (unsigned long long)sum.sessions, (unsigned long long)sum.events,
	       (unsigned long long)sum.checks, (unsigned long long)seeds,
	       (double)sum.virtual / 3600e6, cpu, failed ? "failed" : "ok");
	if (o.bench)
		printf("%.0f handovers/s, %.0f events/s\n", (double)sum.handovers / cpu,
		       (double)sum.events / cpu);
	return failed ? 1 : 0;
}
