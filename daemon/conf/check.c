/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only the whole configuration shows. */
#include "base/addr.h"
#include "conf/build.h"

static bool was_wrong(const struct anchor_source *s, const char *key)
{
	return source_was_wrong(&s->source, CONF_ANCHOR, key);
}

static struct conf_where where(const struct anchor_source *s, const char *key)
{
	return source_where(&s->source, CONF_ANCHOR, key);
}

/* Absence is not reported again where a wrong value was. */
static void check_required(struct conf_build *b, const struct anchor_source *s)
{
	const struct conf_anchor *a = s->anchor;

	/* With protection only an address will do: check_payload.c. */
	if (!a->has_address && !a->discover && a->protection == CONF_PROTECTION_NO &&
	    !was_wrong(s, "Address") && !was_wrong(s, "Discover"))
		conf_report(
			b->errors, s->source.section,
			"[Anchor %s] needs Address=, the address of the home agent, or Discover=",
			a->name);
	if (a->n_homes == 0 && !a->home_auto && a->n_prefixes == 0 &&
	    !was_wrong(s, "HomeAddress") && !was_wrong(s, "Prefix"))
		conf_report(b->errors, s->source.section,
			    "[Anchor %s] needs Prefix=PREFIX/LENGTH, HomeAddress=ADDRESS/LENGTH or "
			    "HomeAddress=auto",
			    a->name);
}

static void check_discovery(struct conf_build *b, const struct anchor_source *s)
{
	const struct conf_anchor *a = s->anchor;
	bool dns = a->discover & CONF_DISCOVER_DNS;
	/* Behind each agent that a name server tells of stands a home prefix. */
	bool has_home_prefix = a->n_prefixes || a->n_homes || dns;

	if (was_wrong(s, "Discover") || was_wrong(s, "Domain") || was_wrong(s, "Prefix") ||
	    was_wrong(s, "HomeAddress"))
		return;
	if (dns && !a->domain[0])
		conf_report(b->errors, where(s, "Discover"),
			    "[Anchor %s] has Discover=dns, which needs Domain=", a->name);
	if (!dns && a->domain[0])
		conf_report(b->errors, where(s, "Domain"),
			    "[Anchor %s] has Domain=, which needs Discover=dns", a->name);
	if ((a->discover & CONF_DISCOVER_RA) && !a->n_prefixes)
		conf_report(b->errors, where(s, "Discover"),
			    "[Anchor %s] has Discover=router-advertisement, which needs Prefix=",
			    a->name);
	if ((a->discover & CONF_DISCOVER_DHAAD) && !has_home_prefix)
		conf_report(b->errors, where(s, "Discover"),
			    "[Anchor %s] has Discover=dhaad, which needs Prefix=, "
			    "HomeAddress=ADDRESS/LENGTH or Discover=dns",
			    a->name);
	if (a->home_auto && !has_home_prefix)
		conf_report(b->errors, s->home_auto,
			    "[Anchor %s] has HomeAddress=auto, which needs Prefix=, "
			    "HomeAddress=ADDRESS/LENGTH or Discover=dns",
			    a->name);
}

static void check_authentication(struct conf_build *b, const struct anchor_source *s)
{
	const struct conf_anchor *a = s->anchor;
	struct conf_where spi = where(s, "SPI");
	struct conf_where key = where(s, "KeyFile");
	struct conf_where insecure = where(s, "Insecure");

	if (was_wrong(s, "SPI") || was_wrong(s, "KeyFile") || was_wrong(s, "Insecure"))
		return;
	if (spi.file && !key.file)
		conf_report(b->errors, spi,
			    "[Anchor %s] has SPI= without KeyFile=; both belong "
			    "together",
			    a->name);
	else if (key.file && !spi.file)
		conf_report(b->errors, key,
			    "[Anchor %s] has KeyFile= without SPI=; both belong "
			    "together",
			    a->name);
	if (a->insecure && (spi.file || key.file))
		conf_report(b->errors, insecure,
			    "[Anchor %s] has Insecure=yes together with %s; remove one of them",
			    a->name, key.file ? "KeyFile=" : "SPI=");
	if (!a->insecure && !spi.file && !key.file)
		conf_report(
			b->errors, s->source.section,
			"[Anchor %s] has no key: set SPI= and KeyFile=, or Insecure=yes to "
			"register without authentication, which lets others redirect its traffic",
			a->name);
}

/* Home addresses before this one, over all anchors; the place of an equal one, or NULL. */
static const struct conf_where *find_home(const struct conf_build *b, unsigned anchor,
					  unsigned index, const struct in6_addr *address)
{
	for (unsigned i = 0; i <= anchor; i++) {
		const struct conf_anchor *a = b->anchors[i].anchor;

		for (unsigned j = 0; j < (i == anchor ? index : a->n_homes); j++)
			if (addr_equal(&a->home[j].address, address))
				return &b->anchors[i].home[j];
	}
	return NULL;
}

static void check_homes(struct conf_build *b, unsigned anchor)
{
	const struct anchor_source *s = &b->anchors[anchor];

	for (unsigned i = 0; i < s->anchor->n_homes; i++) {
		const struct in6_addr *home = &s->anchor->home[i].address;
		const struct conf_where *other = find_home(b, anchor, i, home);

		if (other)
			conf_report(b->errors, s->home[i],
				    "HomeAddress=%s is already given at %s:%u", ADDR_STR(home),
				    other->file, other->line);
		for (unsigned j = 0; j < b->n_anchors; j++)
			if (addr_equal(home, &b->anchors[j].anchor->address))
				conf_report(b->errors, s->home[i],
					    "HomeAddress=%s is the Address= of [Anchor %s]",
					    ADDR_STR(home), b->anchors[j].anchor->name);
	}
}

/* Other anchors may have the same: they stand in for each other. */
static void check_prefixes(struct conf_build *b, const struct anchor_source *s)
{
	const struct ip6_prefix *p = s->anchor->prefix;

	for (unsigned i = 1; i < s->anchor->n_prefixes; i++) {
		for (unsigned j = 0; j < i; j++) {
			if (!prefix_equal(&p[i], &p[j]))
				continue;
			conf_report(b->errors, s->prefix[i], "Prefix=%s is already given at %s:%u",
				    PREFIX_STR(&p[i]), s->prefix[j].file, s->prefix[j].line);
			break;
		}
	}
}

/* Reported at the anchor that passes the limit. */
static void check_sum(struct conf_build *b, const struct anchor_source *s, unsigned *sum,
		      unsigned n, unsigned max, const char *what)
{
	if (*sum <= max && *sum + n > max)
		conf_report(b->errors, s->source.section,
			    "[Anchor %s] brings too many %s: at most %u over all anchors",
			    s->anchor->name, what, max);
	*sum += n;
}

void build_check(struct conf_build *b)
{
	unsigned homes = 0, prefixes = 0;

	for (unsigned i = 0; i < b->n_anchors; i++) {
		const struct anchor_source *s = &b->anchors[i];

		check_required(b, s);
		check_discovery(b, s);
		check_authentication(b, s);
		check_homes(b, i);
		check_prefixes(b, s);
		check_sum(b, s, &homes, s->anchor->n_homes + s->anchor->home_auto, CONF_MAX_HOMES,
			  "home addresses");
		check_sum(b, s, &prefixes, s->anchor->n_prefixes, CONF_MAX_PREFIXES, "prefixes");
	}
	build_check_properties(b);
	build_check_payload(b);
}
