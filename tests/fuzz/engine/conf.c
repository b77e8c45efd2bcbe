/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#define SPARE \
	"[Anchor spare]\nAddress=2001:db8:a::2\nPrefix=2001:db8:a::/64\nSPI=258\nKeyFile=/none\n" \
	"Preference=-1\n"
#define KEY "SPI=256\nKeyFile=/none\n"
#define OP "[Anchor op]\n" KEY

const char *const policies[] = {
	"",
	POLICY_SSH,
	"[Rule exe]\nExecutable=/usr/bin/program-*\nService=session-lasting\n",
	"[Rule a]\nUser=1000\nProtocol=udp\nService=graceful-replacement\n"
	"[Rule b]\nDestination=2001:db8:c::/48\nPort=1-1024\nService=session-lasting\n"
	"[Rule c]\nControlGroup=/user.slice\nService=fixed\n",
};

const struct fuzz_conf confs[] = {
	{.text = WORLD_ONE},
	{.text = WORLD_TWO},
	{.text = "", .policy = 1},
	{.text = "[Anchor one]\nAddress=" HA "\nHomeAddress=" HOA "/64\nInsecure=yes\n",
	 .group = 3,
	 .insecure = true},
	{.text = "[Link]\nMatch=eth0\nPreference=10\n[Anchor one]\nAddress=" HA "\nHomeAddress=" HOA
		 "/64\nHomeAddress=2001:db8:1::200/64\nSPI=256\n"
		 "KeyFile=/none\nReplay=none\nLifetime=20s\n",
	 .group = 4,
	 .no_replay = true},
	{.text = "[Link]\nMatch=wwan*\nUse=no\n[Anchor two]\nAddress=" HA2 "\nHomeAddress=" HOA2
		 "/64\nHomeAddress=2001:db8:2::200/64\nSPI=257\nKeyFile=/none\n"
		 "Algorithm=hmac-sha256-128\n"},
	/* Native first */
	{.text = WORLD_NATIVE, .group = 1, .policy = 1},
	{.text = WORLD_NATIVE SPARE, .group = 1, .policy = 1},
	{.text = "[Daemon]\nHoldTime=2s\nProbeInterval=500ms\nIdleProbeInterval=5s\n" WORLD_NATIVE
		 SPARE "[Prefix 2001:db8:b::/64]\nAnchoring=local\n",
	 .group = 1,
	 .policy = 2},
	{.text = "[Daemon]\nLiveness=no\nMeasureAnchors=no\n" WORLD_NATIVE
		 "[Anchor home]\nAddress=" HA "\nHomeAddress=" HOA
		 "/64\nService=session-lasting\nSPI=256\nKeyFile=/none\n",
	 .group = 1,
	 .policy = 3},
	{.text = "[Daemon]\nFetchProvisioningDomains=yes\nPrefixPropertyOption=253\n" WORLD_NATIVE
		 SPARE "[Domain example.org]\nAnchor=b\nAnchoring=anchored\nCost=3\n",
	 .group = 1,
	 .policy = 1},
	{.text = "[Prefix 2001:db8:a::/64]\nService=fixed\n" WORLD_NATIVE, .group = 1},
	/* Agents that nobody lists */
	{.text = OP "Discover=router-advertisement\nPrefix=2001:db8::/32\n",
	 .group = 2,
	 .policy = 1},
	{.text = OP "Discover=dhaad\nHomeAddress=" HOA "/64\n", .group = 2, .policy = 1},
	{.text = OP "Discover=dns\nDomain=example.org\nHomeAddress=auto\n",
	 .group = 2,
	 .policy = 1},
	{.text = OP "Discover=dns dhaad router-advertisement\nDomain=example.org\n"
		    "Prefix=2001:db8:a::/64\nPrefix=2001:db8:1::/48\nHomeAddress=auto\n"
		    "Service=session-lasting\nHomeAddress=" HOA "/64\n",
	 .group = 2,
	 .policy = 3},
};
const unsigned n_confs = N(confs);
