/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "conf/files.h"
#include "conf/ini.h"
#include "conf/policy_value.h"
#include "conf/report.h"
#include "conf/suggest.h"
#include "conf/value.h"

#define FILE_SIZE_MAX (1024 * 1024)
#define SECTION "Rule"

/* One file as it is read. */
struct policy_reader {
	struct conf_errors *errors;
	struct list *rules;
	const struct list *before; /* the last rule of the files in front of this one */
	struct policy_rule
		*rule;        /* of the lines that follow; NULL: refused, they are passed over */
	struct conf_where at; /* its section */
	bool any;             /* a section was begun */
	bool has_service;     /* or the value was refused */
};

static unsigned count(const struct list *rules)
{
	unsigned n = 0;

	for (const struct list *l = rules->next; l != rules; l = l->next)
		n++;
	return n;
}

static const struct policy_rule *find_in_file(const struct policy_reader *p, const char *name)
{
	for (struct list *l = p->before->next; l != p->rules; l = l->next) {
		const struct policy_rule *rule = list_entry(l, struct policy_rule, node);

		if (strcmp(rule->name, name) == 0)
			return rule;
	}
	return NULL;
}

static void end_rule(struct policy_reader *p)
{
	if (p->rule && !p->has_service)
		conf_report(p->errors, p->at, "[Rule %s] needs Service=; accepted: %s",
			    p->rule->name, policy_keys[POLICY_N_KEYS - 1].accepted);
	p->rule = NULL;
	p->has_service = false;
	p->any = true;
}

static int begin_rule(struct policy_reader *p, struct conf_where at, char *title)
{
	size_t len = strcspn(title, " \t");
	const char *name = title + len + strspn(title + len, " \t");
	const struct policy_rule *other;
	struct policy_rule *rule;

	end_rule(p);
	title[len] = '\0';
	if (strcmp(title, SECTION) != 0) {
		conf_report(p->errors, at, "unknown section %s; accepted: [Rule NAME]",
			    QUOTED(title));
		return 0;
	}
	if (!value_is_name(name)) {
		conf_report(p->errors, at,
			    "[Rule %s]: a name is 1 to %d letters, digits, '.', '-' and '_', "
			    "beginning with a letter or digit",
			    QUOTED(name), POLICY_NAME_MAX);
		return 0;
	}
	other = find_in_file(p, name);
	if (other) {
		conf_report(p->errors, at, "[Rule %s] is already given at %s", name, other->where);
		return 0;
	}
	if (count(p->rules) == POLICY_MAX_RULES) {
		conf_report(p->errors, at, "[Rule %s] is one too many: at most %d rules", name,
			    POLICY_MAX_RULES);
		return 0;
	}
	rule = calloc(1, sizeof(*rule));
	if (!rule)
		return -ENOMEM;
	memcpy(rule->name, name, strlen(name));
	snprintf(rule->where, sizeof(rule->where), "%s:%u", at.file, at.line);
	list_append(p->rules, &rule->node);
	p->rule = rule;
	p->at = at;
	return 0;
}

static void report_key(const struct policy_reader *p, struct conf_where at, const char *key)
{
	struct suggestion near = {0};
	char list[128] = "";
	size_t n = 0;

	for (unsigned i = 0; i < POLICY_N_KEYS; i++) {
		suggestion_offer(&near, key, policy_keys[i].key);
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s=", i ? ", " : "",
				      policy_keys[i].key);
	}
	conf_report(p->errors, at, "unknown option %s in [Rule NAME]%s%s%s; accepted: %s",
		    QUOTED(key), near.name ? ", did you mean " : "", near.name ? near.name : "",
		    near.name ? "=?" : "", list);
}

static void add_value(struct policy_reader *p, struct conf_where at, const struct policy_key *k,
		      const char *value)
{
	int r = k->add(p->rule, value);

	if (r == -EINVAL)
		conf_report(p->errors, at, "%s= does not accept %s%s; accepted: %s", k->key,
			    QUOTED(value),
			    strpbrk(value, "#;") ? " (a comment needs a line of its own)" : "",
			    k->accepted);
	else if (r == -E2BIG)
		conf_report(p->errors, at, "%s=%s is one too many: at most %d", k->key, value,
			    POLICY_MAX_VALUES);
	else if (r == -ENOENT)
		conf_report(p->errors, at, "%s=: this host has no user %s; accepted: %s", k->key,
			    QUOTED(value), k->accepted);
}

static void assign(struct policy_reader *p, struct conf_where at, const struct ini_line *line)
{
	const struct policy_key *k = policy_keys;
	char *value = line->value, *save, *word;

	if (!p->any)
		conf_report(p->errors, at,
			    "stands in front of the first section; sections: "
			    "[Rule NAME]");
	p->any = true; /* once a file is enough */
	if (!p->rule)
		return;
	while (k < policy_keys + POLICY_N_KEYS && strcmp(k->key, line->name) != 0)
		k++;
	if (k == policy_keys + POLICY_N_KEYS) {
		report_key(p, at, line->name);
		return;
	}
	if (k == policy_keys + POLICY_N_KEYS - 1)
		p->has_service = *value;
	if (!*value)
		memset((char *)p->rule + k->offset, 0, k->size);
	else if (k->single)
		add_value(p, at, k, value);
	else
		for (word = strtok_r(value, " \t", &save); word;
		     word = strtok_r(NULL, " \t", &save))
			add_value(p, at, k, word);
}

static int add_text(const char *file, const char *text, size_t len, struct conf_errors *errors,
		    struct list *rules)
{
	struct policy_reader p = {.errors = errors, .rules = rules, .before = rules->prev};
	struct ini_reader reader = {0};
	struct ini_line line;
	int r;

	r = ini_open(&reader, text, len);
	while (r == 0 && (line = ini_next(&reader)).kind != INI_END) {
		struct conf_where at = {file, line.number};

		switch (line.kind) {
		case INI_SECTION:
			r = begin_rule(&p, at, line.name);
			break;
		case INI_ASSIGNMENT:
			assign(&p, at, &line);
			break;
		case INI_BAD_SECTION:
			end_rule(&p);
			conf_report(errors, at, "%s", line.why);
			break;
		case INI_BAD:
			conf_report(errors, at, "%s", line.why);
			break;
		case INI_END:
			break;
		}
	}
	end_rule(&p);
	ini_close(&reader);
	return r;
}

static int add_file(const char *path, struct conf_errors *errors, struct list *rules)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = file_read(path, FILE_SIZE_MAX, &text, &len);

	if (r < 0) {
		conf_report_file(errors, path, r, FILE_SIZE_MAX);
		return 0;
	}
	return add_text(path, text, len, errors, rules);
}

static int finish(int r, const struct conf_errors *errors, unsigned errors_before,
		  struct list *rules)
{
	if (r == 0 && errors->n != errors_before)
		r = -EINVAL;
	if (r < 0)
		policy_free(rules);
	return r;
}

int policy_load(const char *directory, struct conf_errors *errors, struct list *rules)
{
	unsigned before = errors->n;
	char **files;
	int r = 0, n;

	n = dropins_list(directory, &files);
	if (n < 0) {
		conf_report_file(errors, directory, n, FILE_SIZE_MAX);
		return -EINVAL;
	}
	for (int i = 0; i < n && r == 0; i++)
		r = add_file(files[i], errors, rules);
	dropins_free(files, n);
	return finish(r, errors, before, rules);
}

int policy_parse_buffer(const char *name, const char *text, size_t len, struct conf_errors *errors,
			struct list *rules)
{
	unsigned before = errors->n;

	return finish(add_text(name, text, len, errors, rules), errors, before, rules);
}

void policy_free(struct list *rules)
{
	struct policy_rule *rule, *next;

	list_for_each_safe(rule, next, rules, node)
		free(rule);
	list_init(rules);
}
