/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of options: text to the field of a struct.
 *
 * Each parser takes the option (for its limits), the text without blanks around it and the field.
 * 0, or -EINVAL and the field untouched; what would be accepted stands in the option.
 */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "base/usec.h"

struct conf_option;

int value_bool(const struct conf_option *o, const char *s, void *field);
int value_int(const struct conf_option *o, const char *s, void *field);
int value_uint32(const struct conf_option *o, const char *s, void *field);
int value_enum(const struct conf_option *o, const char *s, void *field); /* o->lookup */
int value_span(const struct conf_option *o, const char *s, void *field);
int value_path(const struct conf_option *o, const char *s, void *field);
int value_key_source(const struct conf_option *o, const char *s, void *field);
int value_identifier(const struct conf_option *o, const char *s, void *field);
int value_patterns(const struct conf_option *o, const char *s, void *field);
int value_interface(const struct conf_option *o, const char *s, void *field);
int value_address(const struct conf_option *o, const char *s, void *field);
int value_prefix(const struct conf_option *o, const char *s, void *field);
/* struct conf_home; "auto" is the one whose address is :: */
int value_home(const struct conf_option *o, const char *s, void *field);
int value_name(const struct conf_option *o, const char *s, void *field); /* of an anchor */
int value_domain(const struct conf_option *o, const char *s, void *field);
int value_discover(const struct conf_option *o, const char *s, void *field); /* CONF_DISCOVER_* */
int value_option_type(const struct conf_option *o, const char *s, void *field); /* 0 for "off" */
/* struct conf_permission; names are looked up in the host's database. */
int value_permission(const struct conf_option *o, const char *s, void *field);

/* "PREFIX/LENGTH" with nothing but zeros behind the length.  0, or -EINVAL. */
int value_parse_prefix(const char *s, struct ip6_prefix *ret);
/* In lower case and without the dot at the end; ret has room for CONF_DOMAIN_MAX and the NUL. */
int value_parse_domain(const char *s, char *ret);
bool value_is_name(const char *s);

/* A time span: 90 (seconds), 90s, 1.5s, 5min, "1h 30min", 500ms.  0, or -EINVAL. */
int timespan_parse(const char *s, usec_t *ret);
/* A name without '/', other than "." and "..", that systemd gave a credential. */
bool credential_name_is_valid(const char *name);
