/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this folder share. */
#pragma once

#include <libmnl/libmnl.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "loop/loop.h"
#include "net/net.h"
#include "net/plane.h"

#define NET_PROTOCOL 77 /* mark of our routes and rules, named in iproute2/rt_protos.d */
#define TUNNEL_OVERHEAD 40
#define MESSAGES_PER_WAKEUP 64 /* then timers and signals have their turn; the rest waits */
#define MIN_OUTER_MTU 1280
#define DEVICE_SLOT \
	CONF_MAX_HOMES /* table and rule for the device itself, behind those of bindings */
#define ROUTE_METRIC 1024
#define ROUTE_METRIC_BLOCKED 0xfffffffeu

/* What sending needs to know of an interface; the engine has its own view. */
struct uplink {
	struct list node;
	int ifindex;
	char name[IFNAMSIZ];
	unsigned short type; /* ARPHRD_* */
	bool usable_type, use, attached;
	bool want_attached; /* it was, until somebody removed our filter */
	uint8_t mac[6];
	uint32_t mtu;
	struct in6_addr linklocal; /* :: while there is none that may be used */
	bool dad_asked;
};

/* What is in the kernel for one home address. */
struct installed {
	bool adopted; /* routes and claims of a former run may be there, whichever they are */
	bool present; /* address and rule are there */
	struct path path;
	uint32_t mtu;        /* of the tunnel route */
	uint32_t learnt_mtu; /* by Packet Too Big on this care-of address, 0 = none */
	/* While returning home: the link on which the home agent itself is reached, 0 = none. */
	int agent_ifindex;
	struct in6_addr agent;
};

struct net {
	sd_event *ev;
	const struct conf *conf;
	struct engine *engine;
	struct plane *plane;
	struct nl_sock *rtnl;
	struct mnl_socket *monitor;
	unsigned monitor_seq;
	struct list uplinks;
	bool device_made; /* by this run */
	int device;       /* ifindex of our own ... */
	int device_peer;  /* ... and of its other end */
	uint8_t device_mac[6];
	struct installed home[CONF_MAX_HOMES];
	int nd_fd, packet_fd, mobility_fd, raw_fd, pmtu_fd;
	bool marks_known; /* SO_RCVMARK works */
	bool removing;
	sd_event_source *sources[8];
	unsigned n_sources;
	sd_event_source *repair, *resync;
	usec_t repair_delay; /* grows while repairing fails */
};

int net_watch(struct net *n, int fd, sd_event_io_handler_t cb);

/* uplink.c */
struct uplink *uplink_find(struct net *n, int ifindex);
struct uplink *uplink_get(struct net *n, int ifindex, const char *name, unsigned short type);
void uplink_remove(struct net *n, int ifindex);
void uplinks_free(struct net *n);
/* Leave every interface as it was found. */
void uplinks_undo(struct net *n);
bool uplink_has_mac(const struct uplink *u);
/* Hang the data plane into the interface if that has not been done. */
int uplink_attach(struct net *n, struct uplink *u);

/* monitor.c */
int monitor_open(struct net *n);
int monitor_dump(struct net *n);

/* rtnl.c: changes, each done when the call returns.  Adding what exists and removing what does not
 * is no error. */
int rtnl_open(struct net *n);
int rtnl_device_create(struct net *n, const char *name, const uint8_t mac[6]);
int rtnl_device_delete(struct net *n);
int rtnl_address(struct net *n, int ifindex, const struct in6_addr *addr, bool add, bool dad);
int rtnl_rule(struct net *n, unsigned slot, const struct in6_addr *home, bool add);
/* What is sent out of our device by its name is routed into it. */
int rtnl_device_rule(struct net *n, bool add);
struct rtnl_nexthop_spec {
	int ifindex;             /* 0: unreachable */
	struct in6_addr gateway; /* :: = none */
	uint32_t mtu;            /* 0 = of the interface */
	uint32_t metric;
};
int rtnl_route(struct net *n, unsigned slot, const struct ip6_prefix *dst,
	       const struct rtnl_nexthop_spec *nh, bool add);
/* Remove what carries our mark but belongs to none of these (NULL: to nobody). */
void rtnl_sweep(struct net *n, const struct engine *keep);

/* path.c */
int path_install(struct net *n, struct installed *h, const struct path *p);
void path_remove(struct net *n, struct installed *h);
/* Rule and route of the device itself. */
int path_device_route(struct net *n);
/* A de-registration must not leave the link: false advertisements would make us undo our binding. */
void path_reach_agent(struct net *n, unsigned slot, const struct in6_addr *agent, int ifindex);
/* Put back what somebody else removed. */
int path_repair(struct net *n, struct installed *h);
int path_set_learnt_mtu(struct net *n, struct installed *h, uint32_t outer_mtu);

/* reconcile.c */
int reconcile_init(struct net *n);
void reconcile_soon(struct net *n);

/* device.c */
int device_ensure(struct net *n);

/* nd.c, mobility.c, pmtu.c */
int nd_open(struct net *n);
/* Ask the link for the home agent without using any address of ours (RFC 6275 section 11.5.5). */
int nd_search(struct net *n, const struct uplink *u, const struct in6_addr *agent);
/* Say that a home address is at this interface now; to its agent, all others hear it when that has agreed. */
int nd_claim(struct net *n, const struct uplink *u, const struct in6_addr *home,
	     const struct in6_addr *agent);
int mobility_open(struct net *n);
int pmtu_open(struct net *n);
