/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The maps of the socket hooks: addresses and policy go in, what is wanted comes out.
 *
 * The programs are loaded, attached and pinned by dmmd-hooks(8).  They serve all network namespaces of the host, each dmmd
 * has its entry and its part of the rules.
 */
#include "sock/hooks.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/bpf.h"
#include "sock/rules.h"

#define HOUR (3600 * USEC_PER_SEC)
#define WANTED_PER_TURN 64
#define REGION (2 * HOOKS_RULES)

static const struct {
	const char *name;
	uint32_t type, key_size, value_size;
} shapes[MAP_MAX] = {
	[MAP_NAMESPACES] = {"namespaces", BPF_MAP_TYPE_HASH, 8, sizeof(struct hooks_namespace)},
	[MAP_RULES] = {"rules", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct hooks_rule)},
	[MAP_ALLOWED] = {"allowed", BPF_MAP_TYPE_HASH, sizeof(struct hooks_user), 4},
	[MAP_GROUPS] = {"groups", BPF_MAP_TYPE_HASH, 8, 4},
	[MAP_HELD] = {"held", BPF_MAP_TYPE_HASH, 8, sizeof(struct hooks_held)},
	[MAP_WANTED] = {"wanted", BPF_MAP_TYPE_RINGBUF, 0, 0},
	[MAP_COUNTERS] = {"counters", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8},
};

static int open_map(const char *directory, enum hooks_map which)
{
	int fd = bpf_pin_open(directory, shapes[which].name), r;
	struct bpf_object_info info;

	if (fd < 0)
		return fd;
	r = bpf_info(fd, &info);
	if (r == 0 && (info.type != shapes[which].type || info.key_size != shapes[which].key_size ||
		       info.value_size != shapes[which].value_size))
		r = -EPROTO;
	if (r == 0 && which == MAP_RULES && info.max_entries != REGION * HOOKS_NAMESPACES)
		r = -EPROTO;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static int open_maps(struct hooks *h, const char *directory)
{
	for (unsigned i = 0; i < MAP_MAX; i++)
		h->map[i] = -1;
	for (unsigned i = 0; i < MAP_MAX; i++) {
		int r = h->map[i] = open_map(directory, (enum hooks_map)i);

		if (r < 0 && r != -ENOENT)
			log_warning("%s/%s: %s; the socket hooks are not used%s", directory,
				    shapes[i].name, log_strerror(-r),
				    r == -EPROTO ? " (they are of another version: restart "
						   "dmmd-hooks.service)"
						 : "");
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- our part of the rules --------------------------------------------------------------------------- */

static int find_region(struct hooks *h)
{
	bool used[HOOKS_NAMESPACES] = {false};
	struct hooks_namespace ns;
	uint64_t key, next;
	int r = bpf_map_next(h->map[MAP_NAMESPACES], NULL, &next);

	for (; r == 0; r = bpf_map_next(h->map[MAP_NAMESPACES], &key, &next)) {
		key = next;
		if (bpf_map_get(h->map[MAP_NAMESPACES], &key, &ns) < 0 ||
		    ns.rules_at >= REGION * HOOKS_NAMESPACES)
			continue;
		if (key == h->sock->netns_cookie) {
			h->now = ns;
			h->first = ns.rules_at / REGION * REGION;
			return 0;
		}
		used[ns.rules_at / REGION] = true;
	}
	for (uint32_t i = 0; i < HOOKS_NAMESPACES; i++)
		if (!used[i]) {
			h->first = h->now.rules_at = i * REGION;
			return 0;
		}
	return -ENOSPC;
}

/* Into the half that no program looks at; with the next entry of the namespace they do. */
static int write_rules(struct hooks *h, uint32_t *ret_at)
{
	uint32_t at = h->now.rules_at == h->first ? h->first + HOOKS_RULES : h->first;

	for (uint32_t i = 0; i < h->n_rules; i++) {
		uint32_t key = at + i;
		int r = bpf_map_put(h->map[MAP_RULES], &key, &h->rules[i]);

		if (r < 0)
			return r;
	}
	*ret_at = at;
	return 0;
}

/* --- who may have what is restricted ------------------------------------------------------------------ */

static void clear_allowed(struct hooks *h)
{
	struct hooks_user key, next;
	int r = bpf_map_next(h->map[MAP_ALLOWED], NULL, &next);

	while (r == 0) {
		key = next;
		r = bpf_map_next(h->map[MAP_ALLOWED], &key, &next);
		if (key.netns_cookie == h->sock->netns_cookie)
			bpf_map_delete(h->map[MAP_ALLOWED], &key);
	}
}

static void write_allowed(struct hooks *h)
{
	const struct conf *conf = h->sock->conf;
	uid_t users[4 * CONF_MAX_PERMITTED];
	struct hooks_user key = {.netns_cookie = h->sock->netns_cookie, .type = DMM_SC_FIXED};
	const uint32_t yes = 1;
	unsigned n;

	clear_allowed(h);
	n = conf->fixed.all ? 0 : permit_users(&conf->fixed, users, sizeof(users) / sizeof(*users));
	for (unsigned i = 0; i < n; i++) {
		key.uid = users[i];
		if (bpf_map_put(h->map[MAP_ALLOWED], &key, &yes) < 0)
			log_debug("user %u cannot be let have a fixed address by the hooks",
				  users[i]);
	}
	h->n_acquirers = conf->acquire.all
				 ? 0
				 : permit_users(&conf->acquire, h->acquirers,
						sizeof(h->acquirers) / sizeof(*h->acquirers));
}

static bool may_acquire(const struct hooks *h, uint32_t type, uid_t uid)
{
	const uint32_t fixed = DMM_SC_FIXED;
	struct hooks_user key = {h->sock->netns_cookie, uid, fixed};
	uint32_t yes;

	if (type == fixed)
		return h->sock->conf->fixed.all ||
		       bpf_map_get(h->map[MAP_ALLOWED], &key, &yes) == 0;
	for (unsigned i = 0; i < h->n_acquirers; i++)
		if (h->acquirers[i] == uid)
			return true;
	return h->sock->conf->acquire.all;
}

/* --- publication -------------------------------------------------------------------------------------- */

static struct hooks_namespace make_namespace(const struct hooks *h)
{
	const struct sock *s = h->sock;
	struct hooks_namespace ns = {
		.version = HOOKS_VERSION,
		.n_rules = h->n_rules,
		.rules_at = h->now.rules_at,
		.generation = table_generation(&s->table),
	};

	for (unsigned i = SERVICE_NON_PERSISTENT + 1; i < SERVICE_TYPE_MAX; i++) {
		struct hooks_address *a = &ns.address[type_to_library((enum service_type)i)];
		int best = offer_for(s, (enum service_type)i);

		a->restricted = i == SERVICE_FIXED && !s->conf->fixed.all;
		if (best < 0)
			continue;
		memcpy(a->address, &s->offers.offer[best].source, sizeof(a->address));
		a->ifindex = (uint32_t)s->offers.offer[best].ifindex;
	}
	return ns;
}

static void write_namespace(struct hooks *h, const struct hooks_namespace *ns)
{
	int r = bpf_map_put(h->map[MAP_NAMESPACES], &h->sock->netns_cookie, ns);

	if (r < 0) {
		if (complaint_due(&h->unwritten, loop_now().mono) >= 0)
			log_errno(r, "the socket hooks cannot be told the addresses of this place");
		return;
	}
	h->now = *ns;
	h->written = true;
}

void hooks_publish(struct hooks *h)
{
	struct hooks_namespace ns = make_namespace(h);

	if (!h->rules_written) {
		if (write_rules(h, &ns.rules_at) < 0)
			ns.n_rules = 0;
		h->rules_written = true;
	} else if (h->written && memcmp(&ns, &h->now, sizeof(ns)) == 0) {
		return;
	}
	write_namespace(h, &ns);
}

/* --- what is wanted ----------------------------------------------------------------------------------- */

static unsigned types_of_rules(const struct hooks *h)
{
	enum service_type type;
	unsigned types = 0;

	for (unsigned i = 0; i < h->n_rules; i++)
		if (type_from_library(h->rules[i].type, &type))
			types |= 1u << type;
	return types;
}

/* A program in the kernel cannot wait: addresses that it may have to give are made before. */
static void prepare(struct hooks *h, usec_t now)
{
	sock_want_all(h->sock, types_of_rules(h) | groups_types(h));
	h->prepared_at = now;
}

static int on_hour(sd_event_source *source, uint64_t usec, void *user)
{
	const usec_t now = loop_now().mono;
	struct hooks *h = user;

	(void)usec;
	groups_prune(h);
	if (!h->prepared_at || now - h->prepared_at >= SOCK_PREPARE_INTERVAL)
		prepare(h, now);
	loop_timer_set(source, now + HOUR);
	return 0;
}

static int on_wanted(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct hooks_wanted w;
	struct hooks *h = user;
	enum service_type type;

	(void)source, (void)fd, (void)revents;
	for (unsigned i = 0; i < WANTED_PER_TURN && ring_next(&h->ring, &w, sizeof(w)); i++) {
		if (w.netns_cookie != h->sock->netns_cookie || !type_from_library(w.type, &type))
			continue;
		acquire_remember(h->sock, w.cookie, w.uid, type);
		if (may_acquire(h, w.type, w.uid))
			sock_want(h->sock, type);
	}
	return 0;
}

int hooks_list_held(struct hooks *h, struct hold **ret, unsigned *ret_n)
{
	struct hold *list = NULL;
	struct hooks_held held;
	uint64_t key, next;
	unsigned n = 0;
	int r = bpf_map_next(h->map[MAP_HELD], NULL, &next);

	/* Entries come and go meanwhile: the search may begin anew, but it ends. */
	for (unsigned i = 0; r == 0 && i < 2 * HOOKS_MAX_HELD; i++) {
		key = next;
		r = bpf_map_next(h->map[MAP_HELD], &key, &next);
		if (bpf_map_get(h->map[MAP_HELD], &key, &held) < 0 ||
		    held.netns_cookie != h->sock->netns_cookie)
			continue;
		if ((n & (n - 1)) == 0) {
			struct hold *p = reallocarray(list, n ? 2 * n : 1, sizeof(*p));

			if (!p) {
				free(list);
				return -ENOMEM;
			}
			list = p;
		}
		list[n] = (struct hold){.cookie = key, .uid = held.uid};
		memcpy(&list[n++].address, held.address, sizeof(held.address));
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

static uint64_t sum(const struct hooks *h, uint32_t counter)
{
	_cleanup_free_ uint64_t *each = calloc(h->cpus, sizeof(*each));
	uint64_t total = 0;

	if (each && bpf_map_get(h->map[MAP_COUNTERS], &counter, each) == 0)
		for (unsigned i = 0; i < h->cpus; i++)
			total += each[i];
	return total;
}

void hooks_counted(struct hooks *h, uint64_t *ret_given, uint64_t *ret_missing)
{
	*ret_given = sum(h, HOOKS_GIVEN);
	*ret_missing = sum(h, HOOKS_MISSING);
}

/* --- life --------------------------------------------------------------------------------------------- */

static int watch(struct hooks *h)
{
	sd_event *ev = h->sock->ev;
	int r;

	if ((r = ring_open(h->map[MAP_WANTED], &h->ring)) < 0 ||
	    (r = sd_event_add_io(ev, &h->wanted, h->map[MAP_WANTED], EPOLLIN, on_wanted, h)) < 0 ||
	    (r = sd_event_source_set_priority(h->wanted, SD_EVENT_PRIORITY_IDLE)) < 0 ||
	    (r = loop_timer_new(ev, on_hour, h, &h->hourly)) < 0)
		return r;
	loop_timer_set(h->hourly, loop_now().mono);
	return 0;
}

int hooks_new(struct sock *s, struct hooks **ret)
{
	struct hooks *h;
	int r;

	if (!s->netns_cookie)
		return -EOPNOTSUPP;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->sock = s;
	h->cpus = bpf_possible_cpus();
	if ((r = open_maps(h, s->conf->hooks_directory)) < 0 || (r = find_region(h)) < 0 ||
	    (r = groups_load(h)) < 0 || (r = watch(h)) < 0) {
		hooks_free(h, true);
		return r;
	}
	h->n_rules = rules_compile(&s->conf->rules, h->rules);
	write_allowed(h);
	*ret = h;
	return 0;
}

void hooks_reconfigure(struct hooks *h)
{
	h->n_rules = rules_compile(&h->sock->conf->rules, h->rules);
	h->rules_written = false;
	write_allowed(h);
	h->prepared_at = 0;
	loop_timer_set(h->hourly, loop_now().mono);
}

void hooks_free(struct hooks *h, bool keep)
{
	if (!h)
		return;
	h->wanted = sd_event_source_disable_unref(h->wanted);
	h->hourly = sd_event_source_disable_unref(h->hourly);
	ring_close(&h->ring);
	if (!keep) {
		bpf_map_delete(h->map[MAP_NAMESPACES], &h->sock->netns_cookie);
		clear_allowed(h);
	}
	for (unsigned i = 0; i < MAP_MAX; i++)
		cleanup_close(&h->map[i]);
	free(h->group);
	free(h);
}
