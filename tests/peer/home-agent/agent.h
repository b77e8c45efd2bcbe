/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The home agent as a whole: configuration, parts, counters. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "../common/control.h"
#include "../common/netlink.h"
#include "../common/sysctl.h"
#include "base/addr.h"
#include "base/list.h"
#include "fault.h"
#include "mobile_node.h"
#include "proto/nd.h"

#define AGENT_MAX_ADDRESSES 8
#define AGENT_MAX_PREFIXES 64

struct agent_config {
	unsigned n_addresses, n_prefixes, n_agents;
	struct in6_addr address[AGENT_MAX_ADDRESSES];
	struct ip6_prefix prefix[AGENT_MAX_PREFIXES];
	struct in6_addr agents[DHAAD_MAX_AGENTS]; /* answer to discovery, best first */
	const char *home_link;                    /* NULL: the home prefixes are routed to us */
	const char *tunnel_device;
	unsigned lifetime_max, refresh_advice,
		replay_window; /* seconds; 0: no advice, no replay check */
	unsigned dad_delay_ms;
	bool ipsec;                /* policies of the kernel say what may come by the tunnel */
	uint32_t valid, preferred; /* of the home prefixes, in mobile prefix advertisements */
	const char *control_path, *log_path;
	struct list mobile_nodes; /* of struct mobile_node */
};

#define AGENT_COUNTERS(X) \
	X(binding_updates) \
	X(updates_ignored) \
	X(updates_malformed) \
	X(updates_bad_checksum) \
	X(acknowledgements) \
	X(rejections) \
	X(authentication_failures) \
	X(duplicate_addresses) \
	X(icmp_errors_sent) \
	X(switches_sent) \
	X(revocations_sent) \
	X(revocations_acknowledged) \
	X(revocations_unanswered) \
	X(errors_sent) \
	X(refresh_requests_sent) \
	X(discovery_requests) \
	X(discovery_replies) \
	X(prefix_solicitations) \
	X(prefix_advertisements) \
	X(tunnel_packets_in) \
	X(tunnel_bytes_in) \
	X(tunnel_packets_out) \
	X(tunnel_bytes_out) \
	X(tunnel_source_refused) \
	X(tunnel_no_binding) \
	X(tunnel_send_failed) \
	X(too_big_sent) \
	X(neighbour_advertisements)

struct agent_counters {
#define X(name) uint64_t name;
	AGENT_COUNTERS(X)
#undef X
};

struct receiver;
struct tunnel;
struct home_link;

struct agent {
	struct agent_config config;
	struct agent_counters counters;
	struct faults faults;
	struct list bindings;     /* of struct binding */
	struct list held_packets; /* late on purpose, see transmit.c */
	struct list notices;      /* of struct notice: messages that are repeated */
	struct list answers;      /* that wait for data to pass, see acknowledgement.c */
	sd_event_source *answer;
	uint16_t revocation_sequence;
	struct { /* the newest answer to a revocation */
		bool any;
		struct in6_addr home;
		uint8_t status;
		uint16_t sequence;
	} revoked;

	sd_event *event;
	struct netlink *netlink;
	struct sysctl_changes sysctls;
	struct receiver *receiver;
	struct tunnel *tunnel;
	struct home_link *home_link; /* NULL where the home prefixes are routed */
	struct control *control;
	int raw_fd; /* sends whole IPv6 packets */
	bool firewall_up;
	bool anycast_up;
};

bool agent_has_address(const struct agent *a, const struct in6_addr *address);
/* The home prefix that an address belongs to, or NULL. */
const struct ip6_prefix *agent_prefix_of(const struct agent *a, const struct in6_addr *home);
