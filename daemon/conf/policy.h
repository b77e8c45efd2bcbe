/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy for applications that do not ask themselves: rules in the files *.conf of PolicyDirectory=, in the order of the
 * files' names and then as they stand there.  The first rule that matches a session says which service it gets (RFC 8653);
 * without a match it is non-persistent.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/list.h"
#include "base/property.h"

#define POLICY_MAX_VALUES 32 /* ports, destinations, users of one rule */
#define POLICY_MAX_RULES 1024
#define POLICY_PATTERN_MAX 256
#define POLICY_NAME_MAX 63
#define POLICY_WHERE_MAX 320

#define POLICY_TCP 1u
#define POLICY_UDP 2u

struct policy_ports {
	uint16_t from, to; /* host order, inclusive */
};

/* [Rule NAME]; every key that is given must match, of the values of one key any. */
struct policy_rule {
	struct list node;
	char name[POLICY_NAME_MAX + 1];
	char where[POLICY_WHERE_MAX]; /* "file:line", for people */
	unsigned protocols;           /* Protocol=: POLICY_TCP, POLICY_UDP; 0 = any */
	unsigned n_ports, n_local_ports, n_destinations, n_users;
	struct policy_ports port[POLICY_MAX_VALUES];       /* Port=: of the other end */
	struct policy_ports local_port[POLICY_MAX_VALUES]; /* LocalPort=: of this end */
	struct ip6_prefix destination[POLICY_MAX_VALUES];  /* Destination= */
	uid_t user[POLICY_MAX_VALUES];                     /* User=: names or numbers */
	char executable[POLICY_PATTERN_MAX];    /* Executable=: shell pattern of the path */
	char control_group[POLICY_PATTERN_MAX]; /* ControlGroup=: shell pattern of the path */
	enum service_type service;              /* Service= */
};

struct conf_errors;

/*
 * Read all *.conf of a directory into `rules`, an initialised and empty list of struct policy_rule.  A
 * directory that is not there has none.  All errors are reported.  0, -EINVAL when anything was wrong,
 * or -ENOMEM; rules is then empty.
 */
int policy_load(const char *directory, struct conf_errors *errors, struct list *rules);
/* The same from memory; user names are looked up in the host's database. */
int policy_parse_buffer(const char *name, const char *text, size_t len, struct conf_errors *errors,
			struct list *rules);
/* Empties the list. */
void policy_free(struct list *rules);
