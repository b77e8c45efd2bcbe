/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "notify.h"

#include "agent.h"
#include "binding.h"
#include "transmit.h"

int notify_switch(struct agent *a, const struct binding *b, const struct mh_has *agents,
		  uint16_t advice, const struct notice_options *o)
{
	struct mh_message m = {.type = MH_HAS, .has = *agents};

	m.opt.has_refresh_advice = advice > 0;
	m.opt.refresh_advice = advice;
	return notice_send(a, b, &m, o);
}

int notify_error(struct agent *a, const struct in6_addr *from, const struct in6_addr *to,
		 const struct in6_addr *home, uint8_t status)
{
	struct transmit_route route = {.from = *from, .to = *to, .home = *home};
	struct transmit_auth none = {.sa = NULL};
	struct mh_message m = {.type = MH_BE, .be = {.status = status, .home = *home}};
	int r = transmit_message(a, &route, &none, &m, MESSAGE_FAULT_NONE);

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
	int r = transmit_message(a, &route, &none, &m, MESSAGE_FAULT_NONE);

	if (r >= 0)
		a->counters.refresh_requests_sent++;
	return r;
}
