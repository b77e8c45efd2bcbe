/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/netlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"

#define REPLY_SIZE 32768

/* Between two requests of netlink_talk(), and not while one is under way. */
static struct mnl_socket *kept;

static void cleanup_mnl(struct mnl_socket **s)
{
	int error = errno;

	if (*s)
		mnl_socket_close(*s);
	*s = NULL;
	errno = error;
}

struct nlmsghdr *netlink_message(void *buf, uint16_t type, uint16_t flags, size_t header)
{
	static uint32_t sequence;
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = ++sequence;
	mnl_nlmsg_put_extra_header(h, header);
	return h;
}

static int open_socket(int family, struct mnl_socket **ret)
{
	*ret = mnl_socket_open2(family, SOCK_CLOEXEC);
	return *ret && mnl_socket_bind(*ret, 0, MNL_SOCKET_AUTOPID) == 0 ? 0 : -errno;
}

int netlink_talk_to(int family, struct nlmsghdr *h, mnl_cb_t cb, void *user)
{
	_cleanup_(cleanup_mnl) struct mnl_socket *s = NULL;
	int r = open_socket(family, &s);

	return r < 0 ? r : netlink_talk_on(s, h, cb, user);
}

int netlink_talk_on(struct mnl_socket *s, struct nlmsghdr *h, mnl_cb_t cb, void *user)
{
	char reply[REPLY_SIZE];
	ssize_t n, longest = 0;
	int r = MNL_CB_OK;

	if (mnl_socket_sendto(s, h, h->nlmsg_len) < 0)
		return -errno;
	while (r == MNL_CB_OK) {
		n = mnl_socket_recvfrom(s, reply, sizeof(reply));
		if (n < 0) {
			r = -errno;
			break;
		}
		longest = n > longest ? n : longest;
		r = mnl_cb_run(reply, (size_t)n, h->nlmsg_seq, mnl_socket_get_portid(s), cb, user);
		if (r < 0)
			r = -errno;
	}
	explicit_bzero(reply, (size_t)longest); /* of IPsec it has keys in it */
	return r < 0 ? r : 0;
}

/* NULL with errno if there is none to be had. */
static struct mnl_socket *take_kept(void)
{
	struct mnl_socket *s = TAKE_PTR(kept);

	if (!s && open_socket(NETLINK_ROUTE, &s) < 0)
		cleanup_mnl(&s);
	return s;
}

/* clean: nothing will come any more of what was asked. */
static void keep(struct mnl_socket *s, bool clean)
{
	if (clean && !kept)
		kept = s;
	else
		mnl_socket_close(s);
}

int netlink_talk(struct nlmsghdr *h, mnl_cb_t cb, void *user)
{
	struct mnl_socket *s = take_kept();
	int r;

	if (!s)
		return -errno;
	r = netlink_talk_on(s, h, cb, user);
	keep(s, r == 0);
	return r;
}

void netlink_talk_end(void)
{
	cleanup_mnl(&kept);
}

void netlink_batch_add(struct netlink_batch *b, const struct nlmsghdr *h)
{
	if (b->len + NLMSG_ALIGN(h->nlmsg_len) > sizeof(b->buf))
		netlink_batch_send(b);
	b->last = (struct nlmsghdr *)(b->buf + b->len);
	memcpy(b->last, h, h->nlmsg_len);
	b->len += NLMSG_ALIGN(h->nlmsg_len);
}

/* Errors of those before the last one; what is not there needs no change. */
static int refused(const struct nlmsghdr *h, void *user)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
	const struct netlink_batch *b = user;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*e))
		return MNL_CB_ERROR;
	if (e->error && e->error != -ESRCH && e->error != -ENOENT)
		log_debug("netlink: message %u of type %u: %s", h->nlmsg_seq, e->msg.nlmsg_type,
			  log_strerror(-e->error));
	return h->nlmsg_seq == b->last->nlmsg_seq ? MNL_CB_STOP : MNL_CB_OK;
}

void netlink_batch_send(struct netlink_batch *b)
{
	static mnl_cb_t control[] = {[NLMSG_ERROR] = refused};
	struct mnl_socket *s = b->len ? take_kept() : NULL;
	char reply[REPLY_SIZE];
	size_t len = b->len;
	int r = MNL_CB_OK;
	ssize_t n;

	b->len = 0; /* there is room for others again, whatever becomes of these */
	if (!s) {
		if (len)
			log_debug("netlink: %s", log_strerror(errno));
		return;
	}
	b->last->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(s, b->buf, len) < 0)
		r = MNL_CB_ERROR;
	while (r == MNL_CB_OK) {
		n = mnl_socket_recvfrom(s, reply, sizeof(reply));
		r = n < 0 ? MNL_CB_ERROR
			  : mnl_cb_run2(reply, (size_t)n, 0, 0, NULL, b, control,
					sizeof(control) / sizeof(*control));
	}
	keep(s, r == MNL_CB_STOP);
}

struct attributes {
	const struct nlattr **tb;
	unsigned max;
};

static int put_attribute(const struct nlattr *a, void *user)
{
	struct attributes *t = user;
	unsigned type = mnl_attr_get_type(a);

	if (type <= t->max)
		t->tb[type] = a;
	return MNL_CB_OK;
}

void netlink_attributes(const struct nlmsghdr *h, size_t header, const struct nlattr **tb,
			unsigned max)
{
	struct attributes t = {tb, max};

	memset(tb, 0, sizeof(*tb) * (max + 1));
	mnl_attr_parse(h, (unsigned)header, put_attribute, &t);
}
