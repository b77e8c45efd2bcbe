/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is the kernel plane as it should be? */
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

static void check_tunnel(struct plane_kernel *k, const struct tunnel *t, struct audit *a)
{
	struct tunnel_info i;
	struct match m;
	char what[IFNAMSIZ + 16];

	snprintf(what, sizeof(what), "tunnel %s", t->name);
	tunnel_filter(k, t, &m);
	if (tunnel_read(t, &i) < 0)
		audit_add(a, false, what, "missing: nothing goes between %s and %s",
			  ADDR_STR(&t->coa), ADDR_STR(&t->anchor));
	else if (!i.up)
		audit_add(a, false, what, "down: set it up, or wait for the next move");
	else if (!tc_attached_classic(t->ifindex, m.code, m.n))
		audit_add(a, false, what,
			  "its filter is missing: %s may send to any address of this host",
			  ADDR_STR(&t->anchor));
	else
		audit_add(a, true, what, "%s to %s", ADDR_STR(&t->coa), ADDR_STR(&t->anchor));
}

static int take_up(const struct nlmsghdr *h, void *user)
{
	struct tunnel_info i;

	/* The kernel's own one, without addresses: it takes what no other one takes. */
	if (tunnel_parse(h, &i) && i.up && addr_is_any(&i.spec.remote))
		snprintf(user, IFNAMSIZ, "%s", i.name);
	return MNL_CB_OK;
}

void kernel_audit(struct plane *p, const struct conf *conf, struct audit *a)
{
	struct plane_kernel *k = to_kernel(p);
	char buf[TUNNEL_MESSAGE_SIZE], any[IFNAMSIZ] = "";
	const struct tunnel *t;

	(void)conf;
	list_for_each(t, &k->tunnels, node)
		check_tunnel(k, t, a);
	netlink_talk(tunnel_get(buf, 0), take_up, any);
	if (any[0])
		audit_add(a, false, "other tunnels",
			  "%s is up and takes in what anybody tunnels to this host: ip link set %s "
			  "down",
			  any, any);
}
