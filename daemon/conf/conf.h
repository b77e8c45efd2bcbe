/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration: /etc/dmmd/dmmd.conf and its drop-ins (dmmd.conf(5)).
 *
 * INI syntax as in systemd.syntax(7).  One table (options.c) describes every option: it drives the
 * parser, the sample file and the list in the man page.  Errors name file:line, what was found and
 * what is accepted.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/list.h"
#include "base/property.h"
#include "base/strtab.h"
#include "base/usec.h"
#include "conf/payload.h"

#define CONF_NAME_MAX 63
#define CONF_MAX_ANCHORS 16
#define CONF_MAX_HOMES 64 /* home addresses over all anchors */
#define CONF_KEY_MAX 64   /* octets */
#define CONF_IDENTIFIER_MAX 254
#define CONF_PATH_MAX 256
#define CONF_MAX_PREFIXES 64 /* Prefix= over all anchors, and [Prefix] sections */
#define CONF_MAX_DOMAINS 64
#define CONF_DOMAIN_MAX 253

enum conf_on_stop {
	CONF_ON_STOP_WITHDRAW, /* de-register and remove everything */
	CONF_ON_STOP_KEEP,     /* leave tunnels for the next start to adopt */
	CONF_ON_STOP_MAX,
};
DECLARE_STRTAB(conf_on_stop); /* "withdraw", "keep" */

enum conf_plane {
	CONF_PLANE_AUTO,   /* the first of these that the kernel offers */
	CONF_PLANE_BPF,    /* programs of ours */
	CONF_PLANE_KERNEL, /* its own tunnels and its Mobile IPv6 */
	CONF_PLANE_MAX,
};
DECLARE_STRTAB(conf_plane); /* "auto", "bpf", "kernel" */

enum conf_policy_routing {
	CONF_POLICY_ROUTING_NO,
	CONF_POLICY_ROUTING_YES,
	CONF_POLICY_ROUTING_AUTO, /* while there are no socket hooks */
	CONF_POLICY_ROUTING_MAX,
};
DECLARE_STRTAB(conf_policy_routing); /* "no", "yes", "auto" */

enum conf_algorithm { /* same order as enum mip_auth_alg */
		      CONF_HMAC_SHA1_96,
		      CONF_HMAC_SHA256_128,
		      CONF_ALGORITHM_MAX,
};
DECLARE_STRTAB(conf_algorithm); /* "hmac-sha1-96", "hmac-sha256-128" */

enum conf_replay {
	CONF_REPLAY_TIMESTAMP, /* RFC 4285 section 6 */
	CONF_REPLAY_NONE,
	CONF_REPLAY_MAX,
};
DECLARE_STRTAB(conf_replay); /* "timestamp", "none" */

enum conf_protection { /* of the payload in tunnels */
		       CONF_PROTECTION_NO,
		       CONF_PROTECTION_ESP,
		       CONF_PROTECTION_MAX,
};
DECLARE_STRTAB(conf_protection); /* "no", "esp" */

/* Discover=: where home agents of an [Anchor] are looked for besides Address= */
#define CONF_DISCOVER_RA 1u    /* "router-advertisement": routers that say so, inside Prefix= */
#define CONF_DISCOVER_DHAAD 2u /* "dhaad": RFC 6275 section 11.4.1, for each home prefix */
#define CONF_DISCOVER_DNS 4u   /* "dns": SRV _mip6._ipv6.DOMAIN, RFC 5026 */

/* [Link]: how interfaces whose name matches are used; the first section that matches counts. */
struct conf_link {
	struct list node;
	char match[CONF_NAME_MAX + 1]; /* Match=: one or more shell patterns, space separated */
	bool use;                      /* Use=: may be an uplink (default yes) */
	int preference;                /* Preference=: -100..100, higher is better (default 0) */
	bool optimistic_dad;           /* OptimisticDAD=: ask the kernel for it (default yes) */
	/* SettleTime=: how long a better link must be there before a working one is left for it (default 0); doubles, from
	 * one second at least, for a link that flaps */
	usec_t settle_time;
};

struct conf_home {
	struct in6_addr address;
	struct ip6_prefix prefix;
};

/* [Anchor NAME]: a home agent and the home addresses it serves. */
struct conf_anchor {
	struct list node;
	char name[CONF_NAME_MAX + 1];
	bool has_address;                 /* else home agents are found by Discover= */
	struct in6_addr address;          /* Address= */
	unsigned discover;                /* Discover=: CONF_DISCOVER_* */
	char domain[CONF_DOMAIN_MAX + 1]; /* Domain=: for Discover=dns */
	unsigned n_prefixes; /* Prefix=, may be repeated: anchored here, and all prefixes inside */
	struct ip6_prefix prefix[CONF_MAX_PREFIXES];
	bool home_auto; /* HomeAddress=auto: autoconfigured from the home prefix */
	bool has_service;
	enum service_type service; /* Service= of HomeAddress= (default fixed: always registered) */
	int preference;            /* Preference=: -100..100, higher is better */
	unsigned n_homes;          /* HomeAddress=ADDR/LEN, may be repeated */
	struct conf_home home[CONF_MAX_HOMES];
	usec_t lifetime;      /* Lifetime=: asked for each binding (default 30 min) */
	usec_t first_timeout; /* FirstTimeout=: InitialBindackTimeoutFirstReg (default 1.5 s) */
	bool insecure;        /* Insecure=yes: no authentication; without a key this is required */
	bool has_key;
	uint32_t spi;                  /* SPI=: 256 or more */
	enum conf_algorithm algorithm; /* Algorithm= */
	enum conf_replay replay;       /* Replay= */
	char key_file[CONF_PATH_MAX];  /* KeyFile=: path, or "credential:NAME" of systemd.exec(5) */
	uint8_t key[CONF_KEY_MAX];     /* wiped by conf_free() */
	size_t key_len;
	enum conf_protection protection;      /* PayloadProtection= */
	char payload_key_file[CONF_PATH_MAX]; /* PayloadKeyFile=: like KeyFile= */
	bool has_esp;
	struct conf_esp esp;                      /* wiped by conf_free() */
	char identifier[CONF_IDENTIFIER_MAX + 1]; /* Identifier=: MN identifier (NAI), RFC 4283 */
};

/* [Prefix PREFIX/LEN]: what the administrator says of a prefix; the longest that covers it counts. */
struct conf_prefix {
	struct list node;
	struct ip6_prefix prefix;
	struct properties
		properties; /* Anchoring= Anchor= Service= Mobility= Internet= Published= Cost= */
};

/* [Domain NAME]: the same for all prefixes of a provisioning domain (RFC 8801). */
struct conf_domain {
	struct list node;
	char name[CONF_DOMAIN_MAX + 1]; /* lower case, without a dot at the end */
	struct properties properties;
};

/* Users and groups by name or number, or everybody. */
#define CONF_MAX_PERMITTED 32
struct conf_permission {
	bool all;
	unsigned n_users, n_groups;
	uid_t user[CONF_MAX_PERMITTED];
	gid_t group[CONF_MAX_PERMITTED]; /* written @GROUP */
};

struct conf {
	/* [Daemon] */
	int log_level;                     /* LogLevel= */
	enum conf_on_stop on_stop;         /* OnStop= */
	char state_file[CONF_PATH_MAX];    /* StateFile= */
	enum conf_plane plane;             /* Plane= */
	char pin_directory[CONF_PATH_MAX]; /* PinDirectory= in a bpf file system */
	char device[16];                   /* Device=: name of our own interface (default dmm0) */
	uint32_t route_table;              /* RouteTable=: first of 73 (default 25700) */
	uint32_t rule_priority;            /* RulePriority=: first of 100 (default 5300) */

	usec_t hold_time; /* HoldTime=: from the last session in need to the withdrawal (10 s) */
	bool liveness;    /* Liveness=: probe the tunnels that carry sessions (yes) */
	usec_t probe_interval;      /* ProbeInterval=: while packets leave and none comes (1 s) */
	unsigned probe_count;       /* ProbeCount=: unanswered ones until a path is dead (3) */
	usec_t idle_probe_interval; /* IdleProbeInterval=: of tunnels that are quiet (30 s) */
	bool measure_anchors; /* MeasureAnchors=: one echo to each anchor after a move, if there is a choice (yes) */
	uint8_t property_option; /* PrefixPropertyOption=: type of the experimental ND option, 0 = off */
	bool fetch_domains; /* FetchProvisioningDomains=: additional information, RFC 8801 (no) */
	char policy_directory[CONF_PATH_MAX]; /* PolicyDirectory= */
	/* PolicyRouting=: routing rules act by the policy when applications connect (auto) */
	enum conf_policy_routing policy_routing;
	char runtime_directory
		[CONF_PATH_MAX]; /* RuntimeDirectory=: table and sock for libdmmsock */
	char hooks_directory
		[CONF_PATH_MAX]; /* HooksDirectory=: the socket hooks of dmmd-hooks(8) */
	bool kill_orphans; /* KillOrphans=: end sockets on addresses that were left for good (no) */
	usec_t grace_time; /* GraceTime=: how long graceful replacement keeps an old address (60 s) */
	struct conf_permission fixed;   /* AllowFixed=: who may ask for a fixed address (all) */
	struct conf_permission acquire; /* AllowAcquire=: for whom addresses are obtained (all) */

	struct list rules;    /* of struct policy_rule, see policy.h */
	struct list prefixes; /* of struct conf_prefix */
	struct list domains;  /* of struct conf_domain */
	struct list links;    /* of struct conf_link */
	struct list anchors;  /* of struct conf_anchor */
};

/* Collects what is wrong, one line each: "file:line: message". */
struct conf_errors {
	FILE *out; /* NULL: the log */
	unsigned n;
	char first[256]; /* the first of them */
	/* Only looking: a key that is a credential need not be there outside of the service. */
	bool credentials_optional;
};

/*
 * Read `path`, then every *.conf of `path`.d in the order of their names.  All errors are reported,
 * not only the first.  0 and *ret (to be freed by conf_free), -EINVAL when anything was wrong, or
 * -errno when the main file cannot be read (a missing main file is an empty configuration).
 */
int conf_load(const char *path, struct conf_errors *errors, struct conf **ret);
/* The same from memory; name stands in the messages.  Keys are not read: has_key stays false. */
int conf_parse_buffer(const char *name, const char *text, size_t len, struct conf_errors *errors,
		      struct conf **ret);
void conf_free(struct conf *c);

/* The [Link] settings of an interface; never NULL (defaults where nothing matches). */
const struct conf_link *conf_link_find(const struct conf *c, const char *ifname);

/* What the administrator says; NULL = nothing. */
const struct properties *conf_prefix_find(const struct conf *c, const struct ip6_prefix *prefix);
const struct properties *conf_domain_find(const struct conf *c, const char *domain);

/* A commented sample of every option with its default, and the option list in mdoc. */
void conf_write_sample(FILE *out);
void conf_write_mdoc(FILE *out);
