/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apptest.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

int case_udp_connect(void)
{
	return reach_datagram(asking(AF_INET6, SOCK_DGRAM));
}

int case_udp_sendto(void)
{
	int fd = asking(AF_INET6, SOCK_DGRAM);

	if (sendto(fd, "?", 1, 0, (struct sockaddr *)&app.peer, sizeof(app.peer)) < 0)
		return tell_errno();
	return tell_answer(fd);
}

static struct msghdr to_peer(struct iovec *part)
{
	*part = (struct iovec){.iov_base = question, .iov_len = 1};
	return (struct msghdr){.msg_name = &app.peer,
			       .msg_namelen = sizeof(app.peer),
			       .msg_iov = part,
			       .msg_iovlen = 1};
}

int case_udp_sendmsg(void)
{
	int fd = asking(AF_INET6, SOCK_DGRAM);
	struct iovec part;
	struct msghdr message = to_peer(&part);

	if (sendmsg(fd, &message, 0) < 0)
		return tell_errno();
	return tell_answer(fd);
}

int case_udp_sendmmsg(void)
{
	int fd = asking(AF_INET6, SOCK_DGRAM);
	struct mmsghdr messages[3] = {{.msg_len = 0}};
	struct iovec part;

	for (unsigned i = 0; i < 3; i++)
		messages[i].msg_hdr = to_peer(&part);
	if (sendmmsg(fd, messages, 3, 0) != 3 || messages[2].msg_len != 1)
		return tell_errno();
	for (unsigned i = 0; i < 3; i++)
		if (tell_answer(fd))
			return 1;
	return 0;
}

/* The packet names a source of its own, here the peer's address: nobody else may change it. */
int case_udp_pktinfo(void)
{
	int fd = asking(AF_INET6, SOCK_DGRAM);
	struct in6_pktinfo source = {.ipi6_addr = app.peer.sin6_addr};
	union {
		char octets[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr header;
	} control = {.octets = {0}};
	struct iovec part;
	struct msghdr message = to_peer(&part);

	message.msg_control = &control;
	message.msg_controllen = sizeof(control);
	control.header.cmsg_level = IPPROTO_IPV6;
	control.header.cmsg_type = IPV6_PKTINFO;
	control.header.cmsg_len = CMSG_LEN(sizeof(source));
	memcpy(CMSG_DATA(&control.header), &source, sizeof(source));
	if (sendmsg(fd, &message, 0) < 0)
		return tell_errno();
	return tell_answer(fd);
}

/* After a connection to an IPv6 address it reaches the peer by IPv4: its address is mapped. */
int case_udp_disconnect(void)
{
	int fd = asking(AF_INET6, SOCK_DGRAM);
	struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	if (connect_to(fd, "2001:db8:fffe::1", htons(9)) < 0 ||
	    connect(fd, &nobody, sizeof(nobody)) < 0)
		return tell_errno();
	return reach_datagram(fd);
}

int case_udp_bound_port(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};

	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		return tell_errno();
	ask(fd);
	if (sendto(fd, "?", 1, 0, (struct sockaddr *)&app.peer, sizeof(app.peer)) < 0)
		return tell_errno();
	return tell_answer(fd);
}
