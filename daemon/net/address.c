/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/address.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "net/internal.h"
#include "net/netlink.h"

#define PROTOCOL_ATTR 11 /* IFA_PROTO, Linux 5.18 */
#define FOREVER 0xffffffffu
#define CLAIM_FLAGS (IFA_F_NOPREFIXROUTE | IFA_F_PERMANENT)
/* Flags that a change of lifetimes would otherwise clear. */
#define KEPT_FLAGS (IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE)

/* Whether it is missing or its interface is. */
static int gone_is_fine(int r)
{
	return r == -EADDRNOTAVAIL || r == -ENODEV || r == -ENXIO || r == -ESRCH ? 0 : r;
}

static struct nlmsghdr *new_message(void *buf, uint16_t type, uint16_t flags, int ifindex,
				    const struct in6_addr *addr, uint32_t address_flags)
{
	struct nlmsghdr *h = netlink_message(buf, type, flags, sizeof(struct ifaddrmsg));
	struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);

	ifa->ifa_family = AF_INET6;
	ifa->ifa_prefixlen = 128;
	ifa->ifa_flags = (uint8_t)address_flags;
	ifa->ifa_index = (unsigned)ifindex;
	mnl_attr_put(h, IFA_LOCAL, sizeof(*addr), addr);
	mnl_attr_put(h, IFA_ADDRESS, sizeof(*addr), addr);
	return h;
}

int address_add(int ifindex, const struct in6_addr *addr, bool dad)
{
	const struct ifa_cacheinfo life = {.ifa_prefered = 0, .ifa_valid = FOREVER};
	uint32_t flags = IFA_F_NOPREFIXROUTE | (dad ? IFA_F_OPTIMISTIC : IFA_F_NODAD);
	struct nlmsghdr *h;
	char buf[256];
	int r;

	/* Without NLM_F_REPLACE one that is there already is left as it is. */
	h = new_message(buf, RTM_NEWADDR, NLM_F_CREATE | NLM_F_ACK, ifindex, addr, flags);
	mnl_attr_put_u32(h, IFA_FLAGS, flags);
	mnl_attr_put(h, IFA_CACHEINFO, sizeof(life), &life);
	mnl_attr_put_u8(h, PROTOCOL_ATTR, NET_PROTOCOL);
	r = netlink_talk(h, NULL, NULL);
	return r == -EEXIST ? 0 : r;
}

int address_remove(int ifindex, const struct in6_addr *addr)
{
	char buf[256];

	return gone_is_fine(netlink_talk(new_message(buf, RTM_DELADDR, NLM_F_ACK, ifindex, addr, 0),
					 NULL, NULL));
}

static bool parse(const struct nlmsghdr *h, struct address_info *ret)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[PROTOCOL_ATTR + 1], *addr;
	const struct ifa_cacheinfo *life;

	if (h->nlmsg_type != RTM_NEWADDR || ifa->ifa_family != AF_INET6)
		return false;
	netlink_attributes(h, sizeof(*ifa), tb, PROTOCOL_ATTR);
	addr = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	if (!addr || mnl_attr_get_payload_len(addr) != sizeof(ret->addr))
		return false;
	*ret = (struct address_info){
		.ifindex = (int)ifa->ifa_index,
		.plen = ifa->ifa_prefixlen,
		.protocol = tb[PROTOCOL_ATTR] ? mnl_attr_get_u8(tb[PROTOCOL_ATTR]) : 0,
		.flags = tb[IFA_FLAGS] ? mnl_attr_get_u32(tb[IFA_FLAGS]) : ifa->ifa_flags,
		.preferred = FOREVER,
		.valid = FOREVER,
	};
	memcpy(&ret->addr, mnl_attr_get_payload(addr), sizeof(ret->addr));
	if (tb[IFA_CACHEINFO] && mnl_attr_get_payload_len(tb[IFA_CACHEINFO]) >= sizeof(*life)) {
		life = mnl_attr_get_payload(tb[IFA_CACHEINFO]);
		ret->preferred = life->ifa_prefered;
		ret->valid = life->ifa_valid;
	}
	return true;
}

static bool kernel_tells_protocol(void)
{
	unsigned major = 0, minor = 0;
	struct utsname u;

	return uname(&u) == 0 && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 5 || (major == 5 && minor >= 18));
}

bool address_is_ours(const struct address_info *a)
{
	if (a->protocol || kernel_tells_protocol())
		return a->protocol == NET_PROTOCOL;
	return a->plen == 128 && a->preferred == 0 && (a->flags & CLAIM_FLAGS) == CLAIM_FLAGS;
}

static int read_one(const struct nlmsghdr *h, void *user)
{
	if (parse(h, user))
		return MNL_CB_STOP;
	errno = EPROTO;
	return MNL_CB_ERROR;
}

static int address_get(int ifindex, const struct in6_addr *addr, struct address_info *ret)
{
	char buf[256];

	return netlink_talk(new_message(buf, RTM_GETADDR, 0, ifindex, addr, 0), read_one, ret);
}

int address_remove_ours(int ifindex, const struct in6_addr *addr)
{
	struct address_info a = {0};
	int r = address_get(ifindex, addr, &a);

	if (r < 0)
		return gone_is_fine(r);
	return address_is_ours(&a) ? address_remove(ifindex, addr) : 0;
}

int address_deprecate(int ifindex, const struct in6_addr *addr, struct netlink_batch *batch,
		      uint8_t *plen)
{
	struct ifa_cacheinfo life = {.ifa_prefered = 0};
	struct address_info a = {0};
	struct nlmsghdr *h;
	char buf[256];
	int r = address_get(ifindex, addr, &a);

	if (r < 0)
		return r;
	*plen = a.plen;
	life.ifa_valid = a.valid;
	a.flags &= KEPT_FLAGS;
	h = new_message(buf, RTM_NEWADDR, NLM_F_REPLACE, ifindex, addr, a.flags);
	((struct ifaddrmsg *)mnl_nlmsg_get_payload(h))->ifa_prefixlen = a.plen;
	mnl_attr_put_u32(h, IFA_FLAGS, a.flags);
	mnl_attr_put(h, IFA_CACHEINFO, sizeof(life), &life);
	if (a.protocol)
		mnl_attr_put_u8(h, PROTOCOL_ATTR, a.protocol);
	netlink_batch_add(batch, h);
	return 0;
}

int address_take_in(int ifindex, const struct in6_addr *addr, bool on)
{
	struct nlmsghdr *h;
	struct rtmsg *rt;
	char buf[256];
	int r;

	h = netlink_message(buf, on ? RTM_NEWROUTE : RTM_DELROUTE,
			    NLM_F_ACK | (on ? NLM_F_CREATE | NLM_F_EXCL : 0), sizeof(*rt));
	rt = mnl_nlmsg_get_payload(h);
	*rt = (struct rtmsg){
		.rtm_family = AF_INET6,
		.rtm_dst_len = 128,
		.rtm_table = RT_TABLE_LOCAL,
		.rtm_protocol = NET_PROTOCOL,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_LOCAL,
	};
	mnl_attr_put(h, RTA_DST, sizeof(*addr), addr);
	mnl_attr_put_u32(h, RTA_OIF, (uint32_t)ifindex);
	mnl_attr_put_u32(h, RTA_PRIORITY, ROUTE_METRIC);
	r = netlink_talk(h, NULL, NULL);
	return on && r == -EEXIST ? 0 : gone_is_fine(r);
}

struct each {
	void (*f)(const struct address_info *a, void *user);
	void *user;
};

static int call(const struct nlmsghdr *h, void *user)
{
	const struct each *e = user;
	struct address_info a;

	if (parse(h, &a))
		e->f(&a, e->user);
	return MNL_CB_OK;
}

int address_each(void (*f)(const struct address_info *a, void *user), void *user)
{
	struct each e = {f, user};
	struct nlmsghdr *h;
	char buf[256];

	h = netlink_message(buf, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
	((struct ifaddrmsg *)mnl_nlmsg_get_payload(h))->ifa_family = AF_INET6;
	return netlink_talk(h, call, &e);
}
