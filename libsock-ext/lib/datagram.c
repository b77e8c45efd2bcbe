/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The source of a packet is given to the kernel with it (IPV6_PKTINFO): the socket option of that name does not set a
 * source in Linux, and a bound socket could not go on when addresses change.  The kernel does not know such a socket's
 * source, so dmmd is told of it once.
 */
#include "datagram.h"

#include <errno.h>
#include <string.h>

#include "debug.h"
#include "library.h"
#include "source.h"

#define CONTROL_MAX 512 /* octets of the application's own control messages */
#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

#define PKTINFO_SPACE CMSG_SPACE(sizeof(struct in6_pktinfo))

union control {
	char octets[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CONTROL_MAX];
	struct cmsghdr header;
};

static bool has_pktinfo(const struct msghdr *message)
{
	if (!message->msg_control)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c;
	     c = CMSG_NXTHDR((struct msghdr *)message, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
			return true;
		if (c->cmsg_len < sizeof(*c))
			break; /* the kernel will say so */
	}
	return false;
}

static int type_of(int fd, const struct state *state)
{
	int type = 0;
	socklen_t length = sizeof(type);

	if (state->datagram)
		return SOCK_DGRAM;
	return real.getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 ? 0 : type;
}

/* Once for each socket and address. */
static void hold(const struct choice *choice, struct state *state)
{
	uint32_t words[4], tag;

	memcpy(words, &choice->address, sizeof(words));
	tag = ((words[0] ^ words[1] ^ words[2] ^ words[3]) * 0x9e3779b1u >> 8 | 1) & 0xffffff;
	if (state->held == tag ||
	    client_hold(choice->fd, choice->type, choice->cookie, &choice->address) < 0)
		return;
	state->held = tag & 0xffffff;
	state->datagram = 1;
	state_put(choice->cookie, *state);
}

/*
 * Which source do its packets get?  1 = choice->address, 0 = what the kernel gives, or -errno.  Stream sockets that
 * connect by sending are made ready here.
 */
static int decide(int fd, const struct sockaddr *to, socklen_t length, int flags,
		  struct choice *choice)
{
	struct sockaddr_in6 local;
	struct state state;
	int r, type;

	*choice = (struct choice){.fd = fd, .to = (const struct sockaddr_in6 *)to};
	source_state(fd, &state, &choice->cookie);
	if (!state.type && !state.bound && library.policy_type == DMM_SC_UNSPEC)
		return 0;
	type = type_of(fd, &state);
	if (type == SOCK_STREAM && flags & MSG_FASTOPEN)
		return source_prepare(fd, to, length, !(flags & MSG_DONTWAIT)) < 0 ? -errno : 0;
	if (type != SOCK_DGRAM || !choose_in_scope(to, length))
		return 0;
	choice->type = state.type ? state.type : choose_policy(fd, choice->to);
	choice->flags = state.flags;
	choice->timeout_ms = state.timeout_ms;
	if (choice->type == DMM_SC_UNSPEC || choice->type == DMM_SC_NON_PERSISTENT ||
	    source_local(fd, &local) < 0 || !IN6_IS_ADDR_UNSPECIFIED(&local.sin6_addr))
		return 0;
	choice->may_wait = !(flags & MSG_DONTWAIT) && source_blocks(fd);
	if (!choice->cookie)
		choice->cookie = source_cookie(fd);
	r = choose(choice);
	if (r > 0 && !source_device_fits(fd, choice))
		r = choose_without(choice, "bound to another device");
	if (r > 0)
		hold(choice, &state);
	return r;
}

/* From the address that was chosen, unless the packet brings its own. */
static ssize_t send_from(const struct choice *choice, const struct msghdr *message, int flags)
{
	struct in6_pktinfo source = {.ipi6_addr = choice->address};
	size_t own = message->msg_control ? message->msg_controllen : 0;
	struct msghdr copy = *message;
	union control control;
	ssize_t n;
	int r = 0;

	if (has_pktinfo(message))
		return real.sendmsg(choice->fd, message, flags);
	if (own > CONTROL_MAX) {
		r = choose_without(choice, "too many control messages");
	} else {
		memset(control.octets, 0, PKTINFO_SPACE);
		control.header.cmsg_level = IPPROTO_IPV6;
		control.header.cmsg_type = IPV6_PKTINFO;
		control.header.cmsg_len = CMSG_LEN(sizeof(source));
		memcpy(CMSG_DATA(&control.header), &source, sizeof(source));
		if (own)
			memcpy(control.octets + PKTINFO_SPACE, message->msg_control, own);
		copy.msg_control = control.octets;
		copy.msg_controllen = PKTINFO_SPACE + own;
		n = real.sendmsg(choice->fd, &copy, flags);
		if (n >= 0 || (errno != EINVAL && errno != EADDRNOTAVAIL))
			return n;
		r = choose_without(choice, "the address has gone");
	}
	if (r < 0) {
		errno = -r;
		return -1;
	}
	return real.sendmsg(choice->fd, message, flags);
}

ssize_t datagram_sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct choice choice;
	int saved = errno, r;

	if (!message || !message->msg_name ||
	    (!choose_in_scope(message->msg_name, message->msg_namelen) && !(flags & MSG_FASTOPEN)))
		return real.sendmsg(fd, message, flags);
	r = decide(fd, message->msg_name, message->msg_namelen, flags, &choice);
	errno = r < 0 ? -r : saved;
	if (r < 0)
		return -1;
	return r > 0 ? send_from(&choice, message, flags) : real.sendmsg(fd, message, flags);
}

ssize_t datagram_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
			socklen_t length)
{
	struct iovec part = {.iov_base = (void *)data, .iov_len = size};
	struct msghdr message = {
		.msg_name = (void *)to, .msg_namelen = length, .msg_iov = &part, .msg_iovlen = 1};
	struct choice choice;
	int saved = errno, r;

	if (!choose_in_scope(to, length) && !(to && flags & MSG_FASTOPEN))
		return real.sendto(fd, data, size, flags, to, length);
	r = decide(fd, to, length, flags, &choice);
	errno = r < 0 ? -r : saved;
	if (r < 0)
		return -1;
	return r > 0 ? send_from(&choice, &message, flags)
		     : real.sendto(fd, data, size, flags, to, length);
}

/* Some of the packets have a destination in scope. */
static bool any_in_scope(const struct mmsghdr *messages, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (choose_in_scope(messages[i].msg_hdr.msg_name, messages[i].msg_hdr.msg_namelen))
			return true;
	return false;
}

/* One by one; as the real call does, what was sent before an error counts. */
int datagram_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
	unsigned sent;

	if (!messages || !any_in_scope(messages, n))
		return real.sendmmsg(fd, messages, n, flags);
	for (sent = 0; sent < n; sent++) {
		ssize_t r = datagram_sendmsg(fd, &messages[sent].msg_hdr, flags);

		if (r < 0)
			return sent ? (int)sent : -1;
		messages[sent].msg_len = (unsigned)r;
	}
	return (int)sent;
}
