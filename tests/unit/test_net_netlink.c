/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests on a socket that is kept, and many messages at once. */
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/resource.h>

#include "net/netlink.h"

#define MANY 200 /* more than a batch has room for */

TestSuite(net_netlink, .fini = netlink_talk_end, .timeout = 30);

static int count(const struct nlmsghdr *h, void *user)
{
	(void)h;
	++*(unsigned *)user;
	return MNL_CB_OK;
}

static int links(unsigned *n)
{
	struct nlmsghdr *h;
	char buf[256];

	*n = 0;
	h = netlink_message(buf, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	return netlink_talk(h, count, n);
}

/* Nothing is changed here: what is asked for is refused, as there is no such interface. */
static struct nlmsghdr *unknown(void *buf, uint16_t flags)
{
	struct nlmsghdr *h = netlink_message(buf, RTM_GETLINK, flags, sizeof(struct ifinfomsg));

	((struct ifinfomsg *)mnl_nlmsg_get_payload(h))->ifi_index = 0x7fffffff;
	return h;
}

static void add_unknown(struct netlink_batch *b)
{
	char buf[256];

	netlink_batch_add(b, unknown(buf, 0));
}

Test(net_netlink, answers_of_a_batch_are_not_those_of_the_next_request)
{
	struct netlink_batch b = {.len = 0};
	unsigned before, after;

	cr_assert_eq(links(&before), 0);
	for (unsigned i = 0; i < MANY; i++) {
		add_unknown(&b);
		cr_assert(b.len <= sizeof(b.buf));
	}
	netlink_batch_send(&b);
	cr_assert_eq(b.len, 0);
	cr_assert_eq(links(&after), 0);
	cr_assert(before > 0 && after == before);
}

static int ask_again(const struct nlmsghdr *h, void *user)
{
	(void)h;
	return links(user) == 0 ? MNL_CB_OK : MNL_CB_ERROR;
}

Test(net_netlink, a_request_may_be_made_while_another_is_answered)
{
	unsigned n = 0, within = 0;
	struct nlmsghdr *h;
	char buf[256];

	cr_assert_eq(links(&n), 0);
	h = netlink_message(buf, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	cr_assert_eq(netlink_talk(h, ask_again, &within), 0);
	cr_assert_eq(within, n);
}

Test(net_netlink, after_an_error_it_goes_on)
{
	unsigned n = 0;
	char buf[256];

	cr_assert_eq(netlink_talk(unknown(buf, NLM_F_ACK), NULL, NULL), -ENODEV);
	cr_assert_eq(links(&n), 0);
	cr_assert(n > 0);
}

/* The process has no file descriptor left. */
Test(net_netlink, without_a_socket_nothing_is_written_beyond_the_batch)
{
	struct netlink_batch b = {.len = 0};
	struct rlimit limit;
	unsigned n;

	netlink_talk_end();
	cr_assert(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	cr_assert(setrlimit(RLIMIT_NOFILE, &(struct rlimit){3, limit.rlim_max}) == 0);
	for (unsigned i = 0; i < MANY; i++) {
		add_unknown(&b);
		cr_assert(b.len <= sizeof(b.buf));
	}
	netlink_batch_send(&b);
	cr_assert_eq(b.len, 0);
	cr_assert_eq(links(&n), -EMFILE);
	cr_assert(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	cr_assert_eq(links(&n), 0);
}
