/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/build.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/ini.h"
#include "conf/suggest.h"
#include "conf/value.h"

int build_new(struct conf_errors *errors, struct conf_build **ret)
{
	struct conf_build *b = calloc(1, sizeof(*b));
	struct conf *c = calloc(1, sizeof(*c));

	if (!b || !c) {
		free(b);
		free(c);
		return -ENOMEM;
	}
	list_init(&c->rules);
	list_init(&c->prefixes);
	list_init(&c->domains);
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

struct conf_where source_where(const struct source *s, enum conf_section section, const char *key)
{
	return s->option[option_index(option_find(section, key))];
}

bool source_was_wrong(const struct source *s, enum conf_section section, const char *key)
{
	return s->wrong[option_index(option_find(section, key))];
}

/* A wrong word is repeated in a message only if it cannot be a key that went astray. */
static bool looks_like_name(const char *s)
{
	size_t n = 0;

	while (isalpha((unsigned char)s[n]))
		n++;
	return s[n] == '\0' && n <= CONF_OPTION_LONGEST;
}

static void report_option(struct conf_build *b, struct conf_where at, enum conf_section section,
			  const char *key)
{
	const char *title = conf_sections[section].title;
	struct suggestion near = {0};
	char list[512] = "", hint[96] = "";
	size_t n = 0;

	for (const struct conf_option *o = conf_options; o < CONF_OPTIONS_END; o++) {
		if (o->section == section) {
			suggestion_offer(&near, key, o->key);
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s=", n ? ", " : "",
					      o->key);
		} else if (!hint[0] && strcmp(o->key, key) == 0) {
			snprintf(hint, sizeof(hint), ", it belongs in %s",
				 conf_sections[o->section].title);
		}
	}
	if (!hint[0] && near.name)
		snprintf(hint, sizeof(hint), ", did you mean %s=?", near.name);
	conf_report(b->errors, at, "unknown option %s in %s%s; accepted: %s",
		    looks_like_name(key) ? QUOTED(key) : "(not shown)", title, hint, list);
}

/* The lists are all of anchors: each value is added. */
static int add_item(struct conf_build *b, struct anchor_source *s, const struct conf_option *o,
		    struct conf_where at, const char *value)
{
	struct conf_anchor *a = s->anchor;
	unsigned *n = (unsigned *)(void *)((char *)a + o->count);
	bool is_home = o->parse == value_home;
	union {
		struct conf_home home;
		struct ip6_prefix prefix;
	} item;

	if (o->parse(o, value, &item) < 0)
		return -EINVAL;
	if (is_home && addr_is_any(&item.home.address)) {
		if (a->home_auto)
			conf_report(b->errors, at, "HomeAddress=auto is already given at %s:%u",
				    s->home_auto.file, s->home_auto.line);
		a->home_auto = true;
		s->home_auto = at;
		return 0;
	}
	if (*n == o->size / o->item) {
		conf_report(b->errors, at, "%s=%s is one too many: at most %u", o->key, value, *n);
		return 0;
	}
	(is_home ? s->home : s->prefix)[*n] = at;
	memcpy((char *)a + o->offset + *n * o->item, &item, o->item);
	++*n;
	return 0;
}

static void assign(struct conf_build *b, struct current *cur, struct conf_where at,
		   const struct ini_line *line)
{
	const struct conf_option *o;
	const char *value = line->value;
	int r = 0;

	if (!cur->any) {
		conf_report(b->errors, at, "stands in front of the first section; sections: %s",
			    section_titles(&(struct section_titles){{0}}));
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
	else if (o->item)
		r = add_item(b, cur->anchor, o, at, value);
	else
		r = option_store(o, value, cur->target);
	if (cur->source) {
		cur->source->option[option_index(o)] = *value ? at : (struct conf_where){0};
		cur->source->wrong[option_index(o)] = r < 0;
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
			r = section_begin(b, &cur, at, line.name);
			break;
		case INI_ASSIGNMENT:
			assign(b, &cur, at, &line);
			break;
		case INI_BAD_SECTION:
			section_end(b, &cur);
			conf_report(b->errors, at, "%s", line.why);
			break;
		case INI_BAD:
			conf_report(b->errors, at, "%s", line.why);
			break;
		case INI_END:
			break;
		}
	}
	section_end(b, &cur);
	ini_close(&reader);
	return r;
}
