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
#define DEVICE_MTU 9000 /* the routes say what really fits */
#ifndef SO_RCVMARK
#define SO_RCVMARK 75 /* Linux 5.19 */
#endif
#define DEVICE_SLOT \
	CONF_MAX_HOMES /* table and rule for the device itself, behind those of bindings */
#define ROUTE_METRIC 1024
#define ROUTE_METRIC_BLOCKED 0xfffffffeu

/* Below net/ipv6/conf, those that are read again and again. */
enum uplink_sysctl { SYSCTL_ACCEPT_RA, SYSCTL_DISABLE_IPV6, SYSCTLS };

/* What sending needs to know of an interface; the engine has its own view. */
struct uplink {
	struct list node;
	int ifindex;
	char name[IFNAMSIZ];
	unsigned short type; /* ARPHRD_* */
	bool usable_type, use, attached;
	bool want_attached; /* it was, until somebody removed our filter */
	bool seen;          /* since a resynchronisation began */
	bool down;          /* nothing can be sent */
	uint8_t mac[6];
	uint32_t mtu;
	uint32_t carrier_losses;   /* so far, as the kernel counts them */
	uint32_t advertised_mtu;   /* by a router on the link, 0 = none */
	struct in6_addr linklocal; /* :: while there is none that may be used */
	struct in6_addr early; /* that the kernel has not told of yet, :: = none: new_address.c */
	bool dad_asked;
	int sysctl_fd[SYSCTLS]; /* -1 = not opened yet */
};

/* What is in the kernel for one home address. */
struct installed {
	/* Of a former run something may be there: the engine knows the home address from then. */
	bool stale;
	bool adopted;  /* routes and claims of a former run may be there, whichever they are */
	bool present;  /* address and rule are there */
	bool taken_in; /* packets to it, also while it is closed */
	bool paused;   /* the link of its path is down */
	bool good;     /* it has turned out so in the same moment as the link has come up */
	struct path path;
	struct path wanted;  /* that could not be set: ... */
	int error;           /* ... why, 0 = there is none */
	int device;          /* that the tunnel route leads into, 0 = there is none */
	uint32_t mtu;        /* of the tunnel route */
	uint32_t learnt_mtu; /* by Packet Too Big on this care-of address, 0 = none */
	/* While returning home: the link on which the home agent itself is reached, 0 = none. */
	int agent_ifindex;
	struct in6_addr agent;
};

/* Sockets that go, as the kernel tells it; idle while socket is NULL. */
struct session_watch {
	struct mnl_socket *socket;
	sd_event_source *source;
	void (*gone)(void *user, uint64_t cookie); /* both may stop the watch */
	void (*lost)(void *user);
	void *user;
};

/* Every control group, each number with its path; empty: not read. */
struct control_group;
struct control_groups {
	struct control_group *group;
	size_t n, allocated;
	bool known;
};

/* Which processes hold which sockets, as read_at; empty: not read. */
struct owner;
struct owners {
	struct owner *owner; /* by inode */
	size_t n, allocated;
	usec_t read_at;
	bool all;    /* of every process, not only of those of one user ... */
	uid_t uid;   /* ... this one */
	bool denied; /* some processes did not let us look */
	struct control_groups groups;
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
	int nd_fd, packet_fd, mobility_fd, raw_fd, pmtu_fd, icmp_fd, routing_fd, esp_fd;
	bool nd_probing;  /* a router is asked whether it is here still */
	int addresses_fd; /* new_address.c */
	unsigned relays;  /* relay.c: ICMPv6 errors told that still count ... */
	usec_t relays_at; /* ... as of then */
	bool marks_known; /* it is told by a mark whether there was a type 2 routing header */
	struct session_watch session_watch;
	struct owners owners;
	bool owner_denied;            /* and it has been said */
	bool destroy_refused;         /* by the kernel, and it has been said */
	struct list lookups, fetches; /* that run now */
	bool removing;
	sd_event_source *sources[16];
	unsigned n_sources;
	struct policy_routing *policy; /* NULL: not asked for yet */
	struct repairs *repairs;       /* reconcile.c */
	sd_event_source *resync;
	sd_event_source *leave;
	struct list departures; /* leave.c */
};

int net_watch(struct net *n, int fd, sd_event_io_handler_t cb);

/* uplink.c */
struct uplink *uplink_find(struct net *n, int ifindex);
/* Whether it is on; false also when it cannot be read. */
bool uplink_sysctl(struct uplink *u, enum uplink_sysctl which);
struct uplink *uplink_get(struct net *n, int ifindex, const char *name, unsigned short type);
/* What the configuration says of it. */
void uplink_configure(struct net *n, struct uplink *u);
void uplink_remove(struct net *n, int ifindex);
void uplinks_free(struct net *n);
/* Leave every interface as it was found. */
void uplinks_undo(struct net *n);
bool uplink_has_mac(const struct uplink *u);
/* A router says what fits on its link (RFC 4861 section 4.6.4); 0: it does not. */
void uplink_advertised_mtu(struct net *n, int ifindex, uint32_t mtu);
/* What IPv6 packets may have there, 0 = not known. */
uint32_t uplink_mtu(const struct uplink *u);
/* Hang the data plane into the interface if that has not been done. */
int uplink_attach(struct net *n, struct uplink *u);

/* monitor.c */
int monitor_open(struct net *n);
int monitor_dump(struct net *n);
/* Again in a moment, and compare. */
void monitor_resync_later(struct net *n);

/* leave.c */
void leave_path_changed(struct net *n);
/* A home agent has answered: what waits for a quiet moment need not wait longer. */
void leave_at_leisure(struct net *n);
void leave_free(struct net *n);

/* new_address.c: tell the engine of an address that the kernel has just made of an advertisement; which: ::, of none. */
void new_address_open(struct net *n);
void new_address_look(struct net *n, int ifindex, const struct nd_router_advert *ra,
		      struct in6_addr *ret);
/* Routers ask for its link-layer address, maybe before the kernel listens to such questions. */
void new_address_listen(struct net *n, int ifindex, const struct in6_addr *addr);
/* The kernel has told of it: it listens itself. */
void new_address_known(struct net *n, struct uplink *u);

/* ipv4.c */
bool ipv4_present(int ifindex);

/* rtnl.c: changes, each done when the call returns.  Adding what exists and removing what does not
 * is no error. */
int rtnl_open(struct net *n);
int rtnl_device_create(struct net *n, const char *name, const uint8_t mac[6]);
int rtnl_device_delete(struct net *n);
int rtnl_rule(struct net *n, unsigned slot, const struct in6_addr *home, bool add);
/* What is sent out of our device by its name is routed into it. */
int rtnl_device_rule(struct net *n, bool add);
struct rtnl_nexthop_spec {
	int ifindex;             /* 0: unreachable */
	struct in6_addr gateway; /* :: = none */
	struct in6_addr source;  /* of packets that have none yet, :: = the kernel chooses */
	uint32_t mtu;            /* 0 = of the interface */
	uint32_t metric;
};
int rtnl_route(struct net *n, unsigned slot, const struct ip6_prefix *dst,
	       const struct rtnl_nexthop_spec *nh, bool add);
/* Remove what carries our mark but belongs to none of these (NULL: to nobody). */
void rtnl_sweep(struct net *n, const struct engine *keep);

/* path.c */
/* What cannot be set is tried again with each repair. */
int path_set(struct net *n, struct installed *h, const struct path *p);
void path_remove(struct net *n, struct installed *h);
/* Packets wait nowhere for a link that is down. */
void path_link_changed(struct net *n, const struct uplink *u);
/* It is good: what waits for that goes. */
void path_confirm(struct net *n, struct installed *h);
/* Rule and route of the device itself. */
int path_device_route(struct net *n);
/* A de-registration must not leave the link: false advertisements would make us undo our binding. */
void path_reach_agent(struct net *n, unsigned slot, const struct in6_addr *agent, int ifindex);
/* Put back what somebody else removed, and what could not be put there. */
int path_repair(struct net *n, struct installed *h);
/* The MTU of the uplink is another one. */
void path_follow_mtu(struct net *n, const struct uplink *u);
/* Of a packet in its tunnel. */
uint32_t path_outer_mtu(const struct net *n, const struct path *p, uint32_t inner);
int path_set_learnt_mtu(struct net *n, struct installed *h, uint32_t outer_mtu);

/* policy_route.c: the path of a home address is about to become this one, or to go (NULL). */
void policy_route_before(struct net *n, const struct installed *h, const struct path *next);
/* Put back what somebody else removed. */
int policy_route_repair(struct net *n);
/* A notification of a change that was made here. */
bool policy_route_is_own(const struct net *n, const struct nlmsghdr *h);
struct audit;
void policy_route_audit(struct net *n, struct audit *a);
void policy_route_free(struct net *n);

/* audit.c: one more thing checked.  The words are empty when it is well, or say how much there is; otherwise what is wrong and
 * what helps. */
#define AUDIT_REPAIR_HELPS \
	"; dmmd puts this back at once: if it does not last, keep other network managers " \
	"away from protocol 77 and dmm*"
struct audit {
	struct audit_result *ret;
	unsigned n, max;
};
void audit_add(struct audit *a, bool ok, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* reconcile.c */
struct repairs;
int reconcile_init(struct net *n);
void reconcile_free(struct net *n);
/* what: "a route", for those who are told. */
void reconcile_soon(struct net *n, const char *what);
/* Something has changed that a repair may have failed for. */
void reconcile_hasten(struct net *n);
void reconcile_audit(const struct net *n, struct audit *a);

/* device.c */
int device_ensure(struct net *n);

/* sessions.c: the kernel's name of the socket a message is about. */
struct inet_diag_msg;
uint64_t diag_cookie(const struct inet_diag_msg *m);
/* A dump of sockets on these sources (NULL: on all) for which protocol and states are still to be set; freed by the caller. */
int diag_request_new(const struct ip6_prefix *sources, unsigned n, struct nlmsghdr **ret);
/* -EINTR: it is not complete. */
int diag_dump(const struct nlmsghdr *request, mnl_cb_t cb, void *user);

/* session_filter.c: sources that a dump is to tell of.  -E2BIG, -EINVAL for none; *ret is the caller's to free. */
int session_filter_new(const struct ip6_prefix *sources, unsigned n, void **ret, size_t *ret_len);

/* session_watch.c: gone, lost and user are set by the caller. */
int session_watch_start(struct session_watch *w, sd_event *ev);
void session_watch_stop(struct session_watch *w);

/* owner.c, control_group.c */
void owners_forget(struct owners *o);
/* Of a process; leaves ret as it is when it cannot be seen. */
void read_control_group(pid_t pid, char *ret, size_t cap);
void control_groups_forget(struct control_groups *g);
/* Leaves ret as it is when the number is not known. */
void control_group_path(struct control_groups *g, uint64_t id, char *ret, size_t cap);

/* nd.c, mobility.c, pmtu.c, icmp.c */
int nd_open(struct net *n);
/* Ask the link for the home agent without using any address of ours (RFC 6275 section 11.5.5). */
int nd_search(struct net *n, const struct uplink *u, const struct in6_addr *agent);
/* Say that a home address is at this interface now; to its agent, all others hear it when that has agreed. */
/* Hear (or no more) those who look for an address of ours on a link (RFC 4861 section 7.2.1). */
void nd_listen(const struct net *n, int ifindex, const struct in6_addr *address, bool on);
int nd_claim(struct net *n, const struct uplink *u, const struct in6_addr *home,
	     const struct in6_addr *agent);
int mobility_open(struct net *n);
int pmtu_open(struct net *n);
/* As if it had come out of the tunnel. */
void pmtu_inject(struct net *n, const uint8_t *packet, size_t len);
/* Where the kernel has tunnels, it shows what they carry to others as well: leave that alone. */
int pmtu_errors_only(struct net *n);
/* Path MTU of tunnels that are protected, if any are configured; nothing else is heard there. */
int pmtu_open_protected(struct net *n);
int icmp_open(struct net *n);
/* What was received, after a routing header too; then with the mark and the destination in it. */
struct datagram;
void mobility_receive(struct net *n, const struct datagram *d);
void icmp_receive(struct net *n, const struct datagram *d);

/* routing_header.c: read type 2 routing headers ourselves. */
int routing_header_open(struct net *n);

/* multicast.c: is this a route for all groups?  Of our own devices it is taken away. */
bool multicast_route(const struct net *n, const struct nlmsghdr *h);

/* relay.c: an ICMPv6 error, as error queues have them, about a packet that has left by a present path; at least its header. */
void relay_error(struct net *n, const struct datagram *d);

/* resolve.c, fetch.c: end what runs; nobody is told. */
void resolve_close(struct net *n);
void fetch_close(struct net *n);

/* plane.c: a program of ours, beside this binary if it was not installed, else in its directory; the variable of the
 * environment overrides. */
const char *program_path(const char *name, const char *variable, char *buf, size_t size);
