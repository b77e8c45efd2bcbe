/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/mh_options.h"

#include <errno.h>

enum {
	OPT_PAD1 = 0,
	OPT_PADN = 1,
	OPT_REFRESH_ADVICE = 2,
	OPT_ALT_COA = 3,
	OPT_NONCE_INDICES = 4,
	OPT_BINDING_AUTH = 5,
	OPT_NETWORK_PREFIX = 6,
	OPT_MN_ID = 8,
	OPT_AUTH = 9,
	OPT_REPLAY = 10,
	OPT_IPV4_HOME = 29,
	OPT_IPV4_ACK = 30,
	OPT_NAT_DETECTION = 31,
	OPT_IPV4_COA = 32,
	OPT_BINDING_ID = 35,
	OPT_FLOW_ID = 45,
};

#define AUTH_SUBTYPE_MN_HA 1

struct alignment { /* xn + y from the start of the header */
	uint8_t x, y;
};

/* How struct mh_options says that an option is there. */
enum presence {
	BY_FLAG,   /* a bool */
	BY_LENGTH, /* a uint8_t, zero when absent; the transfer function fills it */
	BY_COUNT,  /* an unsigned, of up to `limit` */
};

struct option_kind {
	uint8_t type;
	uint8_t min_len, max_len;
	struct alignment align;
	struct alignment (*align_by)(const struct mh_options *o, unsigned i); /* instead */
	enum presence presence;
	unsigned limit;
	size_t member;
	void (*transfer)(struct wire *w, struct mh_options *o);
};

static void transfer_refresh_advice(struct wire *w, struct mh_options *o)
{
	wire_u16(w, &o->refresh_advice);
}

static void transfer_alt_coa(struct wire *w, struct mh_options *o)
{
	wire_bytes(w, &o->alt_coa, sizeof(o->alt_coa));
}

static void transfer_nonce_indices(struct wire *w, struct mh_options *o)
{
	wire_u16(w, &o->home_nonce);
	wire_u16(w, &o->careof_nonce);
}

static void transfer_prefix(struct wire *w, struct mh_options *o)
{
	struct ip6_prefix *p = &o->prefix[w->index];

	wire_reserved(w, 1);
	wire_u8(w, &p->len);
	if (p->len > 128) {
		w->refused = true;
		return;
	}
	wire_bytes(w, &p->addr, sizeof(p->addr));
	if (!w->encoding)
		*p = prefix_make(&p->addr, p->len);
}

static struct alignment bid_alignment(const struct mh_options *o, unsigned i)
{
	return o->bid[i].coa_len ? (struct alignment){8, 2} : (struct alignment){2, 0};
}

static void transfer_bid(struct wire *w, struct mh_options *o)
{
	struct mh_bid *b = &o->bid[w->index];

	wire_u16(w, &b->bid);
	wire_u8(w, &b->status);
	wire_u8(w, &b->flags_pri);
	if (!w->encoding)
		b->coa_len = (uint8_t)w->r.left;
	if (b->coa_len != 0 && b->coa_len != 4 && b->coa_len != 16) {
		w->refused = true;
		return;
	}
	wire_bytes(w, b->coa, b->coa_len);
}

static void transfer_flow_id(struct wire *w, struct mh_options *o)
{
	if (w->encoding) {
		write_bytes(&w->w, o->flow_id, o->flow_id_len);
		return;
	}
	o->flow_id_len = (uint8_t)w->r.left;
	o->flow_id = read_bytes(&w->r, w->r.left);
}

static void transfer_ipv4_coa(struct wire *w, struct mh_options *o)
{
	wire_reserved(w, 2);
	wire_bytes(w, &o->ipv4_coa, sizeof(o->ipv4_coa));
}

static void transfer_ipv4_home(struct wire *w, struct mh_options *o)
{
	unsigned want = o->ipv4_home_want_prefix ? 0x0200 : 0;
	uint16_t word = (uint16_t)(o->ipv4_home_plen << 10 | want);

	w->refused |= w->encoding && o->ipv4_home_plen > 32;
	wire_u16(w, &word);
	o->ipv4_home_plen = (uint8_t)(word >> 10);
	o->ipv4_home_want_prefix = word & 0x0200;
	w->refused |= o->ipv4_home_plen > 32;
	wire_bytes(w, &o->ipv4_home, sizeof(o->ipv4_home));
}

static void transfer_ipv4_ack(struct wire *w, struct mh_options *o)
{
	uint8_t octet = (uint8_t)(o->ipv4_ack_plen << 2);

	w->refused |= w->encoding && o->ipv4_ack_plen > 32;
	wire_u8(w, &o->ipv4_ack_status);
	wire_u8(w, &octet);
	o->ipv4_ack_plen = octet >> 2;
	w->refused |= o->ipv4_ack_plen > 32;
	wire_bytes(w, &o->ipv4_ack, sizeof(o->ipv4_ack));
}

static void transfer_nat_detection(struct wire *w, struct mh_options *o)
{
	uint16_t word = o->nat_force_udp ? 0x8000 : 0;

	wire_u16(w, &word);
	o->nat_force_udp = word & 0x8000;
	wire_u32(w, &o->nat_refresh);
}

static void transfer_mn_id(struct wire *w, struct mh_options *o)
{
	wire_u8(w, &o->mn_id_subtype);
	if (!w->encoding)
		o->mn_id_len = (uint8_t)w->r.left;
	if (o->mn_id_len > MH_MAX_IDENTIFIER)
		w->refused = true;
	else
		wire_bytes(w, o->mn_id, o->mn_id_len);
}

static void transfer_replay(struct wire *w, struct mh_options *o)
{
	wire_u64(w, &o->replay);
}

/*
 * The option is the last of its message and starts at 4n+1; with the usual 12, 16 or 20 octets of
 * data there is one such place in 8 octets that makes the message end with it.
 */
static struct alignment auth_alignment(const struct mh_options *o, unsigned i)
{
	unsigned len = 7u + o->auth_len;

	(void)i;
	return len % 4 == 3 ? (struct alignment){8, (uint8_t)(-len % 8)} : (struct alignment){4, 1};
}

static void transfer_auth(struct wire *w, struct mh_options *o)
{
	wire_u8(w, &o->auth_subtype);
	wire_u32(w, &o->auth_spi);
	if (!w->encoding)
		o->auth_len = (uint8_t)w->r.left;
	if (o->auth_len > MH_MAX_AUTH)
		w->refused = true;
	else
		wire_bytes(w, o->auth_data, o->auth_len);
	if (!w->encoding && wire_ok(w))
		memset(o->auth_data + o->auth_len, 0, sizeof(o->auth_data) - o->auth_len);
}

static void transfer_binding_auth(struct wire *w, struct mh_options *o)
{
	wire_bytes(w, o->binding_auth, sizeof(o->binding_auth));
}

#define KIND(how, max, field, what) \
	.presence = (how), .limit = (max), .member = offsetof(struct mh_options, field), \
	.transfer = transfer_##what
#define FLAG(what) KIND(BY_FLAG, 1, has_##what, what)
#define LENGTH(what) KIND(BY_LENGTH, 1, what##_len, what)
#define COUNT(field, max, what) KIND(BY_COUNT, max, field, what)

/* In the order of struct mh_options, which is the order on the wire. */
static const struct option_kind kinds[] = {
	{OPT_REFRESH_ADVICE, 2, 2, {2, 0}, FLAG(refresh_advice)},
	{OPT_ALT_COA, 16, 16, {8, 6}, FLAG(alt_coa)},
	{OPT_NONCE_INDICES, 4, 4, {2, 0}, FLAG(nonce_indices)},
	{OPT_NETWORK_PREFIX, 18, 18, {8, 4}, COUNT(n_prefixes, MH_MAX_PREFIXES, prefix)},
	{OPT_BINDING_ID, 4, 20, .align_by = bid_alignment, COUNT(n_bids, MH_MAX_BIDS, bid)},
	{OPT_FLOW_ID, 6, 255, {2, 0}, LENGTH(flow_id)},
	{OPT_IPV4_COA, 6, 6, {4, 0}, FLAG(ipv4_coa)},
	{OPT_IPV4_HOME, 6, 6, {4, 0}, FLAG(ipv4_home)},
	{OPT_IPV4_ACK, 6, 6, {4, 0}, FLAG(ipv4_ack)},
	{OPT_NAT_DETECTION, 6, 6, {4, 0}, FLAG(nat_detection)},
	{OPT_MN_ID, 2, 255, {1, 0}, LENGTH(mn_id)},
	{OPT_REPLAY, 8, 8, {8, 2}, FLAG(replay)},
	{OPT_AUTH, 5, 5 + MH_MAX_AUTH, .align_by = auth_alignment, FLAG(auth)},
	{OPT_BINDING_AUTH, 12, 12, {8, 2}, FLAG(binding_auth)},
};
#define N_KINDS (sizeof(kinds) / sizeof(*kinds))

static const struct option_kind *kind_of(uint8_t type)
{
	for (size_t k = 0; k < N_KINDS; k++)
		if (kinds[k].type == type)
			return &kinds[k];
	return NULL;
}

static unsigned kind_count(const struct option_kind *k, const struct mh_options *o)
{
	const char *member = (const char *)o + k->member;

	switch (k->presence) {
	case BY_FLAG:
		return *(const bool *)member;
	case BY_LENGTH:
		return *(const uint8_t *)member != 0;
	case BY_COUNT:
		return *(const unsigned *)member;
	}
	return 0;
}

static void kind_taken(const struct option_kind *k, struct mh_options *o)
{
	char *member = (char *)o + k->member;

	if (k->presence == BY_FLAG)
		*(bool *)member = true;
	else if (k->presence == BY_COUNT)
		++*(unsigned *)member;
}

/* Note where an authenticator stands in an option that ends at `end`. */
static void note_auth(const struct option_kind *k, struct mh_message *m, size_t end)
{
	if (k->type == OPT_AUTH)
		m->auth_offset = (uint16_t)(end - m->opt.auth_len);
	else if (k->type == OPT_BINDING_AUTH)
		m->binding_auth_offset = (uint16_t)(end - sizeof(m->opt.binding_auth));
}

/*
 * Whether an option counts where it stands.  An authenticator covers what precedes it: what follows
 * one is open to forgery and must not be seen, but for another authenticator.  Of several
 * authentication options the first MN-HA one is kept, whether it stands before or after others.
 */
static bool option_counts(const struct option_kind *k, const struct mh_message *m,
			  const struct reader *data)
{
	if (m->opt.has_binding_auth)
		return false;
	if (m->opt.has_auth && k->type == OPT_AUTH)
		return m->opt.auth_subtype != AUTH_SUBTYPE_MN_HA && data->left > 0 &&
		       data->p[0] == AUTH_SUBTYPE_MN_HA;
	if (m->opt.has_auth && k->type != OPT_BINDING_AUTH)
		return false;
	return kind_count(k, &m->opt) < k->limit;
}

int mh_options_decode(struct reader *r, const uint8_t *base, struct mh_message *m)
{
	while (r->left) {
		uint8_t type = read_u8(r), len;
		const struct option_kind *k;
		struct wire w = {0};

		if (type == OPT_PAD1)
			continue;
		len = read_u8(r);
		w.r = read_sub(r, len);
		if (r->failed)
			return -EBADMSG;
		k = kind_of(type);
		if (!k)
			continue;
		if (len < k->min_len || len > k->max_len)
			return -EBADMSG;
		if (!option_counts(k, m, &w.r))
			continue;
		w.index = kind_count(k, &m->opt);
		k->transfer(&w, &m->opt);
		if (!wire_ok(&w) || w.r.left)
			return -EBADMSG;
		kind_taken(k, &m->opt);
		note_auth(k, m, (size_t)(r->p - base));
	}
	return 0;
}

static void write_padding(struct writer *w, struct alignment align)
{
	size_t n = (align.y + align.x - w->len % align.x) % align.x;

	if (n == 1) {
		write_u8(w, OPT_PAD1);
	} else if (n > 1) {
		write_u8(w, OPT_PADN);
		write_u8(w, (uint8_t)(n - 2));
		write_room(w, n - 2);
	}
}

static int encode_option(const struct option_kind *k, struct wire *w, struct mh_message *m,
			 unsigned i)
{
	size_t start;

	write_padding(&w->w, k->align_by ? k->align_by(&m->opt, i) : k->align);
	write_u8(&w->w, k->type);
	write_u8(&w->w, 0);
	start = w->w.len;
	w->index = i;
	k->transfer(w, &m->opt);
	if (w->refused)
		return -EINVAL;
	if (w->w.failed)
		return -ENOBUFS;
	if (w->w.len - start < k->min_len || w->w.len - start > k->max_len)
		return -EINVAL;
	w->w.buf[start - 1] = (uint8_t)(w->w.len - start);
	note_auth(k, m, w->w.len);
	return 0;
}

int mh_options_encode(struct wire *w, struct mh_message *m)
{
	for (size_t k = 0; k < N_KINDS; k++) {
		unsigned n = kind_count(&kinds[k], &m->opt);

		if (n > kinds[k].limit)
			return -EINVAL;
		for (unsigned i = 0; i < n; i++) {
			int r = encode_option(&kinds[k], w, m, i);

			if (r < 0)
				return r;
		}
	}
	write_padding(&w->w, (struct alignment){8, 0});
	return w->w.failed ? -ENOBUFS : 0;
}
