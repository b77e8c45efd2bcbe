/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/peer/home-agent - a Mobile IPv6 home agent to test and demonstrate with
 *
 * Runs in a network namespace of its own (one agent in each), on kernels with and without Mobile
 * IPv6, and can be told to misbehave.  It implements the home agent's part of RFC 6275
 * (registration, tunnel, defence of home addresses, discovery of agents and prefixes), RFC 4285
 * (authentication) and the sending of RFC 5142 (home agent switch) and RFC 5846 (binding
 * revocation).  Everything that it makes in the kernel goes when it
 * ends.
 *
 *   main.c             start and stop order
 *   options.c          command line
 *   mobile_node.c      who is served, with which key
 *   receive.c          packet socket: mobility messages and discovery requests
 *   registration.c     binding update in, decision out
 *   binding.c          the binding cache and its states
 *   acknowledgement.c  the answer
 *   transmit.c         signing, checksum, headers, sending
 *   fault.c            misbehaviour for tests
 *   tunnel.c           TUN device; encapsulation and its check on the way back
 *   capture.c          packet socket: packets in the tunnel, with unfinished checksums and segments
 *   outer.c            raw protocol-41 sockets: sending, path MTU, what came in fragments
 *   icmp_error.c       ICMPv6 errors
 *   home_link.c        duplicate address detection, proxy neighbour discovery
 *   discovery.c        dynamic home agent address discovery
 *   prefix_discovery.c mobile prefix advertisements
 *   notify.c           home agent switch, binding error, binding refresh request
 *   revocation.c       binding revocation and its acknowledgement
 *   notice.c           repetition of what the mobile node has to obey
 *   firewall.c         nft table against the kernel's own answers
 *   commands.c         control socket; commands_send.c those that make it send
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/event.h"
#include "../common/peer.h"
#include "acknowledgement.h"
#include "agent.h"
#include "base/log.h"
#include "binding.h"
#include "commands.h"
#include "discovery.h"
#include "firewall.h"
#include "home_link.h"
#include "notice.h"
#include "options.h"
#include "receive.h"
#include "transmit.h"
#include "tunnel.h"

bool agent_has_address(const struct agent *a, const struct in6_addr *address)
{
	for (unsigned i = 0; i < a->config.n_addresses; i++)
		if (addr_equal(&a->config.address[i], address))
			return true;
	return false;
}

const struct ip6_prefix *agent_prefix_of(const struct agent *a, const struct in6_addr *home)
{
	for (unsigned i = 0; i < a->config.n_prefixes; i++)
		if (prefix_contains(&a->config.prefix[i], home))
			return &a->config.prefix[i];
	return NULL;
}

static int raw_open(struct agent *a)
{
	a->raw_fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	if (a->raw_fd < 0)
		return log_errno(-errno, "raw socket");
	return 0;
}

static int forwarding_on(struct agent *a)
{
	int r = sysctl_set(&a->sysctls, "1", "conf/all/forwarding");

	return r < 0 ? log_errno(r, "forwarding") : 0;
}

/* Whoever can be heard must find everything in place: the receiver comes last. */
static int agent_start(struct agent *a)
{
	const struct agent_config *c = &a->config;
	int r = peer_loop_new(&a->event);

	if (r >= 0)
		r = event_log_open(c->log_path);
	if (r >= 0)
		r = netlink_open(&a->netlink);
	if (r < 0)
		return log_errno(r, "cannot start");
	r = forwarding_on(a);
	if (r >= 0)
		r = acknowledgements_open(a);
	if (r >= 0)
		r = raw_open(a);
	if (r >= 0 && c->home_link)
		r = home_link_open(a, c->home_link, &a->home_link);
	if (r < 0)
		return r;
	firewall_open(a);
	r = tunnel_open(a, &a->tunnel);
	if (r >= 0)
		r = discovery_open(a);
	if (r >= 0)
		r = receiver_open(a, &a->receiver);
	if (r >= 0 && c->control_path) {
		r = control_open(a->event, c->control_path, commands_run, a, &a->control);
		if (r < 0)
			log_errno(r, "%s", c->control_path);
	}
	return r;
}

static void agent_stop(struct agent *a)
{
	control_close(a->control);
	receiver_close(a->receiver);
	acknowledgements_close(a);
	notices_free(a);
	bindings_free(a);
	transmit_discard_held(a);
	firewall_close(a);
	if (a->netlink)
		discovery_close(a);
	tunnel_close(a->tunnel);
	home_link_close(a->home_link);
	if (a->raw_fd >= 0)
		close(a->raw_fd);
	sysctl_restore(&a->sysctls);
	netlink_close(a->netlink);
	event_log_close();
	sd_event_unref(a->event);
	options_free(&a->config);
}

int main(int argc, char **argv)
{
	struct agent a = {.raw_fd = -1};
	int r;

	log_init("home-agent", LOG_INFO);
	list_init(&a.bindings);
	list_init(&a.held_packets);
	list_init(&a.notices);
	list_init(&a.answers);
	r = options_parse(argc, argv, &a.config);
	if (r >= 0)
		r = agent_start(&a);
	if (r >= 0) {
		log_info("%s: ready", ADDR_STR(&a.config.address[0]));
		r = sd_event_loop(a.event);
	}
	agent_stop(&a);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
