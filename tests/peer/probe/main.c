/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/peer/probe - traffic that tells what a handover did to it
 *
 * UDP: numbered packets at a steady beat in both directions, counted at both ends, so that losses
 * are known per direction and gaps to the microsecond.  TCP: a known octet stream in both
 * directions, checked, with its pauses.  Times are CLOCK_MONOTONIC microseconds; on one machine
 * they compare across network namespaces.
 *
 *   main.c                     verbs
 *   options.c, socket.c        command line, sockets
 *   udp_client.c, udp_server.c the beat, the account at the end
 *   datagram.c                 their packets
 *   arrivals.c                 lost, duplicate, reordered, gaps
 *   pace.c                     steady beat
 *   tcp_client.c, tcp_server.c begin and end of a stream
 *   stream.c, pattern.c        frames, checked content
 *   stall.c                    pauses
 *   summary.c                  the JSON line
 */
#include <stdlib.h>

#include "../common/peer.h"
#include "base/log.h"
#include "options.h"
#include "tcp_client.h"
#include "tcp_server.h"
#include "udp_client.h"
#include "udp_server.h"

static int server_run(const struct probe_options *o)
{
	struct udp_server *udp = NULL;
	struct tcp_server *tcp = NULL;
	sd_event *event = NULL;
	int r = peer_loop_new(&event);

	if (r >= 0)
		r = udp_server_open(o, event, &udp);
	if (r >= 0)
		r = tcp_server_open(o, event, &tcp);
	if (r >= 0) {
		log_info("ready");
		r = sd_event_loop(event);
	}
	tcp_server_close(tcp);
	udp_server_close(udp);
	sd_event_unref(event);
	return r;
}

int main(int argc, char **argv)
{
	struct probe_options o;
	int r;

	log_init("probe", LOG_INFO);
	r = options_parse(argc, argv, &o);
	if (r < 0)
		return 2;
	switch (o.verb) {
	case PROBE_SERVER:
		r = server_run(&o);
		break;
	case PROBE_UDP:
		r = udp_client_run(&o);
		break;
	case PROBE_TCP:
		r = tcp_client_run(&o);
		break;
	}
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
