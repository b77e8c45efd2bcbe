/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/net.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/internal.h"
#include "net/netlink.h"

static const uint8_t device_mac[6] = {0x02, 'd', 'm', 'm', 0, 1}; /* locally administered */

int net_watch(struct net *n, int fd, sd_event_io_handler_t cb)
{
	return sd_event_add_io(n->ev, &n->sources[n->n_sources++], fd, EPOLLIN, cb, n);
}

static int on_activity(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct in6_addr home;
	struct net *n = user;

	(void)s, (void)fd, (void)revents;
	while (n->plane->ops->next_activity(n->plane, &home))
		if (n->engine)
			engine_activity(n->engine, loop_now(), &home);
	return 0;
}

int device_ensure(struct net *n)
{
	int r = rtnl_device_create(n, n->conf->device, device_mac);

	if (r < 0)
		return log_errno(r, "cannot make the device %s", n->conf->device);
	r = n->plane->ops->set_device(n->plane, n->device, n->device_peer, n->device_mac);
	if (r < 0)
		return log_errno(r, "cannot attach the data plane to %s", n->conf->device);
	/* Other planes have ways of their own for what goes there. */
	r = n->plane->ops->device_for ? 0 : path_device_route(n);
	if (r < 0)
		return log_errno(r, "cannot route into %s", n->conf->device);
	return 0;
}

static int open_plane(struct net *n)
{
	int r = plane_open(n->conf, &n->plane);

	if (r < 0)
		return r;
	if (n->plane->ops->leaves_routing_headers &&
	    ((r = routing_header_open(n)) < 0 || (r = pmtu_errors_only(n)) < 0))
		return log_errno(r, "cannot read routing headers (CAP_NET_RAW is needed)");
	if ((r = pmtu_open_protected(n)) < 0)
		return log_errno(r, "cannot open a raw socket for ESP (CAP_NET_RAW is needed)");
	return device_ensure(n);
}

int net_new(sd_event *ev, const struct conf *conf, struct net **ret)
{
	struct net *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return -ENOMEM;
	n->ev = ev;
	n->conf = conf;
	n->nd_fd = n->packet_fd = n->mobility_fd = n->raw_fd = n->pmtu_fd = n->icmp_fd =
		n->routing_fd = n->addresses_fd = n->esp_fd = -1;
	list_init(&n->uplinks);
	list_init(&n->departures);
	list_init(&n->lookups);
	list_init(&n->fetches);
	new_address_open(n);
	if ((r = nd_open(n)) < 0 || (r = mobility_open(n)) < 0 || (r = pmtu_open(n)) < 0 ||
	    (r = icmp_open(n)) < 0)
		log_errno(r, "cannot open raw sockets (CAP_NET_RAW is needed)");
	else if ((r = rtnl_open(n)) < 0 || (r = monitor_open(n)) < 0 || (r = reconcile_init(n)) < 0)
		log_errno(r, "cannot open netlink");
	else if ((r = open_plane(n)) == 0)
		r = net_watch(n, n->plane->ops->activity_fd(n->plane), on_activity);
	if (r < 0) {
		if (n->device_made) /* what was found stays: it may be carrying traffic */
			rtnl_device_delete(n);
		net_free(n);
		return r;
	}
	*ret = n;
	return 0;
}

int net_start(struct net *n, struct engine *e)
{
	const struct binding *b;
	int r;

	n->engine = e;
	list_for_each(b, &e->bindings, node)
		n->home[b->slot].stale = true;
	n->plane->ops->forget_others(n->plane, e);
	rtnl_sweep(n, e);
	r = monitor_dump(n);
	if (r != -EINTR)
		return r;
	monitor_resync_later(n); /* the kernel changes faster than it can be read */
	return 0;
}

void net_reconfigure(struct net *n, const struct conf *conf)
{
	struct uplink *u;
	int r;

	n->conf = conf;
	if (n->plane && n->plane->ops->reconfigure) { /* none: before the first start */
		n->plane->ops->reconfigure(n->plane, conf);
		if ((r = pmtu_open_protected(n)) < 0)
			log_errno(r, "cannot open a raw socket for ESP");
		reconcile_soon(n, "a path");
	}
	list_for_each(u, &n->uplinks, node) {
		uplink_configure(n, u);
		path_follow_mtu(n, u); /* of which protection takes a part */
	}
}

void net_teardown(struct net *n)
{
	n->removing = true;
	net_route_policy(n, NULL);
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++)
		path_remove(n, &n->home[i]);
	rtnl_sweep(n, NULL);
	uplinks_undo(n);
	n->plane->ops->teardown(n->plane);
	rtnl_device_delete(n);
	plane_unload(n->conf);
}

void net_free(struct net *n)
{
	if (!n)
		return;
	for (unsigned i = 0; i < n->n_sources; i++)
		sd_event_source_disable_unref(n->sources[i]);
	session_watch_stop(&n->session_watch);
	resolve_close(n);
	fetch_close(n);
	reconcile_free(n);
	sd_event_source_disable_unref(n->resync);
	leave_free(n);
	if (n->plane)
		n->plane->ops->free(n->plane);
	if (n->monitor)
		mnl_socket_close(n->monitor);
	nl_socket_free(n->rtnl);
	netlink_talk_end();
	policy_route_free(n);
	close_fd(n->nd_fd);
	close_fd(n->packet_fd);
	close_fd(n->mobility_fd);
	close_fd(n->raw_fd);
	close_fd(n->pmtu_fd);
	close_fd(n->esp_fd);
	close_fd(n->icmp_fd);
	close_fd(n->routing_fd);
	close_fd(n->addresses_fd);
	owners_forget(&n->owners);
	uplinks_free(n);
	free(n);
}

int net_set_path(struct net *n, const struct path *path)
{
	int r;

	if (path->slot >= CONF_MAX_HOMES)
		return -ENOSPC;
	leave_path_changed(n);
	r = path_set(n, &n->home[path->slot], path);
	if (r < 0)
		reconcile_soon(n, "a path");
	return r;
}

void net_confirm_path(struct net *n, const struct path *path)
{
	path_confirm(n, &n->home[path->slot]);
}

void net_drop_path(struct net *n, const struct path *path)
{
	path_remove(n, &n->home[path->slot]);
}

int net_accept(struct net *n, const struct in6_addr *home, const struct in6_addr *anchor,
	       const struct in6_addr *coa)
{
	const struct binding *b = engine_find_home(n->engine, home);

	return b ? n->plane->ops->accept(n->plane, b->slot, home, anchor, coa) : -ENOENT;
}

void net_reject(struct net *n, const struct in6_addr *home, const struct in6_addr *anchor,
		const struct in6_addr *coa)
{
	n->plane->ops->reject(n->plane, home, anchor, coa);
}

usec_t net_first_data(struct net *n, const struct in6_addr *home, const struct in6_addr *anchor,
		      const struct in6_addr *coa)
{
	return n->plane->ops->first_data(n->plane, home, anchor, coa);
}

void net_traffic(struct net *n, unsigned slot, struct net_traffic *ret)
{
	n->plane->ops->traffic(n->plane, slot, ret);
}

void net_watch_activity(struct net *n, const struct in6_addr *home)
{
	int r = n->plane->ops->watch(n->plane, home);

	if (r < 0)
		log_errno(r, "%s: its packets cannot be watched", ADDR_STR(home));
}

DEFINE_STRTAB(net_protection, "no", "esp", "blocked");

enum net_protection net_protection(struct net *n, const struct path *path, const char **ret_words)
{
	const struct plane_ops *ops = n->plane->ops;
	enum net_protection p =
		ops->protection ? ops->protection(n->plane, path) : NET_PROTECTION_NONE;

	*ret_words = p == NET_PROTECTION_BLOCKED ? ops->protection_fault(n->plane, path) : NULL;
	return p;
}

bool net_can_protect(const struct net *n)
{
	return n->plane->ops->protection;
}

DEFINE_STRTAB(net_drop, "no-binding", "not-accepted", "malformed", "ecn", "failed");

const char *net_plane(const struct net *n)
{
	return n->plane->ops->name;
}

void net_dropped(struct net *n, uint64_t ret[static NET_DROP_MAX])
{
	n->plane->ops->dropped(n->plane, ret);
}
