/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mobile node: one engine, and the kernel and the applications around it. */
#pragma once

#include "network.h"

#define HOST_NICS 3
#define NIC_ADDRESSES 16
#define HOST_ACCEPTED 512
#define HOST_REMEMBERED 16
#define HOST_WATCHED 64

struct nic_address {
	struct in6_addr addr;
	bool tentative, deprecated, duplicate, temporary;
	bool ours; /* the engine's claim */
	usec_t valid_until, preferred_until;
	usec_t bound_until; /* when its path last went */
};

struct nic {
	struct host *host;
	int ifindex;
	char name[IFNAMSIZ];
	bool up, known; /* known: the engine has been told of it */
	struct place *place;
	unsigned attachment; /* rises with each change of the carrier */
	usec_t attached_at;
	unsigned n_addresses;
	struct nic_address address[NIC_ADDRESSES];
	bool has_route;
	struct in6_addr gateway;
	uint32_t metric;
};

struct host_path {
	bool set;
	bool former; /* left behind by a daemon that died */
	struct path path;
	uint64_t sent, received;
};

struct host_accepted {
	struct in6_addr home, anchor, coa;
	usec_t since, first_data;
};

/* Moments at which a session would be a nuisance. */
enum moment {
	MOMENT_BEFORE_CLOSE, /* the address is about to be taken off its device */
	MOMENT_LIST,         /* sessions have just been listed */
	MOMENT_BEFORE_DROP,  /* the path is about to go */
	MOMENT_SENT,         /* a binding update has left */
};

struct host {
	struct list node; /* of network.hosts */
	struct network *net;
	unsigned number;
	struct engine *engine; /* NULL: the daemon is not running */
	const struct conf *conf;
	struct rng rng, engine_rng;
	int64_t clock_error; /* its wall clock is ahead, microseconds */
	bool suspended, in_engine;
	uint64_t entries; /* into the engine */

	unsigned n_nics;
	struct nic nic[HOST_NICS];
	bool temporary_addresses;
	bool flushes; /* a manager removes the addresses of a link that goes down */

	struct host_path path[CONF_MAX_HOMES];
	unsigned n_accepted;
	struct host_accepted accepted[HOST_ACCEPTED];

	struct list sockets; /* of struct sock */
	unsigned n_sockets;
	uint64_t cookies;
	bool watching;
	double news_lost; /* share of destroy notifications that overflow */
	unsigned n_watched;
	struct in6_addr watched[HOST_WATCHED];

	usec_t timer, timer_job; /* wanted by the engine; earliest job under way */
	usec_t spin_at;
	unsigned spins;
	bool unsaved;
	unsigned n_saved;
	struct state_entry saved[CONF_MAX_HOMES];

	unsigned n_mail; /* ever; for whoever replays it */
	struct mail *mail[HOST_REMEMBERED];

	void (*moment)(void *user, struct host *h, enum moment m, const struct in6_addr *home);
	void *user;    /* of moment() */
	void *checker; /* the observer's own */
};

extern const struct engine_ops host_ops;

struct host *host_new(struct network *n, unsigned number, const struct conf *conf,
		      const char *const *nics, unsigned n_nics);
void host_free(struct host *h);

/* The daemon starts, is told what there is, and runs; it stops as asked; or it is gone at once. */
void host_start(struct host *h);
void host_stop(struct host *h);
void host_crash(struct host *h);

/* Around each call of the engine. */
void host_enter(struct host *h, enum stimulus s);
void host_leave(struct host *h, enum stimulus s);
struct instant host_now(const struct host *h);

void nic_attach(struct nic *nic, struct place *p);
void nic_detach(struct nic *nic);
/* Sooner or later the kernel notices that the router does not answer. */
void nic_lose_router(struct nic *nic);
void nic_solicit(struct nic *nic);
void nic_set_metric(struct nic *nic, uint32_t metric);
struct nic_address *nic_find(struct nic *nic, const struct in6_addr *addr);
/* A manager removes an address and, perhaps, puts it back. */
void nic_remove_address(struct nic *nic, const struct in6_addr *addr);
/* The engine claims an address on a link. */
void nic_claim_address(struct nic *nic, const struct in6_addr *addr);
void nic_advertise(struct nic *nic, const struct in6_addr *router,
		   const struct nd_router_advert *ra, enum stimulus s);
struct nd_router_advert place_advert(const struct place *p);

void host_suspend(struct host *h);
/* Nothing happens in a host that sleeps: true, and the job is done again later. */
bool host_sleeps(struct host *h, sched_run *run, void *owner, const void *data, size_t size);
void host_resume(struct host *h);
void host_resync(struct host *h);

/* Packets from this address leave there, and are not filtered. */
bool nic_reaches(const struct nic *nic, const struct in6_addr *source);
/* A link that is up at a place of the address's prefix with a router; NULL: there is none. */
struct nic *host_nic_of(struct host *h, const struct in6_addr *addr);
/* Has the address, on a link or on the engine's own device. */
bool host_has_address(struct host *h, const struct in6_addr *addr);
struct host_path *host_path(struct host *h, const struct in6_addr *home);
struct host_accepted *host_find_accepted(struct host *h, const struct in6_addr *home,
					 const struct in6_addr *anchor, const struct in6_addr *coa);
/* The address that the kernel gives to whom asks for nothing; false: it has none. */
bool host_source(struct host *h, struct in6_addr *ret);
/* Is there any link with a router and an address? */
bool host_online(struct host *h);

usec_t host_delay(struct host *h, const struct in6_addr *coa);
sched_run host_mail;
void host_deliver(struct host *h, const struct mail *m, enum stimulus s);
void host_remember(struct host *h, const struct mail *m);
