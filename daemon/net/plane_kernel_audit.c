/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is the kernel plane as it should be? */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdio.h>

#include "net/netlink.h"
#include "net/plane_kernel.h"
#include "net/tc.h"

const char *kernel_check_path(struct plane *plane, const struct path *path)
{
	struct plane_kernel *k = to_kernel(plane);
	const struct tunnel *wanted =
		path->mode == PATH_TUNNEL ? tunnel_find(k, &path->anchor, &path->coa) : NULL;
	const struct passage *p;
	bool found = false;

	list_for_each(p, &k->passages, node) {
		if (!p->path || !addr_equal(&p->home, &path->home))
			continue;
		if (p->tunnel != wanted)
			return wanted ? "the plane has another tunnel for it"
				      : "the plane still tunnels it";
		found = true;
	}
	return found || path->mode != PATH_TUNNEL ? NULL : "the plane has no tunnel for it";
}

/* One that could not be made has no interface. */
#define NAME_OF(t) ((t)->name[0] ? (t)->name : ADDR_STR(&(t)->anchor))

static void check_tunnel(struct plane_kernel *k, const struct tunnel *t, struct audit *a)
{
	struct tunnel_info i;
	struct match m;
	char what[ADDR_STRLEN + 16];

	if (t->protection_fault)
		return; /* it is down for that, which is told */
	snprintf(what, sizeof(what), "tunnel %s", NAME_OF(t));
	tunnel_filter(k, t, &m);
	if (tunnel_read(t, &i) < 0)
		audit_add(a, false, what,
			  "missing, or not as made: nothing goes between %s and "
			  "%s" AUDIT_REPAIR_HELPS,
			  ADDR_STR(&t->coa), ADDR_STR(&t->anchor));
	else if (!i.up)
		audit_add(a, false, what, "down" AUDIT_REPAIR_HELPS);
	else if (!tc_attached_classic(t->ifindex, TC_INGRESS, m.code, m.n))
		audit_add(a, false, what,
			  "its filter is missing: %s may send to any address of this host",
			  ADDR_STR(&t->anchor));
	else
		audit_add(a, true, what, "%s to %s", ADDR_STR(&t->coa), ADDR_STR(&t->anchor));
}

static void check_protection(struct plane_kernel *k, struct tunnel *t, struct audit *a)
{
	char what[ADDR_STRLEN + 16];
	uint64_t failed;

	if (!t->keys && !t->protection_fault)
		return;
	snprintf(what, sizeof(what), "protection %s", NAME_OF(t));
	failed = tunnel_failed(k, t);
	if (!t->is_protected)
		audit_add(a, false, what, "%s", tunnel_protection_fault(t));
	else if (!esp_is_protected(k->esp, &t->coa, &t->anchor, t->keys))
		audit_add(a, false, what,
			  "states or policies of IPsec are missing: nothing goes between %s and "
			  "%s" AUDIT_REPAIR_HELPS,
			  ADDR_STR(&t->coa), ADDR_STR(&t->anchor));
	else if (failed)
		audit_add(a, false, what,
			  "%llu packets of %s did not match our keys: compare PayloadKeyFile= with "
			  "the keys that it has",
			  (unsigned long long)failed, ADDR_STR(&t->anchor));
	else
		audit_add(a, true, what, "ESP");
}

static int take_up(const struct nlmsghdr *h, void *user)
{
	struct tunnel_info i;

	/* The kernel's own one, without addresses: it takes what no other one takes. */
	if (tunnel_parse(h, &i) && i.up && addr_is_any(&i.spec.remote))
		snprintf(user, IFNAMSIZ, "%s", i.name);
	return MNL_CB_OK;
}

struct rules {
	const struct plane_kernel *k;
	bool found[WAYS_MAX];
};

static int take_rule(const struct nlmsghdr *h, void *user)
{
	const struct nlattr *tb[FRA_TABLE + 1];
	struct rules *r = user;
	uint32_t way;

	if (h->nlmsg_type != RTM_NEWRULE)
		return MNL_CB_OK;
	netlink_attributes(h, sizeof(struct fib_rule_hdr), tb, FRA_TABLE);
	if (!tb[FRA_FWMARK] || !tb[FRA_TABLE])
		return MNL_CB_OK;
	way = mnl_attr_get_u32(tb[FRA_FWMARK]) - WAY_MARK;
	if (way < WAYS_MAX && mnl_attr_get_u32(tb[FRA_TABLE]) == r->k->table + way)
		r->found[way] = true;
	return MNL_CB_OK;
}

static void check_ways(const struct plane_kernel *k, struct audit *a)
{
	struct rules r = {.k = k};
	char buf[TUNNEL_MESSAGE_SIZE], what[32];
	struct nlmsghdr *h =
		netlink_message(buf, RTM_GETRULE, NLM_F_DUMP, sizeof(struct fib_rule_hdr));

	((struct fib_rule_hdr *)mnl_nlmsg_get_payload(h))->family = AF_INET6;
	netlink_talk(h, take_rule, &r);
	for (uint32_t i = 0; i < WAYS_MAX; i++) {
		if (!k->way[i].ifindex)
			continue;
		snprintf(what, sizeof(what), "way by interface %d", k->way[i].ifindex);
		audit_add(a, r.found[i], what, "%s",
			  r.found[i] ? "" : "its rule is missing" AUDIT_REPAIR_HELPS);
	}
}

void kernel_audit(struct plane *p, const struct conf *conf, struct audit *a)
{
	struct plane_kernel *k = to_kernel(p);
	char buf[TUNNEL_MESSAGE_SIZE], any[IFNAMSIZ] = "";
	struct tunnel *t;

	(void)conf;
	list_for_each(t, &k->tunnels, node) {
		check_tunnel(k, t, a);
		check_protection(k, t, a);
	}
	check_ways(k, a);
	netlink_talk(tunnel_get(buf, 0), take_up, any);
	if (any[0])
		audit_add(a, false, "other tunnels",
			  "%s is up and takes in what anybody tunnels to this host: ip link set %s "
			  "down",
			  any, any);
}
