/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall.h"

#include <stdio.h>
#include <sys/wait.h>

#include "agent.h"
#include "base/log.h"

#define TABLE "inet peer_home_agent"

static int nft_end(FILE *nft)
{
	int status = pclose(nft);

	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/*
 * The table is made, removed and made again in one transaction: whatever an agent that was killed
 * has left is gone.
 *
 * The input hook comes before the kernel's look at the destination options and, other than
 * prerouting, is not run on the ports of a bridge, where our packet sockets do not hear.  It comes
 * before reassembly, too: fragments of the tunnel's packets pass.  In the output chain, octet 14 of
 * the ICMPv6 message is the next header of the packet it complains of.
 */
void firewall_open(struct agent *a)
{
	FILE *nft = popen("nft -f - 2>/dev/null", "we");

	if (!nft) {
		log_warning("nft cannot be run");
		return;
	}
	fputs("table " TABLE " { }\ndelete table " TABLE "\ntable " TABLE " {\n"
	      "chain input { type filter hook input priority raw; policy accept;\n"
	      "ip6 daddr {",
	      nft);
	for (unsigned i = 0; i < a->config.n_addresses; i++)
		fprintf(nft, "%s %s", i ? "," : "", ADDR_STR(&a->config.address[i]));
	fprintf(nft, " } ip6 nexthdr { %s60, 135 } drop\n}\n", a->config.ipsec ? "" : "41, ");
	fputs("chain output { type filter hook output priority filter; policy accept;\n"
	      "icmpv6 type destination-unreachable @th,112,8 41 drop\n}\n}\n",
	      nft);
	a->firewall_up = nft_end(nft) == 0;
	if (!a->firewall_up)
		log_warning("nft refused our table: the kernel answers binding updates, too");
}

void firewall_close(struct agent *a)
{
	FILE *nft;

	if (!a->firewall_up)
		return;
	nft = popen("nft -f - 2>/dev/null", "we");
	if (nft) {
		fputs("delete table " TABLE "\n", nft);
		nft_end(nft);
	}
	a->firewall_up = false;
}
