/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy for unmodified applications by routing rules, where the hooks of the kernel are missing: rules (conf/policy.h) as
 * net/policy_route.c takes them, and the addresses that are best now.
 */
#include "sock/policy.h"

#include <stdio.h>
#include <string.h>

#include "sock/internal.h"

#define HOUR (3600 * USEC_PER_SEC)

/* --- translation ---------------------------------------------------------------------------------- */

enum { TCP, UDP, PROTOCOLS };
static const uint8_t numbers[PROTOCOLS] = {[TCP] = IPPROTO_TCP, [UDP] = IPPROTO_UDP};

/* What one rule gives, by protocol. */
struct gift {
	bool any[PROTOCOLS];
	enum service_type service[PROTOCOLS];
};

/* Does a later rule name UDP?  Then those before it that are for any protocol stand in front of it. */
static bool names_udp_behind(const struct list *rules, const struct policy_rule *rule)
{
	for (const struct list *l = rule->node.next; l != rules; l = l->next)
		if (list_entry(l, struct policy_rule, node)->protocols & POLICY_UDP)
			return true;
	return false;
}

static void note(char name[static POLICY_NAME_MAX + 1], const struct policy_rule *rule)
{
	if (!name[0])
		memcpy(name, rule->name, POLICY_NAME_MAX + 1);
}

static enum service_type service_of(const struct policy_rule *rule, bool fixed_for_all,
				    struct policy_gaps *gaps)
{
	if (rule->service == SERVICE_NON_PERSISTENT)
		return rule->service;
	if (rule->executable[0] || rule->control_group[0]) {
		note(gaps->program, rule);
		return SERVICE_NON_PERSISTENT;
	}
	if (rule->service == SERVICE_FIXED && !fixed_for_all) {
		note(gaps->fixed, rule);
		return SERVICE_NON_PERSISTENT;
	}
	return rule->service;
}

/* Datagrams only where they are named: name resolution tries sources by connecting such sockets. */
static struct gift gift_of(const struct list *rules, const struct policy_rule *rule,
			   bool fixed_for_all, struct policy_gaps *gaps)
{
	enum service_type service = service_of(rule, fixed_for_all, gaps);
	bool named = rule->protocols & POLICY_UDP;

	return (struct gift){
		.any = {[TCP] = !rule->protocols || (rule->protocols & POLICY_TCP),
			[UDP] = named || (!rule->protocols && names_udp_behind(rules, rule))},
		.service = {[TCP] = service, [UDP] = named ? service : SERVICE_NON_PERSISTENT},
	};
}

/* Can it have the same priority as what was before it? */
static bool agrees(const struct gift *before, const struct gift *now)
{
	for (unsigned i = 0; i < PROTOCOLS; i++)
		if (before->any[i] && now->any[i] && before->service[i] != now->service[i])
			return false;
	return true;
}

static void join(struct gift *before, const struct gift *now)
{
	for (unsigned i = 0; i < PROTOCOLS; i++) {
		if (!now->any[i])
			continue;
		before->any[i] = true;
		before->service[i] = now->service[i];
	}
}

static unsigned at_least_one(unsigned n)
{
	return n ? n : 1;
}

static unsigned combinations(const struct policy_rule *rule)
{
	return at_least_one(rule->n_ports) * at_least_one(rule->n_destinations) *
	       at_least_one(rule->n_users);
}

static struct net_policy_rule combination(const struct policy_rule *rule, unsigned which)
{
	unsigned port = which % at_least_one(rule->n_ports);
	unsigned destination = which / at_least_one(rule->n_ports);
	unsigned user = destination / at_least_one(rule->n_destinations);
	struct net_policy_rule r = {.has_user = rule->n_users > 0};

	destination %= at_least_one(rule->n_destinations);
	if (rule->n_ports) {
		r.port_from = rule->port[port].from;
		r.port_to = rule->port[port].to;
	}
	if (rule->n_destinations)
		r.destination = rule->destination[destination];
	if (rule->n_users)
		r.user = rule->user[user];
	return r;
}

static void add(struct net_policy *p, const struct policy_rule *rule, const struct gift *g,
		unsigned order)
{
	for (unsigned i = 0; i < PROTOCOLS; i++)
		for (unsigned k = 0; g->any[i] && k < combinations(rule); k++) {
			struct net_policy_rule *r = &p->rule[p->n++];

			*r = combination(rule, k);
			r->order = order;
			r->protocol = numbers[i];
			r->service = g->service[i];
		}
}

void policy_translate(const struct list *rules, bool fixed_for_all, struct net_policy *ret,
		      struct policy_gaps *gaps)
{
	const struct policy_rule *rule;
	struct gift before = {0};
	unsigned order = 0;

	*gaps = (struct policy_gaps){0};
	ret->n = 0;
	list_for_each(rule, rules, node) {
		struct gift g;

		if (rule->n_local_ports) /* for those that listen */
			continue;
		g = gift_of(rules, rule, fixed_for_all, gaps);
		if (!agrees(&before, &g)) {
			order++;
			before = (struct gift){0};
		}
		join(&before, &g);
		if (order == NET_POLICY_ORDERS ||
		    combinations(rule) * (g.any[TCP] + g.any[UDP]) > NET_POLICY_RULES - ret->n) {
			note(gaps->rest, rule);
			return;
		}
		add(ret, rule, &g, order);
	}
}

/* --- life ----------------------------------------------------------------------------------------- */

static bool is_on(const struct sock *s)
{
	switch (s->conf->policy_routing) {
	case CONF_POLICY_ROUTING_NO:
		return false;
	case CONF_POLICY_ROUTING_YES:
		return true;
	case CONF_POLICY_ROUTING_AUTO:
		return !s->hooks;
	case CONF_POLICY_ROUTING_MAX:
		break;
	}
	return false;
}

static unsigned types(const struct sock_policy *p)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < p->routes.n; i++)
		bits |= 1u << p->routes.rule[i].service;
	return bits;
}

void policy_words(const struct sock *s, char *ret, size_t size)
{
	const struct policy_gaps *g = &s->policy.gaps;
	int n;

	if (!s->policy.on) {
		snprintf(ret, size, "%s",
			 s->hooks ? "by the socket hooks" : "only when an address is left");
		return;
	}
	n = snprintf(ret, size, "by routing rules");
	if (g->program[0] && (size_t)n < size)
		n += snprintf(ret + n, size - (size_t)n,
			      "; those that name programs, such as %.40s, only when an address is "
			      "left",
			      g->program);
	if (g->fixed[0] && (size_t)n < size)
		n += snprintf(ret + n, size - (size_t)n,
			      "; so is %.40s, as not everybody may have a fixed one", g->fixed);
	if (g->rest[0] && (size_t)n < size)
		snprintf(ret + n, size - (size_t)n, "; from %.40s on too many: likewise", g->rest);
}

/* A rule in the kernel cannot wait: addresses that it may have to give are made before. */
static int on_hour(sd_event_source *source, uint64_t usec, void *user)
{
	const usec_t now = loop_now().mono;
	struct sock *s = user;
	struct sock_policy *p = &s->policy;

	(void)usec;
	if (!p->on)
		return 0;
	if (!p->prepared_at || now - p->prepared_at >= SOCK_PREPARE_INTERVAL) {
		sock_want_all(s, types(p));
		p->prepared_at = now;
	}
	loop_timer_set(source, now + HOUR);
	return 0;
}

int policy_init(struct sock *s)
{
	return loop_timer_new(s->ev, on_hour, s, &s->policy.hourly);
}

void policy_configure(struct sock *s)
{
	struct sock_policy *p = &s->policy;
	char words[256];

	p->on = is_on(s);
	p->routes.n = 0;
	p->gaps = (struct policy_gaps){0};
	if (!p->on)
		return;
	policy_translate(&s->conf->rules, s->conf->fixed.all, &p->routes, &p->gaps);
	p->prepared_at = 0;
	loop_timer_set(p->hourly, loop_now().mono);
	policy_words(s, words, sizeof(words));
	if (p->gaps.program[0] || p->gaps.fixed[0] || p->gaps.rest[0])
		log_notice("policy for applications that do not ask: %s", words);
}

void policy_publish(struct sock *s)
{
	struct sock_policy *p = &s->policy;

	for (unsigned i = 0; i < SERVICE_TYPE_MAX; i++) {
		int best = i == SERVICE_NON_PERSISTENT ? -1 : offer_for(s, (enum service_type)i);

		p->routes.source[i] = best < 0 ? in6addr_any : s->offers.offer[best].source;
	}
	net_route_policy(s->net, p->on ? &p->routes : NULL);
}

void policy_stop(struct sock *s, bool keep)
{
	if (s->started && s->policy.on && !keep)
		net_route_policy(s->net, NULL);
	s->policy.on = false;
	s->policy.hourly = sd_event_source_disable_unref(s->policy.hourly);
}
