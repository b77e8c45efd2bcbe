/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Payload protection: what sections must agree on, and files of keys. */
#include "conf/payload.h"
#include "test_conf.h"

#define ESP "PayloadProtection=esp\nPayloadKeyFile=/k\n"
#define ENC_OUT "Encryption-out=9f86d081884c7d659a2feaa0c55ad015\n"
#define ENC_IN "Encryption-in=3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9\n"
#define AUTH_OUT \
	"Authentication-out=" \
	"60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752\n"
#define AUTH_IN \
	"Authentication-in=" \
	"fd61a03af4f77d870fc21e05e7e80678095c92d808cfb3b5c279ee04c74aca13\n"
#define SPIS "SPI-out=0x1001\nSPI-in=4098\n"
#define KEYS SPIS ENC_OUT ENC_IN AUTH_OUT AUTH_IN

Test(conf_payload, sections_that_are_complete)
{
	static const char *const right[] = {
		ANCHOR_OK ESP,
		ANCHOR_OK "PayloadProtection=no\n",
		ANCHOR_OK "PayloadKeyFile=/k\nPayloadProtection=no\n",
		"[Daemon]\nPlane=kernel\n" ANCHOR_OK ESP,
		"[Daemon]\nPlane=bpf\n" ANCHOR_OK,
		ANCHOR_OK ESP "[Anchor b]\nAddress=2001:db8:2::1\nPrefix=2001:db8:2::/64\n"
			      "Insecure=yes\n",
		ANCHOR_OK ESP "[Anchor b]\nAddress=2001:db8:1::1\nPrefix=2001:db8:2::/64\n"
			      "Insecure=yes\n" ESP,
	};

	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		struct outcome o = accept_conf(right[i]);

		outcome_done(&o);
	}
}

Test(conf_payload, sections_that_lack_something)
{
	refuse_conf(ANCHOR_OK "PayloadProtection=esp\n",
		    "t.conf:5: [Anchor home] has PayloadProtection=esp, which needs "
		    "PayloadKeyFile=\n");
	refuse_conf(ANCHOR_OK "PayloadKeyFile=/k\n",
		    "t.conf:5: [Anchor home] has PayloadKeyFile= without PayloadProtection=esp\n");
	refuse_with(ANCHOR_OK "PayloadProtection=yes\n",
		    "t.conf:5: PayloadProtection= does not accept \"yes\"; accepted: no or esp");
	refuse_conf(ANCHOR_OK ESP "Discover=dhaad\n",
		    "t.conf:7: [Anchor home] has PayloadProtection=esp, which does not go with "
		    "Discover=: for home agents that are found there are no keys; give Address= "
		    "instead\n");
	refuse_conf("[Anchor home]\nPrefix=2001:db8:1::/64\nInsecure=yes\n" ESP,
		    "t.conf:4: [Anchor home] has PayloadProtection=esp, which needs Address=\n");
	refuse_conf("[Daemon]\nPlane=bpf\n" ANCHOR_OK ESP,
		    "t.conf:2: Plane=bpf cannot protect payload, which PayloadProtection=esp of "
		    "[Anchor home] asks for; accepted: auto or kernel\n");
}

Test(conf_payload, who_takes_over_protects_as_well)
{
	refuse_conf(ANCHOR_OK ESP "[Anchor b]\nAddress=2001:db8:2::1\nPrefix=2001:db8::/32\n"
				  "Insecure=yes\n",
		    "t.conf:7: [Anchor b] may take over from [Anchor home], which serves the same "
		    "prefix: PayloadProtection= must be the same\n");
	refuse_conf(ANCHOR_OK "[Anchor b]\nAddress=2001:db8:1::1\nPrefix=2001:db8:2::/64\n"
			      "Insecure=yes\n" ESP,
		    "t.conf:9: [Anchor b] has the Address= of [Anchor home], and so its tunnels: "
		    "PayloadProtection= must be the same\n");
}

static struct conf_esp accept_keys(const char *text)
{
	struct conf_esp e;
	char why[256] = "";

	cr_assert_eq(payload_keys_parse(text, strlen(text), &e, why, sizeof(why)), 0, "%s", why);
	return e;
}

static void refuse_keys(const char *text, const char *words)
{
	struct conf_esp e = {.out.spi = 1};
	char why[256] = "";

	cr_assert_eq(payload_keys_parse(text, strlen(text), &e, why, sizeof(why)), -EINVAL, "%s",
		     text);
	cr_assert_str_eq(why, words);
	cr_assert_eq(e.out.spi, 1); /* untouched */
}

Test(conf_payload, keys_in_any_order)
{
	struct conf_esp e = accept_keys(KEYS);

	cr_assert_eq(e.out.spi, 0x1001);
	cr_assert_eq(e.in.spi, 4098);
	cr_assert_eq(e.out.encryption_len, 16);
	cr_assert_eq(e.in.encryption_len, 24);
	cr_assert_eq(e.out.encryption[0], 0x9f);
	cr_assert_eq(e.in.encryption[23], 0xa9);
	cr_assert_eq(e.out.authentication[31], 0x52);
	cr_assert_eq(e.in.authentication[0], 0xfd);
	accept_keys("# of east\n\n" AUTH_IN
		    " Encryption-out = 9F86D081884C7D659A2FEAA0C55AD015 \r\n" AUTH_OUT ENC_IN
		    "; and\nSPI-in=256\nSPI-out=4294967295");
}

Test(conf_payload, keys_that_are_wrong)
{
	refuse_keys("", "has no SPI-out=");
	refuse_keys(SPIS ENC_OUT ENC_IN AUTH_OUT, "has no Authentication-in=");
	refuse_keys("SPI-out=255\n", "line 1: SPI-out= accepts a number from 256 to 4294967295, "
				     "decimal or hexadecimal after 0x");
	refuse_keys("\nSPI-in=-1\n", "line 2: SPI-in= accepts a number from 256 to 4294967295, "
				     "decimal or hexadecimal after 0x");
	refuse_keys("SPI-in=4294967296\n",
		    "line 1: SPI-in= accepts a number from 256 to 4294967295, "
		    "decimal or hexadecimal after 0x");
	refuse_keys(KEYS ENC_IN, "line 7: Encryption-in= is given twice");
	refuse_keys(
		"Encryption-in=3a6eb0790f39ac87c94f3856b2dd2c\n",
		"line 1: Encryption-in= accepts 32, 48 or 64 hexadecimal digits and nothing else "
		"(no 0x): a key of 16, 24 or 32 octets");
	refuse_keys(
		"Encryption-in=zz6eb0790f39ac87c94f3856b2dd2c5d\n",
		"line 1: Encryption-in= accepts 32, 48 or 64 hexadecimal digits and nothing else "
		"(no 0x): a key of 16, 24 or 32 octets");
	refuse_keys("Authentication-in=9f86d081884c7d659a2feaa0c55ad015\n",
		    "line 1: Authentication-in= accepts 64 hexadecimal digits and nothing else (no "
		    "0x): a key of 32 octets");
	/* Nothing of what was not understood is repeated. */
	refuse_keys("\n9f86d081884c7d659a2feaa0c55ad015\n",
		    "line 2: not of the form NAME=VALUE; a file for PayloadKeyFile= has six of "
		    "these, see dmmd(8)");
	refuse_keys("Encrypt=9f86d081884c7d659a2feaa0c55ad015\n",
		    "line 1: is none of SPI-out=, SPI-in=, Encryption-out=, Encryption-in=, "
		    "Authentication-out= and Authentication-in=, which are case-sensitive");
}

Test(conf_payload, keys_that_anybody_guesses)
{
	static const char words[] =
		"line 1: Encryption-out= is no random key; openssl rand -hex 32 makes one";

	refuse_keys("Encryption-out=00000000000000000000000000000000\n", words);
	refuse_keys("Encryption-out=000102030405060708090a0b0c0d0e0f\n", words);
	refuse_keys("Encryption-out=fffdfbf9f7f5f3f1efedebe9e7e5e3e1\n", words);
	refuse_keys("Encryption-out=deadbeefdeadbeefdeadbeefdeadbeef\n", words);
}

Test(conf_payload, keys_that_are_equal)
{
	refuse_keys(SPIS ENC_OUT AUTH_OUT AUTH_IN
		    "Encryption-in=9f86d081884c7d659a2feaa0c55ad015\n",
		    "Encryption-out= and Encryption-in= are the same key");
	/* As far as the shorter one goes. */
	refuse_keys(SPIS ENC_IN AUTH_OUT AUTH_IN
		    "Encryption-out=60303ae22b998861bce3b28f33eec1be\n",
		    "Encryption-out= and Authentication-out= are the same key");
}

struct files {
	struct tmpdir dir;
	char text[4096];
};

/* Two sections that differ in their prefix, with these files. */
static struct outcome load(struct files *f, const char *key, const char *one, const char *other,
			   const char *other_address)
{
	struct tmppath mn, a, b, conf;

	f->dir = tmpdir_new();
	mn = tmpdir_file(&f->dir, "mn", key, 0600);
	a = tmpdir_file(&f->dir, "a", one, 0600);
	b = tmpdir_file(&f->dir, "b", other, 0600);
	snprintf(f->text, sizeof(f->text),
		 "[Daemon]\nPolicyDirectory=%s\n[Anchor a]\nAddress=2001:db8:1::1\n"
		 "Prefix=2001:db8:1::/64\nSPI=256\nKeyFile=%s\nPayloadProtection=esp\n"
		 "PayloadKeyFile=%s\n[Anchor b]\nAddress=%s\nPrefix=2001:db8:2::/64\nSPI=256\n"
		 "KeyFile=%s\nPayloadProtection=esp\nPayloadKeyFile=%s\n",
		 f->dir.path, mn.s, a.s, other_address, mn.s, b.s);
	conf = tmpdir_file(&f->dir, "conf", f->text, 0600);
	return run_conf(conf.s, NULL, 0);
}

static void refuse_load(const char *key, const char *one, const char *other,
			const char *other_address, const char *words)
{
	struct files f;
	struct outcome o = load(&f, key, one, other, other_address);

	cr_assert_eq(o.r, -EINVAL);
	cr_assert_not_null(strstr(o.messages, words), "%s", o.messages);
	outcome_done(&o);
	tmpdir_done(&f.dir);
}

#define MN_KEY "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define OTHER_KEYS \
	"SPI-out=0x1001\nSPI-in=0x1009\nEncryption-out=b1d5781111d84f7b3fe45a0852e59758\n" \
	"Encryption-in=cd7a87e5e6f8eb92d4c3fa0d7cbbbcd4\n" \
	"Authentication-out=" \
	"2c624232cdd221771294dfbb310aca000a0df6ac8b66b696d90ef06fdefb64a3\n" \
	"Authentication-in=" \
	"19581e27de7ced00ff1ce50b2047e7a567c76b1cbaebabe5ef03f7c3017bb5b7\n"
#define SECOND "2001:db8:2::1"

Test(conf_payload, files_are_read_and_compared)
{
	struct files f;
	struct outcome o = load(&f, MN_KEY, KEYS, OTHER_KEYS, SECOND);
	const struct conf_esp *keys;
	struct in6_addr home, agent, found;

	cr_assert_eq(o.r, 0, "%s", o.messages);
	cr_assert_eq(addr_parse("2001:db8:1::7", &home), 0);
	cr_assert_eq(addr_parse(SECOND, &agent), 0);
	cr_assert_eq(addr_parse("2001:db8:9::1", &found), 0);
	cr_assert(conf_protects(o.conf));
	cr_assert(conf_is_protected(o.conf, &home, &agent, &keys) && keys->in.spi == 0x1009);
	/* A home agent that was not configured: it should be, and there is nothing to do it with. */
	cr_assert(conf_is_protected(o.conf, &home, &found, &keys) && !keys);
	cr_assert_not(conf_is_protected(o.conf, &found, &found, &keys));
	outcome_done(&o);
	tmpdir_done(&f.dir);

	o = load(&f, MN_KEY, KEYS, KEYS, "2001:db8:1::1");
	cr_assert_eq(o.r, 0, "%s", o.messages);
	outcome_done(&o);
	tmpdir_done(&f.dir);

	refuse_load(MN_KEY, KEYS, OTHER_KEYS, "2001:db8:1::1", "the keys must be the same");
	refuse_load(MN_KEY, KEYS, KEYS, SECOND, "has a key that [Anchor a] has, too");
	refuse_load(MN_KEY, KEYS, KEYS, SECOND, "[Anchor b] has the SPI-in= of [Anchor a]");
	refuse_load("9f86d081884c7d659a2feaa0c55ad015", KEYS, OTHER_KEYS, SECOND,
		    "[Anchor a] has the key of KeyFile= in PayloadKeyFile= as well");
	refuse_load(MN_KEY, "SPI-out=1\n", OTHER_KEYS, SECOND, "/a: line 1: SPI-out= accepts");
}

Test(conf_payload, files_are_for_their_owner_alone)
{
	struct tmpdir t = tmpdir_new();
	struct tmppath open = tmpdir_file(&t, "open", KEYS, 0644);
	struct tmppath large = tmpdir_file(&t, "large", NULL, 0);
	struct conf_esp e;
	char why[256], big[PAYLOAD_KEYS_TEXT_MAX + 2];

	cr_assert_lt(payload_keys_read(open.s, &e, why, sizeof(why)), 0);
	cr_assert_not_null(strstr(why, "can be accessed by group or others"), "%s", why);
	cr_assert_lt(payload_keys_read(large.s, &e, why, sizeof(why)), 0);
	memset(big, '#', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	large = tmpdir_file(&t, "large", big, 0600);
	cr_assert_lt(payload_keys_read(large.s, &e, why, sizeof(why)), 0);
	cr_assert_not_null(strstr(why, "too large"), "%s", why);
	tmpdir_done(&t);
}
