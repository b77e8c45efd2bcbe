/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ending sockets whose address is lost (sock_diag(7), SOCK_DESTROY): what they wait for will never come, and without that
 * word their applications would only find out by a timeout.
 */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <string.h>

#include "net/internal.h"

#ifndef SOCK_DESTROY
#define SOCK_DESTROY 21
#endif
#define STATES_ALL 0xffffffffu
#define STATE(s) (1u << (s))

struct doomed {
	struct inet_diag_sockid *id;
	size_t n, allocated;
};

static int on_socket(const struct nlmsghdr *h, void *user)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(h);
	struct doomed *d = user;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return MNL_CB_OK;
	if (d->n == d->allocated) {
		size_t want = d->allocated ? 2 * d->allocated : 16;
		struct inet_diag_sockid *p = reallocarray(d->id, want, sizeof(*p));

		if (!p) {
			errno = ENOMEM;
			return MNL_CB_ERROR;
		}
		d->id = p;
		d->allocated = want;
	}
	d->id[d->n++] = m->id;
	return MNL_CB_OK;
}

/* 0 also for one that has gone by itself. */
static int destroy(struct mnl_socket *s, uint8_t protocol, const struct inet_diag_sockid *id)
{
	char buf[MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct inet_diag_req_v2)) + 256];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 *req;
	ssize_t len;

	h->nlmsg_type = SOCK_DESTROY;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	req = mnl_nlmsg_put_extra_header(h, sizeof(*req));
	req->sdiag_family = AF_INET6;
	req->sdiag_protocol = protocol;
	req->idiag_states = STATES_ALL;
	req->id = *id;
	if (mnl_socket_sendto(s, h, h->nlmsg_len) < 0)
		return -errno;
	len = mnl_socket_recvfrom(s, buf, sizeof(buf));
	if (len < 0)
		return -errno;
	if (mnl_cb_run(buf, (size_t)len, 0, mnl_socket_get_portid(s), NULL, NULL) < 0)
		return errno == ENOENT || errno == ESTALE ? 0 : -errno;
	return 0;
}

static int destroy_all(uint8_t protocol, const struct doomed *d)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	int r = 0;

	if (!s)
		return -errno;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
		r = -errno;
	for (size_t i = 0; r == 0 && i < d->n; i++)
		r = destroy(s, protocol, &d->id[i]);
	mnl_socket_close(s);
	return r;
}

static int destroy_protocol(struct nlmsghdr *request, uint8_t protocol)
{
	struct inet_diag_req_v2 *req = mnl_nlmsg_get_payload(request);
	struct doomed d = {0};
	int r;

	req->sdiag_protocol = protocol;
	req->idiag_states = STATES_ALL & ~STATE(TCP_TIME_WAIT);
	r = diag_dump(request, on_socket, &d);
	/* A dump that others disturbed has told of most. */
	if (d.n && (r == 0 || r == -EINTR))
		r = destroy_all(protocol, &d);
	free(d.id);
	return r == -EINTR ? 0 : r;
}

void net_destroy_sessions(struct net *n, const struct in6_addr *source, unsigned n_sources)
{
	_cleanup_free_ struct ip6_prefix *sources = calloc(n_sources + 1, sizeof(*sources));
	_cleanup_free_ struct nlmsghdr *request = NULL;
	int r = sources ? 0 : -ENOMEM;

	if (n_sources == 0)
		return;
	for (unsigned i = 0; r == 0 && i < n_sources; i++)
		sources[i] = prefix_make(&source[i], 128);
	if (r < 0 || (r = diag_request_new(sources, n_sources, &request)) < 0 ||
	    (r = destroy_protocol(request, IPPROTO_TCP)) < 0 ||
	    (r = destroy_protocol(request, IPPROTO_UDP)) < 0) {
		if (!n->destroy_refused)
			log_warning("sockets on lost addresses cannot be ended: %s%s",
				    log_strerror(-r),
				    r == -EOPNOTSUPP ? " (the kernel is built without "
						       "CONFIG_INET_DIAG_DESTROY)"
						     : "");
		n->destroy_refused = true;
	}
}
