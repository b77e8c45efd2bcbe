/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of options that are names, prefixes or words of a set. */
#include "conf/value.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/options.h"

#define LETTERS_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define LABEL_MAX 63

bool value_is_name(const char *s)
{
	size_t n = strspn(s, LETTERS_DIGITS "._-");

	return isalnum((unsigned char)*s) && s[n] == '\0' && n <= CONF_NAME_MAX;
}

int value_name(const struct conf_option *o, const char *s, void *field)
{
	if (!value_is_name(s) || strlen(s) >= o->size)
		return -EINVAL;
	memcpy(field, s, strlen(s) + 1);
	return 0;
}

/* Names of service records have underscores. */
static bool is_label(const char *s, size_t len)
{
	return len > 0 && len <= LABEL_MAX && strspn(s, LETTERS_DIGITS "_-") >= len &&
	       s[0] != '-' && s[len - 1] != '-';
}

int value_parse_domain(const char *s, char *ret)
{
	size_t len = strlen(s);

	if (len > 0 && s[len - 1] == '.')
		len--;
	if (len == 0 || len > CONF_DOMAIN_MAX)
		return -EINVAL;
	for (size_t from = 0, n; from <= len; from += n + 1) {
		n = strcspn(s + from, ".");
		if (n > len - from)
			n = len - from;
		if (!is_label(s + from, n))
			return -EINVAL;
	}
	for (size_t i = 0; i < len; i++)
		ret[i] = (char)tolower((unsigned char)s[i]);
	ret[len] = '\0';
	return 0;
}

int value_domain(const struct conf_option *o, const char *s, void *field)
{
	(void)o;
	return value_parse_domain(s, field);
}

int value_parse_prefix(const char *s, struct ip6_prefix *ret)
{
	struct in6_addr written;
	struct ip6_prefix p;
	char text[ADDR_STRLEN];

	if (prefix_parse(s, &p) < 0)
		return -EINVAL;
	/* prefix_parse() clears what is behind the length: who wrote it meant something else. */
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(s, "/"), s);
	if (addr_parse(text, &written) < 0 || !addr_equal(&written, &p.addr))
		return -EINVAL;
	if (p.len && (addr_is_linklocal(&p.addr) || addr_is_multicast(&p.addr)))
		return -EINVAL;
	*ret = p;
	return 0;
}

int value_prefix(const struct conf_option *o, const char *s, void *field)
{
	struct ip6_prefix p;

	if (value_parse_prefix(s, &p) < 0 || p.len < o->min || p.len > o->max)
		return -EINVAL;
	*(struct ip6_prefix *)field = p;
	return 0;
}

int value_discover(const struct conf_option *o, const char *s, void *field)
{
	static const struct {
		const char *word;
		unsigned flag;
	} ways[] = {
		{"router-advertisement", CONF_DISCOVER_RA},
		{"dhaad", CONF_DISCOVER_DHAAD},
		{"dns", CONF_DISCOVER_DNS},
	};
	unsigned found = 0;

	(void)o;
	while (*s) {
		size_t len = strcspn(s, " \t"), i = 0;

		while (i < 3 && (strlen(ways[i].word) != len || memcmp(ways[i].word, s, len) != 0))
			i++;
		if (i == 3)
			return -EINVAL;
		found |= ways[i].flag;
		s += len;
		s += strspn(s, " \t");
	}
	*(unsigned *)field = found;
	return 0;
}

int value_option_type(const struct conf_option *o, const char *s, void *field)
{
	uint32_t v = 0;
	int r = strcmp(s, "off") == 0 ? 0 : value_uint32(o, s, &v);

	if (r == 0)
		*(uint8_t *)field = (uint8_t)v;
	return r;
}
