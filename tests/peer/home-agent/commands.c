/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

#include <errno.h>
#include <string.h>

#include "../common/event.h"
#include "../common/peer.h"
#include "acknowledgement.h"
#include "agent.h"
#include "binding.h"
#include "call.h"
#include "discovery.h"
#include "notice.h"
#include "options.h"

#define MAX_COUNT 1000000

int call_usage(struct call *c, const char *text)
{
	*c->error = text;
	return -EINVAL;
}

int call_number(const struct call *c, int i, unsigned max, unsigned otherwise, unsigned *ret)
{
	if (i >= c->argc) {
		*ret = otherwise;
		return 0;
	}
	return peer_parse_unsigned(c->argv[i], 0, max, ret);
}

int call_binding(struct call *c, const char *home, struct binding **ret)
{
	struct in6_addr address;
	struct binding *b;

	if (addr_parse(home, &address) < 0)
		return call_usage(c, "not an address");
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

	if (c->argc < 2 || call_number(c, 1, UINT8_MAX, 0, &status) < 0 ||
	    call_number(c, 2, MAX_COUNT, 1, &count) < 0)
		return call_usage(c, "status N [COUNT]");
	c->a->faults.status = (uint8_t)status;
	c->a->faults.status_count = count;
	return 0;
}

static int run_silent(struct call *c)
{
	if (c->argc != 2 || (strcmp(c->argv[1], "on") != 0 && strcmp(c->argv[1], "off") != 0))
		return call_usage(c, "silent on|off");
	c->a->faults.silent = strcmp(c->argv[1], "on") == 0;
	return 0;
}

static int run_data(struct call *c)
{
	if (c->argc != 2 || (strcmp(c->argv[1], "on") != 0 && strcmp(c->argv[1], "off") != 0))
		return call_usage(c, "data on|off");
	c->a->faults.drop_data = strcmp(c->argv[1], "off") == 0;
	return 0;
}

/* What a crash leaves of a home agent in its kernel is nothing: nobody defends an address. */
static int run_crash(struct call *c)
{
	struct binding *b;

	if (c->argc != 1)
		return call_usage(c, "crash");
	c->a->faults.silent = true;
	notices_free(c->a);
	list_for_each(b, &c->a->bindings, node)
		binding_forget(b);
	discovery_close(c->a);
	return 0;
}

static int run_revive(struct call *c)
{
	if (c->argc != 1)
		return call_usage(c, "revive");
	c->a->faults.silent = false;
	return c->a->anycast_up ? 0 : discovery_open(c->a);
}

static int run_icmp(struct call *c)
{
	unsigned type, code, count, word;

	if (c->argc < 3 || call_number(c, 1, UINT8_MAX, 0, &type) < 0 ||
	    call_number(c, 2, UINT8_MAX, 0, &code) < 0 ||
	    call_number(c, 3, MAX_COUNT, 1, &count) < 0 ||
	    call_number(c, 4, UINT32_MAX, 0, &word) < 0)
		return call_usage(c, "icmp TYPE CODE [COUNT [WORD]]");
	c->a->faults.icmp = (struct icmp_error){(uint8_t)type, (uint8_t)code, word};
	c->a->faults.icmp_count = count;
	return 0;
}

static int run_revocation(struct call *c)
{
	struct agent *a = c->a;

	if (!a->revoked.any)
		*c->ret = json_pack("{s:n}", "revocation");
	else
		*c->ret = json_pack("{s:{s:o, s:i, s:i}}", "revocation", "home",
				    json_addr(&a->revoked.home), "status", a->revoked.status,
				    "sequence", a->revoked.sequence);
	return 0;
}

static int run_lifetimes(struct call *c)
{
	unsigned valid, preferred;

	if (c->argc != 3 || call_number(c, 1, ND_INFINITE, 0, &valid) < 0 ||
	    call_number(c, 2, ND_INFINITE, 0, &preferred) < 0)
		return call_usage(c, "lifetimes VALID PREFERRED");
	c->a->config.valid = valid;
	c->a->config.preferred = preferred;
	return 0;
}

static int run_drop(struct call *c)
{
	if (c->argc != 2 || call_number(c, 1, MAX_COUNT, 0, &c->a->faults.drop) < 0)
		return call_usage(c, "drop N");
	return 0;
}

static int run_forget(struct call *c)
{
	struct binding *b;
	int r = c->argc == 2 ? call_binding(c, c->argv[1], &b) : call_usage(c, "forget HOA");

	if (r >= 0)
		binding_forget(b);
	return r;
}

static int run_ba_mutate(struct call *c)
{
	int mode = c->argc > 1 ? message_fault_parse(c->argv[1]) : -1, i = 2;
	unsigned delay = 0, count;

	if (mode == MESSAGE_FAULT_DELAYED &&
	    (c->argc < 3 || call_number(c, i++, MAX_COUNT, 0, &delay) < 0))
		mode = -1;
	if (mode < 0 || call_number(c, i, MAX_COUNT, 1, &count) < 0)
		return call_usage(c, "ba-mutate MODE [COUNT] or ba-mutate delayed MS [COUNT]");
	c->a->faults.mutate = (enum message_fault)mode;
	c->a->faults.mutate_delay_ms = delay;
	c->a->faults.mutate_count = count;
	return 0;
}

static int run_agents(struct call *c)
{
	struct agent_config *config = &c->a->config;

	if (c->argc != 2 ||
	    addr_list_parse(c->argv[1], config->agents, DHAAD_MAX_AGENTS, &config->n_agents) < 0)
		return call_usage(c, "agents A[,B...]");
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct call *c);
} commands[] = {
	{"dump", run_dump},
	{"counters", run_counters},
	{"revocation", run_revocation},
	{"status", run_status},
	{"silent", run_silent},
	{"crash", run_crash},
	{"revive", run_revive},
	{"data", run_data},
	{"drop", run_drop},
	{"icmp", run_icmp},
	{"forget", run_forget},
	{"ba-mutate", run_ba_mutate},
	{"agents", run_agents},
	{"lifetimes", run_lifetimes},
	{"switch", call_switch},
	{"revoke", call_revoke},
	{"error", call_error},
	{"refresh", call_refresh},
	{"advertise", call_advertise},
};

int commands_run(void *user, int argc, char **argv, json_t **ret, const char **ret_error)
{
	struct call c = {.a = user, .argc = argc, .argv = argv, .ret = ret, .error = ret_error};

	acknowledgements_flush(c.a);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(commands[i].name, argv[0]) == 0)
			return commands[i].run(&c);
	return call_usage(&c, "unknown command");
}
