/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

#include <errno.h>
#include <string.h>

#include "../common/peer.h"
#include "advertiser.h"
#include "options.h"

/* Apply f to the interface named, or to all; an interface that nobody has is an error. */
static int for_interfaces(struct router_options *o, const char *name,
			  int (*f)(struct advertiser *a, unsigned value), unsigned value)
{
	struct advertiser *a;
	int r = -ENODEV;

	list_for_each(a, &o->advertisers, node) {
		if (name && strcmp(a->name, name) != 0)
			continue;
		r = f(a, value);
		if (r < 0)
			break;
	}
	return r;
}

static int advertise(struct advertiser *a, unsigned value)
{
	(void)value;
	return advertiser_send(a);
}

static int set_vanished(struct advertiser *a, unsigned vanished)
{
	a->vanished = vanished;
	return vanished ? 0 : advertiser_send(a);
}

static int set_lifetime(struct advertiser *a, unsigned lifetime)
{
	a->ra.router_lifetime = (uint16_t)lifetime;
	return advertiser_send(a);
}

static struct advertiser *find(struct router_options *o, const char *name)
{
	struct advertiser *a;

	list_for_each(a, &o->advertisers, node)
		if (strcmp(a->name, name) == 0)
			return a;
	return NULL;
}

static int set_extra(struct advertiser *a, char **options)
{
	int r = 0;

	a->extra_len = 0;
	for (; r >= 0 && *options; options++)
		r = advertiser_add_option(a, *options);
	return r < 0 ? r : advertiser_send(a);
}

static int set_home_agent(struct advertiser *a, const char *text)
{
	int r = 0;

	a->ra.home_agent = a->ra.has_home_agent_info = false;
	if (strcmp(text, "off") != 0)
		r = home_agent_set(a, strcmp(text, "on") == 0 ? NULL : text);
	return r < 0 ? r : advertiser_send(a);
}

static int set_prefix(struct router_options *o, const char *text, const unsigned *valid,
		      unsigned preferred)
{
	struct ip6_prefix prefix;
	struct advertiser *a;
	int r = -ENOENT;

	if (prefix_parse(text, &prefix) < 0)
		return -EINVAL;
	list_for_each(a, &o->advertisers, node)
		for (unsigned i = 0; i < a->ra.n_prefixes; i++) {
			struct nd_prefix_info *p = &a->ra.prefix[i];

			if (!prefix_equal(&p->prefix, &prefix))
				continue;
			if (valid)
				p->valid = *valid;
			p->preferred = preferred;
			r = advertiser_send(a);
		}
	return r;
}

static int counters(struct router_options *o, json_t **ret)
{
	struct advertiser *a;

	*ret = json_object();
	list_for_each(a, &o->advertisers, node)
		json_object_set_new(*ret, a->name,
				    json_pack("{s:I, s:I}", "solicitations",
					      (json_int_t)a->solicitations, "advertisements",
					      (json_int_t)a->advertisements));
	return 0;
}

int commands_run(void *user, int argc, char **argv, json_t **ret, const char **ret_error)
{
	struct router_options *o = user;
	const char *verb = argv[0], *first = argc > 1 ? argv[1] : NULL;
	struct advertiser *a = first ? find(o, first) : NULL;
	unsigned value, preferred;

	if (strcmp(verb, "advertise") == 0)
		return for_interfaces(o, first, advertise, 0);
	if (strcmp(verb, "vanish") == 0)
		return for_interfaces(o, first, set_vanished, true);
	if (strcmp(verb, "return") == 0)
		return for_interfaces(o, first, set_vanished, false);
	if (strcmp(verb, "counters") == 0)
		return counters(o, ret);
	if (strcmp(verb, "options") == 0 && a)
		return set_extra(a, argv + 2);
	if (strcmp(verb, "home-agent") == 0 && a && argc == 3)
		return set_home_agent(a, argv[2]);
	if (strcmp(verb, "deprecate") == 0 && argc == 2)
		return set_prefix(o, first, NULL, 0);
	if (strcmp(verb, "lifetime") == 0 && first &&
	    peer_parse_unsigned(first, 0, UINT16_MAX, &value) == 0)
		return for_interfaces(o, argc > 2 ? argv[2] : NULL, set_lifetime, value);
	if (strcmp(verb, "prefix") == 0 && argc == 4 &&
	    peer_parse_unsigned(argv[2], 0, ND_INFINITE, &value) == 0 &&
	    peer_parse_unsigned(argv[3], 0, ND_INFINITE, &preferred) == 0)
		return set_prefix(o, first, &value, preferred);
	*ret_error = "unknown command or bad arguments";
	return -EINVAL;
}
