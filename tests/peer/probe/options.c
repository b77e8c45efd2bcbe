/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/peer.h"
#include "base/addr.h"
#include "base/log.h"
#include "base/strtab.h"
#include "datagram.h"

#define MAX_SECONDS 1e6

enum option_id {
	OPT_SOURCE = 1,
	OPT_TO,
	OPT_BIND_DEVICE,
	OPT_NAME,
	OPT_LOG,
	OPT_SECONDS,
	OPT_PATIENCE,
	OPT_INTERVAL,
	OPT_GAP,
	OPT_SIZE,
	OPT_LINGER,
	OPT_CONNECT,
	OPT_RATE,
	OPT_STALL,
	OPT_HELP,
};

static const struct option options[] = {
	{"source", required_argument, NULL, OPT_SOURCE},
	{"to", required_argument, NULL, OPT_TO},
	{"bind-device", required_argument, NULL, OPT_BIND_DEVICE},
	{"name", required_argument, NULL, OPT_NAME},
	{"log", required_argument, NULL, OPT_LOG},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"patience-ms", required_argument, NULL, OPT_PATIENCE},
	{"interval-us", required_argument, NULL, OPT_INTERVAL},
	{"gap-intervals", required_argument, NULL, OPT_GAP},
	{"size", required_argument, NULL, OPT_SIZE},
	{"linger-ms", required_argument, NULL, OPT_LINGER},
	{"connect", no_argument, NULL, OPT_CONNECT},
	{"rate", required_argument, NULL, OPT_RATE},
	{"stall-ms", required_argument, NULL, OPT_STALL},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static const char help[] =
	"probe server ADDR PORT                    serves UDP and TCP\n"
	"probe udp --to ADDR PORT [OPTION...]      numbered packets both ways\n"
	"probe tcp --to ADDR PORT [OPTION...]      a checked octet stream both ways\n"
	"  --source ADDR|any    local address (default any: not bound)\n"
	"  --bind-device IF     only this interface\n"
	"  --seconds S          how long (default 10; SIGTERM ends earlier)\n"
	"  --patience-ms N      wait for the server's account at the end (default 15000)\n"
	"  --log FILE           write the summary there, too\n"
	"  --name N             put into the summary\n"
	"udp:\n"
	"  --interval-us N      between packets (default 1000)\n"
	"  --gap-intervals N    list gaps longer than N intervals (default 5)\n"
	"  --size N             octets of a packet (default 64)\n"
	"  --linger-ms N        wait for late packets at the end (default 300)\n"
	"  --connect            connect the socket: the source is chosen once\n"
	"tcp:\n"
	"  --rate N             octets a second each way (default 0: as fast as it goes)\n"
	"  --stall-ms N         list pauses longer than this (default 50)\n";

static int parse_seconds(const char *s, usec_t *ret)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || *end || !(v > 0) || v > MAX_SECONDS)
		return -EINVAL;
	*ret = (usec_t)(v * (double)USEC_PER_SEC + 0.5);
	return 0;
}

static int parse_scaled(const char *s, unsigned max, usec_t unit, usec_t *ret)
{
	unsigned v;
	int r = peer_parse_unsigned(s, 1, max, &v);

	if (r >= 0)
		*ret = v * unit;
	return r;
}

static int source_set(struct probe_options *o, const char *value)
{
	o->has_source = strcmp(value, "any") != 0;
	return o->has_source ? addr_parse(value, &o->source) : 0;
}

static int option_apply(struct probe_options *o, enum option_id id, const char *value)
{
	switch (id) {
	case OPT_SOURCE:
		return source_set(o, value);
	case OPT_TO:
		return addr_parse(value, &o->to.sin6_addr);
	case OPT_BIND_DEVICE:
		o->device = value;
		return 0;
	case OPT_NAME:
		o->name = value;
		return 0;
	case OPT_LOG:
		o->log_path = value;
		return 0;
	case OPT_SECONDS:
		return parse_seconds(value, &o->duration);
	case OPT_PATIENCE:
		return parse_scaled(value, 600000, USEC_PER_MSEC, &o->patience);
	case OPT_INTERVAL:
		return parse_scaled(value, 10000000, 1, &o->interval);
	case OPT_GAP:
		return peer_parse_unsigned(value, 1, 1000000, &o->gap_intervals);
	case OPT_SIZE:
		return peer_parse_unsigned(value, DATAGRAM_MIN, DATAGRAM_MAX, &o->size);
	case OPT_LINGER:
		return parse_scaled(value, 600000, USEC_PER_MSEC, &o->linger);
	case OPT_CONNECT:
		o->connect = true;
		return 0;
	case OPT_RATE:
		return peer_parse_number(value, 0, UINT32_MAX, &o->rate);
	case OPT_STALL:
		return parse_scaled(value, 600000, USEC_PER_MSEC, &o->stall);
	case OPT_HELP:
		fputs(help, stdout);
		exit(EXIT_SUCCESS);
	}
	return -EINVAL;
}

static int verb_parse(const char *word, enum probe_verb *ret)
{
	static const char *const verbs[] = {"server", "udp", "tcp"};
	int v = strtab_value(verbs, 3, word);

	if (v < 0)
		return -EINVAL;
	*ret = (enum probe_verb)v;
	return 0;
}

/* What is left is VERB [ADDR] PORT: the server names its address there. */
static int words_parse(struct probe_options *o, int argc, char **argv)
{
	unsigned port;
	int n = argc - optind;

	if (n < 1 || verb_parse(argv[optind], &o->verb) < 0 ||
	    n != (o->verb == PROBE_SERVER ? 3 : 2))
		return -EINVAL;
	if (o->verb == PROBE_SERVER && addr_parse(argv[optind + 1], &o->to.sin6_addr) < 0)
		return -EINVAL;
	if (o->verb != PROBE_SERVER && addr_is_any(&o->to.sin6_addr))
		return -EDESTADDRREQ;
	if (peer_parse_unsigned(argv[argc - 1], 1, UINT16_MAX, &port) < 0)
		return -EINVAL;
	o->to.sin6_family = AF_INET6;
	o->to.sin6_port = htons((uint16_t)port);
	return 0;
}

int options_parse(int argc, char **argv, struct probe_options *ret)
{
	int id, index, r;

	*ret = (struct probe_options){.duration = 10 * USEC_PER_SEC,
				      .patience = 15 * USEC_PER_SEC,
				      .interval = USEC_PER_MSEC,
				      .gap_intervals = 5,
				      .size = 64,
				      .linger = 300 * USEC_PER_MSEC,
				      .stall = 50 * USEC_PER_MSEC};
	while ((id = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (id == '?')
			return -EINVAL;
		r = option_apply(ret, (enum option_id)id, optarg);
		if (r < 0) {
			log_error("--%s %s: %s", options[index].name, optarg, log_strerror(-r));
			return r;
		}
	}
	r = words_parse(ret, argc, argv);
	if (r < 0)
		fputs(help, stderr);
	return r;
}
