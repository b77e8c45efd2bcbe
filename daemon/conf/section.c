/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Beginnings and ends of sections: which struct their lines are for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/build.h"
#include "conf/suggest.h"
#include "conf/value.h"

const char *section_titles(struct section_titles *buf)
{
	size_t n = 0;

	for (int i = 0; i < CONF_SECTION_MAX; i++)
		n += (size_t)snprintf(buf->s + n, sizeof(buf->s) - n, "%s%s",
				      !i                         ? ""
				      : i < CONF_SECTION_MAX - 1 ? ", "
								 : " and ",
				      conf_sections[i].title);
	return buf->s;
}

static void report_section(struct conf_build *b, struct conf_where at, const char *name)
{
	struct suggestion near = {0};

	if (strcmp(name, "Rule") == 0) {
		conf_report(b->errors, at,
			    "[Rule NAME] belongs in a file of PolicyDirectory=, see "
			    "dmmd-policy(5)");
		return;
	}
	for (int i = 0; i < CONF_SECTION_MAX; i++)
		suggestion_offer(&near, name, conf_sections[i].name);
	conf_report(b->errors, at, "unknown section %s%s%s%s; accepted: %s", QUOTED(name),
		    near.name ? ", did you mean " : "", near.name ? near.name : "",
		    near.name ? "?" : "", section_titles(&(struct section_titles){{0}}));
}

/*
 * Sections that have a name: the one of that name, new or from before.  The target stays NULL when
 * it was refused.
 */
static int begin_anchor(struct conf_build *b, struct current *cur, const char *name)
{
	struct anchor_source *s = b->anchors, *end = b->anchors + b->n_anchors;

	if (!value_is_name(name)) {
		conf_report(b->errors, cur->at,
			    "[Anchor %s]: a name is 1 to %d letters, digits, '.', '-' and '_', "
			    "beginning with a letter or digit",
			    QUOTED(name), CONF_NAME_MAX);
		return 0;
	}
	while (s < end && strcmp(s->anchor->name, name) != 0)
		s++;
	if (s == b->anchors + CONF_MAX_ANCHORS) {
		conf_report(b->errors, cur->at, "[Anchor %s] is one too many: at most %d anchors",
			    name, CONF_MAX_ANCHORS);
		return 0;
	}
	if (s == end) {
		struct conf_anchor *a = calloc(1, sizeof(*a));

		if (!a)
			return -ENOMEM;
		options_reset(CONF_ANCHOR, a);
		memcpy(a->name, name, strlen(name));
		list_append(&b->conf->anchors, &a->node);
		*s = (struct anchor_source){.anchor = a, .source.section = cur->at};
		b->n_anchors++;
	}
	cur->target = s->anchor;
	cur->source = &s->source;
	cur->anchor = s;
	return 0;
}

static int begin_prefix(struct conf_build *b, struct current *cur, const char *name)
{
	struct prefix_source *s = b->prefixes, *end = b->prefixes + b->n_prefixes;
	struct ip6_prefix prefix;

	if (value_parse_prefix(name, &prefix) < 0) {
		conf_report(
			b->errors, cur->at,
			"[Prefix %s]: a prefix is written as in 2001:db8:1::/64, with nothing but "
			"zeros behind its length, and neither link-local nor multicast",
			QUOTED(name));
		return 0;
	}
	while (s < end && !prefix_equal(&s->prefix->prefix, &prefix))
		s++;
	if (s == b->prefixes + CONF_MAX_PREFIXES) {
		conf_report(b->errors, cur->at, "[Prefix %s] is one too many: at most %d", name,
			    CONF_MAX_PREFIXES);
		return 0;
	}
	if (s == end) {
		struct conf_prefix *p = calloc(1, sizeof(*p));

		if (!p)
			return -ENOMEM;
		options_reset(CONF_PREFIX, p);
		p->prefix = prefix;
		list_append(&b->conf->prefixes, &p->node);
		*s = (struct prefix_source){.prefix = p, .source.section = cur->at};
		b->n_prefixes++;
	}
	cur->target = s->prefix;
	cur->source = &s->source;
	return 0;
}

static int begin_domain(struct conf_build *b, struct current *cur, const char *name)
{
	struct domain_source *s = b->domains, *end = b->domains + b->n_domains;
	char domain[CONF_DOMAIN_MAX + 1];

	if (value_parse_domain(name, domain) < 0) {
		conf_report(
			b->errors, cur->at,
			"[Domain %s]: a domain name is up to %d letters, digits, hyphens and dots",
			QUOTED(name), CONF_DOMAIN_MAX);
		return 0;
	}
	while (s < end && strcmp(s->domain->name, domain) != 0)
		s++;
	if (s == b->domains + CONF_MAX_DOMAINS) {
		conf_report(b->errors, cur->at, "[Domain %s] is one too many: at most %d", domain,
			    CONF_MAX_DOMAINS);
		return 0;
	}
	if (s == end) {
		struct conf_domain *d = calloc(1, sizeof(*d));

		if (!d)
			return -ENOMEM;
		options_reset(CONF_DOMAIN, d);
		memcpy(d->name, domain, strlen(domain));
		list_append(&b->conf->domains, &d->node);
		*s = (struct domain_source){.domain = d, .source.section = cur->at};
		b->n_domains++;
	}
	cur->target = s->domain;
	cur->source = &s->source;
	return 0;
}

static int begin_link(struct conf_build *b, struct current *cur)
{
	struct conf_link *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	options_reset(CONF_LINK, l);
	list_append(&b->conf->links, &l->node);
	cur->target = l;
	return 0;
}

/* What must be judged where a section ends, as later ones with its title are others. */
void section_end(struct conf_build *b, struct current *cur)
{
	if (cur->target && cur->section == CONF_LINK &&
	    !((struct conf_link *)cur->target)->match[0])
		conf_report(b->errors, cur->at,
			    "[Link] needs Match= with the names of its interfaces");
	*cur = (struct current){.any = true};
}

int section_begin(struct conf_build *b, struct current *cur, struct conf_where at, char *name)
{
	size_t len = strcspn(name, " \t");
	const char *argument = name + len + strspn(name + len, " \t");
	int section = 0;

	section_end(b, cur);
	name[len] = '\0';
	while (section < CONF_SECTION_MAX && strcmp(conf_sections[section].name, name) != 0)
		section++;
	if (section == CONF_SECTION_MAX) {
		report_section(b, at, name);
		return 0;
	}
	cur->section = (enum conf_section)section;
	cur->at = at;
	if (*argument && (cur->section == CONF_DAEMON || cur->section == CONF_LINK)) {
		conf_report(b->errors, at, "[%s] takes no name", name);
		return 0;
	}
	switch (cur->section) {
	case CONF_DAEMON:
		cur->target = b->conf;
		cur->source = &b->daemon;
		return 0;
	case CONF_LINK:
		return begin_link(b, cur);
	case CONF_ANCHOR:
		return begin_anchor(b, cur, argument);
	case CONF_PREFIX:
		return begin_prefix(b, cur, argument);
	case CONF_DOMAIN:
		return begin_domain(b, cur, argument);
	case CONF_SECTION_MAX:
		break;
	}
	return 0;
}
