/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/options.h"

#include <string.h>

#include "base/log.h"
#include "base/property.h"
#include "conf/conf.h"
#include "conf/value.h"

DEFINE_STRTAB(conf_on_stop, "withdraw", "keep");
DEFINE_STRTAB(conf_plane, "auto", "bpf", "kernel");
DEFINE_STRTAB(conf_policy_routing, "no", "yes", "auto");
DEFINE_STRTAB(conf_algorithm, "hmac-sha1-96", "hmac-sha256-128");
DEFINE_STRTAB(conf_replay, "timestamp", "none");
DEFINE_STRTAB(conf_protection, "no", "esp");

const struct conf_section_info conf_sections[CONF_SECTION_MAX] = {
	[CONF_DAEMON] = {"Daemon", "[Daemon]", "[Daemon]", "The daemon as a whole.\n"},
	[CONF_LINK] = {"Link", "[Link]", "[Link]",
		       "How network interfaces are used.\n"
		       "The section may appear several times; the first one that matches an "
		       "interface counts, in the order in which the files are read.\n"
		       "Without any, every interface may be an uplink.\n"},
	[CONF_ANCHOR] = {"Anchor", "[Anchor NAME]", "[Anchor home]",
			 "A home agent and the home addresses that it serves.\n"
			 "Sections with the same name are one, also over several files.\n"
			 "A name has up to 63 letters, digits, dots, hyphens and underscores and "
			 "begins with a "
			 "letter or digit.\n"
			 "Two sections with different home agents may have the same prefix: one "
			 "takes over when the other is dead.\n"},
	[CONF_PREFIX] = {"Prefix", "[Prefix PREFIX/LENGTH]", "[Prefix 2001:db8:1::/64]",
			 "What is known of a prefix and all that it covers; of several sections "
			 "the longest prefix counts, as a whole.\n"
			 "What stands here overrides whatever the network says.\n"},
	[CONF_DOMAIN] = {"Domain", "[Domain NAME]", "[Domain pvd.example.org]",
			 "The same for all prefixes of a provisioning domain (RFC 8801).\n"
			 "Anybody on a link can name a domain, so that what promises more than a "
			 "local prefix holds counts only when the domain has answered for its name "
			 "over HTTPS (see FetchProvisioningDomains).\n"
			 "What [Prefix PREFIX/LENGTH] says of one of them counts more.\n"},
};

#define FIELD(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)NULL)->member)
#define DAEMON(name, member) .section = CONF_DAEMON, .key = name, FIELD(struct conf, member)
#define LINK(name, member) .section = CONF_LINK, .key = name, FIELD(struct conf_link, member)
#define ANCHOR(name, member) .section = CONF_ANCHOR, .key = name, FIELD(struct conf_anchor, member)

#define LIST(type, member, counter) \
	.item = sizeof(*((type *)NULL)->member), .count = offsetof(type, counter)
#define GIVEN(type, member) .given = offsetof(type, member)

#define ACCEPTED_BOOL "yes or no"
#define ACCEPTED_SERVICE "non-persistent, graceful-replacement, session-lasting or fixed"
#define ACCEPTED_PREFIX \
	"an IPv6 prefix such as 2001:db8:1::/64, nothing but zeros behind its length"
#define ACCEPTED_DOMAIN "a domain name of letters, digits, hyphens and dots, 253 at most"
#define ACCEPTED_PERMISSION \
	"all, or names and numbers of users, and of groups after @, separated by blanks, 32 of " \
	"each at most"

/* The members of struct properties, which two sections have. */
#define PROPERTY(in, type, name, member, bit) \
	.section = in, .key = name, FIELD(type, properties.member), GIVEN(type, properties.set), \
	.given_bit = 1u << (bit)
#define PROPERTIES(in, type) \
	{PROPERTY(in, type, "Anchoring", anchoring, PROPERTY_ANCHORING), \
	 .parse = value_enum, \
	 .lookup = prefix_anchoring_parse, \
	 .example = "anchored", \
	 .accepted = "anchored, local or unknown", \
	 .help = "Whether a home agent delivers packets to addresses of the prefix when the host " \
		 "is elsewhere."}, \
		{PROPERTY(in, type, "Anchor", anchor, PROPERTY_ANCHOR), .parse = value_name, \
		 .example = "home", .accepted = "the name of an [Anchor NAME] section", \
		 .help = "The home agents that do so."}, \
		{PROPERTY(in, type, "Service", service, PROPERTY_SERVICE), \
		 .parse = value_enum, \
		 .lookup = service_type_parse, \
		 .example = "session-lasting", \
		 .accepted = ACCEPTED_SERVICE, \
		 .help = "What addresses of the prefix promise to sessions (RFC 8653)."}, \
		{PROPERTY(in, type, "Mobility", mobility, PROPERTY_MOBILITY), \
		 .parse = value_enum, \
		 .lookup = prefix_mobility_parse, \
		 .example = "host", \
		 .accepted = "host, network, none or unknown", \
		 .help = "Who keeps the prefix in reach on a move: the host by a binding, the " \
			 "network " \
			 "(Proxy Mobile IPv6, a mobile operator), or nobody."}, \
		{PROPERTY(in, type, "Internet", internet, PROPERTY_INTERNET), .parse = value_bool, \
		 .example = "yes", .accepted = ACCEPTED_BOOL, \
		 .help = "Whether general destinations are reached from its addresses."}, \
		{PROPERTY(in, type, "Published", published, PROPERTY_PUBLISHED), \
		 .parse = value_bool, .example = "yes", .accepted = ACCEPTED_BOOL, \
		 .help = "Whether others know its addresses, as those of a server."}, \
	{ \
		PROPERTY(in, type, "Cost", cost, PROPERTY_COST), \
			.parse = value_uint32, .max = UINT32_MAX, .example = "10", \
			.accepted = "a number from 0 to 4294967295", \
			.help = "Of prefixes that are equally good otherwise the one of the " \
				"lowest cost is taken." \
	}

const struct conf_option conf_options[CONF_N_OPTIONS] = {
	{DAEMON("LogLevel", log_level), .parse = value_enum, .lookup = log_level_parse,
	 .fallback = "info", .accepted = "emerg, alert, crit, err, warning, notice, info or debug",
	 .help = "Messages of this level and of more important ones are logged."},
	{DAEMON("OnStop", on_stop), .parse = value_enum, .lookup = conf_on_stop_parse,
	 .fallback = "withdraw", .accepted = "withdraw or keep",
	 .help = "What happens to bindings and tunnels when the daemon stops: withdraw "
		 "de-registers and removes them, keep leaves them for the next start to adopt."},
	{DAEMON("StateFile", state_file), .parse = value_path, .fallback = "/var/lib/dmmd/state",
	 .accepted = "an absolute path of at most 255 octets",
	 .help = "File that keeps sequence numbers and bindings over a restart."},
	{DAEMON("Plane", plane), .parse = value_enum, .lookup = conf_plane_parse,
	 .fallback = "auto", .accepted = "auto, bpf or kernel",
	 .help = "The data plane: bpf is programs of our own, kernel is tunnels of a kernel that "
		 "has Mobile IPv6; auto is kernel if any anchor has PayloadProtection=esp, else "
		 "the first of these that works; see dmmd(8)."},
	{DAEMON("PinDirectory", pin_directory), .parse = value_path, .fallback = "/sys/fs/bpf/dmmd",
	 .accepted = "an absolute path of at most 255 octets, in a bpf file system",
	 .help = "Directory where the programs and maps of the data plane are pinned; each daemon "
		 "needs one of its own, also in another network namespace."},
	{DAEMON("Device", device), .parse = value_interface, .fallback = "dmm0",
	 .accepted = "an interface name: 1 to 15 octets, no blank, '/', ':' or '%'; not lo, all or "
		     "default",
	 .help = "Name of the daemon's own interface, which carries the home addresses; other "
		 "network managers are told to leave names that begin with dmm alone."},
	{DAEMON("RouteTable", route_table), .parse = value_uint32, .min = 256, .max = 4294967223,
	 .fallback = "25700", .accepted = "a number from 256 to 4294967223",
	 .help = "First of 73 routing tables that the daemon has for itself."},
	{DAEMON("RulePriority", rule_priority), .parse = value_uint32, .min = 1, .max = 32000,
	 .fallback = "5300", .accepted = "a number from 1 to 32000",
	 .help = "First of 100 priorities of routing rules that the daemon has for itself."},
	{DAEMON("HoldTime", hold_time), .parse = value_span, .max = 3600 * USEC_PER_SEC,
	 .fallback = "10s", .accepted = "a time span from 0 to 1h",
	 .help = "How long a binding is kept after the last session that needed it."},
	{DAEMON("Liveness", liveness), .parse = value_bool, .fallback = "yes",
	 .accepted = ACCEPTED_BOOL, .help = "Whether tunnels that carry sessions are probed."},
	{DAEMON("ProbeInterval", probe_interval), .parse = value_span, .min = 100 * USEC_PER_MSEC,
	 .max = 60 * USEC_PER_SEC, .fallback = "1s", .accepted = "a time span from 100ms to 60s",
	 .help = "Time between two probes of a tunnel by which packets leave and none comes."},
	{DAEMON("ProbeCount", probe_count), .parse = value_uint32, .min = 1, .max = 10,
	 .fallback = "3", .accepted = "a number from 1 to 10",
	 .help = "After so many probes without an answer a path is dead."},
	{DAEMON("IdleProbeInterval", idle_probe_interval), .parse = value_span, .min = USEC_PER_SEC,
	 .max = 3600 * USEC_PER_SEC, .fallback = "30s", .accepted = "a time span from 1s to 1h",
	 .help = "Time between two probes of a tunnel that has sessions, but no traffic."},
	{DAEMON("MeasureAnchors", measure_anchors), .parse = value_bool, .fallback = "yes",
	 .accepted = ACCEPTED_BOOL,
	 .help = "Whether the round trip to each home agent is measured by one echo after a move; "
		 "only done where there is a choice."},
	{DAEMON("PrefixPropertyOption", property_option), .parse = value_option_type, .min = 253,
	 .max = 254, .fallback = "off", .accepted = "off, or a number from 253 to 254",
	 .help = "Type of the experimental option of Router Advertisements that states properties "
		 "of prefixes; the numbers are those that RFC 4727 sets aside for experiments."},
	{DAEMON("FetchProvisioningDomains", fetch_domains), .parse = value_bool, .fallback = "no",
	 .accepted = ACCEPTED_BOOL,
	 .help = "Whether the additional information of provisioning domains (RFC 8801) is fetched "
		 "by HTTPS."},
	{DAEMON("PolicyDirectory", policy_directory), .parse = value_path,
	 .fallback = DMMD_SYSCONFDIR "/dmmd/policy.d",
	 .accepted = "an absolute path of at most 255 octets",
	 .help = "Directory of the files *.conf that say which sessions outlast a move, see "
		 "dmmd-policy(5). One that is named here has to exist."},
	{DAEMON("PolicyRouting", policy_routing), .parse = value_enum,
	 .lookup = conf_policy_routing_parse, .fallback = "auto", .accepted = "auto, yes or no",
	 .help = "Whether routing rules give addresses by the policy to applications that do not "
		 "ask, when they connect; auto does so while the hooks of dmmd-hooks(8) are not in "
		 "use."},
	{DAEMON("RuntimeDirectory", runtime_directory), .parse = value_path,
	 .fallback = "/run/dmmd", .accepted = "an absolute path of at most 255 octets",
	 .help = "Directory of the table and the socket by which applications ask for addresses, "
		 "see dmmsock(3)."},
	{DAEMON("HooksDirectory", hooks_directory), .parse = value_path,
	 .fallback = "/sys/fs/bpf/dmmd-hooks",
	 .accepted = "an absolute path of at most 255 octets, in a bpf file system",
	 .help = "Directory where dmmd-hooks(8) pins the socket hooks of the kernel; they are used "
		 "if they are there."},
	{DAEMON("KillOrphans", kill_orphans), .parse = value_bool, .fallback = "no",
	 .accepted = ACCEPTED_BOOL,
	 .help = "Whether sockets on addresses that were left for good are ended, so that their "
		 "applications begin anew at once instead of waiting for a timeout."},
	{DAEMON("GraceTime", grace_time), .parse = value_span, .max = 3600 * USEC_PER_SEC,
	 .fallback = "60s", .accepted = "a time span from 0 to 1h",
	 .help = "How long after a move the old address of sessions with graceful replacement is "
		 "kept."},
	{DAEMON("AllowFixed", fixed), .parse = value_permission, .fallback = "all",
	 .accepted = ACCEPTED_PERMISSION, .help = "Who may ask for a fixed address, besides root."},
	{DAEMON("AllowAcquire", acquire), .parse = value_permission, .fallback = "all",
	 .accepted = ACCEPTED_PERMISSION,
	 .help = "For whom, besides root, addresses are obtained that are not there yet; what is "
		 "there everybody may use."},

	{LINK("Match", match), .parse = value_patterns, .example = "wlan* wlp*",
	 .accepted = "shell patterns separated by blanks, 63 octets at most",
	 .help = "Names of the interfaces that the section is for; required."},
	{LINK("Use", use), .parse = value_bool, .fallback = "yes", .accepted = ACCEPTED_BOOL,
	 .help = "Whether the interface may be an uplink."},
	{LINK("Preference", preference), .parse = value_int, .min = -100, .max = 100,
	 .fallback = "0", .accepted = "a number from -100 to 100",
	 .help = "Of several usable uplinks the one with the highest preference is taken."},
	{LINK("OptimisticDAD", optimistic_dad), .parse = value_bool, .fallback = "yes",
	 .accepted = ACCEPTED_BOOL,
	 .help = "Whether the kernel is asked to let new addresses be used while duplicate address "
		 "detection (RFC 4429) still runs."},
	{LINK("SettleTime", settle_time), .parse = value_span, .max = 600 * USEC_PER_SEC,
	 .fallback = "0s", .accepted = "a time span from 0 to 10min",
	 .help = "How long the interface must be usable before another one that works is left for "
		 "it; for an interface that comes and goes the time doubles, from one second at "
		 "least."},

	{ANCHOR("Address", address), .parse = value_address, GIVEN(struct conf_anchor, has_address),
	 .example = "2001:db8:1::1", .accepted = "a routable unicast IPv6 address",
	 .help = "Address of the home agent; this or Discover is required."},
	{ANCHOR("Prefix", prefix), .parse = value_prefix,
	 LIST(struct conf_anchor, prefix, n_prefixes), .min = 1, .max = 127,
	 .example = "2001:db8:1::/64", .accepted = ACCEPTED_PREFIX,
	 .help = "A prefix whose addresses the home agent keeps in reach, and all that it covers; "
		 "several sections may have the same."},
	{ANCHOR("HomeAddress", home), .parse = value_home, LIST(struct conf_anchor, home, n_homes),
	 .example = "2001:db8:1::10/64",
	 .accepted = "a routable unicast IPv6 address, '/' and the length of its prefix from 1 to "
		     "127; the part behind the prefix is not zero; or auto",
	 .help = "Home address and the length of the home network prefix that it is from; each may "
		 "be given once, and where there is none Prefix is required; auto makes one from "
		 "the home prefix."},
	{ANCHOR("Service", service), .parse = value_enum, GIVEN(struct conf_anchor, has_service),
	 .lookup = service_type_parse, .fallback = "fixed", .accepted = ACCEPTED_SERVICE,
	 .help = "What the home addresses promise to sessions (RFC 8653); those that are fixed are "
		 "always registered, others only while a session needs them."},
	{ANCHOR("Discover", discover), .parse = value_discover,
	 .example = "router-advertisement dhaad dns",
	 .accepted = "router-advertisement, dhaad and dns, one or more, separated by blanks",
	 .help = "Where home agents are looked for: routers that say in their advertisements that "
		 "they are one and have a prefix within Prefix, an anycast request to each home "
		 "prefix (RFC 6275), or the service records of Domain (RFC 5026)."},
	{ANCHOR("Domain", domain), .parse = value_domain, .example = "example.org",
	 .accepted = ACCEPTED_DOMAIN,
	 .help = "Domain whose service records _mip6._ipv6 name the home agents; goes with dns in "
		 "Discover."},
	{ANCHOR("Preference", preference), .parse = value_int, .min = -100, .max = 100,
	 .fallback = "0", .accepted = "a number from -100 to 100",
	 .help = "Of several usable home agents for new sessions the nearest is taken, and of "
		 "those "
		 "that are equally near the one with the highest preference."},
	{ANCHOR("Lifetime", lifetime), .parse = value_span, .min = 8 * USEC_PER_SEC,
	 .max = 262140 * USEC_PER_SEC, .fallback = "30min",
	 .accepted = "a time span from 8s to 262140s, such as 90, 90s, 5min or 1h 30min",
	 .help = "Lifetime to ask for with each binding update; it is sent in steps of four "
		 "seconds."},
	{ANCHOR("FirstTimeout", first_timeout), .parse = value_span, .min = 100 * USEC_PER_MSEC,
	 .max = 32 * USEC_PER_SEC, .fallback = "1.5s",
	 .accepted = "a time span from 100ms to 32s, such as 500ms or 2s",
	 .help = "How long a first registration waits for its acknowledgement before it is sent "
		 "again (InitialBindackTimeoutFirstReg of RFC 6275)."},
	{ANCHOR("SPI", spi), .parse = value_uint32, .min = 256, .max = UINT32_MAX, .example = "256",
	 .accepted = "a number from 256 to 4294967295, decimal or hexadecimal after 0x",
	 .help = "Security parameter index that the home agent knows the key by (RFC 4285); goes "
		 "with KeyFile."},
	{ANCHOR("KeyFile", key_file), .parse = value_key_source, .secret = true,
	 .example = "credential:key_home",
	 .accepted = "an absolute path of at most 255 octets, or credential: and the name of a "
		     "credential of the service",
	 .help = "File of the key shared with the home agent: 32 to 128 hexadecimal digits; a file "
		 "at a path belongs to root or the user of the daemon, with mode 0600 or less."},
	{ANCHOR("Algorithm", algorithm), .parse = value_enum, .lookup = conf_algorithm_parse,
	 .fallback = "hmac-sha1-96", .accepted = "hmac-sha1-96 or hmac-sha256-128",
	 .help = "How messages to and from the home agent are authenticated: hmac-sha1-96 is that "
		 "of RFC 4285, hmac-sha256-128 an extension of dmmd."},
	{ANCHOR("Replay", replay), .parse = value_enum, .lookup = conf_replay_parse,
	 .fallback = "timestamp", .accepted = "timestamp or none",
	 .help = "Protection against replayed messages besides sequence numbers."},
	{ANCHOR("PayloadProtection", protection), .parse = value_enum,
	 .lookup = conf_protection_parse, .fallback = "no", .accepted = "no or esp",
	 .help = "Whether what goes through the tunnel is encrypted and authenticated: esp does so "
		 "with the keys of PayloadKeyFile and blocks the home addresses where that cannot "
		 "be had; it needs Address, the tunnels of the kernel (see Plane) and the same "
		 "keys at the home agent, see dmmd(8)."},
	{ANCHOR("PayloadKeyFile", payload_key_file), .parse = value_key_source, .secret = true,
	 .example = "credential:key_home_esp",
	 .accepted = "an absolute path of at most 255 octets, or credential: and the name of a "
		     "credential of the service",
	 .help = "File of the SPIs and keys of PayloadProtection, one set for each direction, with "
		 "owner and mode as for KeyFile."},
	{ANCHOR("Identifier", identifier), .parse = value_identifier, .example = "mn@example.org",
	 .accepted = "up to 254 octets without blanks",
	 .help = "Network access identifier to send as mobile node identifier (RFC 4283)."},
	{ANCHOR("Insecure", insecure), .parse = value_bool, .fallback = "no",
	 .accepted = ACCEPTED_BOOL,
	 .help = "Register without authentication, which lets anyone who can send to the home "
		 "agent redirect the traffic of the home addresses; required when there is no "
		 "key, refused when there is one."},

	PROPERTIES(CONF_PREFIX, struct conf_prefix),

	PROPERTIES(CONF_DOMAIN, struct conf_domain),
};

const struct conf_option *option_find(enum conf_section section, const char *key)
{
	for (const struct conf_option *o = conf_options; o < CONF_OPTIONS_END; o++)
		if (o->section == section && strcmp(o->key, key) == 0)
			return o;
	return NULL;
}

unsigned option_index(const struct conf_option *o)
{
	return (unsigned)(o - conf_options);
}

static void option_note(const struct conf_option *o, void *section, bool given)
{
	char *note = (char *)section + o->given;

	if (!o->given)
		return;
	if (!o->given_bit)
		*(bool *)note = given;
	else if (given)
		*(unsigned *)note |= o->given_bit;
	else
		*(unsigned *)note &= ~o->given_bit;
}

int option_store(const struct conf_option *o, const char *s, void *section)
{
	int r = o->parse(o, s, (char *)section + o->offset);

	if (r == 0)
		option_note(o, section, true);
	return r;
}

void option_reset(const struct conf_option *o, void *section)
{
	char *field = (char *)section + o->offset;

	memset(field, 0, o->size);
	option_note(o, section, false);
	if (o->item)
		*(unsigned *)((char *)section + o->count) = 0;
	if (o->parse == value_home)
		((struct conf_anchor *)section)->home_auto = false;
	if (o->fallback)
		o->parse(o, o->fallback, field);
}

void options_reset(enum conf_section section, void *target)
{
	for (const struct conf_option *o = conf_options; o < CONF_OPTIONS_END; o++)
		if (o->section == section)
			option_reset(o, target);
}
