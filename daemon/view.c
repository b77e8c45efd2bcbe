/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the bus shows of sessions beyond what the engine knows. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "bus/bus.h"
#include "daemon.h"
#include "loop/loop.h"
#include "mobility/binding.h"
#include "net/net.h"
#include "sock/sock.h"

/* Octets are counted by the kernel for all sockets at once. */
static void count_bytes(struct daemon *d)
{
	struct ip6_prefix sources[CONF_MAX_HOMES];
	const struct binding *b;
	unsigned n = 0;

	free(d->bytes);
	d->bytes = NULL;
	d->n_bytes = 0;
	list_for_each(b, &d->engine->bindings, node)
		if (n < CONF_MAX_HOMES)
			sources[n++] = prefix_make(&b->home, 128);
	if (n > 0)
		net_session_bytes(d->net, sources, n, &d->bytes, &d->n_bytes);
}

void view_look(void *user)
{
	struct daemon *d = user;

	engine_look(d->engine, loop_now());
	count_bytes(d);
}

void view_refresh(void *user)
{
	engine_look_for_data(((struct daemon *)user)->engine, loop_now());
}

void view_detail(void *user, const struct session_info *s, struct bus_session *ret)
{
	const struct daemon *d = user;
	const struct session_bytes *b = session_bytes_find(d->bytes, d->n_bytes, s->cookie);

	if (b) {
		ret->sent = b->sent;
		ret->received = b->received;
	}
	ret->asked = sock_asked(d->sock, s->cookie, s->uid, &ret->requested);
	net_session_owner(d->net, s, &ret->owner);
}

size_t view_fallbacks(void *user, struct session_info **ret)
{
	static const struct ip6_prefix all = {.len = 0};
	const struct daemon *d = user;
	struct session_info *list;
	struct sock_info info;
	size_t n, kept = 0;

	sock_info(d->sock, &info);
	if (info.n_fallbacks == 0 || net_list_sessions(d->net, &all, 1, &list, &n) < 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		enum service_type type;

		if (sock_asked(d->sock, list[i].cookie, list[i].uid, &type))
			list[kept++] = list[i];
	}
	*ret = list;
	return kept;
}

const char *view_protection(void *user, const struct binding *b, const char **ret_words)
{
	return net_protection_str(
		(int)net_protection(((struct daemon *)user)->net, &b->path, ret_words));
}

void view_applications(void *user, unsigned *ret_clients, bool *ret_hooks)
{
	struct sock_info info;

	sock_info(((const struct daemon *)user)->sock, &info);
	*ret_clients = info.clients;
	*ret_hooks = info.hooks;
}
