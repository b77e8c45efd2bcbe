/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration in the making: what the files said so far, and where each part came from. */
#pragma once

#include "conf/conf.h"
#include "conf/options.h"
#include "conf/report.h"

/* Places of one section, for messages of checks that see the whole. */
struct source {
	struct conf_where section;                /* where its title came up first */
	struct conf_where option[CONF_N_OPTIONS]; /* last assignment; file NULL: none */
	bool wrong[CONF_N_OPTIONS];               /* and its value was refused */
};

struct anchor_source { /* [Anchor NAME] */
	struct conf_anchor *anchor;
	struct source source;
	struct conf_where home[CONF_MAX_HOMES];
	struct conf_where home_auto;
	struct conf_where prefix[CONF_MAX_PREFIXES];
};

struct prefix_source { /* [Prefix PREFIX/LENGTH] */
	struct conf_prefix *prefix;
	struct source source;
};

struct domain_source { /* [Domain NAME] */
	struct conf_domain *domain;
	struct source source;
};

struct conf_build {
	struct conf *conf;
	struct conf_errors *errors;
	struct anchor_source anchors[CONF_MAX_ANCHORS];
	struct prefix_source prefixes[CONF_MAX_PREFIXES];
	struct domain_source domains[CONF_MAX_DOMAINS];
	unsigned n_anchors, n_prefixes, n_domains;
	struct source daemon; /* [Daemon] */
};

/* 0, or -ENOMEM.  build_free() also frees the configuration unless it was taken. */
int build_new(struct conf_errors *errors, struct conf_build **ret);
void build_free(struct conf_build *b);

/*
 * Add the text of one file; `file` stands in the messages and must outlive the build.  What is
 * wrong is reported.  0, or -ENOMEM.
 */
int build_add(struct conf_build *b, const char *file, const char *text, size_t len);

/* section.c: the section that is being read. */
struct current {
	enum conf_section section;
	void *target;                 /* its struct; NULL: refused, its lines are passed over */
	struct source *source;        /* NULL: nobody asks */
	struct anchor_source *anchor; /* of [Anchor NAME] */
	struct conf_where at;
	bool any; /* a section was begun in this file */
};
/* A line "[name]", which is taken apart; what is wrong is reported.  0, or -ENOMEM. */
int section_begin(struct conf_build *b, struct current *cur, struct conf_where at, char *name);
void section_end(struct conf_build *b, struct current *cur);
/* The titles of all sections in words. */
struct section_titles {
	char s[128];
};
const char *section_titles(struct section_titles *buf);

/* check.c: what can only be judged when all files are in; reports. */
void build_check(struct conf_build *b);
/* check_property.c: the part of [Prefix PREFIX/LENGTH] and [Domain NAME]. */
void build_check_properties(struct conf_build *b);

/* check_payload.c: the part of payload protection; and, when they have been read, of its keys. */
void build_check_payload(struct conf_build *b);
void build_check_payload_keys(struct conf_build *b);

/* Where the option of a section was assigned last; file NULL: nowhere. */
struct conf_where source_where(const struct source *s, enum conf_section section, const char *key);
/* Its last value was refused. */
bool source_was_wrong(const struct source *s, enum conf_section section, const char *key);
