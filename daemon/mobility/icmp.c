/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMPv6 messages for the mobile node, each to whom it concerns. */
#include <string.h>

#include "mobility/internal.h"

#define ICMP6_UNREACHABLE 1
#define ICMP6_PARAMETER_PROBLEM 4
#define ICMP6_ERROR_HEADER 8

static void receive_echo(struct engine *e, const struct icmp_event *ev)
{
	uint16_t identifier, sequence;

	if (icmp6_echo_reply_parse(ev->icmp, ev->len, &identifier, &sequence) < 0)
		return;
	if (identifier == ECHO_PATH)
		liveness_echo_reply(e, &ev->src, &ev->dst, sequence);
	else if (identifier == ECHO_ANCHOR)
		anchor_echo_reply(e, &ev->src, sequence);
	else if (identifier == ECHO_INQUIRY || identifier == ECHO_SIZE)
		obstacle_echo_reply(e, &ev->src, &ev->dst, identifier, sequence);
}

/*
 * An error that quotes a binding update of ours.  Anybody on the path could have sent it, so it proves nothing; but whoever
 * sent it has seen the update, and it need not be waited for any longer: the next try is due now.
 */
static void receive_error(struct engine *e, const struct icmp_event *ev)
{
	struct ip6_packet quoted;
	struct mh_message m;
	struct binding *b;

	if (ev->len <= ICMP6_ERROR_HEADER ||
	    ip6_packet_parse(ev->icmp + ICMP6_ERROR_HEADER, ev->len - ICMP6_ERROR_HEADER, &quoted) <
		    0 ||
	    quoted.next_header != MH_NEXT_HEADER || !quoted.has_home_option ||
	    mh_decode(quoted.payload, quoted.payload_len, &m) < 0 || m.type != MH_BU)
		return;
	b = engine_find_home(e, &quoted.home);
	if (b && addr_equal(&quoted.dst, &b->anchor->address))
		binding_unreachable(b, m.bu.sequence);
}

void engine_icmp(struct engine *e, struct instant now, const struct icmp_event *ev)
{
	e->now = now;
	if (!e->started || ev->len < 4)
		return;
	switch (ev->icmp[0]) {
	case ICMP6_ECHO_REPLY_TYPE:
		receive_echo(e, ev);
		break;
	case ICMP6_UNREACHABLE:
	case ICMP6_PARAMETER_PROBLEM:
		receive_error(e, ev);
		break;
	case ICMP6_DHAAD_REPLY:
		discovery_dhaad_reply(e, ev);
		break;
	case ICMP6_MPA:
		prefix_discovery_advert(e, ev);
		break;
	default:
		return;
	}
	engine_settle(e);
}
