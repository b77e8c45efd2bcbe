/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of all options: the parser stores by it, the sample file and the list of the man page
 * are written from it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONF_N_OPTIONS 60
#define CONF_OPTION_LONGEST 24 /* letters of a key */
#define CONF_CREDENTIAL_PREFIX "credential:"

enum conf_section {
	CONF_DAEMON, /* struct conf */
	CONF_LINK,   /* struct conf_link */
	CONF_ANCHOR, /* struct conf_anchor */
	CONF_PREFIX, /* struct conf_prefix */
	CONF_DOMAIN, /* struct conf_domain */
	CONF_SECTION_MAX,
};

struct conf_section_info {
	const char *name;
	const char *title;  /* as people write it */
	const char *sample; /* header in the sample file */
	const char *help;   /* sentences, each ended by a newline */
};
extern const struct conf_section_info conf_sections[CONF_SECTION_MAX];

struct conf_option {
	enum conf_section section;
	const char *key;
	int (*parse)(const struct conf_option *o, const char *s, void *field); /* value.h */
	size_t offset, size;             /* of the field in the struct of the section */
	int64_t min, max;                /* numbers; time spans in microseconds */
	int (*lookup)(const char *name); /* enumerations: the value, or negative */
	/* Lists, to which each assignment adds and an empty one clears them: of one item, and where the
	 * struct counts them.  The field holds size / item of them. */
	size_t item, count;
	/* Where the struct notes that the option was assigned: a bit of an unsigned, or without a bit a
	 * bool.  0: nowhere. */
	size_t given;
	unsigned given_bit;
	bool secret;          /* a wrong value may be a key: never show it */
	const char *fallback; /* default, as it would be written; NULL: none */
	const char *example;  /* for the sample when there is no default */
	const char *accepted; /* in words, to stand behind "accepted: " */
	const char *help;     /* one sentence */
};
extern const struct conf_option conf_options[CONF_N_OPTIONS];
#define CONF_OPTIONS_END (conf_options + CONF_N_OPTIONS)

/* NULL when the section has no such option. */
const struct conf_option *option_find(enum conf_section section, const char *key);
unsigned option_index(const struct conf_option *o);

/* Store a value that is no list item, and note it.  0, or -EINVAL and nothing changed. */
int option_store(const struct conf_option *o, const char *s, void *section);
/* Give one field, or all fields of a section, their defaults. */
void option_reset(const struct conf_option *o, void *section);
void options_reset(enum conf_section section, void *target);
