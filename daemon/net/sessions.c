/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which sockets are on given source addresses (sock_diag(7), linux/inet_diag.h).
 *
 * One dump for each protocol.  The kernel compares the addresses itself (session_filter.c): the cost is that of walking its
 * tables, not that of telling about every socket.
 */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <string.h>

#include "net/internal.h"

#define DUMP_ATTEMPTS 5
#define DUMP_CHUNK 32768  /* the most that the kernel puts into one message of a dump */
#define TIMER_TIME_WAIT 3 /* idiag_timer of what only waits for late segments, in whatever state */
#define BOUND_INACTIVE 13 /* bound, neither listening nor connected; told by Linux 6.8 and later */
#define STATE(s) (1u << (s))

/*
 * Half-open connections are left out: any stranger can make them, nobody here has accepted them, and the kernel does not
 * tell when they go.
 */
#define TCP_STATES \
	(STATE(TCP_ESTABLISHED) | STATE(TCP_SYN_SENT) | STATE(TCP_FIN_WAIT1) | \
	 STATE(TCP_FIN_WAIT2) | STATE(TCP_CLOSE_WAIT) | STATE(TCP_LAST_ACK) | STATE(TCP_LISTEN) | \
	 STATE(TCP_CLOSING) | STATE(BOUND_INACTIVE))
#define UDP_STATES (STATE(TCP_ESTABLISHED) | STATE(TCP_CLOSE))

struct listing {
	struct session_info *info;
	size_t n, allocated;
	uint8_t protocol;
	bool all; /* also what has no source */
};

int diag_request_new(const struct ip6_prefix *sources, unsigned n, struct nlmsghdr **ret)
{
	_cleanup_free_ void *filter = NULL;
	struct inet_diag_req_v2 *req;
	struct nlmsghdr *h;
	size_t len = 0;
	int r = sources ? session_filter_new(sources, n, &filter, &len) : 0;

	if (r < 0)
		return r;
	h = calloc(1, MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(*req)) + MNL_ATTR_HDRLEN + len);
	if (!h)
		return -ENOMEM;
	mnl_nlmsg_put_header(h);
	h->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	req = mnl_nlmsg_put_extra_header(h, sizeof(*req));
	req->sdiag_family = AF_INET6;
	if (len)
		mnl_attr_put(h, INET_DIAG_REQ_BYTECODE, len, filter);
	*ret = h;
	return 0;
}

uint64_t diag_cookie(const struct inet_diag_msg *m)
{
	return (uint64_t)m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0];
}

static int read_cgroup_id(const struct nlattr *a, void *user)
{
	if (mnl_attr_get_type(a) == INET_DIAG_CGROUP_ID &&
	    mnl_attr_get_payload_len(a) == sizeof(uint64_t))
		*(uint64_t *)user = mnl_attr_get_u64(a);
	return MNL_CB_OK;
}

static int append(struct listing *l, const struct session_info *s)
{
	if (l->n == l->allocated) {
		size_t want = l->allocated ? 2 * l->allocated : 64;
		struct session_info *p = reallocarray(l->info, want, sizeof(*p));

		if (!p)
			return -ENOMEM;
		l->info = p;
		l->allocated = want;
	}
	l->info[l->n++] = *s;
	return 0;
}

static int on_socket(const struct nlmsghdr *h, void *user)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(h);
	struct listing *l = user;
	struct session_info s;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	s = (struct session_info){
		.cookie = diag_cookie(m),
		.protocol = l->protocol,
		.source_port = ntohs(m->id.idiag_sport),
		.destination_port = ntohs(m->id.idiag_dport),
		.uid = m->idiag_uid,
		.inode = m->idiag_inode,
		.listening = l->protocol == IPPROTO_TCP && m->idiag_state == TCP_LISTEN,
	};
	mnl_attr_parse(h, sizeof(*m), read_cgroup_id, &s.cgroup_id);
	memcpy(&s.source, m->id.idiag_src, sizeof(s.source));
	memcpy(&s.destination, m->id.idiag_dst, sizeof(s.destination));
	/* A prefix of length 0 matches what has no IPv6 source, too. */
	if (m->idiag_timer == TIMER_TIME_WAIT || (!l->all && addr_is_any(&s.source)) ||
	    IN6_IS_ADDR_V4MAPPED(&s.source))
		return MNL_CB_OK;
	if (append(l, &s) < 0) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	return MNL_CB_OK;
}

/* The library would take the end of a dump that failed for a good one. */
static int on_end(const struct nlmsghdr *h, void *user)
{
	int error = 0;

	(void)user;
	if (mnl_nlmsg_get_payload_len(h) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(h),
		       sizeof(error)); /* first in both messages */
	if (error < 0) {
		errno = -error;
		return MNL_CB_ERROR;
	}
	return MNL_CB_STOP;
}

static int receive_dump(struct mnl_socket *s, mnl_cb_t cb, void *user)
{
	mnl_cb_t control[] = {[NLMSG_ERROR] = on_end, [NLMSG_DONE] = on_end};
	char buf[DUMP_CHUNK];
	ssize_t len;
	int r;

	do {
		len = mnl_socket_recvfrom(s, buf, sizeof(buf));
		if (len < 0)
			return -errno;
		r = mnl_cb_run2(buf, (size_t)len, 0, mnl_socket_get_portid(s), cb, user, control,
				sizeof(control) / sizeof(control[0]));
		if (r < 0)
			return -errno;
	} while (r != MNL_CB_STOP);
	return 0;
}

/* Each attempt has a socket of its own: nothing of one that failed is left in it. */
int diag_dump(const struct nlmsghdr *request, mnl_cb_t cb, void *user)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	int r;

	if (!s)
		return -errno;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(s, request, request->nlmsg_len) < 0)
		r = -errno;
	else
		r = receive_dump(s, cb, user);
	mnl_socket_close(s);
	return r;
}

static int list_protocol(struct nlmsghdr *request, uint8_t protocol, uint32_t states,
			 struct listing *l)
{
	struct inet_diag_req_v2 *req = mnl_nlmsg_get_payload(request);
	const size_t before = l->n;
	int r = -EINTR;

	req->sdiag_protocol = l->protocol = protocol;
	req->idiag_states = states;
	for (unsigned i = 0; i < DUMP_ATTEMPTS && r == -EINTR; i++) {
		l->n = before;
		r = diag_dump(request, on_socket, l);
	}
	return r == -EINTR ? -EAGAIN : r;
}

static int compare(const void *a, const void *b)
{
	const struct session_info *x = a, *y = b;

	if (x->cookie != y->cookie)
		return x->cookie < y->cookie ? -1 : 1;
	return (int)addr_is_any(&x->destination) - (int)addr_is_any(&y->destination);
}

/* What connects or moves in the kernel's tables during a dump can be met twice: connected counts. */
static void remove_duplicates(struct listing *l)
{
	size_t n = 0;

	qsort(l->info, l->n, sizeof(*l->info), compare);
	for (size_t i = 0; i < l->n; i++) {
		if (n == 0 || l->info[n - 1].cookie != l->info[i].cookie)
			l->info[n++] = l->info[i];
	}
	l->n = n;
}

int net_list_sessions(struct net *n, const struct ip6_prefix *sources, unsigned n_sources,
		      struct session_info **ret, size_t *ret_n)
{
	_cleanup_free_ struct nlmsghdr *request = NULL;
	struct listing l = {0};
	int r;

	owners_forget(&n->owners);
	if (n_sources > 0) {
		if ((r = diag_request_new(sources, n_sources, &request)) < 0 ||
		    (r = list_protocol(request, IPPROTO_TCP, TCP_STATES, &l)) < 0 ||
		    (r = list_protocol(request, IPPROTO_UDP, UDP_STATES, &l)) < 0) {
			free(l.info);
			log_debug("cannot list sessions: %s", log_strerror(-r));
			return r;
		}
	}
	if (l.n > 0)
		remove_duplicates(&l);
	*ret = l.info;
	*ret_n = l.n;
	return 0;
}

int net_list_datagrams(struct net *n, struct session_info **ret, size_t *ret_n)
{
	_cleanup_free_ struct nlmsghdr *request = NULL;
	struct listing l = {.all = true};
	int r;

	(void)n;
	if ((r = diag_request_new(NULL, 0, &request)) < 0 ||
	    (r = list_protocol(request, IPPROTO_UDP, UDP_STATES, &l)) < 0) {
		free(l.info);
		log_debug("cannot list datagram sockets: %s", log_strerror(-r));
		return r;
	}
	if (l.n > 0)
		remove_duplicates(&l);
	*ret = l.info;
	*ret_n = l.n;
	return 0;
}
