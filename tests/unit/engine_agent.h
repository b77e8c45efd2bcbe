/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A home agent as the engine sees it: it reads binding updates from their bytes and answers with
 * bytes, both through proto/.  Knobs make it silent, refusing, stingy, or wrong about the time.
 */
#pragma once

#include "base/usec.h"
#include "conf/conf.h"
#include "proto/auth.h"
#include "proto/ext.h"
#include "proto/mh.h"

struct agent_received { /* a binding update, decoded and found right */
	usec_t at;
	int ifindex;
	struct in6_addr src, dst, home;
	bool away; /* with a home address option */
	uint16_t sequence, lifetime, flags;
	struct in6_addr coa;
	bool has_replay;
	uint64_t replay;
};

struct agent_binding { /* binding cache entry; the sequence number outlives the binding */
	struct in6_addr home, coa;
	uint16_t sequence;
	bool bound;
};

struct agent {
	const struct conf_anchor *conf;
	struct mip_sa sa;
	bool has_sa;

	bool silent;      /* receives, answers nothing */
	unsigned lose;    /* so many of the next updates do not reach it */
	usec_t rtt;       /* from an update to its acknowledgement */
	int status;       /* answers everything with this; -1: does its work */
	uint16_t grant;   /* longest lifetime, unit 4 s */
	uint16_t advice;  /* binding refresh advice, 0 = none */
	int64_t skew;     /* its clock is ahead by so many microseconds ... */
	bool check_clock; /* ... and it minds */
	struct agent_binding cache[CONF_MAX_HOMES];
	unsigned n_cache;
};

/* Mobility Header bytes with the addresses of their pseudo-header. */
struct agent_message {
	struct in6_addr src, dst;
	bool has_rh2, rh2_unknown;
	uint8_t mh[MH_MAX_LEN];
	size_t len;
};

/* A binding acknowledgement to be; every field may be falsified before it is built. */
struct agent_ack {
	struct in6_addr src, dst; /* anchor, home address */
	bool has_rh2, rh2_unknown;
	struct in6_addr coa; /* goes into the authenticator */
	uint8_t status, flags;
	uint16_t sequence, lifetime, advice;
	bool has_replay;
	uint64_t replay;
	const struct mip_sa *sa; /* NULL: not signed */
	uint32_t spi;
	int flip; /* an octet changed on the way, checksum made right again; -1 = none */
	bool wrong_checksum;
};

void agent_init(struct agent *a, const struct conf_anchor *conf);
/* The key that agent and mobile node share. */
void agent_key(const struct conf_anchor *conf, uint8_t key[CONF_KEY_MAX], size_t *ret_len);

/* Judge a packet from the mobile node: NULL and *ret filled, or what is wrong with it. */
const char *agent_receive(const struct agent *a, const struct ip6_packet *p,
			  struct agent_received *ret);
/* What the agent does with it.  False: no answer. */
bool agent_process(struct agent *a, const struct agent_received *u, usec_t real,
		   struct agent_ack *ret);
/* The acknowledgement that would answer an update with this status. */
struct agent_ack agent_ack_for(const struct agent *a, const struct agent_received *u,
			       uint8_t status);
void agent_ack_build(const struct agent_ack *ack, struct agent_message *ret);
/* NULL if it has never heard of it. */
const struct agent_binding *agent_find(const struct agent *a, const struct in6_addr *home);
