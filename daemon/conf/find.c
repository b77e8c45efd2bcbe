/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which section is for an interface, a prefix, a provisioning domain, a tunnel. */
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "conf/conf.h"

static bool link_matches(const struct conf_link *l, const char *ifname)
{
	char patterns[sizeof(l->match)], *save, *p;

	memcpy(patterns, l->match, sizeof(patterns));
	for (p = strtok_r(patterns, " ", &save); p; p = strtok_r(NULL, " ", &save))
		if (fnmatch(p, ifname, 0) == 0)
			return true;
	return false;
}

const struct conf_link *conf_link_find(const struct conf *c, const char *ifname)
{
	/* The defaults of the [Link] options. */
	static const struct conf_link fallback = {.use = true, .optimistic_dad = true};
	const struct conf_link *l;

	list_for_each(l, &c->links, node)
		if (link_matches(l, ifname))
			return l;
	return &fallback;
}

const struct properties *conf_prefix_find(const struct conf *c, const struct ip6_prefix *prefix)
{
	const struct conf_prefix *p, *best = NULL;

	list_for_each(p, &c->prefixes, node)
		if (p->prefix.len <= prefix->len && prefix_contains(&p->prefix, &prefix->addr) &&
		    (!best || p->prefix.len > best->prefix.len))
			best = p;
	return best ? &best->properties : NULL;
}

const struct properties *conf_domain_find(const struct conf *c, const char *domain)
{
	size_t len = strlen(domain);
	const struct conf_domain *d;

	if (len > 0 && domain[len - 1] == '.')
		len--;
	list_for_each(d, &c->domains, node)
		if (strlen(d->name) == len && strncasecmp(d->name, domain, len) == 0)
			return &d->properties;
	return NULL;
}

static bool serves(const struct conf_anchor *a, const struct in6_addr *home)
{
	for (unsigned i = 0; i < a->n_homes; i++)
		if (prefix_contains(&a->home[i].prefix, home))
			return true;
	for (unsigned i = 0; i < a->n_prefixes; i++)
		if (prefix_contains(&a->prefix[i], home))
			return true;
	return false;
}

const struct conf_esp *conf_esp_of(const struct conf *c, const struct in6_addr *agent)
{
	const struct conf_anchor *a;

	list_for_each(a, &c->anchors, node)
		if (a->has_esp && addr_equal(&a->address, agent))
			return &a->esp;
	return NULL;
}

bool conf_has_agent(const struct conf *c, const struct in6_addr *agent)
{
	const struct conf_anchor *a;

	list_for_each(a, &c->anchors, node)
		if (addr_equal(&a->address, agent))
			return true;
	return false;
}

bool conf_is_protected(const struct conf *c, const struct in6_addr *home,
		       const struct in6_addr *agent, const struct conf_esp **ret)
{
	const struct conf_anchor *a;

	*ret = conf_esp_of(c, agent);
	if (*ret)
		return true;
	list_for_each(a, &c->anchors, node)
		if (a->protection != CONF_PROTECTION_NO && serves(a, home))
			return true;
	return false;
}

bool conf_protects(const struct conf *c)
{
	const struct conf_anchor *a;

	list_for_each(a, &c->anchors, node)
		if (a->protection != CONF_PROTECTION_NO)
			return true;
	return false;
}
