/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/peer.h"
#include "advertiser.h"
#include "base/cleanup.h"
#include "base/log.h"

#define DEFAULT_VALID 86400
#define DEFAULT_PREFERRED 14400

enum option_id {
	OPT_INTERFACE = 1,
	OPT_PREFIX,
	OPT_LIFETIME,
	OPT_INTERVAL,
	OPT_ANSWER,
	OPT_HOME_AGENT,
	OPT_ADV_INTERVAL,
	OPT_MTU,
	OPT_HOP_LIMIT,
	OPT_OPTION,
	OPT_MANAGED,
	OPT_OTHER,
	OPT_CONTROL,
	OPT_LOG,
	OPT_VERBOSE,
	OPT_HELP,
};

static const struct option options[] = {
	{"interface", required_argument, NULL, OPT_INTERFACE},
	{"prefix", required_argument, NULL, OPT_PREFIX},
	{"lifetime", required_argument, NULL, OPT_LIFETIME},
	{"interval", required_argument, NULL, OPT_INTERVAL},
	{"answer", required_argument, NULL, OPT_ANSWER},
	{"home-agent", optional_argument, NULL, OPT_HOME_AGENT},
	{"adv-interval", optional_argument, NULL, OPT_ADV_INTERVAL},
	{"mtu", required_argument, NULL, OPT_MTU},
	{"hop-limit", required_argument, NULL, OPT_HOP_LIMIT},
	{"option", required_argument, NULL, OPT_OPTION},
	{"managed", no_argument, NULL, OPT_MANAGED},
	{"other", no_argument, NULL, OPT_OTHER},
	{"control", required_argument, NULL, OPT_CONTROL},
	{"log", required_argument, NULL, OPT_LOG},
	{"verbose", no_argument, NULL, OPT_VERBOSE},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static const char help[] =
	"router --interface IF [OPTION OF THE INTERFACE...] [--interface IF...]\n"
	"  --prefix P/64[,valid=S,preferred=S,noauto,nolink,router=ADDR]\n"
	"                         prefix information (repeatable); router: the R flag with ADDR\n"
	"  --lifetime S           router lifetime (default 1800)\n"
	"  --interval MS          between unsolicited ones (default 0: only when solicited)\n"
	"  --answer unicast|multicast  answer to a solicitation, at once (default unicast)\n"
	"  --home-agent[=PREFERENCE,LIFETIME]  H flag, and home agent information\n"
	"  --adv-interval[=MS]    advertisement interval option (default: the interval)\n"
	"  --option HEX           more options, each whole, as they are (repeatable)\n"
	"  --mtu N  --hop-limit N  --managed  --other\n"
	"Options of the program:\n"
	"  --control PATH  --log PATH  --verbose\n";

static int prefix_setting(struct nd_prefix_info *p, const char *name, const char *value)
{
	if (strcmp(name, "noauto") == 0 && !value)
		p->autonomous = false;
	else if (strcmp(name, "nolink") == 0 && !value)
		p->on_link = false;
	else if (strcmp(name, "valid") == 0 && value)
		return peer_parse_unsigned(value, 0, ND_INFINITE, &p->valid);
	else if (strcmp(name, "preferred") == 0 && value)
		return peer_parse_unsigned(value, 0, ND_INFINITE, &p->preferred);
	else if (strcmp(name, "router") == 0 && value) {
		p->router_flag = true;
		return addr_parse(value, &p->router_address);
	} else
		return -EINVAL;
	return 0;
}

static int prefix_add(struct advertiser *a, const char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	struct nd_prefix_info *p = &a->ra.prefix[a->ra.n_prefixes];
	char *save = NULL, *word;
	int r;

	if (!copy)
		return -ENOMEM;
	if (a->ra.n_prefixes == ND_MAX_PREFIXES)
		return -E2BIG;
	word = strtok_r(copy, ",", &save);
	r = word ? prefix_parse(word, &p->prefix) : -EINVAL;
	*p = (struct nd_prefix_info){.prefix = p->prefix,
				     .router_address = p->prefix.addr,
				     .on_link = true,
				     .autonomous = true,
				     .valid = DEFAULT_VALID,
				     .preferred = DEFAULT_PREFERRED};
	while (r >= 0 && (word = strtok_r(NULL, ",", &save))) {
		char *value = strchr(word, '=');

		if (value)
			*value++ = '\0';
		r = prefix_setting(p, word, value);
	}
	if (r >= 0)
		a->ra.n_prefixes++;
	return r;
}

int home_agent_set(struct advertiser *a, const char *text)
{
	_cleanup_free_ char *copy = text ? strdup(text) : NULL;
	char *comma = copy ? strchr(copy, ',') : NULL;
	unsigned preference, lifetime;

	a->ra.home_agent = true;
	if (!text)
		return 0;
	if (!comma)
		return -EINVAL;
	*comma = '\0';
	if (peer_parse_unsigned(copy, 0, UINT16_MAX, &preference) < 0 ||
	    peer_parse_unsigned(comma + 1, 1, UINT16_MAX, &lifetime) < 0)
		return -EINVAL;
	a->ra.has_home_agent_info = true;
	a->ra.ha_preference = (uint16_t)preference;
	a->ra.ha_lifetime = (uint16_t)lifetime;
	return 0;
}

static int answer_set(struct advertiser *a, const char *value)
{
	a->answer_multicast = strcmp(value, "multicast") == 0;
	return a->answer_multicast || strcmp(value, "unicast") == 0 ? 0 : -EINVAL;
}

static int interface_option(struct advertiser *a, enum option_id id, const char *value)
{
	unsigned v = 0;
	int r = 0;

	switch (id) {
	case OPT_PREFIX:
		return prefix_add(a, value);
	case OPT_LIFETIME:
		r = peer_parse_unsigned(value, 0, 65535, &v);
		a->ra.router_lifetime = (uint16_t)v;
		return r;
	case OPT_INTERVAL:
		r = peer_parse_unsigned(value, 0, 86400000, &v);
		a->interval = v * USEC_PER_MSEC;
		return r;
	case OPT_ANSWER:
		return answer_set(a, value);
	case OPT_HOME_AGENT:
		return home_agent_set(a, value);
	case OPT_ADV_INTERVAL:
		a->ra.interval_ms = (uint32_t)(a->interval / USEC_PER_MSEC);
		return value ? peer_parse_unsigned(value, 1, UINT32_MAX, &a->ra.interval_ms) : 0;
	case OPT_MTU:
		return peer_parse_unsigned(value, 1280, 65535, &a->ra.mtu);
	case OPT_HOP_LIMIT:
		r = peer_parse_unsigned(value, 0, 255, &v);
		a->ra.hop_limit = (uint8_t)v;
		return r;
	case OPT_OPTION:
		return advertiser_add_option(a, value);
	case OPT_MANAGED:
		a->ra.managed = true;
		return 0;
	case OPT_OTHER:
		a->ra.other = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static int option_apply(struct router_options *o, struct advertiser **current, enum option_id id,
			const char *value)
{
	switch (id) {
	case OPT_INTERFACE:
		if (strlen(value) >= IF_NAMESIZE)
			return -EINVAL;
		*current = advertiser_new(value);
		if (!*current)
			return -ENOMEM;
		list_append(&o->advertisers, &(*current)->node);
		return 0;
	case OPT_CONTROL:
		o->control_path = value;
		return 0;
	case OPT_LOG:
		o->log_path = value;
		return 0;
	case OPT_VERBOSE:
		log_set_max_level(LOG_DEBUG);
		return 0;
	case OPT_HELP:
		fputs(help, stdout);
		exit(EXIT_SUCCESS);
	default:
		return *current ? interface_option(*current, id, value) : -EINVAL;
	}
}

int options_parse(int argc, char **argv, struct router_options *ret)
{
	struct advertiser *current = NULL;
	int id, index;

	list_init(&ret->advertisers);
	while ((id = getopt_long(argc, argv, "", options, &index)) != -1) {
		int r = id == '?' ? -EINVAL
				  : option_apply(ret, &current, (enum option_id)id, optarg);

		if (r < 0) {
			if (id != '?')
				log_error("--%s %s: %s%s", options[index].name,
					  optarg ? optarg : "", log_strerror(-r),
					  current ? "" : " (no --interface before it)");
			return r;
		}
	}
	if (optind < argc || !current) {
		log_error("%s", current ? "unexpected argument" : "--interface is needed");
		return -EINVAL;
	}
	return 0;
}
