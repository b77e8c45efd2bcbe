/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#define ICMP_ERROR_HEADER 8
#define MAX_ICMP 512

/* Nobody signs ICMPv6. */
static void deliver(struct fuzz *f, struct icmp_event *ev)
{
	struct standing before;

	take_settled(f, &before);
	engine_icmp(f->w->e, f->w->now, ev);
	check_unchanged(f->w->e, &before);
}

static struct binding *any_binding(struct fuzz *f)
{
	unsigned n = u8(f) % 8;
	struct binding *b;

	list_for_each(b, &f->w->e->bindings, node)
		if (n-- == 0)
			return b;
	return NULL;
}

void event_icmp_bytes(struct fuzz *f)
{
	static const uint8_t types[] = {1, 3, 4, 129, ICMP6_DHAAD_REPLY, ICMP6_MPA, 128, 255};
	struct icmp_event ev = {.ifindex = any_link(f), .src = any_agent(f), .dst = any_home(f)};
	uint8_t buf[64], len = u8(f) % sizeof(buf);

	ev.has_rh2 = len & 1;
	buf[0] = PICK(f, types);
	for (uint8_t i = 1; i < len; i++)
		buf[i] = u8(f);
	ev.icmp = buf;
	ev.len = len;
	deliver(f, &ev);
}

/* Somebody on the way has seen an update of ours, or guesses. */
void event_icmp_error(struct fuzz *f)
{
	uint8_t which = u8(f), how = u8(f), buf[MAX_ICMP] = {how & 1 ? 1 : 4};
	const struct agent_received *u = &f->update[which % REMEMBERED];
	struct mh_message m = {.type = MH_BU};
	uint8_t mh[MH_MAX_LEN];
	struct ip6_packet quoted = {
		.src = u->src,
		.dst = u->dst,
		.has_home_option = true,
		.home = u->home,
		.hop_limit = 60,
		.next_header = MH_NEXT_HEADER,
		.payload = mh,
	};
	struct icmp_event ev = {
		.ifindex = any_link(f), .src = any_agent(f), .dst = u->src, .icmp = buf};
	int n;

	if (!u->at)
		return;
	m.bu.sequence = (uint16_t)(u->sequence + (how & 2 ? how : 0));
	n = mh_encode(&m, mh, sizeof(mh));
	require(n > 0, "no update to quote");
	quoted.payload_len = (size_t)n;
	n = ip6_packet_build(&quoted, buf + ICMP_ERROR_HEADER, sizeof(buf) - ICMP_ERROR_HEADER);
	require(n > 0, "no packet to quote");
	ev.len = ICMP_ERROR_HEADER + (size_t)n - (how & 4 ? how >> 3 : 0);
	deliver(f, &ev);
}

void event_echo(struct fuzz *f)
{
	const struct host_echo *e = &f->w->host.echo;
	uint8_t how = u8(f), buf[8] = {129};
	uint16_t identifier = how & 1 ? ECHO_PATH : ECHO_ANCHOR;
	uint16_t sequence = how & 2 ? u16(f) : e->sequence;
	struct icmp_event ev = {.src = e->dst, .dst = e->src, .icmp = buf, .len = sizeof(buf)};

	if (how & 4)
		ev.src = any_agent(f);
	if (how & 8)
		ev.dst = any_home(f);
	buf[4] = (uint8_t)(identifier >> 8);
	buf[5] = (uint8_t)identifier;
	buf[6] = (uint8_t)(sequence >> 8);
	buf[7] = (uint8_t)sequence;
	deliver(f, &ev);
}

void event_dhaad(struct fuzz *f)
{
	struct dhaad_reply r = {.n = u8(f) % 4};
	uint8_t buf[256], how = u8(f);
	struct icmp_event ev = {.src = any_agent(f), .dst = f->w->e->coa, .icmp = buf};
	const struct discovery *d;

	if (how & 1)
		r.n = DHAAD_MAX_AGENTS / 4;
	if (how & 2)
		r.identifier = u16(f);
	else
		list_for_each(d, &f->w->e->discoveries, node)
			r.identifier = d->identifier;
	for (unsigned i = 0; i < r.n; i++)
		r.agent[i] = any_agent(f);
	ev.len = (size_t)dhaad_reply_build(&r, buf, sizeof(buf));
	deliver(f, &ev);
}

void event_prefix_advert(struct fuzz *f)
{
	const struct binding *b = any_binding(f);
	uint8_t how = u8(f), buf[MAX_ICMP];
	struct icmp_event ev = {.has_rh2 = !(how & 1), .icmp = buf};
	struct mobile_prefix_advert a = {.n_prefixes = how >> 6};
	int n;

	if (!b)
		return;
	ev.src = how & 2 ? any_agent(f) : b->anchor->address;
	ev.dst = b->home;
	a.identifier = how & 4 ? u16(f) : b->solicit_identifier;
	for (unsigned i = 0; i < a.n_prefixes; i++) {
		a.prefix[i].prefix = i ? prefix_make(&ev.src, 64) : b->home_prefix;
		a.prefix[i].valid = how & 8 ? 0 : 86400;
		a.prefix[i].preferred = how & 16 ? 0 : a.prefix[i].valid;
	}
	n = mobile_prefix_advert_build(&a, buf, sizeof(buf));
	require(n > 0, "no prefix advertisement");
	ev.len = (size_t)n;
	deliver(f, &ev);
}

void event_resolved(struct fuzz *f)
{
	uint8_t how = u8(f);
	struct in6_addr agent[16];
	struct standing before;
	unsigned n = how % 8 == 7 ? N(agent) : how % 4;

	for (unsigned i = 0; i < n; i++)
		agent[i] = any_agent(f);
	take_settled(f, &before);
	engine_resolved(f->w->e, f->w->now, how & 128 ? "example.net" : "Example.ORG", agent, n);
	check_unchanged(f->w->e, &before);
}

void event_domain(struct fuzz *f)
{
	static const char *const domains[] = {"example.org", "corp.example", "a"};
	const char *domain = PICK(f, domains);
	struct pvd_info info = {.n_prefixes = 1};
	int ifindex = any_link(f);
	uint8_t how = u8(f), v = u8(f);
	struct properties *p = &info.prefix[0].properties;
	struct standing before;

	strcpy(info.identifier, how & 1 ? "other.example" : domain);
	info.expires_real = f->w->now.real + (how & 2 ? 0 : how * SEC);
	info.no_internet = how & 4;
	require(prefix_parse(how & 8 ? "::/0" : "2001:db8:b::/48", &info.prefix[0].prefix) == 0,
		"no prefix");
	p->set = v % (1u << PROPERTY_MAX);
	p->anchoring = (enum prefix_anchoring)(v % PREFIX_ANCHORING_MAX);
	p->service = (enum service_type)((v >> 2) % SERVICE_TYPE_MAX);
	p->mobility = (enum prefix_mobility)((v >> 4) % PREFIX_MOBILITY_MAX);
	strcpy(p->anchor, how & 16 ? "a" : ANCHOR_B);
	take_settled(f, &before);
	engine_domain(f->w->e, f->w->now, ifindex, domain, how & 32 ? NULL : &info);
	check_unchanged(f->w->e, &before);
}
