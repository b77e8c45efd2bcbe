/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "settings.h"

#include <stdlib.h>
#include <string.h>

#define KEY_LEN 16

struct conf *settings_new(void)
{
	struct conf *c = sim_alloc(sizeof(*c));

	c->hold_time = 10 * USEC_PER_SEC;
	c->liveness = true;
	c->probe_interval = USEC_PER_SEC;
	c->probe_count = 3;
	c->idle_probe_interval = 30 * USEC_PER_SEC;
	c->measure_anchors = true;
	list_init(&c->rules);
	list_init(&c->prefixes);
	list_init(&c->domains);
	list_init(&c->links);
	list_init(&c->anchors);
	return c;
}

void settings_free(struct conf *c)
{
	struct conf_anchor *a, *ta;
	struct conf_link *l, *tl;
	struct policy_rule *r, *tr;

	list_for_each_safe(a, ta, &c->anchors, node)
		free(a);
	list_for_each_safe(l, tl, &c->links, node)
		free(l);
	list_for_each_safe(r, tr, &c->rules, node)
		free(r);
	free(c);
}

struct conf_anchor *settings_add_anchor(struct conf *c, const char *name,
					const struct home_agent *a)
{
	struct conf_anchor *ca = sim_alloc(sizeof(*ca));

	snprintf(ca->name, sizeof(ca->name), "%s", name);
	if (a) {
		ca->has_address = true;
		ca->address = a->address;
	}
	ca->service = SERVICE_FIXED;
	ca->lifetime = 1800 * USEC_PER_SEC;
	ca->first_timeout = 1500 * USEC_PER_MSEC;
	ca->has_key = true;
	ca->spi = 256;
	ca->algorithm = CONF_HMAC_SHA256_128;
	ca->replay = CONF_REPLAY_TIMESTAMP;
	ca->key_len = KEY_LEN;
	for (unsigned i = 0; i < KEY_LEN; i++)
		ca->key[i] = (uint8_t)(17 * i + (unsigned char)name[i % strlen(name)]);
	list_append(&c->anchors, &ca->node);
	return ca;
}

void settings_add_home(struct conf_anchor *a, const struct in6_addr *home)
{
	a->home[a->n_homes++] =
		(struct conf_home){.address = *home, .prefix = prefix_make(home, 64)};
}

void settings_add_prefix(struct conf_anchor *a, const struct ip6_prefix *prefix)
{
	a->prefix[a->n_prefixes++] = *prefix;
}

void settings_add_link(struct conf *c, const char *match, int preference, usec_t settle)
{
	struct conf_link *l = sim_alloc(sizeof(*l));

	snprintf(l->match, sizeof(l->match), "%s", match);
	l->use = l->optimistic_dad = true;
	l->preference = preference;
	l->settle_time = settle;
	list_append(&c->links, &l->node);
}

void settings_add_rule(struct conf *c, const char *name, uint16_t port, enum service_type service)
{
	struct policy_rule *r = sim_alloc(sizeof(*r));

	snprintf(r->name, sizeof(r->name), "%s", name);
	snprintf(r->where, sizeof(r->where), "simulation:1");
	r->n_ports = 1;
	r->port[0] = (struct policy_ports){port, port};
	r->service = service;
	list_append(&c->rules, &r->node);
}

void settings_share_key(const struct conf_anchor *c, struct home_agent *a)
{
	a->has_sa = c->has_key;
	a->check_clock = c->replay == CONF_REPLAY_TIMESTAMP;
	a->sa.spi = c->spi;
	a->sa.alg = (enum mip_auth_alg)c->algorithm;
	a->sa.key_len = c->key_len;
	memcpy(a->sa.key, c->key, c->key_len);
}
