/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A text read as configuration, with the messages that came out; temporary files. */
#pragma once

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"

/* A complete anchor without authentication, to which tests add. */
#define ANCHOR_HEAD "[Anchor home]\nAddress=2001:db8:1::1\n"
#define ANCHOR_HOME "HomeAddress=2001:db8:1::10/64\n"
#define ANCHOR_OK ANCHOR_HEAD ANCHOR_HOME "Insecure=yes\n"

struct outcome {
	int r;
	struct conf *conf;
	char *messages;
	unsigned n;
};

static inline struct outcome run_conf(const char *path, const char *text, size_t len)
{
	struct outcome o = {0};
	size_t size;
	struct conf_errors errors = {.out = open_memstream(&o.messages, &size)};

	cr_assert_not_null(errors.out);
	o.r = text ? conf_parse_buffer("t.conf", text, len, &errors, &o.conf)
		   : conf_load(path, &errors, &o.conf);
	fclose(errors.out);
	o.n = errors.n;
	return o;
}

static inline void outcome_done(struct outcome *o)
{
	conf_free(o->conf);
	free(o->messages);
}

static inline struct outcome accept_conf(const char *text)
{
	struct outcome o = run_conf(NULL, text, strlen(text));

	cr_assert_eq(o.r, 0, "%s\n%s", text, o.messages);
	cr_assert_eq(o.n, 0);
	return o;
}

/* Refused with exactly these lines. */
static inline void refuse_conf(const char *text, const char *messages)
{
	struct outcome o = run_conf(NULL, text, strlen(text));
	unsigned lines = 0;

	cr_assert_eq(o.r, -EINVAL, "%s", text);
	cr_assert_null(o.conf);
	cr_assert_str_eq(o.messages, messages);
	for (const char *p = o.messages; *p; p++)
		lines += *p == '\n';
	cr_assert_eq(o.n, lines);
	outcome_done(&o);
}

/* Refused, and somewhere in the messages stands this. */
static inline void refuse_with(const char *text, const char *part)
{
	struct outcome o = run_conf(NULL, text, strlen(text));

	cr_assert_eq(o.r, -EINVAL, "%s", text);
	cr_assert_not_null(strstr(o.messages, part), "%s\ndoes not contain: %s", o.messages, part);
	outcome_done(&o);
}

static inline struct conf_anchor *first_anchor(const struct outcome *o)
{
	cr_assert_not(list_empty(&o->conf->anchors));
	return list_entry(o->conf->anchors.next, struct conf_anchor, node);
}

struct tmpdir {
	char path[64];
};

static inline struct tmpdir tmpdir_new(void)
{
	struct tmpdir t = {"/tmp/dmmd-test-XXXXXX"};

	cr_assert_not_null(mkdtemp(t.path));
	return t;
}

/* Remove the directory and everything in it. */
static inline void tmpdir_done(const struct tmpdir *t)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r -- '%s'", t->path);
	cr_assert_eq(system(command), 0);
}

struct tmppath {
	char s[160];
};

static inline struct tmppath tmpdir_file(const struct tmpdir *t, const char *name, const char *text,
					 mode_t mode)
{
	struct tmppath p;
	int fd;

	snprintf(p.s, sizeof(p.s), "%s/%s", t->path, name);
	if (text) {
		fd = open(p.s, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		cr_assert_geq(fd, 0);
		cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
		cr_assert_eq(fchmod(fd, mode), 0);
		close(fd);
	}
	return p;
}
