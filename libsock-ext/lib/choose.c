/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "choose.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>

#include "debug.h"
#include "library.h"
#include "reader.h"

#define SHORTEST_ADDRESS \
	offsetof(struct sockaddr_in6, sin6_scope_id) /* the kernel takes it as well */
#define PORT_DNS 53
#define PORT_DNS_TLS 853
#define REFUSED_PAUSE_MS 10000 /* what dmmd could not get is not waited for again so soon */
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define NETNS_MIXED UINT64_MAX
static _Atomic uint64_t own_netns; /* of this process: 0 = not known */

/* The last refusal of each type, so that sockets that can do without do not wait for it again. */
static struct {
	_Atomic uint64_t until_ms, generation;
} refused[DMM_TABLE_TYPES];

bool choose_in_scope(const struct sockaddr *to, socklen_t length)
{
	const struct sockaddr_in6 *to6 = (const struct sockaddr_in6 *)to;

	return to && length >= SHORTEST_ADDRESS && to->sa_family == AF_INET6 &&
	       !IN6_IS_ADDR_UNSPECIFIED(&to6->sin6_addr) &&
	       !IN6_IS_ADDR_LOOPBACK(&to6->sin6_addr) && !IN6_IS_ADDR_LINKLOCAL(&to6->sin6_addr) &&
	       !IN6_IS_ADDR_MULTICAST(&to6->sin6_addr) && !IN6_IS_ADDR_V4MAPPED(&to6->sin6_addr);
}

void choose_mix_namespaces(void)
{
	atomic_store(&own_netns, NETNS_MIXED);
}

bool choose_is_here(int fd)
{
	uint64_t cookie = atomic_load_explicit(&own_netns, memory_order_relaxed), known = cookie;
	socklen_t length = sizeof(cookie);
	struct reader_facts facts;

	if (!reader_facts(&facts))
		return false;
	if (cookie == 0 || cookie == NETNS_MIXED) {
		if (real.getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) < 0)
			cookie = 0; /* before Linux 5.14, where the table says 0 as well */
		atomic_compare_exchange_strong(&own_netns, &known,
					       known == NETNS_MIXED ? known : cookie);
	}
	return cookie == facts.netns_cookie;
}

unsigned choose_policy(int fd, const struct sockaddr_in6 *to)
{
	int protocol = 0;
	socklen_t length = sizeof(protocol);
	in_port_t port = ntohs(to->sin6_port);

	if (library.policy_type == DMM_SC_UNSPEC || port == PORT_DNS || port == PORT_DNS_TLS)
		return DMM_SC_UNSPEC;
	if (real.getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) < 0)
		return DMM_SC_UNSPEC;
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP ||
	    (protocol == IPPROTO_UDP && library.policy_udp))
		return library.policy_type;
	return DMM_SC_UNSPEC;
}

int choose_without(const struct choice *choice, const char *why)
{
	bool required = choice->flags & DMM_F_REQUIRE;

	DEBUG("fd %d, %s: %s: %s", choice->fd, debug_type(choice->type), why,
	      required ? "EADDRNOTAVAIL" : "left to the kernel");
	return required ? -EADDRNOTAVAIL : 0;
}

static int granted(struct choice *choice, const struct in6_addr *address, uint32_t ifindex,
		   const char *how)
{
	choice->address = *address;
	choice->ifindex = ifindex;
	DEBUG("fd %d to %s, %s: from %s (%s)", choice->fd,
	      choice->to ? debug_address(&choice->to->sin6_addr).s : "anywhere",
	      debug_type(choice->type), debug_address(address).s, how);
	return 1;
}

static bool refused_lately(const struct choice *choice)
{
	struct reader_facts facts;

	if (choice->flags & DMM_F_REQUIRE || choice->type >= DMM_TABLE_TYPES)
		return false;
	return library_now_ms() < atomic_load(&refused[choice->type].until_ms) &&
	       reader_facts(&facts) &&
	       facts.generation == atomic_load(&refused[choice->type].generation);
}

static void remember_refusal(const struct choice *choice)
{
	struct reader_facts facts;

	if (choice->type >= DMM_TABLE_TYPES || !reader_facts(&facts))
		return;
	atomic_store(&refused[choice->type].generation, facts.generation);
	atomic_store(&refused[choice->type].until_ms, library_now_ms() + REFUSED_PAUSE_MS);
}

/* By dmmd.  1, 0 = it was not waited for, or -EADDRNOTAVAIL, -EPERM. */
static int ask(struct choice *choice, bool ready)
{
	struct client_request request = {
		.service = {.type = choice->type,
			    .flags = choice->flags,
			    .timeout_ms = choice->timeout_ms},
		.cookie = choice->cookie,
	};
	struct client_grant grant;
	int r;

	if (choice->to)
		request.destination = choice->to->sin6_addr;
	if (!choice->may_wait || choice->flags & DMM_F_NOWAIT) {
		request.service.flags &= ~DMM_F_NEW; /* nobody would take it */
		if (!ready)
			client_prepare(&request);
		return 0;
	}
	if (refused_lately(choice))
		return -EADDRNOTAVAIL;
	r = client_acquire(&request, &grant);
	if (r < 0) {
		remember_refusal(choice);
		return r;
	}
	return granted(choice, &grant.address, grant.ifindex, "acquired");
}

int choose(struct choice *choice)
{
	struct dmm_table_entry entry;
	bool restricted = false, have;
	int r;

	if (choice->type == DMM_SC_UNSPEC || choice->type == DMM_SC_NON_PERSISTENT)
		return 0;
	reader_refresh(false);
	if (!choose_is_here(choice->fd))
		return choose_without(choice, "no dmmd in this network namespace");
	have = reader_pick(choice->type, &entry, &restricted) == 0;
	if (have && !restricted && entry.state == DMM_ENTRY_USABLE && !(choice->flags & DMM_F_NEW))
		return granted(choice, &entry.address, entry.ifindex, "table");
	r = ask(choice, have && entry.state == DMM_ENTRY_USABLE);
	if (r > 0)
		return r;
	if (r == -EPERM) {
		DEBUG("fd %d, %s: not for this user", choice->fd, debug_type(choice->type));
		return choice->flags & DMM_F_REQUIRE ? -EPERM : 0;
	}
	/* An address that others have is better than none, one that dmmd has just said it cannot register is not. */
	if (have && !restricted && (r == 0 || entry.state == DMM_ENTRY_USABLE) &&
	    !(choice->flags & DMM_F_NEW && choice->flags & DMM_F_REQUIRE))
		return granted(choice, &entry.address, entry.ifindex, "table, at once");
	return choose_without(choice, r == 0 ? "no address yet" : "no address");
}
