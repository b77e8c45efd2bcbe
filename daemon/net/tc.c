/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/tc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/gen_stats.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "net/netlink.h"

#define OUR_PREFERENCE 5300
#define OUR_HANDLE 0x646d6dU /* "dmm" */
#define HEADERS_SIZE 512     /* of a message, beside a classic program */

static struct nlmsghdr *new_message(void *buf, uint16_t type, uint16_t flags, int ifindex,
				    uint32_t parent)
{
	struct nlmsghdr *h = netlink_message(buf, type, flags, sizeof(struct tcmsg));
	struct tcmsg *t = mnl_nlmsg_get_payload(h);

	t->tcm_family = AF_UNSPEC;
	t->tcm_ifindex = ifindex;
	t->tcm_parent = parent;
	return h;
}

static uint32_t parent_of(enum tc_side side)
{
	return TC_H_MAKE(TC_H_CLSACT, side == TC_INGRESS ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

static int make_queue(int ifindex, bool *ret_made)
{
	char buf[256];
	struct nlmsghdr *h = new_message(buf, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
					 ifindex, TC_H_CLSACT);
	struct tcmsg *t = mnl_nlmsg_get_payload(h);
	int r;

	t->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	mnl_attr_put_strz(h, TCA_KIND, "clsact");
	r = netlink_talk(h, NULL, NULL);
	*ret_made = r == 0;
	return r == -EEXIST ? 0 : r;
}

static struct tcmsg *name_filter(struct nlmsghdr *h)
{
	struct tcmsg *t = mnl_nlmsg_get_payload(h);

	t->tcm_handle = OUR_HANDLE;
	t->tcm_info = TC_H_MAKE(OUR_PREFERENCE << 16, htons(ETH_P_ALL));
	return t;
}

static struct nlmsghdr *new_filter(void *buf, int ifindex, enum tc_side side, const char *name,
				   struct nlattr **ret_options)
{
	struct nlmsghdr *h =
		new_message(buf, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, ifindex,
			    parent_of(side));

	name_filter(h);
	mnl_attr_put_strz(h, TCA_KIND, "bpf");
	*ret_options = mnl_attr_nest_start(h, TCA_OPTIONS);
	mnl_attr_put_strz(h, TCA_BPF_NAME, name);
	mnl_attr_put_u32(h, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	return h;
}

int tc_attach(int ifindex, enum tc_side side, int prog_fd, const char *name, bool *ret_made)
{
	struct nlattr *options;
	struct nlmsghdr *h;
	char buf[HEADERS_SIZE];
	int r;

	r = make_queue(ifindex, ret_made);
	if (r < 0)
		return r;
	h = new_filter(buf, ifindex, side, name, &options);
	mnl_attr_put_u32(h, TCA_BPF_FD, (uint32_t)prog_fd);
	mnl_attr_nest_end(h, options);
	return netlink_talk(h, NULL, NULL);
}

int tc_attach_classic(int ifindex, enum tc_side side, const struct sock_filter *code, unsigned n,
		      const char *name)
{
	const size_t size = n * sizeof(*code);
	_cleanup_free_ char *buf = malloc(HEADERS_SIZE + size);
	struct nlattr *options;
	struct nlmsghdr *h;
	bool made;
	int r;

	if (!buf)
		return -ENOMEM;
	r = make_queue(ifindex, &made);
	if (r < 0)
		return r;
	h = new_filter(buf, ifindex, side, name, &options);
	mnl_attr_put_u16(h, TCA_BPF_OPS_LEN, (uint16_t)n);
	mnl_attr_put(h, TCA_BPF_OPS, size, code);
	mnl_attr_nest_end(h, options);
	return netlink_talk(h, NULL, NULL);
}

struct search {
	uint16_t type; /* of the attribute that tells the program ... */
	const void *program;
	size_t size; /* ... and what is in it */
	bool found;
};

static int compare_program(const struct nlattr *a, void *user)
{
	struct search *s = user;

	if (mnl_attr_get_type(a) == s->type && mnl_attr_get_payload_len(a) == s->size &&
	    memcmp(mnl_attr_get_payload(a), s->program, s->size) == 0)
		s->found = true;
	return MNL_CB_OK;
}

static int find_filter(const struct nlmsghdr *h, void *user)
{
	const struct tcmsg *t = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[TCA_OPTIONS + 1];
	struct search *s = user;

	if (h->nlmsg_type != RTM_NEWTFILTER || t->tcm_handle != OUR_HANDLE ||
	    TC_H_MAJ(t->tcm_info) >> 16 != OUR_PREFERENCE)
		return MNL_CB_OK;
	netlink_attributes(h, sizeof(*t), tb, TCA_OPTIONS);
	return tb[TCA_OPTIONS] ? mnl_attr_parse_nested(tb[TCA_OPTIONS], compare_program, s)
			       : MNL_CB_OK;
}

static bool is_attached(int ifindex, enum tc_side side, struct search *s)
{
	char buf[256];

	netlink_talk(new_message(buf, RTM_GETTFILTER, NLM_F_DUMP, ifindex, parent_of(side)),
		     find_filter, s);
	return s->found;
}

bool tc_attached(int ifindex, enum tc_side side, uint32_t program)
{
	struct search s = {.type = TCA_BPF_ID, .program = &program, .size = sizeof(program)};

	return is_attached(ifindex, side, &s);
}

bool tc_attached_classic(int ifindex, enum tc_side side, const struct sock_filter *code, unsigned n)
{
	struct search s = {.type = TCA_BPF_OPS, .program = code, .size = n * sizeof(*code)};

	return is_attached(ifindex, side, &s);
}

struct drops {
	int ifindex;
	uint64_t n;
};

static int take_drops(const struct nlattr *a, void *user)
{
	struct drops *d = user;

	if (mnl_attr_get_type(a) == TCA_STATS_QUEUE &&
	    mnl_attr_get_payload_len(a) >= sizeof(struct gnet_stats_queue))
		d->n = ((const struct gnet_stats_queue *)mnl_attr_get_payload(a))->drops;
	return MNL_CB_OK;
}

static int read_queue(const struct nlmsghdr *h, void *user)
{
	const struct tcmsg *t = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[TCA_STATS2 + 1];
	struct drops *d = user;

	if (h->nlmsg_type != RTM_NEWQDISC || t->tcm_ifindex != d->ifindex ||
	    t->tcm_parent != TC_H_CLSACT)
		return MNL_CB_OK;
	netlink_attributes(h, sizeof(*t), tb, TCA_STATS2);
	return tb[TCA_STATS2] ? mnl_attr_parse_nested(tb[TCA_STATS2], take_drops, d) : MNL_CB_OK;
}

uint64_t tc_dropped(int ifindex)
{
	struct drops d = {.ifindex = ifindex};
	char buf[256];

	netlink_talk(new_message(buf, RTM_GETQDISC, NLM_F_DUMP, ifindex, 0), read_queue, &d);
	return d.n;
}

static int count_filter(const struct nlmsghdr *h, void *user)
{
	if (h->nlmsg_type == RTM_NEWTFILTER)
		(*(unsigned *)user)++;
	return MNL_CB_OK;
}

static unsigned filters(int ifindex, enum tc_side side)
{
	char buf[256];
	unsigned n = 0;
	struct nlmsghdr *h = new_message(buf, RTM_GETTFILTER, NLM_F_DUMP, ifindex, parent_of(side));

	return netlink_talk(h, count_filter, &n) < 0 ? 1 : n;
}

int tc_detach(int ifindex, enum tc_side side, bool remove_queue)
{
	struct nlmsghdr *h;
	char buf[256];
	int r;

	h = new_message(buf, RTM_DELTFILTER, NLM_F_ACK, ifindex, parent_of(side));
	name_filter(h);
	mnl_attr_put_strz(h, TCA_KIND, "bpf");
	r = netlink_talk(h, NULL, NULL);
	if (!remove_queue || filters(ifindex, TC_INGRESS) || filters(ifindex, TC_EGRESS))
		return r;
	h = new_message(buf, RTM_DELQDISC, NLM_F_ACK, ifindex, TC_H_CLSACT);
	((struct tcmsg *)mnl_nlmsg_get_payload(h))->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	mnl_attr_put_strz(h, TCA_KIND, "clsact");
	return netlink_talk(h, NULL, NULL);
}
