/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a request asks for, and who answers it. */
#include <errno.h>

#include "sock/internal.h"

#define GROUP_INTERVAL (USEC_PER_SEC / 10)
#define GROUP_BURST 20

static bool is_well_formed(const struct dmm_request *q)
{
	return q->magic == DMM_PROTOCOL_MAGIC && q->version == DMM_PROTOCOL_VERSION &&
	       q->op >= DMM_OP_ACQUIRE && q->op < DMM_OP_EVENT;
}

static bool hold(struct client *c, const struct dmm_request *q, int fd)
{
	return client_reply(c, q->op, q->id, -hold_add(c, q, fd), NULL);
}

static bool subscribe(struct client *c, const struct dmm_request *q)
{
	struct server *v = &c->sock->server;

	if (!c->subscribed) {
		c->subscribed = true;
		v->n_subscribers++;
		list_append(&v->subscribers, &c->subscriber);
	}
	c->event_id = q->id;
	return client_tell(c);
}

static bool table(struct client *c, const struct dmm_request *q)
{
	int fd = c->sock->table.readable;

	return fd < 0 ? client_reply(c, q->op, q->id, ENOENT, NULL)
		      : client_reply_fd(c, q->op, q->id, fd);
}

static int control_group(struct client *c, const struct dmm_request *q)
{
	struct sock *s = c->sock;
	enum service_type type;

	if (!type_from_library(q->type, &type) || (q->flags & ~DMM_GROUP_UDP))
		return -EINVAL;
	if (!s->hooks)
		return -EOPNOTSUPP;
	if (type == SERVICE_FIXED && !permit_has(&s->conf->fixed, c)) {
		server_complain(s, TROUBLE_DENIED, c);
		return -EPERM;
	}
	if (!bucket_take(&c->user->group, loop_now().mono, GROUP_INTERVAL, GROUP_BURST)) {
		server_complain(s, TROUBLE_RATE, c);
		return -EAGAIN;
	}
	return groups_add(s->hooks, c, type, q->flags & DMM_GROUP_UDP);
}

bool request_handle(struct client *c, const struct dmm_request *q, int fd, bool fd_lost)
{
	bool passed = fd >= 0 || fd_lost;

	if (!is_well_formed(q) || passed != (q->op == DMM_OP_HOLD)) {
		if (fd >= 0)
			dispose(c->user->uid, &fd, 1);
		return client_hostile(c);
	}
	switch (q->op) {
	case DMM_OP_ACQUIRE:
		return acquire_request(c, q);
	case DMM_OP_HOLD:
		return hold(c, q, fd);
	case DMM_OP_SUBSCRIBE:
		return subscribe(c, q);
	case DMM_OP_CONTROL_GROUP:
		return client_reply(c, q->op, q->id, -control_group(c, q), NULL);
	default:
		return table(c, q);
	}
}
