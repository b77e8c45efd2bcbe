/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mobile_node.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/peer.h"
#include "base/cleanup.h"
#include "base/log.h"

DEFINE_CLEANUP(struct mobile_node *, mobile_node_free)

static int hex_value(char c)
{
	const char *digits = "0123456789abcdef";
	const char *p = strchr(digits, tolower((unsigned char)c));

	return c && p ? (int)(p - digits) : -1;
}

static int key_decode(const char *text, struct mip_sa *sa)
{
	size_t n = strcspn(text, " \t\r\n");

	if (n == 0 || n % 2 || n / 2 > sizeof(sa->key) || text[n + strspn(text + n, " \t\r\n")])
		return -EINVAL;
	for (size_t i = 0; i < n; i += 2) {
		int hi = hex_value(text[i]), lo = hex_value(text[i + 1]);

		if (hi < 0 || lo < 0)
			return -EINVAL;
		sa->key[i / 2] = (uint8_t)(hi << 4 | lo);
	}
	sa->key_len = n / 2;
	return 0;
}

static int key_read(const char *path, struct mip_sa *sa)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[2 * MIP_KEY_MAX + 8];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int r;

	if (n < 0)
		return log_errno(-errno, "%s: cannot read the key", path);
	text[n] = '\0';
	r = key_decode(text, sa);
	explicit_bzero(text, sizeof(text));
	if (r < 0)
		log_error("%s: expected 1 to %d octets in hexadecimal", path, MIP_KEY_MAX);
	return r;
}

static int setting_apply(struct mobile_node *mn, const char *name, const char *value)
{
	unsigned spi;
	int alg;

	if (strcmp(name, "spi") == 0) {
		if (peer_parse_unsigned(value, MIP_SPI_MIN, UINT32_MAX, &spi) < 0)
			return -EINVAL;
		mn->sa.spi = spi;
		mn->has_sa = true;
	} else if (strcmp(name, "alg") == 0) {
		alg = mip_auth_alg_parse(value);
		if (alg < 0)
			return -EINVAL;
		mn->sa.alg = (enum mip_auth_alg)alg;
	} else if (strcmp(name, "keyfile") == 0) {
		return key_read(value, &mn->sa);
	} else if (strcmp(name, "nai") == 0) {
		if (strlen(value) >= sizeof(mn->nai))
			return -EINVAL;
		strcpy(mn->nai, value);
	} else {
		return -EINVAL;
	}
	return 0;
}

static int home_parse(const char *text, struct ip6_prefix *ret)
{
	struct in6_addr a;

	if (strchr(text, '/'))
		return prefix_parse(text, ret);
	if (addr_parse(text, &a) < 0)
		return -EINVAL;
	*ret = prefix_make(&a, 128);
	return 0;
}

int mobile_node_parse(const char *text, struct mobile_node **ret)
{
	_cleanup_(mobile_node_free_cleanup) struct mobile_node *mn = calloc(1, sizeof(*mn));
	_cleanup_free_ char *copy = strdup(text);
	char *save = NULL, *word;

	if (!mn || !copy)
		return -ENOMEM;
	list_init(&mn->node);
	word = strtok_r(copy, ",", &save);
	if (!word || home_parse(word, &mn->home) < 0) {
		log_error("mobile node '%s': expected a home address", text);
		return -EINVAL;
	}
	while ((word = strtok_r(NULL, ",", &save))) {
		char *value = strchr(word, '=');

		if (value)
			*value++ = '\0';
		if (!value || setting_apply(mn, word, value) < 0) {
			log_error("mobile node %s: bad setting '%s'", PREFIX_STR(&mn->home), word);
			return -EINVAL;
		}
	}
	if (mn->has_sa != (mn->sa.key_len > 0)) {
		log_error("mobile node %s: spi and keyfile go together", PREFIX_STR(&mn->home));
		return -EINVAL;
	}
	*ret = TAKE_PTR(mn);
	return 0;
}

void mobile_node_free(struct mobile_node *mn)
{
	if (!mn)
		return;
	list_remove(&mn->node);
	mip_sa_wipe(&mn->sa);
	free(mn);
}

const struct mobile_node *mobile_node_find(const struct list *nodes, const struct in6_addr *home)
{
	const struct mobile_node *mn, *best = NULL;

	list_for_each(mn, nodes, node)
		if (prefix_contains(&mn->home, home) && (!best || mn->home.len > best->home.len))
			best = mn;
	return best;
}
