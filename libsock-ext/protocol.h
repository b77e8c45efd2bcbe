/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages on /run/dmmd/sock (SOCK_SEQPACKET): one struct dmm_request in each packet of a client, one struct dmm_reply
 * in each of dmmd's.  What has another size, magic or version is answered by EPROTO and the connection ends.  The
 * credentials of the peer count, nothing that it says of itself.
 *
 * Replies may come in another order than the requests: `id` tells which one is answered.
 */
#ifndef DMM_PROTOCOL_H
#define DMM_PROTOCOL_H

#include <netinet/in.h>
#include <stdint.h>

#define DMM_PROTOCOL_MAGIC 0x71444d44u
#define DMM_PROTOCOL_VERSION 1
#define DMM_TIMEOUT_DEFAULT_MS 3000u
#define DMM_TIMEOUT_MAX_MS 60000u
#define DMM_GROUP_UDP 0x100u /* in flags of CONTROL_GROUP: datagram sockets as well as streams */

enum dmm_op {
	/* An address of `type`.  Answered as soon as there is one, or when timeout_ms is over (EADDRNOTAVAIL). */
	DMM_OP_ACQUIRE = 1,
	/*
	 * A datagram socket (the request carries it, SCM_RIGHTS) sends from `address` packet by packet: it holds the address
	 * until the kernel says that the socket is gone.
	 */
	DMM_OP_HOLD,
	/* An EVENT now and whenever the table has changed.  Not answered otherwise. */
	DMM_OP_SUBSCRIBE,
	/* The control group that the client is in gets `type` by the kernel's hooks (dmm-run).  EOPNOTSUPP: no hooks. */
	DMM_OP_CONTROL_GROUP,
	/* The table, by SCM_RIGHTS, for those that cannot see /run: read-only. */
	DMM_OP_TABLE,
	/* Only in replies */
	DMM_OP_EVENT,
};

struct dmm_request { /* 64 octets */
	uint32_t magic;
	uint16_t version, op;
	uint32_t id;
	uint32_t type;  /* enum dmm_service_type */
	uint32_t flags; /* DMM_F_* */
	uint32_t timeout_ms;
	uint64_t cookie;         /* SO_COOKIE of the socket it is for, 0 = none */
	struct in6_addr address; /* HOLD: source; ACQUIRE: destination, :: = not known */
	uint64_t reserved[2];
};

struct dmm_reply { /* 64 octets */
	uint32_t magic;
	uint16_t version, op; /* of the request, or EVENT */
	uint32_t id;
	int32_t error; /* errno of the host, 0 = success */
	uint32_t type; /* granted */
	uint32_t ifindex;
	uint64_t generation;
	struct in6_addr address;
	uint64_t reserved[2];
};

#endif
