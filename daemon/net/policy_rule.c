/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/policy_rule.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "net/internal.h"
#include "net/netlink.h"

#define PORT_DNS 53
#define PORT_DNS_TLS 853

static struct policy_route jump(uint32_t base, uint32_t priority)
{
	return (struct policy_route){
		.priority = base + priority,
		.action = FR_ACT_GOTO,
		.target = base + POLICY_END,
	};
}

struct policy_route policy_route_hold(uint32_t base)
{
	return jump(base, POLICY_HOLD);
}

static bool covers(const struct net_policy *p, uint8_t protocol, uint16_t port)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->rule[i].protocol == protocol &&
		    (!p->rule[i].port_from ||
		     (p->rule[i].port_from <= port && port <= p->rule[i].port_to)))
			return true;
	return false;
}

static unsigned guard_port(const struct net_policy *p, uint32_t base, uint8_t protocol,
			   uint16_t port, struct policy_route *ret)
{
	if (!covers(p, protocol, port))
		return 0;
	*ret = jump(base, POLICY_GUARD);
	ret->protocol = protocol;
	ret->port_from = ret->port_to = port;
	return 1;
}

/*
 * Who has a source address has chosen: a rule with a source never matches while there is none yet.  Questions to a resolver
 * are over before a move matters, and what is for the link alone is not for policy.
 */
static unsigned make_guards(const struct net_policy *p, uint32_t base, struct policy_route *ret)
{
	unsigned n = 4;

	for (unsigned i = 0; i < n; i++)
		ret[i] = jump(base, POLICY_GUARD);
	ret[0].source = (struct ip6_prefix){.len = 1};
	ret[1].source = (struct ip6_prefix){.addr.s6_addr = {0x80}, .len = 1};
	ret[2].destination = (struct ip6_prefix){.addr.s6_addr = {0xfe, 0x80}, .len = 10};
	ret[3].destination = (struct ip6_prefix){.addr.s6_addr = {0xff}, .len = 8};
	n += guard_port(p, base, IPPROTO_TCP, PORT_DNS, &ret[n]);
	n += guard_port(p, base, IPPROTO_TCP, PORT_DNS_TLS, &ret[n]);
	n += guard_port(p, base, IPPROTO_UDP, PORT_DNS, &ret[n]);
	n += guard_port(p, base, IPPROTO_UDP, PORT_DNS_TLS, &ret[n]);
	return n;
}

static struct policy_route make_rule(const struct net_policy_rule *rule, uint32_t table,
				     uint32_t base)
{
	struct policy_route r = jump(base, POLICY_FIRST + rule->order);

	if (table) {
		r.action = FR_ACT_TO_TBL;
		r.target = table;
	}
	r.protocol = rule->protocol;
	r.port_from = rule->port_from;
	r.port_to = rule->port_to;
	r.destination = rule->destination;
	r.has_user = rule->has_user;
	r.user = rule->user;
	return r;
}

unsigned policy_routes_make(const struct net_policy *p,
			    const uint32_t table[static SERVICE_TYPE_MAX], uint32_t base,
			    struct policy_route ret[static POLICY_RULES_MAX])
{
	unsigned last = p->n, n = 0;

	/* Behind the last that gives an address everything is left to the kernel anyway. */
	while (last && !table[p->rule[last - 1].service])
		last--;
	if (!last)
		return 0;
	ret[n] = jump(base, POLICY_END);
	ret[n].action = FR_ACT_NOP;
	ret[n++].target = 0;
	n += make_guards(p, base, &ret[n]);
	for (unsigned i = 0; i < last; i++)
		ret[n++] = make_rule(&p->rule[i], table[p->rule[i].service], base);
	return n;
}

bool policy_route_equal(const struct policy_route *a, const struct policy_route *b)
{
	return a->priority == b->priority && a->action == b->action && a->target == b->target &&
	       a->protocol == b->protocol && a->port_from == b->port_from &&
	       a->port_to == b->port_to && prefix_equal(&a->source, &b->source) &&
	       prefix_equal(&a->destination, &b->destination) && a->has_user == b->has_user &&
	       (!a->has_user || a->user == b->user);
}

/* --- netlink ------------------------------------------------------------------------------ */

static void put_prefix(struct nlmsghdr *h, uint16_t type, const struct ip6_prefix *p)
{
	if (p->len)
		mnl_attr_put(h, type, sizeof(p->addr), &p->addr);
}

struct nlmsghdr *policy_route_message(char buf[static POLICY_ROUTE_MESSAGE],
				      const struct policy_route *r, bool add)
{
	const struct fib_rule_port_range ports = {r->port_from, r->port_to};
	const struct fib_rule_uid_range users = {r->user, r->user};
	struct nlmsghdr *h =
		netlink_message(buf, add ? RTM_NEWRULE : RTM_DELRULE,
				add ? NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK : NLM_F_ACK,
				sizeof(struct fib_rule_hdr));
	struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(h);

	frh->family = AF_INET6;
	frh->src_len = r->source.len;
	frh->dst_len = r->destination.len;
	frh->action = r->action;
	mnl_attr_put_u32(h, FRA_PRIORITY, r->priority);
	mnl_attr_put_u8(h, FRA_PROTOCOL, NET_PROTOCOL);
	mnl_attr_put_strz(h, FRA_IIFNAME, "lo");
	put_prefix(h, FRA_SRC, &r->source);
	put_prefix(h, FRA_DST, &r->destination);
	if (r->action == FR_ACT_TO_TBL)
		mnl_attr_put_u32(h, FRA_TABLE, r->target);
	if (r->action == FR_ACT_GOTO)
		mnl_attr_put_u32(h, FRA_GOTO, r->target);
	if (r->protocol)
		mnl_attr_put_u8(h, FRA_IP_PROTO, r->protocol);
	if (r->port_from)
		mnl_attr_put(h, FRA_DPORT_RANGE, sizeof(ports), &ports);
	if (r->has_user)
		mnl_attr_put(h, FRA_UID_RANGE, sizeof(users), &users);
	return h;
}

static const void *payload(const struct nlattr *a, size_t size)
{
	return a && mnl_attr_get_payload_len(a) >= size ? mnl_attr_get_payload(a) : NULL;
}

static uint32_t number(const struct nlattr *a)
{
	const void *p = payload(a, sizeof(uint32_t));
	uint32_t v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return v;
}

static struct ip6_prefix prefix(const struct nlattr *a, uint8_t len)
{
	const struct in6_addr *addr = payload(a, sizeof(*addr));

	return addr && len ? prefix_make(addr, len) : (struct ip6_prefix){.len = 0};
}

bool policy_route_parse(const struct nlmsghdr *h, uint32_t base, struct policy_route *ret)
{
	const struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[FRA_MAX + 1];
	const struct fib_rule_port_range *ports;
	const struct fib_rule_uid_range *users;
	const uint8_t *protocol;

	if (h->nlmsg_type != RTM_NEWRULE || mnl_nlmsg_get_payload_len(h) < sizeof(*frh) ||
	    frh->family != AF_INET6)
		return false;
	netlink_attributes(h, sizeof(*frh), tb, FRA_MAX);
	protocol = payload(tb[FRA_PROTOCOL], 1);
	*ret = (struct policy_route){
		.priority = number(tb[FRA_PRIORITY]),
		.action = frh->action,
		.target = number(tb[frh->action == FR_ACT_GOTO ? FRA_GOTO : FRA_TABLE]),
		.source = prefix(tb[FRA_SRC], frh->src_len),
		.destination = prefix(tb[FRA_DST], frh->dst_len),
	};
	if (!protocol || *protocol != NET_PROTOCOL || ret->priority < base + POLICY_HOLD ||
	    ret->priority > base + POLICY_END)
		return false;
	if (frh->action == FR_ACT_NOP)
		ret->target = 0;
	if ((protocol = payload(tb[FRA_IP_PROTO], 1)))
		ret->protocol = *protocol;
	if ((ports = payload(tb[FRA_DPORT_RANGE], sizeof(*ports)))) {
		ret->port_from = ports->start;
		ret->port_to = ports->end;
	}
	if ((users = payload(tb[FRA_UID_RANGE], sizeof(*users)))) {
		ret->has_user = true;
		ret->user = users->start;
	}
	return true;
}
