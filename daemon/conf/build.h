/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration in the making: what the files said so far, and where each part came from. */
#pragma once

#include "conf/conf.h"
#include "conf/options.h"
#include "conf/report.h"

/* Places of one [Anchor NAME], for messages of checks that see the whole. */
struct anchor_source {
	struct conf_anchor *anchor;
	struct conf_where section;                /* where the name came up first */
	struct conf_where option[CONF_N_OPTIONS]; /* last assignment; file NULL: none */
	bool wrong[CONF_N_OPTIONS];               /* and its value was refused */
	struct conf_where home[CONF_MAX_HOMES];
};

struct conf_build {
	struct conf *conf;
	struct conf_errors *errors;
	struct anchor_source anchors[CONF_MAX_ANCHORS];
	unsigned n_anchors;
};

/* 0, or -ENOMEM.  build_free() also frees the configuration unless it was taken. */
int build_new(struct conf_errors *errors, struct conf_build **ret);
void build_free(struct conf_build *b);

/*
 * Add the text of one file; `file` stands in the messages and must outlive the build.  What is
 * wrong is reported.  0, or -ENOMEM.
 */
int build_add(struct conf_build *b, const char *file, const char *text, size_t len);

/* check.c: what can only be judged when all files are in; reports. */
void build_check(struct conf_build *b);

/* Where the option of an anchor was assigned last; file NULL: nowhere. */
struct conf_where anchor_source_where(const struct anchor_source *s, const char *key);
