/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/build.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/ini.h"
#include "conf/suggest.h"

/* The section that is being read. */
struct current {
	enum conf_section section;
	void *target; /* its struct; NULL: refused, its lines are passed over */
	struct anchor_source *anchor;
	struct conf_where at;
	bool any; /* a section was begun in this file */
};

int build_new(struct conf_errors *errors, struct conf_build **ret)
{
	struct conf_build *b = calloc(1, sizeof(*b));
	struct conf *c = calloc(1, sizeof(*c));

	if (!b || !c) {
		free(b);
		free(c);
		return -ENOMEM;
	}
	list_init(&c->links);
	list_init(&c->anchors);
	options_reset(CONF_DAEMON, c);
	b->conf = c;
	b->errors = errors;
	*ret = b;
	return 0;
}

void build_free(struct conf_build *b)
{
	if (!b)
		return;
	conf_free(b->conf);
	free(b);
}

struct conf_where anchor_source_where(const struct anchor_source *s, const char *key)
{
	return s->option[option_index(option_find(CONF_ANCHOR, key))];
}

/* A wrong word is repeated in a message only if it cannot be a key that went astray. */
static bool looks_like_name(const char *s)
{
	size_t n = 0;

	while (isalpha((unsigned char)s[n]))
		n++;
	return s[n] == '\0' && n <= CONF_OPTION_LONGEST;
}

static void report_section(struct conf_build *b, struct conf_where at, const char *name)
{
	struct suggestion near = {0};
	const struct conf_section_info *info = conf_sections;

	for (int i = 0; i < CONF_SECTION_MAX; i++)
		suggestion_offer(&near, name, conf_sections[i].name);
	conf_report(b->errors, at, "unknown section %s%s%s%s; accepted: %s, %s and %s",
		    QUOTED(name), near.name ? ", did you mean " : "", near.name ? near.name : "",
		    near.name ? "?" : "", info[CONF_DAEMON].title, info[CONF_LINK].title,
		    info[CONF_ANCHOR].title);
}

static void report_option(struct conf_build *b, struct conf_where at, enum conf_section section,
			  const char *key)
{
	const char *title = conf_sections[section].title;
	struct suggestion near = {0};
	char list[256] = "", hint[96] = "";
	size_t n = 0;

	for (const struct conf_option *o = conf_options; o < CONF_OPTIONS_END; o++) {
		if (o->section == section) {
			suggestion_offer(&near, key, o->key);
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s=", n ? ", " : "",
					      o->key);
		} else if (strcmp(o->key, key) == 0) {
			snprintf(hint, sizeof(hint), ", it belongs in %s",
				 conf_sections[o->section].title);
		}
	}
	if (!hint[0] && near.name)
		snprintf(hint, sizeof(hint), ", did you mean %s=?", near.name);
	conf_report(b->errors, at, "unknown option %s in %s%s; accepted: %s",
		    looks_like_name(key) ? QUOTED(key) : "(not shown)", title, hint, list);
}

static bool anchor_name_is_valid(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return isalnum((unsigned char)*s) && s[n] == '\0' && n <= CONF_NAME_MAX;
}

/* The anchor of that name, new or from before.  *ret stays NULL when it was refused. */
static int begin_anchor(struct conf_build *b, struct conf_where at, const char *name,
			struct anchor_source **ret)
{
	struct anchor_source *s;
	struct conf_anchor *a;

	if (!anchor_name_is_valid(name)) {
		conf_report(b->errors, at,
			    "[Anchor %s]: a name is 1 to %d letters, digits, '.', '-' and '_', "
			    "beginning with a letter or digit",
			    QUOTED(name), CONF_NAME_MAX);
		return 0;
	}
	for (unsigned i = 0; i < b->n_anchors; i++) {
		if (strcmp(b->anchors[i].anchor->name, name) == 0) {
			*ret = &b->anchors[i];
			return 0;
		}
	}
	if (b->n_anchors == CONF_MAX_ANCHORS) {
		conf_report(b->errors, at, "[Anchor %s] is one too many: at most %d anchors", name,
			    CONF_MAX_ANCHORS);
		return 0;
	}
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	options_reset(CONF_ANCHOR, a);
	memcpy(a->name, name, strlen(name));
	list_append(&b->conf->anchors, &a->node);
	s = &b->anchors[b->n_anchors++];
	*s = (struct anchor_source){.anchor = a, .section = at};
	*ret = s;
	return 0;
}

static int begin_link(struct conf_build *b, struct conf_link **ret)
{
	struct conf_link *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	options_reset(CONF_LINK, l);
	list_append(&b->conf->links, &l->node);
	*ret = l;
	return 0;
}

/* What must be judged where a section ends, as later ones with its title are others. */
static void end_section(struct conf_build *b, struct current *cur)
{
	if (cur->target && cur->section == CONF_LINK &&
	    !((struct conf_link *)cur->target)->match[0])
		conf_report(b->errors, cur->at,
			    "[Link] needs Match= with the names of its interfaces");
	*cur = (struct current){.any = true};
}

static int begin_section(struct conf_build *b, struct current *cur, struct conf_where at,
			 char *name)
{
	size_t len = strcspn(name, " \t");
	const char *argument = name + len + strspn(name + len, " \t");
	struct conf_link *link = NULL;
	int r = 0, section = 0;

	end_section(b, cur);
	name[len] = '\0';
	while (section < CONF_SECTION_MAX && strcmp(conf_sections[section].name, name) != 0)
		section++;
	if (section == CONF_SECTION_MAX) {
		report_section(b, at, name);
		return 0;
	}
	if (*argument && section != CONF_ANCHOR) {
		conf_report(b->errors, at, "[%s] takes no name", name);
		return 0;
	}
	cur->section = (enum conf_section)section;
	cur->at = at;
	switch (cur->section) {
	case CONF_DAEMON:
		cur->target = b->conf;
		break;
	case CONF_LINK:
		r = begin_link(b, &link);
		cur->target = link;
		break;
	case CONF_ANCHOR:
		r = begin_anchor(b, at, argument, &cur->anchor);
		cur->target = cur->anchor ? cur->anchor->anchor : NULL;
		break;
	case CONF_SECTION_MAX:
		break;
	}
	return r;
}

/* HomeAddress=, the one list: each value is added. */
static int add_home(struct conf_build *b, struct anchor_source *s, const struct conf_option *o,
		    struct conf_where at, const char *value)
{
	struct conf_anchor *a = s->anchor;
	struct conf_home home;

	if (o->parse(o, value, &home) < 0)
		return -EINVAL;
	if (a->n_homes == CONF_MAX_HOMES) {
		conf_report(b->errors, at, "HomeAddress=%s is one too many: at most %d", value,
			    CONF_MAX_HOMES);
		return 0;
	}
	s->home[a->n_homes] = at;
	a->home[a->n_homes++] = home;
	return 0;
}

static void assign(struct conf_build *b, struct current *cur, struct conf_where at,
		   const struct ini_line *line)
{
	const struct conf_option *o;
	const char *value = line->value;
	int r = 0;

	if (!cur->any) {
		conf_report(b->errors, at,
			    "stands in front of the first section; sections: %s, "
			    "%s and %s",
			    conf_sections[CONF_DAEMON].title, conf_sections[CONF_LINK].title,
			    conf_sections[CONF_ANCHOR].title);
		cur->any = true; /* once a file is enough */
	}
	if (!cur->target)
		return;
	o = option_find(cur->section, line->name);
	if (!o) {
		report_option(b, at, cur->section, line->name);
		return;
	}
	if (!*value)
		option_reset(o, cur->target);
	else if (o->repeatable)
		r = add_home(b, cur->anchor, o, at, value);
	else
		r = o->parse(o, value, (char *)cur->target + o->offset);
	if (cur->anchor) {
		cur->anchor->option[option_index(o)] = *value ? at : (struct conf_where){0};
		cur->anchor->wrong[option_index(o)] = r < 0;
	}
	if (r < 0)
		conf_report(b->errors, at, "%s= does not accept %s%s; accepted: %s", o->key,
			    o->secret ? "this value (not shown)" : QUOTED(value),
			    strpbrk(value, "#;") ? " (a comment needs a line of its own)" : "",
			    o->accepted);
}

int build_add(struct conf_build *b, const char *file, const char *text, size_t len)
{
	struct current cur = {0};
	struct ini_reader reader = {0};
	struct ini_line line;
	int r;

	r = ini_open(&reader, text, len);
	while (r == 0 && (line = ini_next(&reader)).kind != INI_END) {
		struct conf_where at = {file, line.number};

		switch (line.kind) {
		case INI_SECTION:
			r = begin_section(b, &cur, at, line.name);
			break;
		case INI_ASSIGNMENT:
			assign(b, &cur, at, &line);
			break;
		case INI_BAD_SECTION:
			end_section(b, &cur);
			conf_report(b->errors, at, "%s", line.why);
			break;
		case INI_BAD:
			conf_report(b->errors, at, "%s", line.why);
			break;
		case INI_END:
			break;
		}
	}
	end_section(b, &cur);
	ini_close(&reader);
	return r;
}
