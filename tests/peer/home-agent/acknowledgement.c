/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "acknowledgement.h"

#include <stdlib.h>
#include <string.h>

#include "../common/event.h"
#include "agent.h"
#include "transmit.h"

static struct mh_message message_of(const struct acknowledgement *ack)
{
	struct mh_message m = {.type = MH_BA};

	m.ba.status = ack->status;
	m.ba.sequence = ack->sequence;
	m.ba.lifetime = ack->lifetime;
	m.opt.has_refresh_advice = ack->refresh_advice > 0;
	m.opt.refresh_advice = ack->refresh_advice;
	m.opt.has_replay = ack->has_replay;
	m.opt.replay = ack->replay;
	m.opt.mn_id_subtype = ack->mn_id_subtype;
	m.opt.mn_id_len = ack->mn_id_len;
	memcpy(m.opt.mn_id, ack->mn_id, ack->mn_id_len);
	return m;
}

static void send_now(struct agent *a, const struct acknowledgement *ack)
{
	enum message_fault fault = faults_next_ack(&a->faults);
	struct transmit_route route = {
		.from = ack->agent, .to = ack->to, .home = ack->home, .with_rh2 = ack->away};
	struct transmit_auth auth = {.sa = ack->sa, .coa = ack->coa, .home = ack->home};
	struct mh_message m = message_of(ack);

	event_log("acknowledgement", "{s:o, s:o, s:i, s:i, s:i, s:s}", "home",
		  json_addr(&ack->home), "to", json_addr(&ack->to), "status", ack->status,
		  "sequence", ack->sequence, "lifetime_s", ack->lifetime * MH_LIFETIME_UNIT,
		  "fault", message_fault_str(fault));
	a->counters.acknowledgements++;
	if (ack->status >= BA_UNSPECIFIED)
		a->counters.rejections++;
	transmit_message(a, &route, &auth, &m, fault);
}

struct answer {
	struct list node; /* of agent.answers */
	struct acknowledgement ack;
};

static void answer_free(struct answer *n)
{
	list_remove(&n->node);
	free(n);
}

void acknowledgements_flush(struct agent *a)
{
	struct answer *n, *next;

	list_for_each_safe(n, next, &a->answers, node) {
		send_now(a, &n->ack);
		answer_free(n);
	}
}

void acknowledgement_send(struct agent *a, const struct acknowledgement *ack)
{
	acknowledgements_flush(a);
	send_now(a, ack);
}

static int on_leisure(sd_event_source *s, void *user)
{
	(void)s;
	acknowledgements_flush(user);
	return 0;
}

void acknowledgement_behind_data(struct agent *a, const struct acknowledgement *ack)
{
	struct answer *n = malloc(sizeof(*n));

	if (!n)
		return;
	n->ack = *ack;
	list_append(&a->answers, &n->node);
	sd_event_source_set_enabled(a->answer, SD_EVENT_ONESHOT);
}

int acknowledgements_open(struct agent *a)
{
	int r = sd_event_add_defer(a->event, &a->answer, on_leisure, a);

	if (r >= 0)
		r = sd_event_source_set_enabled(a->answer, SD_EVENT_OFF);
	return r < 0 ? r : sd_event_source_set_priority(a->answer, SD_EVENT_PRIORITY_IDLE);
}

void acknowledgements_close(struct agent *a)
{
	struct answer *n, *next;

	sd_event_source_disable_unref(a->answer);
	list_for_each_safe(n, next, &a->answers, node)
		answer_free(n);
}
