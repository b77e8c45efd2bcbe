/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/esp.h"

#include <errno.h>
#include <linux/xfrm.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "net/netlink.h"

#define MESSAGE_SIZE 1024
#define ALGORITHM_NAME 64
#define AUTHENTICATION "hmac(sha256)"
#define ENCRYPTION "cbc(aes)"
#define TRUNCATED_BITS 128
#define CHANGES_SIZE 8192

struct esp {
	struct mnl_socket *talk, *monitor;
	uint8_t policy_type;
};

/* A state: which it is, and what it does. */
struct state {
	struct in6_addr src, dst;
	const struct conf_esp_keys *keys;
};

/* What struct xfrm_algo_auth and struct xfrm_algo are, with their keys. */
struct authentication {
	char name[ALGORITHM_NAME];
	unsigned bits, truncated;
	uint8_t key[ESP_AUTHENTICATION_LEN];
};
struct encryption {
	char name[ALGORITHM_NAME];
	unsigned bits;
	uint8_t key[ESP_ENCRYPTION_MAX];
};

static size_t encryption_size(const struct conf_esp_keys *k)
{
	return offsetof(struct encryption, key) + k->encryption_len;
}

static void get_algorithms(const struct conf_esp_keys *k, struct authentication *a,
			   struct encryption *e)
{
	*a = (struct authentication){
		.name = AUTHENTICATION,
		.bits = ESP_AUTHENTICATION_LEN * 8,
		.truncated = TRUNCATED_BITS,
	};
	*e = (struct encryption){.name = ENCRYPTION, .bits = k->encryption_len * 8};
	memcpy(a->key, k->authentication, sizeof(a->key));
	memcpy(e->key, k->encryption, k->encryption_len);
}

static int talk(struct esp *e, struct nlmsghdr *h, mnl_cb_t cb, void *user)
{
	int r;

	h->nlmsg_pid = mnl_socket_get_portid(e->talk); /* which is told to those who listen */
	r = netlink_talk_on(e->talk, h, cb, user);
	explicit_bzero(h, h->nlmsg_len);
	return r;
}

static void set_unlimited(struct xfrm_lifetime_cfg *l)
{
	l->soft_byte_limit = l->hard_byte_limit = XFRM_INF;
	l->soft_packet_limit = l->hard_packet_limit = XFRM_INF;
}

/* Without a replay window: keys that are set by hand have no use for it (RFC 4303 section 3.3.3). */
static int state_add(struct esp *e, const struct state *s)
{
	char buf[MESSAGE_SIZE];
	struct nlmsghdr *h =
		netlink_message(buf, XFRM_MSG_NEWSA, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
				sizeof(struct xfrm_usersa_info));
	struct xfrm_usersa_info *i = mnl_nlmsg_get_payload(h);
	struct authentication authentication;
	struct encryption encryption;

	i->family = i->sel.family = AF_INET6;
	i->id.proto = IPPROTO_ESP;
	i->id.spi = htonl(s->keys->spi);
	i->mode = XFRM_MODE_TRANSPORT;
	i->reqid = ESP_REQUEST_ID;
	memcpy(&i->saddr, &s->src, sizeof(s->src));
	memcpy(&i->id.daddr, &s->dst, sizeof(s->dst));
	set_unlimited(&i->lft);
	get_algorithms(s->keys, &authentication, &encryption);
	mnl_attr_put(h, XFRMA_ALG_AUTH_TRUNC, sizeof(authentication), &authentication);
	mnl_attr_put(h, XFRMA_ALG_CRYPT, encryption_size(s->keys), &encryption);
	explicit_bzero(&authentication, sizeof(authentication));
	explicit_bzero(&encryption, sizeof(encryption));
	return talk(e, h, NULL, NULL);
}

static struct nlmsghdr *state_message(void *buf, uint16_t type, const struct in6_addr *dst,
				      uint32_t spi)
{
	struct nlmsghdr *h = netlink_message(buf, type, NLM_F_ACK, sizeof(struct xfrm_usersa_id));
	struct xfrm_usersa_id *id = mnl_nlmsg_get_payload(h);

	id->family = AF_INET6;
	id->proto = IPPROTO_ESP;
	id->spi = htonl(spi);
	memcpy(&id->daddr, dst, sizeof(*dst));
	return h;
}

static int state_delete(struct esp *e, const struct in6_addr *dst, uint32_t spi)
{
	char buf[MESSAGE_SIZE];

	return talk(e, state_message(buf, XFRM_MSG_DELSA, dst, spi), NULL, NULL);
}

static const struct xfrm_usersa_info *get_state(const struct nlmsghdr *h)
{
	const struct xfrm_usersa_info *i = mnl_nlmsg_get_payload(h);

	return h->nlmsg_type == XFRM_MSG_NEWSA && mnl_nlmsg_get_payload_len(h) >= sizeof(*i) ? i
											     : NULL;
}

static bool is_our_state(const struct xfrm_usersa_info *i)
{
	return i->family == AF_INET6 && i->id.proto == IPPROTO_ESP && i->reqid == ESP_REQUEST_ID;
}

static bool is_hidden(const uint8_t *key, size_t size)
{
	while (size && !*key)
		key++, size--;
	return size == 0;
}

bool esp_is_algorithm(const void *got, const void *wanted, size_t size, size_t key)
{
	if (is_hidden((const uint8_t *)got + key, size - key))
		size = key;
	return memcmp(got, wanted, size) == 0;
}

static bool is_attribute(const struct nlattr *a, const void *wanted, size_t size, size_t key)
{
	return a && mnl_attr_get_payload_len(a) == size &&
	       esp_is_algorithm(mnl_attr_get_payload(a), wanted, size, key);
}

struct comparison {
	const struct state *wanted;
	bool ours, same;
	uint64_t failed;
};

static int compare_state(const struct nlmsghdr *h, void *user)
{
	const struct xfrm_usersa_info *i = get_state(h);
	const struct nlattr *tb[XFRMA_ALG_AUTH_TRUNC + 1];
	struct comparison *c = user;
	struct authentication authentication;
	struct encryption encryption;

	if (!i)
		return MNL_CB_OK;
	netlink_attributes(h, sizeof(*i), tb, XFRMA_ALG_AUTH_TRUNC);
	get_algorithms(c->wanted->keys, &authentication, &encryption);
	c->ours = is_our_state(i);
	c->same = c->ours && i->mode == XFRM_MODE_TRANSPORT &&
		  memcmp(&i->saddr, &c->wanted->src, sizeof(c->wanted->src)) == 0 &&
		  is_attribute(tb[XFRMA_ALG_AUTH_TRUNC], &authentication, sizeof(authentication),
			       offsetof(struct authentication, key)) &&
		  is_attribute(tb[XFRMA_ALG_CRYPT], &encryption, encryption_size(c->wanted->keys),
			       offsetof(struct encryption, key));
	c->failed = i->stats.integrity_failed;
	explicit_bzero(&authentication, sizeof(authentication));
	explicit_bzero(&encryption, sizeof(encryption));
	return MNL_CB_OK;
}

static int state_compare(struct esp *e, const struct state *s, struct comparison *ret)
{
	struct comparison c = {.wanted = s};
	char buf[MESSAGE_SIZE];
	int r = talk(e, state_message(buf, XFRM_MSG_GETSA, &s->dst, s->keys->spi), compare_state,
		     &c);

	*ret = c;
	return r;
}

/* One of an earlier run is kept as it is: its sequence numbers go on. */
static int state_ensure(struct esp *e, const struct state *s)
{
	struct comparison c;
	int r = state_add(e, s);

	if (r != -EEXIST || state_compare(e, s, &c) < 0 || !c.ours)
		return r;
	if (c.same)
		return 0;
	r = state_delete(e, &s->dst, s->keys->spi);
	return r < 0 ? r : state_add(e, s);
}

static struct state state_out(const struct in6_addr *anchor, const struct conf_esp *keys)
{
	return (struct state){.dst = *anchor, .keys = &keys->out};
}

static struct state state_in(const struct in6_addr *coa, const struct in6_addr *anchor,
			     const struct conf_esp *keys)
{
	return (struct state){.src = *anchor, .dst = *coa, .keys = &keys->in};
}

static void set_selector(struct xfrm_selector *sel, const struct in6_addr *src,
			 const struct in6_addr *dst)
{
	sel->family = AF_INET6;
	sel->proto = IPPROTO_IPV6;
	sel->prefixlen_s = sel->prefixlen_d = 128;
	memcpy(&sel->saddr, src, sizeof(*src));
	memcpy(&sel->daddr, dst, sizeof(*dst));
}

static void put_policy_type(struct nlmsghdr *h, uint8_t type)
{
	const struct xfrm_userpolicy_type t = {.type = type};

	mnl_attr_put(h, XFRMA_POLICY_TYPE, sizeof(t), &t);
}

static int policy_add(struct esp *e, uint16_t type, uint8_t dir, const struct in6_addr *src,
		      const struct in6_addr *dst)
{
	char buf[MESSAGE_SIZE];
	struct nlmsghdr *h = netlink_message(buf, type, NLM_F_CREATE | NLM_F_ACK,
					     sizeof(struct xfrm_userpolicy_info));
	struct xfrm_userpolicy_info *p = mnl_nlmsg_get_payload(h);
	const struct xfrm_user_tmpl template = {
		.id.proto = IPPROTO_ESP,
		.family = AF_INET6,
		.reqid = ESP_REQUEST_ID,
		.mode = XFRM_MODE_TRANSPORT,
		.aalgos = UINT32_MAX,
		.ealgos = UINT32_MAX,
		.calgos = UINT32_MAX,
	};

	set_selector(&p->sel, src, dst);
	set_unlimited(&p->lft);
	p->priority = ESP_PRIORITY;
	p->dir = dir;
	p->action = XFRM_POLICY_ALLOW;
	p->share = XFRM_SHARE_ANY;
	mnl_attr_put(h, XFRMA_TMPL, sizeof(template), &template);
	put_policy_type(h, e->policy_type);
	return talk(e, h, NULL, NULL);
}

static const struct xfrm_userpolicy_info *get_policy(const struct nlmsghdr *h)
{
	const struct xfrm_userpolicy_info *p = mnl_nlmsg_get_payload(h);

	return h->nlmsg_type == XFRM_MSG_NEWPOLICY && mnl_nlmsg_get_payload_len(h) >= sizeof(*p)
		       ? p
		       : NULL;
}

/* Of one template alone, and that asks for states of ours. */
static bool is_our_policy(const struct nlmsghdr *h)
{
	const struct nlattr *tb[XFRMA_TMPL + 1];
	struct xfrm_user_tmpl template;

	netlink_attributes(h, sizeof(struct xfrm_userpolicy_info), tb, XFRMA_TMPL);
	if (!tb[XFRMA_TMPL] || mnl_attr_get_payload_len(tb[XFRMA_TMPL]) != sizeof(template))
		return false;
	memcpy(&template, mnl_attr_get_payload(tb[XFRMA_TMPL]), sizeof(template));
	return template.reqid == ESP_REQUEST_ID;
}

static int compare_policy(const struct nlmsghdr *h, void *user)
{
	const struct xfrm_userpolicy_info *p = get_policy(h);
	struct comparison *c = user;

	if (!p)
		return MNL_CB_OK;
	c->ours = is_our_policy(h);
	c->same = c->ours && p->priority == ESP_PRIORITY && p->action == XFRM_POLICY_ALLOW;
	return MNL_CB_OK;
}

static int policy_compare(struct esp *e, uint8_t dir, const struct in6_addr *src,
			  const struct in6_addr *dst, struct comparison *ret)
{
	struct comparison c = {0};
	char buf[MESSAGE_SIZE];
	struct nlmsghdr *h = netlink_message(buf, XFRM_MSG_GETPOLICY, NLM_F_ACK,
					     sizeof(struct xfrm_userpolicy_id));
	struct xfrm_userpolicy_id *id = mnl_nlmsg_get_payload(h);
	int r;

	set_selector(&id->sel, src, dst);
	id->dir = dir;
	put_policy_type(h, e->policy_type);
	r = talk(e, h, compare_policy, &c);
	*ret = c;
	return r;
}

static int policy_ensure(struct esp *e, uint8_t dir, const struct in6_addr *src,
			 const struct in6_addr *dst)
{
	struct comparison c;
	int r = policy_add(e, XFRM_MSG_NEWPOLICY, dir, src, dst);

	if (r != -EEXIST || policy_compare(e, dir, src, dst, &c) < 0 || !c.ours)
		return r;
	return c.same ? 0 : policy_add(e, XFRM_MSG_UPDPOLICY, dir, src, dst);
}

static bool has_state(struct esp *e, const struct state *s)
{
	struct comparison c;

	return state_compare(e, s, &c) == 0 && c.same;
}

/* The states first, so that no packet finds a policy without them. */
int esp_protect(struct esp *e, const struct in6_addr *coa, const struct in6_addr *anchor,
		const struct conf_esp *keys)
{
	struct state out = state_out(anchor, keys), in = state_in(coa, anchor, keys);
	/* On a move that is there already. */
	int r = has_state(e, &out) ? 0 : state_ensure(e, &out);

	if (r == 0)
		r = state_ensure(e, &in);
	if (r == 0)
		r = policy_ensure(e, XFRM_POLICY_IN, anchor, coa);
	if (r == 0)
		r = policy_ensure(e, XFRM_POLICY_OUT, coa, anchor);
	return r;
}

static bool has_policy(struct esp *e, uint8_t dir, const struct in6_addr *src,
		       const struct in6_addr *dst)
{
	struct comparison c;

	return policy_compare(e, dir, src, dst, &c) == 0 && c.same;
}

bool esp_is_protected(struct esp *e, const struct in6_addr *coa, const struct in6_addr *anchor,
		      const struct conf_esp *keys)
{
	struct state out = state_out(anchor, keys), in = state_in(coa, anchor, keys);

	return has_state(e, &out) && has_state(e, &in) &&
	       has_policy(e, XFRM_POLICY_IN, anchor, coa) &&
	       has_policy(e, XFRM_POLICY_OUT, coa, anchor);
}

uint64_t esp_failed(struct esp *e, const struct in6_addr *coa, const struct conf_esp *keys)
{
	struct state in = {.dst = *coa, .keys = &keys->in};
	struct comparison c;

	return state_compare(e, &in, &c) == 0 && c.ours ? c.failed : 0;
}

#define SWEEP_MAX 256 /* more than tunnels and home agents can be */

struct sweep {
	esp_wanted_t is_wanted;
	void *user;
	unsigned n_states, n_policies;
	struct {
		struct in6_addr dst;
		uint32_t spi;
	} state[SWEEP_MAX];
	struct {
		struct xfrm_userpolicy_id id;
		uint8_t type;
	} policy[SWEEP_MAX];
};

/* A state out is from anywhere; the source of one in is the home agent. */
static int sweep_state(const struct nlmsghdr *h, void *user)
{
	const struct xfrm_usersa_info *i = get_state(h);
	struct in6_addr src, dst;
	struct sweep *s = user;

	if (!i || !is_our_state(i) || s->n_states == SWEEP_MAX)
		return MNL_CB_OK;
	memcpy(&src, &i->saddr, sizeof(src));
	memcpy(&dst, &i->id.daddr, sizeof(dst));
	if (addr_is_any(&src) ? s->is_wanted(NULL, &dst, ntohl(i->id.spi), s->user)
			      : s->is_wanted(&dst, &src, ntohl(i->id.spi), s->user))
		return MNL_CB_OK;
	s->state[s->n_states].dst = dst;
	s->state[s->n_states++].spi = ntohl(i->id.spi);
	return MNL_CB_OK;
}

static int sweep_policy(const struct nlmsghdr *h, void *user)
{
	const struct xfrm_userpolicy_info *p = get_policy(h);
	const struct nlattr *tb[XFRMA_POLICY_TYPE + 1];
	struct in6_addr src, dst;
	struct sweep *s = user;
	bool out;

	if (!p || !is_our_policy(h) || s->n_policies == SWEEP_MAX)
		return MNL_CB_OK;
	memcpy(&src, &p->sel.saddr, sizeof(src));
	memcpy(&dst, &p->sel.daddr, sizeof(dst));
	out = p->dir == XFRM_POLICY_OUT;
	if (s->is_wanted(out ? &src : &dst, out ? &dst : &src, 0, s->user))
		return MNL_CB_OK;
	netlink_attributes(h, sizeof(*p), tb, XFRMA_POLICY_TYPE);
	s->policy[s->n_policies].type =
		tb[XFRMA_POLICY_TYPE] ? mnl_attr_get_u8(tb[XFRMA_POLICY_TYPE]) : 0;
	s->policy[s->n_policies++].id =
		(struct xfrm_userpolicy_id){.sel = p->sel, .index = p->index, .dir = p->dir};
	return MNL_CB_OK;
}

static void dump(struct esp *e, uint16_t type, size_t header, mnl_cb_t cb, struct sweep *s)
{
	char buf[MESSAGE_SIZE];

	talk(e, netlink_message(buf, type, NLM_F_DUMP, header), cb, s);
}

void esp_sweep(struct esp *e, esp_wanted_t is_wanted, void *user)
{
	struct sweep s = {.is_wanted = is_wanted, .user = user};
	char buf[MESSAGE_SIZE];

	dump(e, XFRM_MSG_GETPOLICY, sizeof(struct xfrm_userpolicy_id), sweep_policy, &s);
	for (unsigned i = 0; i < s.n_policies; i++) {
		struct nlmsghdr *h =
			netlink_message(buf, XFRM_MSG_DELPOLICY, NLM_F_ACK, sizeof(s.policy[i].id));

		memcpy(mnl_nlmsg_get_payload(h), &s.policy[i].id, sizeof(s.policy[i].id));
		put_policy_type(h, s.policy[i].type);
		talk(e, h, NULL, NULL);
	}
	dump(e, XFRM_MSG_GETSA, sizeof(struct xfrm_usersa_id), sweep_state, &s);
	for (unsigned i = 0; i < s.n_states; i++)
		state_delete(e, &s.state[i].dst, s.state[i].spi);
}

int esp_probe(struct esp *e)
{
	/* Nobody has these addresses (RFC 6666), and nothing is sent with these keys. */
	static const struct in6_addr nobody = {.s6_addr = {1, [15] = 3}};
	static const struct conf_esp_keys keys = {.spi = UINT32_MAX, .encryption_len = 16};
	struct state s = {.dst = nobody, .keys = &keys};
	int r = state_add(e, &s);

	if (r == 0 || r == -EEXIST)
		r = state_delete(e, &nobody, keys.spi);
	return r;
}

static int open_socket(unsigned groups, int flags, struct mnl_socket **ret)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_XFRM, SOCK_CLOEXEC | flags);
	int r;

	if (!s)
		return -errno;
	if (mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) < 0) {
		r = -errno;
		mnl_socket_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

int esp_open(struct esp **ret)
{
	struct esp *e = calloc(1, sizeof(*e));
	struct comparison nothing;
	int r;

	if (!e)
		return -ENOMEM;
	r = open_socket(0, 0, &e->talk);
	if (r == 0)
		r = open_socket(XFRMGRP_SA | XFRMGRP_POLICY, SOCK_NONBLOCK, &e->monitor);
	if (r < 0) {
		esp_close(e);
		return r;
	}
	e->policy_type = XFRM_POLICY_TYPE_SUB;
	if (policy_compare(e, XFRM_POLICY_OUT, &in6addr_loopback, &in6addr_loopback, &nothing) ==
	    -EINVAL)
		e->policy_type = XFRM_POLICY_TYPE_MAIN; /* no CONFIG_XFRM_SUB_POLICY */
	*ret = e;
	return 0;
}

void esp_close(struct esp *e)
{
	if (!e)
		return;
	if (e->talk)
		mnl_socket_close(e->talk);
	if (e->monitor)
		mnl_socket_close(e->monitor);
	free(e);
}

int esp_fd(const struct esp *e)
{
	return mnl_socket_get_fd(e->monitor);
}

/* What is new leaves ours alone. */
static bool is_change(const struct nlmsghdr *h, unsigned own)
{
	switch (h->nlmsg_type) {
	case XFRM_MSG_NEWSA:
	case XFRM_MSG_NEWPOLICY:
	case XFRM_MSG_ACQUIRE:
	case XFRM_MSG_EXPIRE:
	case XFRM_MSG_POLEXPIRE:
		return false;
	default:
		return h->nlmsg_pid != own;
	}
}

bool esp_changed(struct esp *e)
{
	char buf[CHANGES_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	bool changed = false;
	ssize_t n;

	while ((n = mnl_socket_recvfrom(e->monitor, buf, sizeof(buf))) > 0 || errno == ENOBUFS) {
		int left = (int)n;

		changed = changed || n < 0; /* some were lost */
		for (const struct nlmsghdr *h = (const void *)buf; mnl_nlmsg_ok(h, left);
		     h = mnl_nlmsg_next(h, &left))
			changed = changed || is_change(h, mnl_socket_get_portid(e->talk));
	}
	explicit_bzero(buf, sizeof(buf));
	return changed;
}
