/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/peer.h"
#include "agent.h"
#include "base/cleanup.h"
#include "base/log.h"

enum option_id {
	OPT_ADDRESS = 1,
	OPT_HOME_PREFIX,
	OPT_HOME_LINK,
	OPT_TUNNEL_DEVICE,
	OPT_MN,
	OPT_LIFETIME_MAX,
	OPT_REFRESH_ADVICE,
	OPT_REPLAY_WINDOW,
	OPT_DAD_DELAY,
	OPT_AGENTS,
	OPT_IPSEC,
	OPT_CONTROL,
	OPT_LOG,
	OPT_VERBOSE,
	OPT_HELP,
};

static const struct option options[] = {
	{"address", required_argument, NULL, OPT_ADDRESS},
	{"home-prefix", required_argument, NULL, OPT_HOME_PREFIX},
	{"home-link", required_argument, NULL, OPT_HOME_LINK},
	{"tunnel-device", required_argument, NULL, OPT_TUNNEL_DEVICE},
	{"mn", required_argument, NULL, OPT_MN},
	{"lifetime-max", required_argument, NULL, OPT_LIFETIME_MAX},
	{"refresh-advice", required_argument, NULL, OPT_REFRESH_ADVICE},
	{"replay-window", required_argument, NULL, OPT_REPLAY_WINDOW},
	{"dad-delay", required_argument, NULL, OPT_DAD_DELAY},
	{"agents", required_argument, NULL, OPT_AGENTS},
	{"ipsec", no_argument, NULL, OPT_IPSEC},
	{"control", required_argument, NULL, OPT_CONTROL},
	{"log", required_argument, NULL, OPT_LOG},
	{"verbose", no_argument, NULL, OPT_VERBOSE},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static const char help[] =
	"home-agent --address HA... --home-prefix P/LEN... [OPTION...]\n"
	"  --address HA            address of the agent (repeatable)\n"
	"  --home-prefix P/LEN     prefix of the home addresses (repeatable)\n"
	"  --home-link IFACE       defend home addresses there; without it P is routed to us\n"
	"  --tunnel-device NAME    TUN device to make (default ha0)\n"
	"  --mn HOA[/LEN][,spi=N,alg=hmac-sha1-96|hmac-sha256-128,keyfile=PATH,nai=STRING]\n"
	"                          mobile node served (repeatable); no spi: not authenticated\n"
	"  --lifetime-max S        longest binding granted (default 3600)\n"
	"  --refresh-advice S      put into acknowledgements (default none)\n"
	"  --replay-window S       how far a timestamp may be off (default 7; 0: none needed)\n"
	"  --dad-delay MS          duplicate address detection on the home link before a first\n"
	"                          binding is made and acknowledged; without home link only a "
	"wait\n"
	"  --agents A,B,C          answer to discovery (default: own addresses)\n"
	"  --ipsec                 take out of the tunnel only what the kernel's IPsec has let "
	"pass\n"
	"  --control PATH          control socket\n"
	"  --log PATH              event log, JSON lines\n"
	"  --verbose               debug messages\n";

int addr_list_parse(const char *text, struct in6_addr *ret, unsigned max, unsigned *ret_n)
{
	_cleanup_free_ char *copy = strdup(text);
	_cleanup_free_ struct in6_addr *list = calloc(max, sizeof(*list));
	char *save = NULL;
	unsigned n = 0;

	if (!copy || !list)
		return -ENOMEM;
	for (char *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		if (n == max)
			return -E2BIG;
		if (addr_parse(w, &list[n++]) < 0)
			return -EINVAL;
	}
	memcpy(ret, list, max * sizeof(*list));
	*ret_n = n;
	return n ? 0 : -EINVAL;
}

static int mn_add(struct agent_config *c, const char *value)
{
	struct mobile_node *mn;
	int r = mobile_node_parse(value, &mn);

	if (r >= 0)
		list_append(&c->mobile_nodes, &mn->node);
	return r;
}

static int address_add(struct agent_config *c, const char *value)
{
	if (c->n_addresses == AGENT_MAX_ADDRESSES)
		return -E2BIG;
	return addr_parse(value, &c->address[c->n_addresses++]);
}

static int prefix_add(struct agent_config *c, const char *value)
{
	if (c->n_prefixes == AGENT_MAX_PREFIXES)
		return -E2BIG;
	return prefix_parse(value, &c->prefix[c->n_prefixes++]);
}

static int option_apply(struct agent_config *c, enum option_id id, const char *value)
{
	switch (id) {
	case OPT_ADDRESS:
		return address_add(c, value);
	case OPT_HOME_PREFIX:
		return prefix_add(c, value);
	case OPT_HOME_LINK:
		c->home_link = value;
		return 0;
	case OPT_TUNNEL_DEVICE:
		c->tunnel_device = value;
		return 0;
	case OPT_MN:
		return mn_add(c, value);
	case OPT_LIFETIME_MAX:
		return peer_parse_unsigned(value, MH_LIFETIME_UNIT, UINT16_MAX * MH_LIFETIME_UNIT,
					   &c->lifetime_max);
	case OPT_REFRESH_ADVICE:
		return peer_parse_unsigned(value, 0, UINT16_MAX * MH_LIFETIME_UNIT,
					   &c->refresh_advice);
	case OPT_REPLAY_WINDOW:
		return peer_parse_unsigned(value, 0, 86400, &c->replay_window);
	case OPT_DAD_DELAY:
		return peer_parse_unsigned(value, 0, 600000, &c->dad_delay_ms);
	case OPT_AGENTS:
		return addr_list_parse(value, c->agents, DHAAD_MAX_AGENTS, &c->n_agents);
	case OPT_IPSEC:
		c->ipsec = true;
		return 0;
	case OPT_CONTROL:
		c->control_path = value;
		return 0;
	case OPT_LOG:
		c->log_path = value;
		return 0;
	case OPT_VERBOSE:
		log_set_max_level(LOG_DEBUG);
		return 0;
	case OPT_HELP:
		fputs(help, stdout);
		exit(EXIT_SUCCESS);
	}
	return -EINVAL;
}

int options_parse(int argc, char **argv, struct agent_config *ret)
{
	int id, index, r;

	*ret = (struct agent_config){.tunnel_device = "ha0",
				     .lifetime_max = 3600,
				     .replay_window = 7,
				     .valid = 86400,
				     .preferred = 14400};
	list_init(&ret->mobile_nodes);
	while ((id = getopt_long(argc, argv, "", options, &index)) != -1) {
		r = id == '?' ? -EINVAL : option_apply(ret, (enum option_id)id, optarg);
		if (r < 0) {
			if (id != '?')
				log_error("--%s %s: %s", options[index].name, optarg,
					  log_strerror(-r));
			return r;
		}
	}
	if (optind < argc) {
		log_error("unexpected argument '%s'", argv[optind]);
		return -EINVAL;
	}
	if (ret->n_addresses == 0 || ret->n_prefixes == 0) {
		log_error("--address and --home-prefix are needed");
		return -EINVAL;
	}
	if (ret->n_agents == 0) {
		memcpy(ret->agents, ret->address, sizeof(ret->address));
		ret->n_agents = ret->n_addresses;
	}
	return 0;
}

void options_free(struct agent_config *c)
{
	struct mobile_node *mn, *next;

	list_for_each_safe(mn, next, &c->mobile_nodes, node)
		mobile_node_free(mn);
}
