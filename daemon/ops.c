/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations of the engine, by the kernel and by who else is interested. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "bus/bus.h"
#include "daemon.h"
#include "loop/loop.h"
#include "net/net.h"
#include "obs/obs.h"
#include "sock/sock.h"

static int op_send(void *user, int ifindex, const struct ip6_packet *packet)
{
	return net_send(((struct daemon *)user)->net, ifindex, packet);
}

static int op_solicit(void *user, int ifindex)
{
	return net_solicit(((struct daemon *)user)->net, ifindex);
}

static int op_probe_router(void *user, int ifindex, const struct in6_addr *router,
			   const uint8_t mac[6])
{
	return net_probe_router(((struct daemon *)user)->net, ifindex, router, mac);
}

static int op_found_router(void *user, int ifindex, const struct in6_addr *router,
			   const uint8_t mac[6])
{
	(void)user;
	return net_found_router(ifindex, router, mac);
}

static int op_announce(void *user, int ifindex, const struct in6_addr *home)
{
	return net_announce(((struct daemon *)user)->net, ifindex, home);
}

static int op_answer(void *user, int ifindex, const struct in6_addr *home,
		     const struct in6_addr *to)
{
	return net_answer(((struct daemon *)user)->net, ifindex, home, to);
}

static void op_leave_address(void *user, int ifindex, const struct in6_addr *addr)
{
	net_leave_address(((struct daemon *)user)->net, ifindex, addr);
}

static void op_leave_router(void *user, int ifindex, const struct in6_addr *router)
{
	net_leave_router(((struct daemon *)user)->net, ifindex, router);
}

static int op_set_path(void *user, const struct path *path)
{
	return net_set_path(((struct daemon *)user)->net, path);
}

static void op_confirm_path(void *user, const struct path *path)
{
	net_confirm_path(((struct daemon *)user)->net, path);
}

static void op_drop_path(void *user, const struct path *path)
{
	net_drop_path(((struct daemon *)user)->net, path);
}

static int op_accept(void *user, const struct in6_addr *home, const struct in6_addr *anchor,
		     const struct in6_addr *coa)
{
	return net_accept(((struct daemon *)user)->net, home, anchor, coa);
}

static void op_reject(void *user, const struct in6_addr *home, const struct in6_addr *anchor,
		      const struct in6_addr *coa)
{
	net_reject(((struct daemon *)user)->net, home, anchor, coa);
}

static usec_t op_first_data(void *user, const struct in6_addr *home, const struct in6_addr *anchor,
			    const struct in6_addr *coa)
{
	return net_first_data(((struct daemon *)user)->net, home, anchor, coa);
}

static void op_traffic(void *user, unsigned slot, uint64_t *ret_sent, uint64_t *ret_received)
{
	struct net_traffic t;

	net_traffic(((struct daemon *)user)->net, slot, &t);
	*ret_sent = t.sent_packets;
	*ret_received = t.received_packets;
}

static void op_watch_activity(void *user, const struct in6_addr *home)
{
	net_watch_activity(((struct daemon *)user)->net, home);
}

/* One list behind the other, in memory of the first. */
static int append_sessions(struct session_info **list, size_t *n, const struct session_info *more,
			   size_t n_more)
{
	struct session_info *all = reallocarray(*list, *n + n_more, sizeof(*all));

	if (!all)
		return -ENOMEM;
	memcpy(all + *n, more, n_more * sizeof(*all));
	*list = all;
	*n += n_more;
	return 0;
}

static int op_list_sessions(void *user, const struct ip6_prefix *sources, unsigned n,
			    struct session_info **ret, size_t *ret_n)
{
	_cleanup_free_ struct session_info *held = NULL;
	const struct daemon *d = user;
	struct session_info *list;
	size_t n_list, n_held = 0;
	int r = net_list_sessions(d->net, sources, n, &list, &n_list);

	if (r < 0)
		return r;
	if (d->sock)
		r = sock_list_held(d->sock, sources, n, &held, &n_held);
	if (r == 0 && n_held)
		r = append_sessions(&list, &n_list, held, n_held);
	if (r < 0) {
		free(list);
		return r;
	}
	*ret = list;
	*ret_n = n_list;
	return 0;
}

static void op_destroy_sessions(void *user, const struct in6_addr *source, unsigned n)
{
	net_destroy_sessions(((struct daemon *)user)->net, source, n);
}

static void op_watch_sessions(void *user, bool on)
{
	net_watch_sessions(((struct daemon *)user)->net, on);
}

static int op_session_owner(void *user, const struct session_info *s, struct session_owner *ret)
{
	return net_session_owner(((struct daemon *)user)->net, s, ret);
}

static int op_echo(void *user, int ifindex, const struct in6_addr *src, const struct in6_addr *dst,
		   uint16_t identifier, uint16_t sequence, size_t octets)
{
	return net_echo(((struct daemon *)user)->net, ifindex, src, dst, identifier, sequence,
			octets);
}

static void op_limit_mtu(void *user, const struct in6_addr *home, uint32_t octets)
{
	net_limit_mtu(((struct daemon *)user)->net, home, octets);
}

static int op_resolve(void *user, const char *domain)
{
	return net_resolve(((struct daemon *)user)->net, domain);
}

static int op_fetch_domain(void *user, int ifindex, const char *domain)
{
	return net_fetch_domain(((struct daemon *)user)->net, ifindex, domain);
}

static void op_set_timer(void *user, usec_t when)
{
	loop_timer_set(((struct daemon *)user)->timer, when);
}

static void op_random(void *user, void *buf, size_t len)
{
	(void)user;
	if (getrandom(buf, len, 0) != (ssize_t)len)
		abort(); /* short requests do not fail on a running kernel */
}

static void op_persist(void *user)
{
	struct daemon *d = user;

	if (d->save_pending)
		return;
	d->save_pending = true;
	loop_timer_set(d->save_timer, usec_add(loop_now().mono, SAVE_DELAY - SAVE_SLACK));
	sd_event_source_set_enabled(d->leisure, SD_EVENT_ONESHOT);
}

static void op_publish(void *user, enum engine_object kind, enum engine_change change,
		       const void *object)
{
	struct daemon *d = user;

	if (kind == OBJECT_OFFERS) {
		if (d->sock)
			sock_changed(d->sock);
		return;
	}
	if (d->notifies && (kind == OBJECT_ENGINE || kind == OBJECT_BINDING)) {
		d->status_due = true;
		sd_event_source_set_enabled(d->leisure, SD_EVENT_ONESHOT);
	}
	if (d->bus)
		bus_published(d->bus, kind, change, object);
}

static void op_notify(void *user, const struct event *ev)
{
	struct daemon *d = user;

	events_record(d->events, ev);
	bus_notified(d->bus, ev);
}

const struct engine_ops daemon_ops = {
	.send = op_send,
	.solicit = op_solicit,
	.probe_router = op_probe_router,
	.found_router = op_found_router,
	.announce = op_announce,
	.answer = op_answer,
	.leave_address = op_leave_address,
	.leave_router = op_leave_router,
	.set_path = op_set_path,
	.confirm_path = op_confirm_path,
	.drop_path = op_drop_path,
	.accept = op_accept,
	.reject = op_reject,
	.first_data = op_first_data,
	.traffic = op_traffic,
	.watch_activity = op_watch_activity,
	.list_sessions = op_list_sessions,
	.watch_sessions = op_watch_sessions,
	.destroy_sessions = op_destroy_sessions,
	.session_owner = op_session_owner,
	.echo = op_echo,
	.limit_mtu = op_limit_mtu,
	.resolve = op_resolve,
	.fetch_domain = op_fetch_domain,
	.set_timer = op_set_timer,
	.random = op_random,
	.persist = op_persist,
	.publish = op_publish,
	.notify = op_notify,
};
