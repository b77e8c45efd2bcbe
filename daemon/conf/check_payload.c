/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sections with payload protection need, and what they must agree on so that nothing leaves unprotected. */
#include <string.h>

#include "base/addr.h"
#include "conf/build.h"

static struct conf_where where(const struct anchor_source *s, const char *key)
{
	struct conf_where at = source_where(&s->source, CONF_ANCHOR, key);

	return at.file ? at : s->source.section;
}

static bool is_protected(const struct conf_anchor *a)
{
	return a->protection != CONF_PROTECTION_NO;
}

static void check_one(struct conf_build *b, const struct anchor_source *s)
{
	const struct conf_anchor *a = s->anchor;
	bool file_wrong = source_was_wrong(&s->source, CONF_ANCHOR, "PayloadKeyFile");

	if (!is_protected(a)) {
		/* Who gives keys wants them used; no has to be said. */
		if (a->payload_key_file[0] &&
		    !source_where(&s->source, CONF_ANCHOR, "PayloadProtection").file &&
		    !source_was_wrong(&s->source, CONF_ANCHOR, "PayloadProtection"))
			conf_report(b->errors, where(s, "PayloadKeyFile"),
				    "[Anchor %s] has PayloadKeyFile= without PayloadProtection=esp",
				    a->name);
		return;
	}
	if (!a->payload_key_file[0] && !file_wrong)
		conf_report(b->errors, where(s, "PayloadProtection"),
			    "[Anchor %s] has PayloadProtection=esp, which needs PayloadKeyFile=",
			    a->name);
	if (a->discover)
		conf_report(b->errors, where(s, "Discover"),
			    "[Anchor %s] has PayloadProtection=esp, which does not go with "
			    "Discover=: for home agents that are found there are no keys; give "
			    "Address= instead",
			    a->name);
	else if (!a->has_address && !source_was_wrong(&s->source, CONF_ANCHOR, "Address"))
		conf_report(b->errors, where(s, "PayloadProtection"),
			    "[Anchor %s] has PayloadProtection=esp, which needs Address=", a->name);
	if (b->conf->plane == CONF_PLANE_BPF)
		conf_report(b->errors, source_where(&b->daemon, CONF_DAEMON, "Plane"),
			    "Plane=bpf cannot protect payload, which PayloadProtection=esp of "
			    "[Anchor %s] asks for; accepted: auto or kernel",
			    a->name);
}

static bool overlap(const struct ip6_prefix *a, const struct ip6_prefix *b)
{
	return a->len <= b->len ? prefix_contains(a, &b->addr) : prefix_contains(b, &a->addr);
}

static const struct ip6_prefix *nth(const struct conf_anchor *a, unsigned i)
{
	return i < a->n_prefixes ? &a->prefix[i] : &a->home[i - a->n_prefixes].prefix;
}

static bool serve_the_same(const struct conf_anchor *a, const struct conf_anchor *b)
{
	for (unsigned i = 0; i < a->n_prefixes + a->n_homes; i++)
		for (unsigned j = 0; j < b->n_prefixes + b->n_homes; j++)
			if (overlap(nth(a, i), nth(b, j)))
				return true;
	return false;
}

static bool have_same_agent(const struct conf_anchor *a, const struct conf_anchor *b)
{
	return a->has_address && b->has_address && addr_equal(&a->address, &b->address);
}

static void check_pair(struct conf_build *b, const struct anchor_source *one,
		       const struct anchor_source *later)
{
	const struct conf_anchor *a = one->anchor, *c = later->anchor;

	if (a->protection == c->protection)
		return;
	if (have_same_agent(a, c))
		conf_report(b->errors, where(later, "PayloadProtection"),
			    "[Anchor %s] has the Address= of [Anchor %s], and so its tunnels: "
			    "PayloadProtection= must be the same",
			    c->name, a->name);
	else if (serve_the_same(a, c))
		conf_report(b->errors, where(later, "PayloadProtection"),
			    "[Anchor %s] may take over from [Anchor %s], which serves the same "
			    "prefix: PayloadProtection= must be the same",
			    c->name, a->name);
}

void build_check_payload(struct conf_build *b)
{
	for (unsigned i = 0; i < b->n_anchors; i++) {
		check_one(b, &b->anchors[i]);
		for (unsigned j = 0; j < i; j++)
			check_pair(b, &b->anchors[j], &b->anchors[i]);
	}
}

static void check_key_pair(struct conf_build *b, const struct anchor_source *one,
			   const struct anchor_source *later)
{
	const struct conf_anchor *a = one->anchor, *c = later->anchor;
	struct conf_where at = where(later, "PayloadKeyFile");

	if (!a->has_esp || !c->has_esp)
		return;
	if (have_same_agent(a, c)) {
		if (memcmp(&a->esp, &c->esp, sizeof(a->esp)) != 0)
			conf_report(b->errors, at,
				    "[Anchor %s] has the Address= of [Anchor %s], and so its "
				    "tunnels: the keys must be the same",
				    c->name, a->name);
		return;
	}
	if (payload_keys_share(&a->esp, &c->esp))
		conf_report(b->errors, at,
			    "[Anchor %s] has a key that [Anchor %s] has, too: each needs keys of "
			    "its own",
			    c->name, a->name);
	if (a->esp.in.spi == c->esp.in.spi)
		conf_report(b->errors, at,
			    "[Anchor %s] has the SPI-in= of [Anchor %s]: the host tells them apart "
			    "by it",
			    c->name, a->name);
}

void build_check_payload_keys(struct conf_build *b)
{
	for (unsigned i = 0; i < b->n_anchors; i++) {
		const struct anchor_source *s = &b->anchors[i];
		const struct conf_anchor *a = s->anchor;

		if (a->has_esp && a->has_key && payload_keys_have(&a->esp, a->key, a->key_len))
			conf_report(b->errors, where(s, "PayloadKeyFile"),
				    "[Anchor %s] has the key of KeyFile= in PayloadKeyFile= as "
				    "well: each needs a key of its own",
				    a->name);
		for (unsigned j = 0; j < i; j++)
			check_key_pair(b, &b->anchors[j], s);
	}
}
