/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this folder share. */
#pragma once

#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "libsock-ext/include/dmmsock.h"
#include "libsock-ext/protocol.h"
#include "libsock-ext/table.h"
#include "loop/loop.h"
#include "mobility/request.h"
#include "net/net.h"
#include "sock/policy.h"
#include "sock/sock.h"

/* --- type.c: enum dmm_service_type of the library, enum service_type of the engine ---------------- */

/* False for UNSPEC and what is none. */
bool type_from_library(uint32_t type, enum service_type *ret);
uint32_t type_to_library(enum service_type type);

/* --- complaint.c: one line a minute about each kind of trouble that clients can make at will ------- */

struct complaint {
	usec_t last; /* 0 = never */
	unsigned silent;
};
/* How many were not told since the last line; -1: not now. */
int complaint_due(struct complaint *c, usec_t now);

/* --- table.c -------------------------------------------------------------------------------------- */

struct table {
	int directory; /* not ours to close; -1 = there is no table */
	int readable;  /* to be handed out */
	struct dmm_table *map;
	uint64_t instance, netns_cookie;
};

/* Takes over the table of an earlier run if it is sound; what it says stays until the first table_write(). */
void table_init(struct table *t, int directory, uint64_t instance, uint64_t netns_cookie);
/* entries: slot->n of them, reserved members zero.  1 if something changed, 0, or -errno. */
int table_write(struct table *t, const struct dmm_table_slot *slot,
		const struct dmm_table_entry *entries);
uint64_t table_generation(const struct table *t);
void table_close(struct table *t, bool keep);

/* content.c: the engine's offers as they stand in the table. */
void content_make(const struct offers *offers, const struct conf *conf, struct dmm_table_slot *slot,
		  struct dmm_table_entry entries[static OFFERS_MAX]);

/* --- user.c: what one user may do at a time ------------------------------------------------------- */

struct bucket {
	usec_t full_at; /* when all tokens are back */
};
/* May it be done once more, if `burst` are free and each comes back after `interval`? */
bool bucket_take(struct bucket *b, usec_t now, usec_t interval, unsigned burst);

#define USER_BUCKETS 64
struct user {
	struct list node;
	uid_t uid;
	unsigned clients, waiting;
	struct bucket missing, fresh, group;
};
struct users {
	struct list bucket[USER_BUCKETS];
	unsigned n;
};
void users_init(struct users *u);
void users_free(struct users *u);
/* NULL: no memory, or too many. */
struct user *users_get(struct users *u, uid_t uid, usec_t now);

/* --- client.c, server.c --------------------------------------------------------------------------- */

#define MAX_CLIENTS 24576
#define MAX_WAITING 24576
#define MAX_FDS 32768
#define USER_SHARE 2 /* one user may have this part of what there is for all */

struct epoll_event;

struct client {
	struct list node;       /* of server.clients */
	struct list subscriber; /* of server.subscribers */
	struct list waiting;    /* of struct waiter */
	struct sock *sock;
	struct user *user;
	int fd;
	pid_t pid;
	gid_t gid;
	uint64_t told; /* generation of the last event */
	uint32_t event_id;
	bool subscribed;
	bool behind; /* an event is due as soon as there is room */
};

enum trouble {
	TROUBLE_HOSTILE,
	TROUBLE_SLOW,
	TROUBLE_CLIENTS, /* too many */
	TROUBLE_RATE,
	TROUBLE_FDS,
	TROUBLE_DENIED,
	TROUBLE_MAX,
};

struct server {
	char path[CONF_PATH_MAX + 8];
	int listener, epoll, reserve;
	sd_event_source *listen_source, *epoll_source, *resume, *tell;
	struct list clients, subscribers; /* the one that was told last is the last */
	unsigned n_clients, n_subscribers, max_clients;
	struct epoll_event *batch; /* being handled: the first `batched` are still to come */
	unsigned batched;
	struct users users;
	struct complaint complaints[TROUBLE_MAX];
	uint64_t hostile;
};

/* 0, or -errno: -EADDRINUSE, somebody answers there. */
int server_open(struct sock *s, const char *directory);
void server_start(struct sock *s);
void server_close(struct sock *s);
/* The client goes: what is left of the batch is not for it. */
void server_forget(struct server *v, const struct client *c);
/* The table has changed: subscribers hear of it bit by bit. */
void server_tell(struct sock *s);
/* One line a minute; who: NULL = nobody in particular. */
void server_complain(struct sock *s, enum trouble kind, const struct client *who);

/* Takes over fd. */
void client_new(struct sock *s, int fd);
void client_free(struct client *c);
/* What its descriptor is ready for (epoll_wait(2)); the client may be gone afterwards. */
void client_ready(struct client *c, uint32_t events);
/* An event, unless it is told or there is no room: then later.  False: the client is gone. */
bool client_tell(struct client *c);
/* request.c: one request as it came; fd (-1: none; fd_lost: not that we could take) is the callee's.  False: the client is
 * gone. */
bool request_handle(struct client *c, const struct dmm_request *q, int fd, bool fd_lost);
/* Reply to a request of that id.  False: the client had no room for it and is gone. */
bool client_reply(struct client *c, uint16_t op, uint32_t id, int error, const struct offer *given);
bool client_reply_fd(struct client *c, uint16_t op, uint32_t id, int fd);
/* It does not keep to the protocol: told so and cut off.  Always false. */
bool client_hostile(struct client *c);

/* --- permit.c ------------------------------------------------------------------------------------- */

bool permit_has(const struct conf_permission *p, const struct client *c);
/* The users of a permission, those in its groups as well, as far as the host's database lists them; at most max. */
unsigned permit_users(const struct conf_permission *p, uid_t *ret, unsigned max);

/* --- dispose.c: closing what a stranger gave us can block --------------------------------------- */

/* Closes elsewhere what a user has sent; false: so many hang that nothing should be taken from that one any more. */
bool dispose_possible(uid_t uid);
void dispose(uid_t uid, const int *fds, unsigned n);
/* Closes a connection, with what may be in it unread. */
void dispose_here(int fd);

/* In between, no stream that the kernel drops keeps this thread waiting. */
struct patience {
	timer_t timer;
	bool limited;
};
void patience_limit(struct patience *p);
void patience_restore(struct patience *p);

/* --- acquire.c ------------------------------------------------------------------------------------ */

struct waiter {
	struct list node;   /* of acquisition.waiting, by deadline; or of unused ones */
	struct list client; /* of its client */
	struct client *owner;
	usec_t deadline;
	uint64_t cookie;
	uint32_t id;
	enum service_type type;
};

struct asked {
	uint64_t cookie;
	uid_t uid;
	enum service_type type;
};
#define ASKED_RING 1024

struct acquisition {
	struct list waiting, unused;
	struct list *next; /* to be looked at by the answering that runs */
	struct waiter_chunk *chunks;
	unsigned n_waiting, n_allocated;
	sd_event_source *timer, *answer;
	struct asked asked[ASKED_RING];
	uint64_t n_asked;
	uint64_t acquired, refused, denied;
};

int acquire_init(struct sock *s);
void acquire_close(struct sock *s);
/* False: the client is gone. */
bool acquire_request(struct client *c, const struct dmm_request *q);
/* The offers are others now. */
void acquire_offers_changed(struct sock *s);
/* The client goes: nobody to answer. */
void acquire_forget(struct client *c);
void acquire_remember(struct sock *s, uint64_t cookie, uid_t uid, enum service_type type);

/* --- hold.c --------------------------------------------------------------------------------------- */

#define MAX_HOLDS 16384

struct hold {
	uint64_t cookie;
	struct in6_addr address;
	uid_t uid;
};
struct holds {
	struct hold *hold;
	unsigned n, allocated;
	usec_t pruned_at;
};
/* The socket is fd, which is the callee's.  0 or -errno. */
int hold_add(struct client *c, const struct dmm_request *q, int fd);
/* The network namespace of a socket; -ENOPROTOOPT before Linux 5.14. */
int netns_cookie_of(int fd, uint64_t *ret);

/* --- rules.c, hooks.c, groups.c ------------------------------------------------------------------- */

struct hooks;
int hooks_new(struct sock *s, struct hooks **ret);
void hooks_free(struct hooks *h, bool keep);
void hooks_publish(struct hooks *h);
void hooks_reconfigure(struct hooks *h);
/* What the hooks have held for this namespace; *ret is freed by the caller. */
int hooks_list_held(struct hooks *h, struct hold **ret, unsigned *ret_n);
/* 0 or -errno. */
int groups_add(struct hooks *h, struct client *c, enum service_type type, bool udp);
void hooks_counted(struct hooks *h, uint64_t *ret_given, uint64_t *ret_missing);

/* --- policy.c ------------------------------------------------------------------------------------- */

struct sock_policy {
	bool on; /* by routing rules */
	struct net_policy routes;
	struct policy_gaps gaps;
	usec_t prepared_at;
	sd_event_source *hourly;
};
int policy_init(struct sock *s);
/* The configuration is another one, or the hooks have come. */
void policy_configure(struct sock *s);
void policy_publish(struct sock *s);
void policy_stop(struct sock *s, bool keep);
/* When it acts. */
void policy_words(const struct sock *s, char *ret, size_t size);

/* --- sock.c --------------------------------------------------------------------------------------- */

struct sock {
	sd_event *ev;
	struct engine *engine;
	struct net *net;
	const struct conf *conf;
	char directory_path[CONF_PATH_MAX];
	int directory;         /* -1: not usable */
	uint64_t netns_cookie; /* 0: not known */
	bool started;
	struct offers offers; /* as published */
	struct table table;
	struct server server;
	struct acquisition acquisition;
	struct holds holds;
	struct hooks *hooks; /* NULL: none */
	struct sock_policy policy;
	usec_t wanted_at[SERVICE_TYPE_MAX];
	struct complaint unwritten;
	sd_event_source *publish;
};

/* The index of the offer for new sessions of a type, or -1. */
int offer_for(const struct sock *s, enum service_type type);
const struct offer *offer_find(const struct sock *s, const struct in6_addr *source);
/* Somebody needs an address: publication follows if that changes anything. */
void sock_want(struct sock *s, enum service_type type);
/* Those that the policy may give are wanted for a day: types has bits 1 << enum service_type. */
#define SOCK_PREPARE_INTERVAL (12 * 3600 * USEC_PER_SEC)
void sock_want_all(struct sock *s, unsigned types);
void sock_publish(struct sock *s);
