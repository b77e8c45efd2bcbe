/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/netlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

#define REPLY_SIZE 32768

static void cleanup_mnl(struct mnl_socket **s)
{
	if (*s)
		mnl_socket_close(*s);
}

struct nlmsghdr *netlink_message(void *buf, uint16_t type, uint16_t flags, size_t header)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = (uint32_t)time(NULL);
	mnl_nlmsg_put_extra_header(h, header);
	return h;
}

int netlink_talk_to(int family, struct nlmsghdr *h, mnl_cb_t cb, void *user)
{
	_cleanup_(cleanup_mnl) struct mnl_socket *s = mnl_socket_open2(family, SOCK_CLOEXEC);

	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	return netlink_talk_on(s, h, cb, user);
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

int netlink_talk(struct nlmsghdr *h, mnl_cb_t cb, void *user)
{
	return netlink_talk_to(NETLINK_ROUTE, h, cb, user);
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
