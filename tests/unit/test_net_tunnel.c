/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages to the kernel about its tunnels, and the filters on them. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <net/if.h> /* before linux/if.h, which completes it */
#include <linux/fib_rules.h>
#include <linux/if_tunnel.h>
#include <linux/ip6_tunnel.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "net/internal.h"
#include "net/match.h"
#include "net/netlink.h"
#include "net/tunnel.h"

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	cr_assert_eq(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static struct tunnel_spec spec(void)
{
	return (struct tunnel_spec){
		.name = "dmm0t7",
		.local = addr("2001:db8:b::1"),
		.remote = addr("2001:db8:a::2"),
		.link = 10,
		.mark = 0x646d6d41,
	};
}

struct wanted {
	uint16_t type;
	const struct nlattr *found;
};

static int compare(const struct nlattr *a, void *user)
{
	struct wanted *w = user;

	if (mnl_attr_get_type(a) == w->type)
		w->found = a;
	return MNL_CB_OK;
}

static const struct nlattr *find(const struct nlattr *in, uint16_t type)
{
	struct wanted w = {.type = type};

	mnl_attr_parse_nested(in, compare, &w);
	cr_assert_not_null(w.found, "attribute %u", type);
	return w.found;
}

Test(net_tunnel, a_new_one_has_both_ends_and_takes_over_what_the_packet_says)
{
	const struct tunnel_spec s = spec();
	_Alignas(8) char buf[TUNNEL_MESSAGE_SIZE];
	struct nlmsghdr *h = tunnel_add(buf, &s);
	const struct nlattr *tb[IFLA_LINKINFO + 1], *data;

	cr_assert_eq(h->nlmsg_type, RTM_NEWLINK);
	cr_assert(h->nlmsg_flags & NLM_F_EXCL, "what is there is not changed");
	netlink_attributes(h, sizeof(struct ifinfomsg), tb, IFLA_LINKINFO);
	cr_assert_str_eq(mnl_attr_get_str(tb[IFLA_IFNAME]), "dmm0t7");
	data = find(tb[IFLA_LINKINFO], IFLA_INFO_DATA);
	cr_assert_eq(mnl_attr_get_u8(find(data, IFLA_IPTUN_PROTO)), IPPROTO_IPV6);
	cr_assert_eq(mnl_attr_get_u8(find(data, IFLA_IPTUN_TTL)), 64);
	cr_assert_eq(mnl_attr_get_u32(find(data, IFLA_IPTUN_FLAGS)),
		     IP6_TNL_F_IGN_ENCAP_LIMIT | IP6_TNL_F_USE_ORIG_TCLASS |
			     IP6_TNL_F_USE_ORIG_FLOWLABEL);
}

/* The kernel tells of an interface in the same attributes. */
Test(net_tunnel, what_was_asked_for_is_read_again)
{
	const struct tunnel_spec s = spec();
	_Alignas(8) char buf[TUNNEL_MESSAGE_SIZE];
	struct nlmsghdr *h = tunnel_add(buf, &s);
	struct tunnel_info i;

	((struct ifinfomsg *)mnl_nlmsg_get_payload(h))->ifi_index = 42;
	cr_assert(tunnel_parse(h, &i));
	cr_assert_eq(i.ifindex, 42);
	cr_assert_not(i.up);
	cr_assert_str_eq(i.name, "dmm0t7");
	cr_assert(addr_equal(&i.spec.local, &s.local) && addr_equal(&i.spec.remote, &s.remote));
	cr_assert_eq(i.spec.link, 10);
	cr_assert_eq(i.spec.mark, 0x646d6d41);
}

/* Cut short anywhere, it is not read, or as one that says less. */
Test(net_tunnel, a_message_that_is_cut_short_is_not_read_beyond_its_end)
{
	const struct tunnel_spec s = spec();
	_Alignas(8) char whole[TUNNEL_MESSAGE_SIZE];
	uint32_t len = tunnel_add(whole, &s)->nlmsg_len;

	for (uint32_t cut = sizeof(struct nlmsghdr); cut < len; cut += 4) {
		struct nlmsghdr *h = malloc(cut); /* whatever is read behind it is found */
		struct tunnel_info i;

		memcpy(h, whole, cut);
		h->nlmsg_len = cut;
		tunnel_parse(h, &i);
		free(h);
	}
}

Test(net_tunnel, other_interfaces_are_none)
{
	_Alignas(8) char buf[TUNNEL_MESSAGE_SIZE];
	struct nlmsghdr *h = netlink_message(buf, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	struct tunnel_info i;

	cr_assert_not(tunnel_parse(h, &i));
	mnl_attr_put_strz(h, IFLA_IFNAME, "eth0");
	cr_assert_not(tunnel_parse(h, &i));
}

Test(net_tunnel, an_interface_is_made_to_have_no_address_before_it_is_up)
{
	_Alignas(8) char buf[TUNNEL_MESSAGE_SIZE];
	const struct nlattr *tb[IFLA_AF_SPEC + 1];
	struct nlmsghdr *h = tunnel_plain(buf, 7);
	const struct ifinfomsg *i = mnl_nlmsg_get_payload(h);

	cr_assert_eq(i->ifi_index, 7);
	cr_assert_eq(i->ifi_change, 0, "the kernel would read the flags first");
	netlink_attributes(h, sizeof(*i), tb, IFLA_AF_SPEC);
	cr_assert_eq(
		mnl_attr_get_u8(find(find(tb[IFLA_AF_SPEC], AF_INET6), IFLA_INET6_ADDR_GEN_MODE)),
		IN6_ADDR_GEN_MODE_NONE);
	i = mnl_nlmsg_get_payload(tunnel_up(buf, 7));
	cr_assert_eq(i->ifi_flags & i->ifi_change, IFF_UP);
}

Test(net_tunnel, what_carries_the_mark_has_a_rule_and_a_route)
{
	_Alignas(8) char buf[TUNNEL_MESSAGE_SIZE];
	const struct in6_addr router = addr("fe80::b");
	const struct nlattr *tb[RTA_MAX + 1];
	struct nlmsghdr *h = mark_rule(buf, true, 5364, 25765, 0x646d6d40);

	netlink_attributes(h, sizeof(struct fib_rule_hdr), tb, FRA_PROTOCOL);
	cr_assert_eq(h->nlmsg_type, RTM_NEWRULE);
	cr_assert_eq(mnl_attr_get_u32(tb[FRA_PRIORITY]), 5364);
	cr_assert_eq(mnl_attr_get_u32(tb[FRA_FWMARK]), 0x646d6d40);
	cr_assert_eq(mnl_attr_get_u32(tb[FRA_FWMASK]), UINT32_MAX);
	cr_assert_eq(mnl_attr_get_u8(tb[FRA_PROTOCOL]), NET_PROTOCOL);
	cr_assert_eq(mark_rule(buf, false, 5364, 25765, 0x646d6d40)->nlmsg_type, RTM_DELRULE);

	h = mark_route(buf, 25765, 10, &router);
	netlink_attributes(h, sizeof(struct rtmsg), tb, RTA_MAX);
	cr_assert_eq(mnl_attr_get_u32(tb[RTA_OIF]), 10);
	cr_assert_eq(mnl_attr_get_u32(tb[RTA_TABLE]), 25765);
	cr_assert_not_null(tb[RTA_GATEWAY]);
	h = mark_route(buf, 25765, 10, &in6addr_any);
	netlink_attributes(h, sizeof(struct rtmsg), tb, RTA_MAX);
	cr_assert_null(tb[RTA_GATEWAY], "a link without neighbours");
}

/* What the program does with an IPv6 header: enough of a machine for what match.c writes. */
static uint32_t run(const struct match *m, const uint8_t *header)
{
	uint32_t a = 0;

	for (unsigned pc = 0; pc < m->n; pc++) {
		const struct sock_filter *i = &m->code[pc];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, header + (int)(i->k - (uint32_t)SKF_NET_OFF), sizeof(a));
			a = ntohl(a);
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == i->k ? i->jt : i->jf;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			cr_assert_fail("instruction %u", i->code);
		}
	}
	cr_assert_fail("the program does not end");
	return 0;
}

Test(net_tunnel, a_filter_tells_every_one_of_its_addresses)
{
	struct match m = {.n = 0};
	uint8_t header[40] = {0};
	struct in6_addr a = addr("2001:db8:22::");

	for (unsigned i = 0; i < CONF_MAX_HOMES; i++) {
		a.s6_addr[15] = (uint8_t)i;
		match_add(&m, MATCH_DESTINATION, &a, 100 + i);
	}
	match_end(&m, 2);
	for (unsigned i = 0; i <= CONF_MAX_HOMES; i++) {
		a.s6_addr[15] = (uint8_t)i;
		memcpy(header + MATCH_DESTINATION, &a, sizeof(a));
		cr_assert_eq(run(&m, header), i < CONF_MAX_HOMES ? 100 + i : 2);
	}
	for (unsigned octet = 0; octet < 15; octet++) {
		struct in6_addr wrong = addr("2001:db8:22::1");

		wrong.s6_addr[octet] ^= 0x80;
		memcpy(header + MATCH_DESTINATION, &wrong, sizeof(wrong));
		cr_assert_eq(run(&m, header), 2, "octet %u", octet);
	}
}

static uint32_t run_between(const struct match *m, const char *src, const char *dst)
{
	const struct in6_addr from = addr(src), to = addr(dst);
	uint8_t header[40] = {0};

	memcpy(header + MATCH_SOURCE, &from, sizeof(from));
	memcpy(header + MATCH_DESTINATION, &to, sizeof(to));
	return run(m, header);
}

Test(net_tunnel, a_filter_tells_a_pair_from_its_halves)
{
	struct match m = {.n = 0};
	const struct in6_addr src = addr("2001:db8:a::2"), dst = addr("2001:db8:b::1");

	match_add_pair(&m, &src, &dst, 1);
	match_add(&m, MATCH_DESTINATION, &dst, 2);
	match_end(&m, 3);
	cr_assert_eq(run_between(&m, "2001:db8:a::2", "2001:db8:b::1"), 1);
	cr_assert_eq(run_between(&m, "2001:db8:a::3", "2001:db8:b::1"), 2);
	cr_assert_eq(run_between(&m, "2001:db9:a::2", "2001:db8:b::1"), 2);
	cr_assert_eq(run_between(&m, "2001:db8:a::2", "2001:db8:b::2"), 3);
	cr_assert_eq(run_between(&m, "2001:db8:b::1", "2001:db8:a::2"), 3);
}

Test(net_tunnel, a_filter_tells_what_is_of_the_link)
{
	static const char *const on_link[] = {"fe80::1", "febf::1", "ff02::fb", "ff0e::1"};
	static const char *const beyond[] = {"fec0::1", "fe40::1", "2001:db8::1", "fd00::1", "::"};
	struct match m = {.n = 0};

	match_add_on_link(&m, MATCH_SOURCE, 7);
	match_end(&m, 8);
	for (unsigned i = 0; i < sizeof(on_link) / sizeof(*on_link); i++)
		cr_assert_eq(run_between(&m, on_link[i], "2001:db8::1"), 7, "%s", on_link[i]);
	for (unsigned i = 0; i < sizeof(beyond) / sizeof(*beyond); i++)
		cr_assert_eq(run_between(&m, beyond[i], "fe80::1"), 8, "%s", beyond[i]);
}

Test(net_tunnel, a_filter_has_room_for_all_home_addresses_and_the_rest)
{
	struct match m = {.n = 0};
	const struct in6_addr a = addr("::1"), last = addr("2001:db8::7");

	match_add_on_link(&m, MATCH_SOURCE, 7);
	for (unsigned i = 0; i < CONF_MAX_HOMES; i++)
		match_add(&m, MATCH_SOURCE, &a, i);
	for (unsigned i = 1; i < CONF_MAX_HOMES; i++)
		match_add(&m, MATCH_DESTINATION, &a, i);
	match_add(&m, MATCH_DESTINATION, &last, 5);
	match_end(&m, 0);
	cr_assert_eq(run_between(&m, "2001:db8::1", "2001:db8::7"), 5);
}

Test(net_tunnel, a_filter_never_has_more_than_fits)
{
	struct match m = {.n = 0};
	const struct in6_addr a = addr("::1");

	for (unsigned i = 0; i < 10 * MATCH_MAX; i++) {
		match_add(&m, MATCH_SOURCE, &a, i);
		match_add_pair(&m, &a, &a, i);
		match_add_on_link(&m, MATCH_SOURCE, i);
	}
	match_end(&m, 0);
	cr_assert_leq(m.n, sizeof(m.code) / sizeof(*m.code));
	cr_assert_leq(m.n, BPF_MAXINSNS);
}
