/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys of payload protection: ESP (RFC 4303) with keys that are set by hand (RFC 6275 section 5.1), AES-CBC (RFC 3602) and
 * HMAC-SHA-256-128 (RFC 4868).  An algorithm that must never see the same nonce twice, as AES-GCM, is out of the question with
 * keys that outlast a restart (RFC 8221 section 4).
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ESP_ENCRYPTION_MAX 32     /* octets: AES-256 */
#define ESP_AUTHENTICATION_LEN 32 /* RFC 4868 section 2.1.1: no more, no less */
#define PAYLOAD_KEYS_TEXT_MAX 4096

/* One security association. */
struct conf_esp_keys {
	uint32_t spi, encryption_len; /* octets: 16, 24 or 32 */
	uint8_t encryption[ESP_ENCRYPTION_MAX];
	uint8_t authentication[ESP_AUTHENTICATION_LEN];
};

struct conf_esp {
	struct conf_esp_keys out, in; /* to the home agent, from it */
};

/*
 * Read a PayloadKeyFile= as KeyFile= is read (keyfile.h).  0, or -errno with words of what is wrong, and where, without any of
 * the content.
 */
int payload_keys_read(const char *source, struct conf_esp *ret, char *why, size_t size);
/* The text of such a file. */
int payload_keys_parse(const char *text, size_t len, struct conf_esp *ret, char *why, size_t size);

/* Equal as far as the shorter one goes. */
bool payload_key_equal(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);
/* Is a key of one the same as one of the other? */
bool payload_keys_share(const struct conf_esp *a, const struct conf_esp *b);
/* Is it the same as one of these? */
bool payload_keys_have(const struct conf_esp *e, const uint8_t *key, size_t len);

struct conf;

/*
 * Is what a home address exchanges by way of a home agent to be protected?  Yes if a section that serves the address says so, or
 * the section of the agent.  *ret: the keys for that agent; NULL: there are none, so that nothing may go there.
 */
bool conf_is_protected(const struct conf *c, const struct in6_addr *home,
		       const struct in6_addr *agent, const struct conf_esp **ret);
/* NULL: none are configured for that home agent. */
const struct conf_esp *conf_esp_of(const struct conf *c, const struct in6_addr *agent);
/* Is it the home agent of any section? */
bool conf_has_agent(const struct conf *c, const struct in6_addr *agent);
/* Does any section ask for it? */
bool conf_protects(const struct conf *c);
