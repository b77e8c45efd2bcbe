/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What TCP sockets have carried so far (struct tcp_info); the kernel does not count it for UDP. */
#include <errno.h>
#include <linux/inet_diag.h>
#include <netinet/tcp.h>
#include <string.h>

#include "net/internal.h"

#define STATES_ALL 0xffffffffu

/* The C library's struct ends before what is looked for here. */
struct longer_info {
	struct tcp_info begin;
	uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
};
_Static_assert(offsetof(struct longer_info, bytes_acked) == 120, "as in linux/tcp.h");

struct counted {
	struct session_bytes *bytes;
	size_t n, allocated;
};

static int on_attribute(const struct nlattr *a, void *user)
{
	struct session_bytes *b = user;
	struct longer_info info = {0};
	size_t len = mnl_attr_get_payload_len(a);

	if (mnl_attr_get_type(a) != INET_DIAG_INFO)
		return MNL_CB_OK;
	/* An older kernel says less, a newer one more. */
	memcpy(&info, mnl_attr_get_payload(a), len < sizeof(info) ? len : sizeof(info));
	b->sent = info.bytes_acked;
	b->received = info.bytes_received;
	return MNL_CB_OK;
}

static int on_socket(const struct nlmsghdr *h, void *user)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(h);
	struct session_bytes b = {0};
	struct counted *c = user;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return MNL_CB_OK;
	b.cookie = diag_cookie(m);
	mnl_attr_parse(h, sizeof(*m), on_attribute, &b);
	if (c->n == c->allocated) {
		size_t want = c->allocated ? 2 * c->allocated : 64;
		struct session_bytes *p = reallocarray(c->bytes, want, sizeof(*p));

		if (!p) {
			errno = ENOMEM;
			return MNL_CB_ERROR;
		}
		c->bytes = p;
		c->allocated = want;
	}
	c->bytes[c->n++] = b;
	return MNL_CB_OK;
}

static int compare(const void *a, const void *b)
{
	const struct session_bytes *x = a, *y = b;

	return (x->cookie > y->cookie) - (x->cookie < y->cookie);
}

int net_session_bytes(struct net *n, const struct ip6_prefix *sources, unsigned n_sources,
		      struct session_bytes **ret, size_t *ret_n)
{
	_cleanup_free_ struct nlmsghdr *request = NULL;
	struct inet_diag_req_v2 *req;
	struct counted c = {0};
	int r = diag_request_new(sources, n_sources, &request);

	(void)n;
	if (r < 0)
		return r;
	req = mnl_nlmsg_get_payload(request);
	req->sdiag_protocol = IPPROTO_TCP;
	req->idiag_states = STATES_ALL;
	req->idiag_ext = 1u << (INET_DIAG_INFO - 1);
	r = diag_dump(request, on_socket, &c);
	if (r < 0 && r != -EINTR) {
		free(c.bytes);
		return r;
	}
	if (c.n)
		qsort(c.bytes, c.n, sizeof(*c.bytes), compare);
	*ret = c.bytes;
	*ret_n = c.n;
	return 0;
}

const struct session_bytes *session_bytes_find(const struct session_bytes *b, size_t n,
					       uint64_t cookie)
{
	const struct session_bytes key = {.cookie = cookie};

	return n ? bsearch(&key, b, n, sizeof(*b), compare) : NULL;
}
