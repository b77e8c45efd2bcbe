/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"
#include "conf/conf.h"
#include "conf/options.h"

int value_bool(const struct conf_option *o, const char *s, void *field)
{
	static const char *const yes[] = {"yes", "true", "on", "1"};
	static const char *const no[] = {"no", "false", "off", "0"};

	(void)o;
	for (unsigned i = 0; i < 4; i++) {
		bool is_yes = strcasecmp(s, yes[i]) == 0;

		if (is_yes || strcasecmp(s, no[i]) == 0) {
			*(bool *)field = is_yes;
			return 0;
		}
	}
	return -EINVAL;
}

/* Decimal, or hexadecimal after 0x; a leading zero does not mean octal. */
static int parse_number(const struct conf_option *o, const char *s, int64_t *ret)
{
	int base = strncasecmp(s, "0x", 2) == 0 ? 16 : 10;
	const char *first = *s == '-' ? s + 1 : s;
	long long v;
	char *end;

	if (*first < '0' || *first > '9')
		return -EINVAL;
	errno = 0;
	v = strtoll(s, &end, base);
	if (errno || *end || v < o->min || v > o->max)
		return -EINVAL;
	*ret = v;
	return 0;
}

int value_int(const struct conf_option *o, const char *s, void *field)
{
	int64_t v;
	int r = parse_number(o, s, &v);

	if (r == 0)
		*(int *)field = (int)v;
	return r;
}

int value_uint32(const struct conf_option *o, const char *s, void *field)
{
	int64_t v;
	int r = parse_number(o, s, &v);

	if (r == 0)
		*(uint32_t *)field = (uint32_t)v;
	return r;
}

int value_enum(const struct conf_option *o, const char *s, void *field)
{
	int v = o->lookup(s);

	if (v < 0)
		return -EINVAL;
	memcpy(field, &v, sizeof(v));
	return 0;
}

int value_span(const struct conf_option *o, const char *s, void *field)
{
	usec_t v;

	if (timespan_parse(s, &v) < 0 || v < (usec_t)o->min || v > (usec_t)o->max)
		return -EINVAL;
	*(usec_t *)field = v;
	return 0;
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

static int store_text(const struct conf_option *o, const char *s, size_t len, void *field)
{
	if (len >= o->size || has_control(s))
		return -EINVAL;
	memcpy(field, s, len);
	((char *)field)[len] = '\0';
	return 0;
}

int value_path(const struct conf_option *o, const char *s, void *field)
{
	size_t len = strlen(s);

	if (*s != '/')
		return -EINVAL;
	while (len > 0 && s[len - 1] == '/')
		len--;
	return len ? store_text(o, s, len, field) : -EINVAL;
}

bool credential_name_is_valid(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int value_key_source(const struct conf_option *o, const char *s, void *field)
{
	size_t prefix = strlen(CONF_CREDENTIAL_PREFIX);

	if (strncmp(s, CONF_CREDENTIAL_PREFIX, prefix) != 0)
		return value_path(o, s, field);
	return credential_name_is_valid(s + prefix) ? store_text(o, s, strlen(s), field) : -EINVAL;
}

int value_identifier(const struct conf_option *o, const char *s, void *field)
{
	return strpbrk(s, " \t") ? -EINVAL : store_text(o, s, strlen(s), field);
}

int value_patterns(const struct conf_option *o, const char *s, void *field)
{
	char text[CONF_NAME_MAX + 1];
	size_t len = strlen(s);

	if (len >= sizeof(text))
		return -EINVAL;
	for (size_t i = 0; i <= len; i++)
		text[i] = (char)(s[i] == '\t' ? ' ' : s[i]);
	return store_text(o, text, len, field);
}

int value_interface(const struct conf_option *o, const char *s, void *field)
{
	/* What /proc/sys/net/ipv6/conf has besides interfaces, and the one that is never ours. */
	static const char *const taken[] = {".", "..", "all", "default", "lo"};
	size_t len = strlen(s);

	if (len >= IFNAMSIZ || strpbrk(s, "/:% \t"))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		if (strcmp(s, taken[i]) == 0)
			return -EINVAL;
	return store_text(o, s, len, field);
}

int value_address(const struct conf_option *o, const char *s, void *field)
{
	struct in6_addr a;

	(void)o;
	if (addr_parse(s, &a) < 0 || !addr_is_routable(&a))
		return -EINVAL;
	*(struct in6_addr *)field = a;
	return 0;
}

int value_home(const struct conf_option *o, const char *s, void *field)
{
	struct conf_home h;
	char text[INET6_ADDRSTRLEN];

	if (strcmp(s, "auto") == 0) {
		*(struct conf_home *)field = (struct conf_home){.address = IN6ADDR_ANY_INIT};
		return 0;
	}
	if (prefix_parse(s, &h.prefix) < 0 || h.prefix.len < 1 || h.prefix.len > 127)
		return -EINVAL;
	/* prefix_parse() saw to it that what is in front of the slash fits. */
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(s, "/"), s);
	if (value_address(o, text, &h.address) < 0)
		return -EINVAL;
	/* All bits behind the prefix zero: the routers' anycast address (RFC 4291 section 2.6.1),
	 * which links of two routers do without (RFC 6164). */
	if (h.prefix.len < 127 && addr_equal(&h.address, &h.prefix.addr))
		return -EINVAL;
	*(struct conf_home *)field = h;
	return 0;
}
