/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only the whole configuration shows. */
#include "base/addr.h"
#include "conf/build.h"

static bool was_wrong(const struct anchor_source *s, const char *key)
{
	return s->wrong[option_index(option_find(CONF_ANCHOR, key))];
}

/* Absence is not reported again where a wrong value was. */
static void check_required(struct conf_build *b, const struct anchor_source *s)
{
	const struct conf_anchor *a = s->anchor;

	if (addr_is_any(&a->address) && !was_wrong(s, "Address"))
		conf_report(b->errors, s->section,
			    "[Anchor %s] needs Address=, the address of the home agent", a->name);
	if (a->n_homes == 0 && !was_wrong(s, "HomeAddress"))
		conf_report(b->errors, s->section,
			    "[Anchor %s] needs at least one HomeAddress=ADDRESS/LENGTH", a->name);
}

static void check_authentication(struct conf_build *b, const struct anchor_source *s)
{
	const struct conf_anchor *a = s->anchor;
	struct conf_where spi = anchor_source_where(s, "SPI");
	struct conf_where key = anchor_source_where(s, "KeyFile");
	struct conf_where insecure = anchor_source_where(s, "Insecure");

	if (was_wrong(s, "SPI") || was_wrong(s, "KeyFile") || was_wrong(s, "Insecure"))
		return;
	if (spi.file && !key.file)
		conf_report(b->errors, spi,
			    "[Anchor %s] has SPI= without KeyFile=; both belong "
			    "together",
			    a->name);
	else if (key.file && !spi.file)
		conf_report(b->errors, key,
			    "[Anchor %s] has KeyFile= without SPI=; both belong "
			    "together",
			    a->name);
	if (a->insecure && (spi.file || key.file))
		conf_report(b->errors, insecure,
			    "[Anchor %s] has Insecure=yes together with %s; remove one of them",
			    a->name, key.file ? "KeyFile=" : "SPI=");
	if (!a->insecure && !spi.file && !key.file)
		conf_report(
			b->errors, s->section,
			"[Anchor %s] has no key: set SPI= and KeyFile=, or Insecure=yes to "
			"register without authentication, which lets others redirect its traffic",
			a->name);
}

/* Home addresses before this one, over all anchors; the place of an equal one, or NULL. */
static const struct conf_where *find_home(const struct conf_build *b, unsigned anchor,
					  unsigned index, const struct in6_addr *address)
{
	for (unsigned i = 0; i <= anchor; i++) {
		const struct conf_anchor *a = b->anchors[i].anchor;

		for (unsigned j = 0; j < (i == anchor ? index : a->n_homes); j++)
			if (addr_equal(&a->home[j].address, address))
				return &b->anchors[i].home[j];
	}
	return NULL;
}

static void check_homes(struct conf_build *b, unsigned anchor)
{
	const struct anchor_source *s = &b->anchors[anchor];

	for (unsigned i = 0; i < s->anchor->n_homes; i++) {
		const struct in6_addr *home = &s->anchor->home[i].address;
		const struct conf_where *other = find_home(b, anchor, i, home);

		if (other)
			conf_report(b->errors, s->home[i],
				    "HomeAddress=%s is already given at %s:%u", ADDR_STR(home),
				    other->file, other->line);
		for (unsigned j = 0; j < b->n_anchors; j++)
			if (addr_equal(home, &b->anchors[j].anchor->address))
				conf_report(b->errors, s->home[i],
					    "HomeAddress=%s is the Address= of [Anchor %s]",
					    ADDR_STR(home), b->anchors[j].anchor->name);
	}
}

void build_check(struct conf_build *b)
{
	unsigned homes = 0;

	for (unsigned i = 0; i < b->n_anchors; i++) {
		const struct anchor_source *s = &b->anchors[i];

		check_required(b, s);
		check_authentication(b, s);
		check_homes(b, i);
		if (homes <= CONF_MAX_HOMES && homes + s->anchor->n_homes > CONF_MAX_HOMES)
			conf_report(b->errors, s->section,
				    "[Anchor %s] brings too many home addresses: at most %d over "
				    "all anchors",
				    s->anchor->name, CONF_MAX_HOMES);
		homes += s->anchor->n_homes;
	}
}
