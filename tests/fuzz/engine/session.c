/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

void event_session(struct fuzz *f)
{
	static const char *const sources[] = {
		"2001:db8:a::c0a", "2001:db8:b::c0a", "2001:db8:a::c0b", HOA, HOA2,
		"2001:db8:e::c0a"};
	static const char *const destinations[] = {"2001:db8:c::80", "2001:db8:d::80",
						   "::", "fe80::1"};
	static const uint16_t ports[] = {22, 80, 5060, 53, 443};
	struct host *h = &f->w->host;
	const char *source = PICK(f, sources);
	uint8_t what = u8(f);
	struct session_info *s;

	if (h->n_sessions >= MAX_SESSIONS)
		return;
	world_session(f->w, source, ports[what % N(ports)]);
	s = &h->session[h->n_sessions - 1];
	if (what & 128) /* from one that we made */
		s->source = any_home(f);
	s->destination = world_addr(destinations[(what >> 3) % N(destinations)]);
	s->protocol = what & 32 ? IPPROTO_UDP : IPPROTO_TCP;
	s->listening = what & 64;
	s->uid = what & 1 ? 1000 : 0;
}

static void remove_session(struct host *h, unsigned i)
{
	h->session[i] = h->session[--h->n_sessions];
}

void event_session_end(struct fuzz *f)
{
	struct host *h = &f->w->host;
	uint8_t which = u8(f), how = u8(f);

	if (!h->n_sessions)
		return;
	which %= h->n_sessions;
	switch (how % 4) {
	case 0:
	case 1:
		world_session_end(f->w, h->session[which].cookie);
		break;
	case 2: /* and the news are lost, as the kernel says */
		remove_session(h, which);
		if (h->watching)
			engine_sessions_lost(f->w->e, f->w->now);
		break;
	case 3: /* it goes on from another address */
		h->session[which].source = any_home(f);
		break;
	}
}

/* The kernel, or somebody who looks, has something to say. */
void event_news(struct fuzz *f)
{
	struct in6_addr home = any_home(f);
	uint8_t what = u8(f);

	switch (what % 6) {
	case 0:
		engine_look(f->w->e, f->w->now);
		break;
	case 1:
		engine_sessions_lost(f->w->e, f->w->now);
		break;
	case 2:
		engine_activity(f->w->e, f->w->now, &home);
		break;
	case 3:
		engine_activity(f->w->e, f->w->now, &f->w->host.watched);
		break;
	case 4: /* of a socket that lives, and of one that nobody knows */
		engine_session_gone(f->w->e, f->w->now, what >> 3);
		break;
	case 5:
		engine_probe(f->w->e, f->w->now);
		break;
	}
}

void event_traffic(struct fuzz *f)
{
	uint8_t what = u8(f);

	if (what & 1)
		f->w->host.sent[(what >> 2) % 8] += 10;
	if (what & 2)
		f->w->host.received[(what >> 2) % 8] += 10;
}

void event_host(struct fuzz *f)
{
	static const int errors[] = {0, -EAGAIN, -ENOMEM, 0};
	uint8_t what = u8(f);

	if (what & 1)
		f->w->host.list_error = errors[(what >> 1) % N(errors)];
	else
		f->w->host.mute = what & 2;
}
