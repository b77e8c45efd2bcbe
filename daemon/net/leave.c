/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel autoconfigured at a place we have left: it does not notice by itself, and would go on choosing a source
 * address that is somewhere else, a router that is not there, and the link for hosts that are not on it any more.
 * Addresses stay, for their sessions; routes go, as their neighbours, known to be gone, would be tried again every minute.  The
 * next advertisement makes all good again.
 */
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "net/address.h"
#include "net/internal.h"
#include "net/netlink.h"

/* Home agents are told of the new place first, and data follows; then there is nothing else to do for a while. */
#define LEAVE_AFTER (2 * USEC_PER_MSEC)

/* A route that the kernel has made of an advertisement; gateway: NULL = none, what is on the link. */
static void forget_route(struct netlink_batch *batch, int ifindex, const struct in6_addr *dst,
			 uint8_t plen, const struct in6_addr *gateway)
{
	struct ip6_prefix prefix = prefix_make(dst, plen);
	struct nlmsghdr *h;
	struct rtmsg *rt;
	char buf[256];

	h = netlink_message(buf, RTM_DELROUTE, 0, sizeof(*rt));
	rt = mnl_nlmsg_get_payload(h);
	*rt = (struct rtmsg){
		.rtm_family = AF_INET6,
		.rtm_dst_len = plen,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = gateway ? RTPROT_RA : RTPROT_KERNEL,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
	};
	mnl_attr_put(h, RTA_DST, sizeof(prefix.addr), &prefix.addr);
	mnl_attr_put_u32(h, RTA_OIF, (uint32_t)ifindex);
	if (gateway)
		mnl_attr_put(h, RTA_GATEWAY, sizeof(*gateway), gateway);
	netlink_batch_add(batch, h);
}

static void leave_address(int ifindex, const struct in6_addr *addr, struct netlink_batch *batch)
{
	uint8_t plen = 128;
	int r = address_deprecate(ifindex, addr, batch, &plen);

	log_debug("%s belongs to an earlier place: %s", ADDR_STR(addr),
		  r < 0 ? log_strerror(-r) : "deprecated");
	if (plen < 128) /* hosts of the prefix are not neighbours any more */
		forget_route(batch, ifindex, addr, plen, NULL);
}

/*
 * What was sent to the router while nobody knew better waits in its neighbour entry for an answer that will not come; TCP does
 * not send again what is still queued there.
 */
static void forget_neighbour(struct netlink_batch *batch, int ifindex, const struct in6_addr *addr)
{
	struct nlmsghdr *h;
	struct ndmsg *nd;
	char buf[256];

	h = netlink_message(buf, RTM_DELNEIGH, 0, sizeof(*nd));
	nd = mnl_nlmsg_get_payload(h);
	nd->ndm_family = AF_INET6;
	nd->ndm_ifindex = ifindex;
	mnl_attr_put(h, NDA_DST, sizeof(*addr), addr);
	netlink_batch_add(batch, h);
}

/* Network managers that listen to advertisements themselves look after their routes too; those are not ours to change. */
static bool kernel_hears_routers(struct net *n, int ifindex)
{
	struct uplink *u = uplink_find(n, ifindex);

	return u && uplink_sysctl(u, SYSCTL_ACCEPT_RA);
}

/* What is to be left, when what hurries has been done. */
struct departure {
	struct list node;
	int ifindex;
	bool is_router, done;
	bool switched; /* paths have changed since */
	struct in6_addr addr;
};

static void depart(struct net *n, const struct departure *d, struct netlink_batch *batch)
{
	if (!d->is_router) {
		leave_address(d->ifindex, &d->addr, batch);
		return;
	}
	if (!d->done && kernel_hears_routers(n, d->ifindex))
		forget_route(batch, d->ifindex, &in6addr_any, 0, &d->addr);
	forget_neighbour(batch, d->ifindex, &d->addr);
	log_debug("router %s belongs to an earlier place", ADDR_STR(&d->addr));
}

static void departure_free(struct departure *d)
{
	list_remove(&d->node);
	free(d);
}

/*
 * Until the paths have changed over, packets go on to the old router and fill its neighbour entry again; they count against
 * the buffers of their sockets, and the senders would wait until it gives up.  So it is forgotten once more after that.
 */
static void leave_now(struct net *n)
{
	struct netlink_batch batch;
	struct departure *d, *next;

	batch.len = 0;
	list_for_each_safe(d, next, &n->departures, node) {
		bool left = engine_has_left(n->engine, d->ifindex, &d->addr, d->is_router);

		if (left)
			depart(n, d, &batch);
		d->done = true;
		if (!left || !d->is_router || d->switched)
			departure_free(d);
	}
	netlink_batch_send(&batch);
}

static int on_leave(sd_event_source *s, uint64_t now, void *user)
{
	(void)s, (void)now;
	leave_now(user);
	return 0;
}

static void leave_soon(struct net *n)
{
	if (!n->leave && loop_timer_new(n->ev, on_leave, n, &n->leave) < 0)
		log_warning("what belongs to an earlier place cannot be left: out of memory");
	else if (sd_event_source_get_enabled(n->leave, NULL) == SD_EVENT_OFF)
		loop_timer_set(n->leave, usec_add(loop_now().mono, LEAVE_AFTER));
}

void leave_at_leisure(struct net *n)
{
	if (list_empty(&n->departures) || sd_event_source_get_enabled(n->leave, NULL) <= 0)
		return;
	loop_timer_set(n->leave, USEC_INFINITY);
	leave_now(n);
}

/* Those that wait for paths wait for the next ones now. */
static void leave_add(struct net *n, int ifindex, const struct in6_addr *addr, bool is_router)
{
	struct departure *d, *next;

	list_for_each_safe(d, next, &n->departures, node) {
		if (d->done)
			departure_free(d);
		else if (d->ifindex == ifindex && d->is_router == is_router &&
			 addr_equal(&d->addr, addr))
			return; /* asked for with each advertisement until the kernel has done it */
	}
	d = calloc(1, sizeof(*d));
	if (!d)
		return;
	d->ifindex = ifindex;
	d->addr = *addr;
	d->is_router = is_router;
	list_append(&n->departures, &d->node);
	leave_soon(n);
}

void net_leave_address(struct net *n, int ifindex, const struct in6_addr *addr)
{
	leave_add(n, ifindex, addr, false);
}

void net_leave_router(struct net *n, int ifindex, const struct in6_addr *router)
{
	leave_add(n, ifindex, router, true);
}

void leave_path_changed(struct net *n)
{
	struct departure *d;

	list_for_each(d, &n->departures, node) {
		if (d->done && !d->switched)
			leave_soon(n);
		d->switched = true;
	}
}

void leave_free(struct net *n)
{
	struct departure *d, *next;

	sd_event_source_disable_unref(n->leave);
	list_for_each_safe(d, next, &n->departures, node)
		departure_free(d);
}
