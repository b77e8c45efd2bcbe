/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration parser; the same octets as content of a key file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "conf/conf.h"
#include "conf/keyfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static bool has_anchor(const struct conf *c, const char *name)
{
	const struct conf_anchor *a;

	list_for_each(a, &c->anchors, node)
		if (strcmp(a->name, name) == 0)
			return true;
	return false;
}

static void check_properties(const struct conf *c, const struct properties *p)
{
	require(p->set < 1u << PROPERTY_MAX);
	require(!properties_have(p, PROPERTY_ANCHOR) || has_anchor(c, p->anchor));
}

static void check_sections(const struct conf *c)
{
	const struct conf_prefix *p;
	const struct conf_domain *d;
	unsigned prefixes = 0, domains = 0;

	list_for_each(p, &c->prefixes, node) {
		check_properties(c, &p->properties);
		require(conf_prefix_find(c, &p->prefix) == &p->properties);
		prefixes++;
	}
	list_for_each(d, &c->domains, node) {
		check_properties(c, &d->properties);
		require(conf_domain_find(c, d->name) == &d->properties);
		domains++;
	}
	require(prefixes <= CONF_MAX_PREFIXES && domains <= CONF_MAX_DOMAINS);
}

/* What the rest of the daemon relies on. */
static void check(const struct conf *c)
{
	unsigned anchors = 0, homes = 0, prefixes = 0;
	const struct conf_anchor *a;

	check_sections(c);
	list_for_each(a, &c->anchors, node) {
		anchors++;
		homes += a->n_homes;
		prefixes += a->n_prefixes;
		require(a->name[0] && (a->n_homes || a->home_auto || a->n_prefixes));
		require(a->has_address ? addr_is_routable(&a->address) : a->discover != 0);
		require(!(a->discover & CONF_DISCOVER_DNS) == !a->domain[0]);
		require(!(a->discover & CONF_DISCOVER_RA) || a->n_prefixes);
		require(a->insecure ? !a->spi && !a->key_file[0] : a->spi >= 256 && a->key_file[0]);
		require(a->lifetime >= 8 * USEC_PER_SEC && a->lifetime <= 262140 * USEC_PER_SEC);
		for (unsigned i = 0; i < a->n_homes; i++)
			require(prefix_contains(&a->home[i].prefix, &a->home[i].address) &&
				!addr_equal(&a->home[i].address, &a->address));
	}
	require(anchors <= CONF_MAX_ANCHORS && homes <= CONF_MAX_HOMES &&
		prefixes <= CONF_MAX_PREFIXES);
	require(c->probe_count >= 1 && c->probe_interval && c->idle_probe_interval);
	require(!c->property_option || c->property_option >= 253);
	require(c->policy_directory[0] == '/');
	require(c->device[0] && c->state_file[0] == '/' && c->pin_directory[0] == '/');
	require(c->route_table >= 256 && c->rule_priority >= 1);
	require(conf_link_find(c, "eth0") && conf_link_find(c, "wlan0"));
}

static void fuzz_payload_keys(const char *text, size_t size)
{
	struct conf_esp e = {.out.spi = 1};
	char why[160] = "";

	if (payload_keys_parse(text, size, &e, why, sizeof(why)) == 0)
		require(e.out.spi >= 256 && e.in.spi >= 256 && e.out.encryption_len >= 16 &&
			e.in.encryption_len <= ESP_ENCRYPTION_MAX);
	else
		require(why[0] && strlen(why) < sizeof(why) && e.out.spi == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	struct conf_errors errors;
	struct conf *c = NULL;
	uint8_t key[CONF_KEY_MAX];
	const char *why = NULL;
	size_t len = 0;
	int r;

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	errors = (struct conf_errors){.out = nowhere};
	r = conf_parse_buffer("fuzz", (const char *)data, size, &errors, &c);
	require((r == 0) == (errors.n == 0) && (r == 0) == (c != NULL));
	if (c)
		check(c);
	conf_free(c);

	if (keyfile_parse((const char *)data, size, key, &len, &why) == 0)
		require(len >= KEYFILE_KEY_MIN && len <= CONF_KEY_MAX);
	else
		require(why && len == 0);
	fuzz_payload_keys((const char *)data, size);
	return 0;
}
