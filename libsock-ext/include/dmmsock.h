/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dmmsock: mobility on demand for each socket, RFC 8653 and RFC 5014.  See dmmsock(3).
 *
 * An application says what a socket needs when the host moves to another network; the address that it starts from is
 * chosen accordingly.  Without dmmd the option is unknown (ENOPROTOOPT) and sockets work as ever;
 * who requires an address must not go on then.
 *
 * Plain setsockopt(2) does in any language where dmmd-hooks(8) attaches the option (for its cost nowhere unless told)
 * and under `dmm-run -b preload`.  A program linked to this library calls dmm_set_service() and dmm_connect(): they work
 * with and without.  dmm_status is a function and a struct: C++ has to write `struct dmm_status` for the latter.
 *
 * All functions return 0 or a size, or -1 and errno.  All are safe in threads; those that take a socket are safe after
 * fork(2).  Addresses are in network byte order, all other numbers in host order.
 */
#ifndef DMMSOCK_H
#define DMMSOCK_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Options at level IPPROTO_IPV6.  RFC 8653 assigns no numbers: these are outside of what Linux uses. */
#define IPV6_DMM_SERVICE 0x444D /* set, get: int (enum dmm_service_type) or struct dmm_service */
#define IPV6_DMM_STATUS 0x444E  /* get: struct dmm_status */

/* RFC 8653 section 3.2. */
enum dmm_service_type {
	DMM_SC_UNSPEC = 0,               /* nothing asked: the host's policy decides */
	DMM_SC_FIXED = 1,                /* an address that others know, always the same */
	DMM_SC_SESSION_LASTING = 2,      /* stays as long as the session does */
	DMM_SC_NON_PERSISTENT = 3,       /* may end with the next move */
	DMM_SC_GRACEFUL_REPLACEMENT = 4, /* stays for a while after a move: change over */
};

#define DMM_F_REQUIRE 1u /* rather EADDRNOTAVAIL than a connection from another address */
#define DMM_F_NOWAIT 2u  /* never wait for an address to be obtained */
#define DMM_F_NEW 4u     /* an address that no other socket has (RFC 8653 section 3.4) */

struct dmm_service {
	uint32_t type;       /* enum dmm_service_type */
	uint32_t flags;      /* DMM_F_*; others: EINVAL */
	uint32_t timeout_ms; /* longest wait for an address, 0 = 3 seconds */
	uint32_t reserved;   /* 0 */
};

struct dmm_status {
	uint32_t requested; /* enum dmm_service_type */
	uint32_t effective; /* what its address stands for; UNSPEC: it has none, or not known */
	uint32_t flags;     /* DMM_S_* */
	uint32_t ifindex;   /* interface that has the address, 0 = not known */
	struct in6_addr address; /* its source address, :: = none yet */
	uint64_t generation;     /* grows with every change of addresses */
};
#define DMM_S_DRAINING 1u  /* the address will go: change over to another (graceful replacement) */
#define DMM_S_TUNNELLED 2u /* through an anchor, not on its own link */
#define DMM_S_EMULATED 4u  /* by the library, not by the kernel's hooks */

/*
 * Ask for a service: setsockopt(2), else by the library.  Before connect(2).  EINVAL: type, flag or size; EISCONN;
 * ENOPROTOOPT: dmmd does not run, or no IPv6 stream or datagram socket (by setsockopt(2) also: its hooks are not
 * attached here).
 */
int dmm_set_service(int fd, const struct dmm_service *service);

/* connect(2) and sendmsg(2) that heed it.  EADDRNOTAVAIL: required, and there is no such address; EPERM: not for this user. */
int dmm_connect(int fd, const struct sockaddr *address, socklen_t length);
ssize_t dmm_sendmsg(int fd, const struct msghdr *message, int flags);

/*
 * RFC 8653 appendix A, "set service continuity": obtain an address of that type, wait for it for at most timeout_ms (0: 3
 * seconds) whether or not the socket blocks, and bind the socket to it.  The address goes into *source unless NULL.
 * EADDRNOTAVAIL, EPERM, EINVAL: as above, or bound already; ENOPROTOOPT.
 */
int dmm_setsc(int fd, struct in6_addr *source, int type, unsigned timeout_ms);
#ifdef DMM_RFC8653_NAMES
#define setsc(fd, source, type) dmm_setsc((fd), (source), (type), 0)
#endif

int dmm_status(int fd, struct dmm_status *status);

/*
 * A new descriptor, to be closed by the caller, that becomes readable when the addresses of the host have changed: then
 * read(2) a struct dmm_event, and ask dmm_status() of sockets with graceful replacement whether they are draining.  It
 * does not block, and is closed on execve(2).  It is readable for ever (end of file) when dmmd has gone.  ENOPROTOOPT:
 * dmmd does not run; EAGAIN: too many.
 */
int dmm_event_fd(void);
struct dmm_event { /* 64 octets */
	uint32_t reserved[6];
	uint64_t generation;
	uint64_t reserved2[4];
};

/* --- RFC 5014: what the C library lacks --------------------------------------------------------- */

#ifndef IPV6_ADDR_PREFERENCES
#define IPV6_ADDR_PREFERENCES 72
#endif
#ifndef IPV6_PREFER_SRC_TMP
#define IPV6_PREFER_SRC_TMP 0x0001
#define IPV6_PREFER_SRC_PUBLIC 0x0002
#define IPV6_PREFER_SRC_PUBTMP_DEFAULT 0x0100
#define IPV6_PREFER_SRC_COA 0x0004
#define IPV6_PREFER_SRC_HOME 0x0400
#define IPV6_PREFER_SRC_CGA 0x0008
#define IPV6_PREFER_SRC_NONCGA 0x0800
#endif

/*
 * bind(2) to the source that the host chooses for that destination, by the socket's preferences (section 7) or the service
 * that was asked for, which counts for more.  No port is taken.
 */
int bind2addrsel(int fd, const struct sockaddr *destination, socklen_t length);
/* Does the address have these properties?  1 yes, 0 no, -1 and errno: EADDRNOTAVAIL not of this host, EINVAL (section 8). */
int inet6_is_srcaddr(const struct sockaddr_in6 *address, uint32_t flags);

#ifdef __cplusplus
}
#endif
#endif
