/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users and groups as values of options. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/value.h"

/* Of a number in digits; the largest stands for "nobody at all". */
static int parse_id(const char *s, uint32_t *ret)
{
	uint64_t v = 0;

	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		v = v * 10 + (uint64_t)(*s - '0');
		if (v >= UINT32_MAX)
			return -EINVAL;
	}
	*ret = (uint32_t)v;
	return 0;
}

static int find_user(const char *name, uid_t *ret)
{
	const struct passwd *p;

	if (*name >= '0' && *name <= '9')
		return parse_id(name, ret);
	p = getpwnam(name);
	if (!p)
		return -EINVAL;
	*ret = p->pw_uid;
	return 0;
}

static int find_group(const char *name, gid_t *ret)
{
	const struct group *g;

	if (*name >= '0' && *name <= '9')
		return parse_id(name, ret);
	g = *name ? getgrnam(name) : NULL;
	if (!g)
		return -EINVAL;
	*ret = g->gr_gid;
	return 0;
}

static int add(struct conf_permission *p, const char *word)
{
	bool is_group = *word == '@';

	if ((is_group ? p->n_groups : p->n_users) == CONF_MAX_PERMITTED)
		return -EINVAL;
	if (is_group ? find_group(word + 1, &p->group[p->n_groups]) < 0
		     : find_user(word, &p->user[p->n_users]) < 0)
		return -EINVAL;
	++*(is_group ? &p->n_groups : &p->n_users);
	return 0;
}

int value_permission(const struct conf_option *o, const char *s, void *field)
{
	struct conf_permission p = {.all = strcmp(s, "all") == 0};
	char *text, *save, *word;
	int r = 0;

	(void)o;
	text = p.all ? NULL : strdup(s);
	if (!p.all && !text)
		return -EINVAL;
	for (word = text ? strtok_r(text, " \t", &save) : NULL; word && r == 0;
	     word = strtok_r(NULL, " \t", &save))
		r = add(&p, word);
	free(text);
	if (r < 0)
		return r;
	*(struct conf_permission *)field = p;
	return 0;
}
