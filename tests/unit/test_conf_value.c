/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test_conf.h"

#include "conf/options.h"
#include "conf/report.h"
#include "conf/suggest.h"
#include "conf/value.h"

Test(conf_value, time_spans)
{
	static const struct {
		const char *text;
		usec_t usec;
	} good[] = {
		{"90", 90000000},
		{"90s", 90000000},
		{"5min", 300000000},
		{"1h", 3600000000},
		{"1h30min", 5400000000},
		{"1h 30 min", 5400000000},
		{"500ms", 500000},
		{"1.5s", 1500000},
		{"0.25", 250000},
		{"1.0000009s", 1000000},
		{"7us", 7},
		{"1d", 86400000000},
		{"2 minutes", 120000000},
		{"0", 0},
	};
	static const char *const wrong[] = {
		"",
		" ",
		"s",
		"-1s",
		"1 30",
		"1h 30",
		"1x",
		"1.s",
		".5s",
		"1s,",
		"1S",
		"1e3",
		"18446744073709551616",
		"18446744073709551615",
		"999999999999d",
		"1s \x01",
	};
	usec_t t;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		cr_assert_eq(timespan_parse(good[i].text, &t), 0, "%s", good[i].text);
		cr_assert_eq(t, good[i].usec, "%s: %lu", good[i].text, t);
	}
	t = 42;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		cr_assert_eq(timespan_parse(wrong[i], &t), -EINVAL, "%s", wrong[i]);
	cr_assert_eq(t, 42);
}

/* Each value of a row must be accepted, or refused, by the option. */
static void check_values(enum conf_section section, const char *key, bool good, const char *values)
{
	const struct conf_option *o = option_find(section, key);
	static union {
		struct conf conf;
		struct conf_link link;
		struct conf_anchor anchor;
		struct conf_prefix prefix;
		struct conf_domain domain;
	} target;
	char copy[512], *save, *v;

	cr_assert_not_null(o, "%s", key);
	snprintf(copy, sizeof(copy), "%s", values);
	for (v = strtok_r(copy, "|", &save); v; v = strtok_r(NULL, "|", &save))
		cr_assert_eq(o->parse(o, v, (char *)&target + o->offset), good ? 0 : -EINVAL,
			     "%s=%s", key, v);
}

Test(conf_value, accepted_and_refused)
{
	check_values(CONF_DAEMON, "LogLevel", true, "emerg|err|debug");
	check_values(CONF_DAEMON, "LogLevel", false, "loud|Info|7");
	check_values(CONF_DAEMON, "StateFile", true, "/a|/var/lib/x/|/with blank");
	check_values(CONF_DAEMON, "StateFile", false, "/|//|a/b|./x|/a\tb");
	check_values(CONF_DAEMON, "Device", true, "dmm0|dmm-1.2|abcdefghijklmno");
	check_values(CONF_DAEMON, "Device", false,
		     "abcdefghijklmnop|a b|a/b|a:1|dmm%d|.|..|lo|all|default|a\x1b");
	check_values(CONF_DAEMON, "RouteTable", true, "256|25700|0x6464|4294967223");
	check_values(CONF_DAEMON, "RouteTable", false, "0|254|255|4294967233|-1|x|0x|1 2|25700x");
	check_values(CONF_DAEMON, "RulePriority", true, "1|5300|32000|010");
	check_values(CONF_DAEMON, "RulePriority", false, "0|32001|99999999999999999999|+5|5.0");
	check_values(CONF_LINK, "Use", true, "yes|No|TRUE|off|1|0|on|false");
	check_values(CONF_LINK, "Use", false, "y|maybe|2|yes no");
	check_values(CONF_LINK, "Preference", true, "-100|100|0|-0");
	check_values(CONF_LINK, "Preference", false, "101|-101|--1|-|- 1|0x-5");
	check_values(CONF_ANCHOR, "Address", true, "2001:db8::1|fd00::1");
	check_values(CONF_ANCHOR, "Address", false,
		     "::|::1|fe80::1|ff02::1|::ffff:192.0.2.1|192.0.2.1|2001:db8::1/64|ha");
	check_values(CONF_ANCHOR, "HomeAddress", true,
		     "2001:db8::1/64|2001:db8::1/1|2001:db8::1/127|2001:db8::/127|auto");
	check_values(CONF_ANCHOR, "HomeAddress", false,
		     "2001:db8::1|2001:db8::1/0|2001:db8::1/128|2001:db8::1/|2001:db8::1/64x|"
		     "2001:db8::/64|fe80::1/64|2001:db8::1/-1|/64|::1/64|x/64|2001:db8::1 "
		     "/64|Auto|auto/64");
	check_values(CONF_ANCHOR, "Lifetime", true, "8|8s|262140s|30min");
	check_values(CONF_ANCHOR, "Lifetime", false, "7s|7999ms|262141s|forever");
	check_values(CONF_ANCHOR, "FirstTimeout", true, "100ms|1.5s|32s");
	check_values(CONF_ANCHOR, "FirstTimeout", false, "99ms|33s");
	check_values(CONF_ANCHOR, "SPI", true, "256|0x100|4294967295");
	check_values(CONF_ANCHOR, "SPI", false, "255|0|4294967296");
	check_values(CONF_ANCHOR, "KeyFile", true, "/etc/k|credential:k");
	check_values(CONF_ANCHOR, "KeyFile", false,
		     "k|credential:|credential:../k|credential:.|credential:..|Credential:k");
	check_values(CONF_ANCHOR, "Algorithm", true, "hmac-sha1-96|hmac-sha256-128");
	check_values(CONF_ANCHOR, "Algorithm", false, "sha1|HMAC-SHA1-96");
	check_values(CONF_ANCHOR, "Replay", true, "timestamp|none");
	check_values(CONF_ANCHOR, "Identifier", true, "mn@example.net|mn");
	check_values(CONF_ANCHOR, "Identifier", false, "a b|a\x7f");
}

Test(conf_value, accepted_and_refused_of_distributed_mobility)
{
	check_values(CONF_DAEMON, "HoldTime", true, "0|0s|1h|2500ms");
	check_values(CONF_DAEMON, "HoldTime", false, "3601s|-1s|never");
	check_values(CONF_DAEMON, "GraceTime", true, "0|60s|1h");
	check_values(CONF_DAEMON, "GraceTime", false, "3601s|-1s|long");
	check_values(CONF_DAEMON, "AllowFixed", true,
		     "all|root|0|@root|@0|root @root 7\t8|4294967294");
	check_values(
		CONF_DAEMON, "AllowFixed", false,
		"All|all root|@|no-such-user|@no-such-group|4294967295|7x|-1|@@root|"
		"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 "
		"30 31 32 33");
	check_values(CONF_DAEMON, "ProbeInterval", true, "100ms|60s");
	check_values(CONF_DAEMON, "ProbeInterval", false, "99ms|61s|0");
	check_values(CONF_DAEMON, "ProbeCount", true, "1|10");
	check_values(CONF_DAEMON, "ProbeCount", false, "0|11");
	check_values(CONF_DAEMON, "IdleProbeInterval", true, "1s|1h");
	check_values(CONF_DAEMON, "IdleProbeInterval", false, "999ms|3601s");
	check_values(CONF_DAEMON, "PrefixPropertyOption", true, "off|253|254|0xfd");
	check_values(CONF_DAEMON, "PrefixPropertyOption", false, "0|252|255|no|on|509");
	check_values(CONF_LINK, "SettleTime", true, "0|10min");
	check_values(CONF_LINK, "SettleTime", false, "601s|-1");
	check_values(CONF_ANCHOR, "Prefix", true, "2001:db8::/32|fd00::/8|2000::/3|2001:db8::/127");
	check_values(CONF_ANCHOR, "Prefix", false,
		     "2001:db8::1/64|2001:db8::|::/0|2001:db8::/128|fe80::/64|ff00::/8|/64|x/3");
	check_values(CONF_ANCHOR, "Discover", true,
		     "dns|dhaad|router-advertisement|dns dhaad|dns\tdhaad  dns");
	check_values(CONF_ANCHOR, "Discover", false, "DNS|ra|dns,dhaad|dnsdhaad|d");
	check_values(CONF_ANCHOR, "Domain", true, "example.org|EXAMPLE.org.|a|_x.a-b.1");
	check_values(CONF_ANCHOR, "Domain", false, ".|a..b|.a|a..|-a|a-.b|a b|\xc3\xa4.de|a/b");
	check_values(CONF_ANCHOR, "Service", true, "non-persistent|graceful-replacement|fixed");
	check_values(CONF_ANCHOR, "Service", false, "nomadic|Fixed");
	check_values(CONF_ANCHOR, "Preference", true, "-100|100");
	check_values(CONF_ANCHOR, "Preference", false, "-101|101");
	check_values(CONF_PREFIX, "Anchoring", true, "local|anchored|unknown");
	check_values(CONF_PREFIX, "Anchoring", false, "home");
	check_values(CONF_PREFIX, "Anchor", true, "home|a.b-c_1");
	check_values(CONF_PREFIX, "Anchor", false, "-a|a b|2001:db8::1");
	check_values(CONF_DOMAIN, "Mobility", true, "none|host|network|unknown");
	check_values(CONF_DOMAIN, "Mobility", false, "both");
	check_values(CONF_DOMAIN, "Cost", true, "0|4294967295");
	check_values(CONF_DOMAIN, "Cost", false, "-1|4294967296|cheap");
}

Test(conf_value, domain_names_have_limits)
{
	char name[300], stored[CONF_DOMAIN_MAX + 1] = "x";

	cr_assert_eq(value_parse_domain("PvD.Example.ORG.", stored), 0);
	cr_assert_str_eq(stored, "pvd.example.org");
	memset(name, 'a', sizeof(name));
	name[63] = '\0';
	cr_assert_eq(value_parse_domain(name, stored), 0);
	name[63] = 'a';
	name[64] = '\0';
	cr_assert_eq(value_parse_domain(name, stored), -EINVAL);
	cr_assert_eq(strlen(stored), 63);
	for (size_t i = 1; i < sizeof(name); i += 2)
		name[i] = '.', name[i - 1] = 'b';
	name[253] = '\0';
	cr_assert_eq(value_parse_domain(name, stored), 0);
	cr_assert_eq(strlen(stored), 253);
	name[253] = '.';
	name[254] = '\0'; /* its end is no part of it */
	cr_assert_eq(value_parse_domain(name, stored), 0);
	name[254] = 'b';
	name[255] = '\0';
	cr_assert_eq(value_parse_domain(name, stored), -EINVAL);
	cr_assert_eq(value_parse_domain("", stored), -EINVAL);
}

Test(conf_value, texts_have_limits)
{
	char value[400], row[512];

	memset(value, 'x', sizeof(value));
	value[0] = '/';
	value[255] = '\0';
	snprintf(row, sizeof(row), "%s", value);
	check_values(CONF_ANCHOR, "KeyFile", true, row);
	check_values(CONF_ANCHOR, "Identifier", false, row);
	check_values(CONF_ANCHOR, "Identifier", true, row + 1);
	check_values(CONF_LINK, "Match", true, row + 255 - 63);
	check_values(CONF_LINK, "Match", false, row + 255 - 64);
	strcat(row, "x");
	check_values(CONF_ANCHOR, "KeyFile", false, row);
}

Test(conf_value, trailing_slashes_of_paths_are_dropped)
{
	char path[CONF_PATH_MAX];
	const struct conf_option *o = option_find(CONF_DAEMON, "StateFile");

	cr_assert_eq(o->parse(o, "/var/lib//", path), 0);
	cr_assert_str_eq(path, "/var/lib");
}

static const char *suggest(const char *typed)
{
	struct suggestion s = {0};

	for (const struct conf_option *o = conf_options; o < CONF_OPTIONS_END; o++)
		suggestion_offer(&s, typed, o->key);
	return s.name ? s.name : "";
}

Test(conf_value, nearest_name)
{
	cr_assert_str_eq(suggest("LogLvl"), "LogLevel");
	cr_assert_str_eq(suggest("homeaddress"), "HomeAddress");
	cr_assert_str_eq(suggest("HomeAdress"), "HomeAddress");
	cr_assert_str_eq(suggest("PSI"), "SPI");
	cr_assert_str_eq(suggest("Uses"), "Use");
	cr_assert_str_eq(suggest("Banana"), "");
	cr_assert_str_eq(suggest(""), "");
	cr_assert_str_eq(suggest("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), "");
}

Test(conf_value, quoting_is_safe_and_short)
{
	char text[200] = "";

	cr_assert_str_eq(QUOTED("plain"), "\"plain\"");
	cr_assert_str_eq(QUOTED("\x1b[31m\n\xc3\xa4"), "\"\\x1b[31m\\x0a\\xc3\\xa4\"");
	for (size_t n = 60; n < sizeof(text) - 1; n++) {
		const char *q;

		memset(text, n % 2 ? '\x01' : 'x', n);
		q = QUOTED(text);
		cr_assert_lt(strlen(q), sizeof(struct quote_buf));
		cr_assert_eq(q[strlen(q) - 1], '"');
	}
}
