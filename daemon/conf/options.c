/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/options.h"

#include <string.h>

#include "base/log.h"
#include "conf/conf.h"
#include "conf/value.h"

DEFINE_STRTAB(conf_on_stop, "withdraw", "keep");
DEFINE_STRTAB(conf_algorithm, "hmac-sha1-96", "hmac-sha256-128");
DEFINE_STRTAB(conf_replay, "timestamp", "none");

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
			 "letter or digit.\n"},
};

#define FIELD(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)NULL)->member)
#define DAEMON(name, member) .section = CONF_DAEMON, .key = name, FIELD(struct conf, member)
#define LINK(name, member) .section = CONF_LINK, .key = name, FIELD(struct conf_link, member)
#define ANCHOR(name, member) .section = CONF_ANCHOR, .key = name, FIELD(struct conf_anchor, member)

#define ACCEPTED_BOOL "yes or no"

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
	{DAEMON("PinDirectory", pin_directory), .parse = value_path, .fallback = "/sys/fs/bpf/dmmd",
	 .accepted = "an absolute path of at most 255 octets, in a bpf file system",
	 .help = "Directory where the programs and maps of the data plane are pinned."},
	{DAEMON("Device", device), .parse = value_interface, .fallback = "dmm0",
	 .accepted = "an interface name: 1 to 15 octets, no blank, '/', ':' or '%'; not lo, all or "
		     "default",
	 .help = "Name of the daemon's own interface, which carries the home addresses; other "
		 "network managers are told to leave names that begin with dmm alone."},
	{DAEMON("RouteTable", route_table), .parse = value_uint32, .min = 256, .max = 4294967231,
	 .fallback = "25700", .accepted = "a number from 256 to 4294967231",
	 .help = "First of 65 routing tables that the daemon has for itself."},
	{DAEMON("RulePriority", rule_priority), .parse = value_uint32, .min = 1, .max = 32000,
	 .fallback = "5300", .accepted = "a number from 1 to 32000",
	 .help = "First of 65 priorities of routing rules that the daemon has for itself."},

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

	{ANCHOR("Address", address), .parse = value_address, .example = "2001:db8:1::1",
	 .accepted = "a routable unicast IPv6 address",
	 .help = "Address of the home agent; required."},
	{ANCHOR("HomeAddress", home), .parse = value_home, .repeatable = true,
	 .example = "2001:db8:1::10/64",
	 .accepted = "a routable unicast IPv6 address, '/' and the length of its prefix from 1 to "
		     "127; the part behind the prefix is not zero",
	 .help = "Home address and the length of the home network prefix that it is from; at least "
		 "one is required, and each may be given once."},
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
	{ANCHOR("Identifier", identifier), .parse = value_identifier, .example = "mn@example.org",
	 .accepted = "up to 254 octets without blanks",
	 .help = "Network access identifier to send as mobile node identifier (RFC 4283)."},
	{ANCHOR("Insecure", insecure), .parse = value_bool, .fallback = "no",
	 .accepted = ACCEPTED_BOOL,
	 .help = "Register without authentication, which lets anyone who can send to the home "
		 "agent redirect the traffic of the home addresses; required when there is no "
		 "key, refused when there is one."},
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

void option_reset(const struct conf_option *o, void *section)
{
	char *field = (char *)section + o->offset;

	memset(field, 0, o->size);
	if (o->repeatable) /* HomeAddress=, the one list */
		((struct conf_anchor *)section)->n_homes = 0;
	if (o->fallback)
		o->parse(o, o->fallback, field);
}

void options_reset(enum conf_section section, void *target)
{
	for (const struct conf_option *o = conf_options; o < CONF_OPTIONS_END; o++)
		if (o->section == section)
			option_reset(o, target);
}
