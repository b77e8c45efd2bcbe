/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether what the administrator says of prefixes agrees with the anchors that there are. */
#include <string.h>

#include "base/addr.h"
#include "conf/build.h"

static bool covers(const struct ip6_prefix *wide, const struct ip6_prefix *narrow)
{
	return wide->len <= narrow->len && prefix_contains(wide, &narrow->addr);
}

static bool has_anchor(const struct conf_build *b, const char *name)
{
	for (unsigned i = 0; i < b->n_anchors; i++)
		if (strcmp(b->anchors[i].anchor->name, name) == 0)
			return true;
	return false;
}

static bool is_served(const struct conf_build *b, const struct ip6_prefix *p)
{
	for (unsigned i = 0; i < b->n_anchors; i++) {
		const struct conf_anchor *a = b->anchors[i].anchor;

		for (unsigned j = 0; j < a->n_prefixes; j++)
			if (covers(&a->prefix[j], p))
				return true;
		for (unsigned j = 0; j < a->n_homes; j++)
			if (covers(&a->home[j].prefix, p))
				return true;
	}
	return false;
}

static void check_anchor(struct conf_build *b, const struct properties *p, const struct source *s,
			 enum conf_section section)
{
	struct conf_where at = source_where(s, section, "Anchor");

	if (!properties_have(p, PROPERTY_ANCHOR))
		return;
	if (!has_anchor(b, p->anchor))
		conf_report(b->errors, at, "Anchor=%s: there is no [Anchor %s]; accepted: %s",
			    p->anchor, p->anchor, option_find(section, "Anchor")->accepted);
	if (properties_have(p, PROPERTY_ANCHORING) && p->anchoring == PREFIX_LOCAL)
		conf_report(b->errors, at,
			    "Anchor=%s stands together with Anchoring=local; remove one of them",
			    p->anchor);
}

void build_check_properties(struct conf_build *b)
{
	for (unsigned i = 0; i < b->n_prefixes; i++) {
		const struct prefix_source *s = &b->prefixes[i];
		const struct properties *p = &s->prefix->properties;

		check_anchor(b, p, &s->source, CONF_PREFIX);
		if (properties_have(p, PROPERTY_ANCHORING) && p->anchoring == PREFIX_ANCHORED &&
		    !properties_have(p, PROPERTY_ANCHOR) &&
		    !source_was_wrong(&s->source, CONF_PREFIX, "Anchor") &&
		    !is_served(b, &s->prefix->prefix))
			conf_report(
				b->errors, source_where(&s->source, CONF_PREFIX, "Anchoring"),
				"[Prefix %s] has Anchoring=anchored, which needs Anchor=, or an "
				"[Anchor NAME] whose Prefix= or HomeAddress= covers it",
				PREFIX_STR(&s->prefix->prefix));
	}
	for (unsigned i = 0; i < b->n_domains; i++)
		check_anchor(b, &b->domains[i].domain->properties, &b->domains[i].source,
			     CONF_DOMAIN);
}
