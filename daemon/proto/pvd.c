/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/pvd.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "proto/date.h"

#define MAX_DEPTH 16 /* of arrays and objects in each other; what we read needs four */
#define VENDOR_KEY "vendor-dmmd"

DEFINE_CLEANUP(json_t *, json_decref);

/* The decoder calls itself for each level, and would do so far deeper. */
static bool depth_possible(const char *text, size_t len)
{
	unsigned depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			depth++;
		else if (!in_string && (c == '}' || c == ']') && depth > 0)
			depth--;
		if (depth > MAX_DEPTH)
			return false;
	}
	return true;
}

static int parse_identifier(const json_t *root, struct pvd_info *info)
{
	const char *s = json_string_value(json_object_get(root, "identifier"));
	size_t len = s ? strlen(s) : 0;

	if (len > 0 && s[len - 1] == '.')
		len--;
	if (len == 0 || len > PVD_MAX_NAME)
		return -EBADMSG;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (!isalnum(c) && c != '-' && c != '_' && c != '.')
			return -EBADMSG;
		info->identifier[i] = (char)tolower(c);
	}
	return 0;
}

static int parse_prefixes(const json_t *root, struct pvd_info *info)
{
	const json_t *array = json_object_get(root, "prefixes"), *item;
	size_t i;

	if (!json_is_array(array))
		return -EBADMSG;
	if (json_array_size(array) > PVD_MAX_PREFIXES)
		return -E2BIG;
	json_array_foreach(array, i, item)
	{
		const char *s = json_string_value(item);

		if (!s || prefix_parse(s, &info->prefix[info->n_prefixes].prefix) < 0)
			return -EBADMSG;
		info->n_prefixes++;
	}
	return 0;
}

static bool anchor_possible(const char *s)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++)
		if (!isgraph((unsigned char)s[i]))
			return false;
	return len > 0 && len <= PROPERTY_ANCHOR_MAX;
}

static void parse_properties(const json_t *o, struct properties *p)
{
	const char *service = json_string_value(json_object_get(o, "service"));
	const char *anchoring = json_string_value(json_object_get(o, "anchoring"));
	const char *anchor = json_string_value(json_object_get(o, "anchor"));
	const char *mobility = json_string_value(json_object_get(o, "mobility"));
	const json_t *cost = json_object_get(o, "cost");
	int v;

	memset(p, 0, sizeof(*p));
	if (service && (v = service_type_parse(service)) >= 0) {
		p->service = (enum service_type)v;
		p->set |= 1u << PROPERTY_SERVICE;
	}
	if (anchoring && (v = prefix_anchoring_parse(anchoring)) > PREFIX_ANCHORING_UNKNOWN) {
		p->anchoring = (enum prefix_anchoring)v;
		p->set |= 1u << PROPERTY_ANCHORING;
	}
	if (anchor && anchor_possible(anchor)) {
		strcpy(p->anchor, anchor);
		p->set |= 1u << PROPERTY_ANCHOR;
	}
	if (mobility && (v = prefix_mobility_parse(mobility)) > PREFIX_MOBILITY_UNKNOWN) {
		p->mobility = (enum prefix_mobility)v;
		p->set |= 1u << PROPERTY_MOBILITY;
	}
	if (json_is_integer(cost) && json_integer_value(cost) >= 0 &&
	    json_integer_value(cost) <= UINT32_MAX) {
		p->cost = (uint32_t)json_integer_value(cost);
		p->set |= 1u << PROPERTY_COST;
	}
}

/* The domain has authority over its own prefixes and over what is inside them. */
static bool inside(const struct pvd_info *info, unsigned n, const struct ip6_prefix *p)
{
	for (unsigned i = 0; i < n; i++)
		if (p->len >= info->prefix[i].prefix.len &&
		    prefix_contains(&info->prefix[i].prefix, &p->addr))
			return true;
	return false;
}

static struct pvd_prefix *find_or_add(struct pvd_info *info, const struct ip6_prefix *p)
{
	for (unsigned i = 0; i < info->n_prefixes; i++)
		if (prefix_equal(&info->prefix[i].prefix, p))
			return &info->prefix[i];
	if (info->n_prefixes == PVD_MAX_PREFIXES)
		return NULL;
	info->prefix[info->n_prefixes].prefix = *p;
	return &info->prefix[info->n_prefixes++];
}

static int parse_vendor(json_t *root, struct pvd_info *info)
{
	json_t *prefixes = json_object_get(json_object_get(root, VENDOR_KEY), "prefixes"), *value;
	unsigned n_own = info->n_prefixes;
	const char *key;

	json_object_foreach(prefixes, key, value)
	{
		struct properties properties;
		struct pvd_prefix *to;
		struct ip6_prefix p;

		if (prefix_parse(key, &p) < 0 || !inside(info, n_own, &p))
			continue;
		parse_properties(value, &properties);
		if (!properties.set)
			continue;
		to = find_or_add(info, &p);
		if (!to)
			return -E2BIG;
		if (!to->properties.set) /* one prefix may be spelled in two ways */
			to->properties = properties;
	}
	return 0;
}

int pvd_info_parse(const char *text, size_t len, struct pvd_info *ret)
{
	_cleanup_(json_decref_cleanup) json_t *root = NULL;
	struct pvd_info info;
	const char *expires;
	int r;

	if (len > PVD_MAX_JSON)
		return -E2BIG;
	if (!depth_possible(text, len))
		return -EBADMSG;
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(root))
		return -EBADMSG;
	memset(&info, 0, sizeof(info));
	expires = json_string_value(json_object_get(root, "expires"));
	if (!expires || date_parse(expires, &info.expires_real) < 0)
		return -EBADMSG;
	if ((r = parse_identifier(root, &info)) < 0 || (r = parse_prefixes(root, &info)) < 0 ||
	    (r = parse_vendor(root, &info)) < 0)
		return r;
	info.no_internet = json_is_true(json_object_get(root, "noInternet"));
	memcpy(ret, &info, sizeof(*ret));
	return 0;
}
