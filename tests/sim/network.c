/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "host.h"

#define BIRTH_REAL (1800000000 * USEC_PER_SEC)
#define LATE (1500 * USEC_PER_MSEC) /* at most, of a message that others overtake */

void network_init(struct network *n, uint64_t seed, usec_t now)
{
	memset(n, 0, sizeof(*n));
	n->rng.state = seed;
	sched_init(&n->sched, now);
	list_init(&n->hosts);
}

void network_free(struct network *n)
{
	for (unsigned i = 0; i < n->n_agents; i++)
		agent_free(n->agent[i]);
	free(n->agent);
	free(n->place);
	sched_free(&n->sched);
}

struct place *network_add_places(struct network *n, unsigned count)
{
	n->n_places = count;
	n->place = sim_alloc(count * sizeof(*n->place));
	for (unsigned i = 0; i < count; i++) {
		struct place *p = &n->place[i];
		struct in6_addr a = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8, 0x0a}};

		a.s6_addr[6] = (uint8_t)((i + 1) >> 8);
		a.s6_addr[7] = (uint8_t)(i + 1);
		p->prefix = prefix_make(&a, 64);
		p->router = (struct in6_addr){
			.s6_addr = {0xfe, 0x80, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)(i + 1)}};
		p->delay = 5 * USEC_PER_MSEC;
		p->interval = 10 * USEC_PER_SEC;
		p->valid = 86400;
		p->preferred = 14400;
		p->router_lifetime = 1800;
		snprintf(p->name, sizeof(p->name), "place-%u", i + 1);
	}
	return n->place;
}

struct home_agent *network_add_agent(struct network *n, struct home_agent *a)
{
	n->agent = realloc(n->agent, (n->n_agents + 1) * sizeof(*n->agent));
	if (!n->agent)
		abort();
	n->agent[n->n_agents++] = a;
	return a;
}

void network_trace(const struct network *n, const char *fmt, ...)
{
	va_list ap;

	if (!n->trace)
		return;
	fprintf(n->trace, "%12.6f  ", (double)n->sched.now / 1e6);
	va_start(ap, fmt);
	vfprintf(n->trace, fmt, ap);
	va_end(ap);
	fputc('\n', n->trace);
}

void network_disturb(struct network *n, struct host *h, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	if (!n->observer.disturbed && !n->trace)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	network_trace(n, "! %s", text);
	if (n->observer.disturbed)
		n->observer.disturbed(n->observer.user, h, text);
}

void network_broken(struct network *n, struct host *h, const char *invariant, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n->observer.broken)
		n->observer.broken(n->observer.user, h, invariant, text);
}

void network_post(struct network *n, usec_t delay, sched_run *arrive, const struct mail *m)
{
	const struct faults *f = &n->faults;
	unsigned copies = 1;
	size_t size = offsetof(struct mail, octets) + m->len;

	n->messages++;
	if (rng_chance(&n->rng, f->loss)) {
		network_disturb(n, m->host, "a message is lost");
		return;
	}
	copies += rng_chance(&n->rng, f->duplicate);
	for (unsigned i = 0; i < copies; i++) {
		usec_t d = delay + rng_between(&n->rng, 0, f->jitter);

		if (rng_chance(&n->rng, f->late)) {
			d += rng_between(&n->rng, 0, LATE);
			network_disturb(n, m->host, "a message is late");
		}
		sched_at(&n->sched, n->sched.now + d, arrive, n, sim_copy(m, size));
	}
}

bool network_carry(struct network *n, usec_t delay, usec_t *ret_delay)
{
	n->packets++;
	if (rng_chance(&n->rng, n->faults.loss))
		return false;
	*ret_delay = delay + rng_between(&n->rng, 0, n->faults.jitter);
	return true;
}

usec_t network_real(const struct network *n)
{
	return BIRTH_REAL + n->sched.now;
}

struct home_agent *network_find_binding(struct network *n, const struct in6_addr *home)
{
	struct home_agent *found = NULL;
	usec_t newest = 0;

	for (unsigned i = 0; i < n->n_agents; i++) {
		const struct cache_entry *c = agent_lookup(n->agent[i], home);

		if (!c || n->agent[i]->down || c->since < newest)
			continue;
		newest = c->since;
		found = c->bound && c->expires > n->sched.now ? n->agent[i] : NULL;
	}
	return found;
}

struct home_agent *network_find_agent(struct network *n, const struct in6_addr *address)
{
	for (unsigned i = 0; i < n->n_agents; i++)
		if (addr_equal(&n->agent[i]->address, address))
			return n->agent[i];
	return NULL;
}
