/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses for sockets that ask for nothing, by routing rules:
 *
 *   HOLD   to END                        while the address that is given is about to change
 *   GUARD  from ANY to END               who has bound an address has chosen; link-local, multicast, name servers
 *   ...    tcp dport PORT lookup TABLE   the table of the home address that the policy gives: its default routes name the
 *          udp uidrange USER to END      source that the kernel then takes; or left to the kernel
 *   END
 *
 * END is a rule that does nothing: whatever is not for us meets the rules of the host and of others behind it.  The kernel
 * looks up the route before it chooses the source, so the rule and the source in its route belong together.  Forwarded
 * packets have another input interface.
 *
 * What is in the kernel is read and compared each time: what an earlier run has left, or somebody removed, is no special case.
 */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "net/internal.h"
#include "net/netlink.h"
#include "net/policy_rule.h"

#define FOUND_MAX (2 * POLICY_RULES_MAX)

struct policy_routing {
	struct mnl_socket *socket;
	unsigned port;
	struct policy_route wanted[POLICY_RULES_MAX];
	unsigned n;
	uint64_t slots; /* whose tables they name */
	bool known;     /* what is in the kernel is what is wanted, for all we know */
	bool held;
	bool refused; /* by the kernel, and it has been said */
};

/* In the kernel now. */
struct found {
	uint32_t base;
	unsigned n;
	bool too_many;
	struct policy_route rule[FOUND_MAX];
};

static int on_rule(const struct nlmsghdr *h, void *user)
{
	struct found *f = user;
	struct policy_route r;

	if (!policy_route_parse(h, f->base, &r))
		return MNL_CB_OK;
	f->too_many = f->too_many || f->n == FOUND_MAX;
	if (f->n < FOUND_MAX)
		f->rule[f->n++] = r;
	return MNL_CB_OK;
}

static int read_rules(struct net *n, struct found *f)
{
	char buf[POLICY_ROUTE_MESSAGE];
	struct nlmsghdr *h =
		netlink_message(buf, RTM_GETRULE, NLM_F_DUMP, sizeof(struct fib_rule_hdr));

	((struct fib_rule_hdr *)mnl_nlmsg_get_payload(h))->family = AF_INET6;
	f->base = n->conf->rule_priority;
	f->n = 0;
	f->too_many = false;
	return netlink_talk_on(n->policy->socket, h, on_rule, f);
}

static bool is_among(const struct policy_route *r, const struct policy_route *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (policy_route_equal(r, &list[i]))
			return true;
	return false;
}

static int change(struct net *n, const struct policy_route *r, bool add)
{
	char buf[POLICY_ROUTE_MESSAGE];
	int e = netlink_talk_on(n->policy->socket, policy_route_message(buf, r, add), NULL, NULL);

	return e == (add ? -EEXIST : -ENOENT) ? 0 : e;
}

/* --- what is wanted ----------------------------------------------------------------------- */

/* New sessions can start from there, and get somewhere. */
static bool leads(const struct installed *h)
{
	const struct path *p = &h->path;

	if (!h->present || p->closed || p->adopt)
		return false;
	switch (p->mode) {
	case PATH_HOME:
		return !addr_is_any(&p->next_hop);
	case PATH_TUNNEL:
		return true;
	case PATH_BLOCKED:
		return p->wake;
	case PATH_MODE_MAX:
		break;
	}
	return false;
}

static uint32_t table_of(struct net *n, const struct in6_addr *source)
{
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++)
		if (leads(&n->home[i]) && addr_equal(&n->home[i].path.home, source))
			return n->conf->route_table + i;
	return 0;
}

static uint64_t slots_of(const struct net *n, const struct policy_route *r, unsigned count)
{
	uint64_t slots = 0;

	for (unsigned i = 0; i < count; i++)
		if (r[i].action == FR_ACT_TO_TBL)
			slots |= UINT64_C(1) << (r[i].target - n->conf->route_table);
	return slots;
}

/* After a restart: what was there before is right until it is known to be wrong. */
static bool is_adopting(const struct net *n)
{
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++)
		if (n->home[i].present && n->home[i].path.adopt && !n->home[i].path.closed)
			return true;
	return false;
}

static bool lacks_source(const struct net_policy *p, const uint32_t *table)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->rule[i].service != SERVICE_NON_PERSISTENT && !table[p->rule[i].service])
			return true;
	return false;
}

/* --- into the kernel ---------------------------------------------------------------------- */

static bool is_right(const struct policy_routing *p, const struct found *f)
{
	for (unsigned i = 0; i < p->n; i++)
		if (!is_among(&p->wanted[i], f->rule, f->n))
			return false;
	return f->n == p->n;
}

/* Those of one priority, or all but these, the last one first. */
static int drop(struct net *n, const struct found *f, uint32_t priority, bool others)
{
	const struct policy_routing *p = n->policy;
	int r = 0;

	for (unsigned i = f->n; i-- > 0 && r == 0;)
		if ((f->rule[i].priority - f->base == priority) != others &&
		    !is_among(&f->rule[i], p->wanted, p->n))
			r = change(n, &f->rule[i], false);
	return r;
}

/* While some rules are old and some are new, none acts; the end is there as long as anything leads to it. */
static int replace(struct net *n, const struct found *f)
{
	const struct policy_route hold = policy_route_hold(f->base);
	const struct policy_routing *p = n->policy;
	int r = f->n ? change(n, &hold, true) : 0;

	for (unsigned i = 0; i < p->n && r == 0; i++)
		if (!is_among(&p->wanted[i], f->rule, f->n))
			r = change(n, &p->wanted[i], true);
	if (r < 0 || (r = drop(n, f, POLICY_END, true)) < 0 || (r = change(n, &hold, false)) < 0)
		return r;
	return drop(n, f, POLICY_END, false);
}

static int apply(struct net *n)
{
	struct policy_routing *p = n->policy;
	struct found f;
	int r = read_rules(n, &f);

	if (r == 0 && !is_right(p, &f))
		r = replace(n, &f);
	if (r < 0)
		return r;
	p->held = false;
	p->known = !f.too_many;
	return 0;
}

static int refused(struct net *n, int error)
{
	struct policy_routing *p = n->policy;

	if (!p->refused)
		log_errno(error, "routing rules of the policy cannot be changed: it acts only when "
				 "an address is left");
	p->refused = true;
	/* Half of a policy is none. */
	p->n = 0;
	p->slots = 0;
	apply(n);
	return error;
}

static int open_socket(struct net *n)
{
	struct policy_routing *p;

	if (n->policy)
		return 0;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!p->socket || mnl_socket_bind(p->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int r = -errno;

		if (p->socket)
			mnl_socket_close(p->socket);
		free(p);
		return r;
	}
	p->port = mnl_socket_get_portid(p->socket);
	n->policy = p;
	return 0;
}

int net_route_policy(struct net *n, const struct net_policy *policy)
{
	static const struct net_policy nothing;
	const struct net_policy *wanted = policy ? policy : &nothing;
	struct policy_route now[POLICY_RULES_MAX];
	uint32_t table[SERVICE_TYPE_MAX] = {0};
	struct policy_routing *p;
	bool same = true;
	unsigned n_now;
	int r = open_socket(n);

	if (r < 0)
		return r;
	p = n->policy;
	for (unsigned i = SERVICE_NON_PERSISTENT + 1; i < SERVICE_TYPE_MAX; i++)
		if (!addr_is_any(&wanted->source[i]))
			table[i] = table_of(n, &wanted->source[i]);
	if (!p->known && is_adopting(n) && lacks_source(wanted, table))
		return 0;
	n_now = policy_routes_make(wanted, table, n->conf->rule_priority, now);
	for (unsigned i = 0; i < n_now && i < p->n && same; i++)
		same = policy_route_equal(&now[i], &p->wanted[i]);
	if (p->known && !p->held && same && n_now == p->n)
		return 0;
	memcpy(p->wanted, now, n_now * sizeof(*now));
	p->n = n_now;
	p->slots = slots_of(n, now, n_now);
	r = apply(n);
	return r < 0 ? refused(n, r) : 0;
}

/* --- what others do ----------------------------------------------------------------------- */

void policy_route_before(struct net *n, const struct installed *h, const struct path *next)
{
	const struct policy_route hold = policy_route_hold(n->conf->rule_priority);
	struct policy_routing *p = n->policy;

	if (!p || p->held || !h->present || !(p->slots & (UINT64_C(1) << h->path.slot)))
		return;
	if (next && !next->closed && (next->mode == h->path.mode || !leads(h)))
		return;
	/* One rule, and all of them are out of the way: a handover is not to wait for more. */
	if (change(n, &hold, true) == 0)
		p->held = true;
}

int policy_route_repair(struct net *n)
{
	/* What is held is about to be replaced. */
	return n->policy && n->policy->known && !n->policy->held ? apply(n) : 0;
}

bool policy_route_is_own(const struct net *n, const struct nlmsghdr *h)
{
	return n->policy && h->nlmsg_pid == n->policy->port;
}

void policy_route_audit(struct net *n, struct audit *a)
{
	const struct policy_routing *p = n->policy;
	unsigned missing = 0, strange = 0;
	struct found f;

	if (!p || !p->known || p->held)
		return;
	if (read_rules(n, &f) < 0) {
		audit_add(a, false, "rules of the policy", "cannot be read; try again");
		return;
	}
	for (unsigned i = 0; i < p->n; i++)
		missing += !is_among(&p->wanted[i], f.rule, f.n);
	for (unsigned i = 0; i < f.n; i++)
		strange += !is_among(&f.rule[i], p->wanted, p->n);
	if (missing || strange)
		audit_add(a, false, "rules of the policy",
			  "%u missing, %u that do not belong there" AUDIT_REPAIR_HELPS, missing,
			  strange);
	else if (p->n)
		audit_add(a, true, "rules of the policy", "%s", "");
}

void policy_route_free(struct net *n)
{
	if (!n->policy)
		return;
	mnl_socket_close(n->policy->socket);
	free(n->policy);
	n->policy = NULL;
}
