/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether an interface has IPv4: only for the words that tell why there is no IPv6.  Nothing of IPv4 is ever touched. */
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "net/internal.h"

bool ipv4_present(int ifindex)
{
	struct ifaddrs *list, *a;
	char name[IF_NAMESIZE];
	bool found = false;

	if (!if_indextoname((unsigned)ifindex, name) || getifaddrs(&list) < 0)
		return false;
	for (a = list; a && !found; a = a->ifa_next)
		found = a->ifa_addr && a->ifa_addr->sa_family == AF_INET &&
			strcmp(a->ifa_name, name) == 0;
	freeifaddrs(list);
	return found;
}
