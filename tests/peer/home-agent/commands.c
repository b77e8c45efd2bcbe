/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

#include <errno.h>
#include <string.h>

#include "../common/event.h"
#include "../common/peer.h"
#include "agent.h"
#include "binding.h"
#include "notify.h"
#include "options.h"

#define MAX_COUNT 1000000

/* One command on its way: what it was given and what it gives. */
struct call {
	struct agent *a;
	int argc;
	char **argv;
	json_t **ret;
	const char **error;
};

static int usage(struct call *c, const char *text)
{
	*c->error = text;
	return -EINVAL;
}

/* The number at argv[i], or `otherwise` where the command is shorter. */
static int number(const struct call *c, int i, unsigned max, unsigned otherwise, unsigned *ret)
{
	if (i >= c->argc) {
		*ret = otherwise;
		return 0;
	}
	return peer_parse_unsigned(c->argv[i], 0, max, ret);
}

static int bound(struct call *c, const char *home, struct binding **ret)
{
	struct in6_addr address;
	struct binding *b;

	if (addr_parse(home, &address) < 0)
		return usage(c, "not an address");
	b = binding_active(c->a, &address);
	if (!b) {
		*c->error = "no binding";
		return -ENOENT;
	}
	*ret = b;
	return 0;
}

static json_t *binding_json(const struct binding *b)
{
	usec_t left = usec_sub(b->expires, peer_now());

	return json_pack(
		"{s:o, s:o, s:o, s:s, s:i, s:i, s:f, s:I, s:I, s:I, s:I}", "home",
		json_addr(&b->home), "coa", json_addr(&b->coa), "agent", json_addr(&b->agent),
		"state", binding_state_str(b->state), "sequence", b->sequence, "flags", b->flags,
		"lifetime_left_s", (double)left / (double)USEC_PER_SEC, "packets_in",
		(json_int_t)b->packets_in, "bytes_in", (json_int_t)b->bytes_in, "packets_out",
		(json_int_t)b->packets_out, "bytes_out", (json_int_t)b->bytes_out);
}

static int run_dump(struct call *c)
{
	json_t *all = json_array();
	struct binding *b;

	list_for_each(b, &c->a->bindings, node)
		if (binding_active(c->a, &b->home))
			json_array_append_new(all, binding_json(b));
	*c->ret = json_pack("{s:o}", "bindings", all);
	return 0;
}

static int run_counters(struct call *c)
{
	json_t *all = json_object();

#define X(name) json_object_set_new(all, #name, json_integer((json_int_t)c->a->counters.name));
	AGENT_COUNTERS(X)
#undef X
	*c->ret = json_pack("{s:o}", "counters", all);
	return 0;
}

static int run_status(struct call *c)
{
	unsigned status, count;

	if (c->argc < 2 || number(c, 1, UINT8_MAX, 0, &status) < 0 ||
	    number(c, 2, MAX_COUNT, 1, &count) < 0)
		return usage(c, "status N [COUNT]");
	c->a->faults.status = (uint8_t)status;
	c->a->faults.status_count = count;
	return 0;
}

static int run_silent(struct call *c)
{
	if (c->argc != 2 || (strcmp(c->argv[1], "on") != 0 && strcmp(c->argv[1], "off") != 0))
		return usage(c, "silent on|off");
	c->a->faults.silent = strcmp(c->argv[1], "on") == 0;
	return 0;
}

static int run_drop(struct call *c)
{
	if (c->argc != 2 || number(c, 1, MAX_COUNT, 0, &c->a->faults.drop) < 0)
		return usage(c, "drop N");
	return 0;
}

static int run_forget(struct call *c)
{
	struct binding *b;
	int r = c->argc == 2 ? bound(c, c->argv[1], &b) : usage(c, "forget HOA");

	if (r >= 0)
		binding_forget(b);
	return r;
}

static int run_ba_mutate(struct call *c)
{
	int mode = c->argc > 1 ? ack_fault_parse(c->argv[1]) : -1, i = 2;
	unsigned delay = 0, count;

	if (mode == ACK_FAULT_DELAYED && (c->argc < 3 || number(c, i++, MAX_COUNT, 0, &delay) < 0))
		mode = -1;
	if (mode < 0 || number(c, i, MAX_COUNT, 1, &count) < 0)
		return usage(c, "ba-mutate MODE [COUNT] or ba-mutate delayed MS [COUNT]");
	c->a->faults.mutate = (enum ack_fault)mode;
	c->a->faults.mutate_delay_ms = delay;
	c->a->faults.mutate_count = count;
	return 0;
}

static int run_switch(struct call *c)
{
	struct mh_has agents = {.n = 0};
	unsigned advice = 0;
	bool tunnelled = false;
	struct binding *b;
	int r;

	if (c->argc < 3)
		return usage(c, "switch HOA A[,B...]|none [advice S] [via tunnel]");
	if (strcmp(c->argv[2], "none") != 0 &&
	    addr_list_parse(c->argv[2], agents.addr, MH_MAX_HA_ADDRS, &agents.n) < 0)
		return usage(c, "not a list of addresses");
	for (int i = 3; i < c->argc; i += 2) {
		if (strcmp(c->argv[i], "advice") == 0 && i + 1 < c->argc &&
		    number(c, i + 1, UINT16_MAX * MH_LIFETIME_UNIT, 0, &advice) == 0)
			continue;
		if (strcmp(c->argv[i], "via") != 0 || i + 1 >= c->argc ||
		    strcmp(c->argv[i + 1], "tunnel") != 0)
			return usage(c, "expected: advice S, or: via tunnel");
		tunnelled = true;
	}
	r = bound(c, c->argv[1], &b);
	if (r < 0)
		return r;
	return notify_switch(c->a, b, &agents, (uint16_t)(advice / MH_LIFETIME_UNIT), tunnelled);
}

static int run_error(struct call *c)
{
	struct in6_addr home, to, from = c->a->config.address[0];
	unsigned status;
	struct binding *b;

	if (c->argc < 3 || number(c, 1, UINT8_MAX, 0, &status) < 0 ||
	    addr_parse(c->argv[2], &home) < 0)
		return usage(c, "error STATUS HOA [COA]");
	if (c->argc > 3) {
		if (addr_parse(c->argv[3], &to) < 0)
			return usage(c, "not an address");
	} else {
		int r = bound(c, c->argv[2], &b);

		if (r < 0)
			return r;
		to = b->coa;
		from = b->agent;
	}
	return notify_error(c->a, &from, &to, &home, (uint8_t)status);
}

static int run_refresh(struct call *c)
{
	struct binding *b;
	int r = c->argc == 2 ? bound(c, c->argv[1], &b) : usage(c, "refresh HOA");

	return r < 0 ? r : notify_refresh(c->a, b);
}

static int run_agents(struct call *c)
{
	struct agent_config *config = &c->a->config;

	if (c->argc != 2 ||
	    addr_list_parse(c->argv[1], config->agents, DHAAD_MAX_AGENTS, &config->n_agents) < 0)
		return usage(c, "agents A[,B...]");
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct call *c);
} commands[] = {
	{"dump", run_dump},           {"counters", run_counters}, {"status", run_status},
	{"silent", run_silent},       {"drop", run_drop},         {"forget", run_forget},
	{"ba-mutate", run_ba_mutate}, {"switch", run_switch},     {"error", run_error},
	{"refresh", run_refresh},     {"agents", run_agents},
};

int commands_run(void *user, int argc, char **argv, json_t **ret, const char **ret_error)
{
	struct call c = {.a = user, .argc = argc, .argv = argv, .ret = ret, .error = ret_error};

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(commands[i].name, argv[0]) == 0)
			return commands[i].run(&c);
	return usage(&c, "unknown command");
}
