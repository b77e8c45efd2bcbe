/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "notify.h"

#include "../common/event.h"
#include "../common/peer.h"
#include "agent.h"
#include "binding.h"
#include "mobile_node.h"
#include "transmit.h"

int notify_switch(struct agent *a, const struct binding *b, const struct mh_has *agents,
		  uint16_t advice, bool tunnelled)
{
	struct transmit_route route = {
		.from = b->agent,
		.to = tunnelled ? b->home : b->coa,
		.home = b->home,
		.with_rh2 = !tunnelled,
		.tunnel = tunnelled ? b : NULL,
	};
	struct transmit_auth auth = {
		.sa = b->mn->has_sa ? &b->mn->sa : NULL, .coa = b->coa, .home = b->home};
	struct mh_message m = {.type = MH_HAS, .has = *agents};
	int r;

	m.opt.has_refresh_advice = advice > 0;
	m.opt.refresh_advice = advice;
	/* No request to copy a timestamp from: our own tells that it is new. */
	m.opt.has_replay = b->mn->has_sa;
	m.opt.replay = mip_replay_from_usec(peer_now_real());
	r = transmit_message(a, &route, &auth, &m, ACK_FAULT_NONE);
	if (r < 0)
		return r;
	a->counters.switches_sent++;
	event_log("switch", "{s:o, s:i, s:b}", "home", json_addr(&b->home), "agents",
		  (int)agents->n, "tunnelled", tunnelled);
	return 0;
}

int notify_error(struct agent *a, const struct in6_addr *from, const struct in6_addr *to,
		 const struct in6_addr *home, uint8_t status)
{
	struct transmit_route route = {.from = *from, .to = *to, .home = *home};
	struct transmit_auth none = {.sa = NULL};
	struct mh_message m = {.type = MH_BE, .be = {.status = status, .home = *home}};
	int r = transmit_message(a, &route, &none, &m, ACK_FAULT_NONE);

	if (r >= 0)
		a->counters.errors_sent++;
	return r;
}

int notify_refresh(struct agent *a, const struct binding *b)
{
	struct transmit_route route = {
		.from = b->agent, .to = b->home, .home = b->home, .tunnel = b};
	struct transmit_auth none = {.sa = NULL};
	struct mh_message m = {.type = MH_BRR};
	int r = transmit_message(a, &route, &none, &m, ACK_FAULT_NONE);

	if (r >= 0)
		a->counters.refresh_requests_sent++;
	return r;
}
