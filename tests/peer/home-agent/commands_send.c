/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "agent.h"
#include "binding.h"
#include "call.h"
#include "notify.h"
#include "options.h"
#include "prefix_discovery.h"
#include "revocation.h"

static int fault_parse(const char *name, enum message_fault *ret)
{
	int fault = message_fault_parse(name);

	if (fault < 0 || !fault_is_general((enum message_fault)fault))
		return -EINVAL;
	*ret = (enum message_fault)fault;
	return 0;
}

/*
 * Words behind the fixed ones: what commands.h calls HOW, and named numbers, which the caller
 * lists.  0 or -EINVAL.
 */
struct named_number {
	const char *name;
	unsigned max, value;
};

static int words_parse(const struct call *c, int i, struct named_number *numbers, unsigned n,
		       struct notice_options *ret)
{
	while (i < c->argc) {
		const char *word = c->argv[i++], *value = i < c->argc ? c->argv[i] : "";
		unsigned k = 0;

		if (strcmp(word, "once") == 0) {
			ret->once = true;
			continue;
		}
		while (k < n && strcmp(numbers[k].name, word) != 0)
			k++;
		if (k < n) {
			if (i == c->argc ||
			    call_number(c, i, numbers[k].max, 0, &numbers[k].value) < 0)
				return -EINVAL;
		} else if (strcmp(word, "via") == 0 && strcmp(value, "tunnel") == 0) {
			ret->tunnelled = true;
		} else if (strcmp(word, "forged") != 0 || fault_parse(value, &ret->fault) < 0) {
			return -EINVAL;
		}
		i++;
	}
	return 0;
}

int call_switch(struct call *c)
{
	struct named_number advice = {"advice", UINT16_MAX * MH_LIFETIME_UNIT, 0};
	struct mh_has agents = {.n = 0};
	struct notice_options o = {0};
	struct binding *b;
	int r;

	if (c->argc < 3 || words_parse(c, 3, &advice, 1, &o) < 0)
		return call_usage(c, "switch HOA A[,B...]|none [advice S] [via tunnel] [once] "
				     "[forged FAULT]");
	if (strcmp(c->argv[2], "none") != 0 &&
	    addr_list_parse(c->argv[2], agents.addr, MH_MAX_HA_ADDRS, &agents.n) < 0)
		return call_usage(c, "not a list of addresses");
	r = call_binding(c, c->argv[1], &b);
	if (r < 0)
		return r;
	return notify_switch(c->a, b, &agents, (uint16_t)(advice.value / MH_LIFETIME_UNIT), &o);
}

int call_revoke(struct call *c)
{
	struct named_number numbers[] = {{"trigger", UINT8_MAX, 0}, {"flags", UINT16_MAX, 0}};
	struct notice_options o = {0};
	struct binding *b;
	int r;

	if (c->argc < 2 || words_parse(c, 2, numbers, 2, &o) < 0)
		return call_usage(c, "revoke HOA [trigger N] [flags N] [via tunnel] [once] "
				     "[forged FAULT]");
	r = call_binding(c, c->argv[1], &b);
	if (r < 0)
		return r;
	return revocation_send(c->a, b, (uint8_t)numbers[0].value, (uint16_t)numbers[1].value, &o);
}

int call_error(struct call *c)
{
	struct in6_addr home, to, from = c->a->config.address[0];
	unsigned status;
	struct binding *b;

	if (c->argc < 3 || call_number(c, 1, UINT8_MAX, 0, &status) < 0 ||
	    addr_parse(c->argv[2], &home) < 0)
		return call_usage(c, "error STATUS HOA [COA]");
	if (c->argc > 3) {
		if (addr_parse(c->argv[3], &to) < 0)
			return call_usage(c, "not an address");
	} else {
		int r = call_binding(c, c->argv[2], &b);

		if (r < 0)
			return r;
		to = b->coa;
		from = b->agent;
	}
	return notify_error(c->a, &from, &to, &home, (uint8_t)status);
}

int call_refresh(struct call *c)
{
	struct binding *b;
	int r = c->argc == 2 ? call_binding(c, c->argv[1], &b) : call_usage(c, "refresh HOA");

	return r < 0 ? r : notify_refresh(c->a, b);
}

int call_advertise(struct call *c)
{
	struct notice_options o = {0};
	struct binding *b;
	int r;

	if (c->argc < 2 || words_parse(c, 2, NULL, 0, &o) < 0 || o.tunnelled || o.once)
		return call_usage(c, "advertise HOA [forged FAULT]");
	r = call_binding(c, c->argv[1], &b);
	return r < 0 ? r : prefix_discovery_advertise(c->a, b, o.fault);
}
