/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the configuration says of interfaces, also after it was read again. */
#include <net/if_arp.h>

#include "net/internal.h"
#include "net/net.h"
#include "test_conf.h"

#define DEFAULTS "[Link]\nMatch=*\nOptimisticDAD=no\n"

Test(net_uplinks, keep_their_names_over_reloads)
{
	struct outcome unused =
		accept_conf("[Link]\nMatch=wl*\nUse=no\nOptimisticDAD=no\n" DEFAULTS);
	struct outcome used = accept_conf(DEFAULTS);
	struct net n = {.conf = used.conf};
	struct uplink *u;

	list_init(&n.uplinks);
	u = uplink_get(&n, 7, "wlan0", ARPHRD_ETHER);
	cr_assert_not_null(u);
	cr_assert(u->use);
	for (int reload = 0; reload < 2; reload++) {
		net_reconfigure(&n, unused.conf);
		cr_assert_str_eq(u->name, "wlan0");
		cr_assert_not(u->use);
		net_reconfigure(&n, used.conf);
		cr_assert_str_eq(u->name, "wlan0");
		cr_assert(u->use);
	}
	uplinks_free(&n);
	outcome_done(&unused);
	outcome_done(&used);
}
