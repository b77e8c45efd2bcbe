/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of payload keys: lines NAME=VALUE in any order, each name once. */
#include "conf/payload.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/keyfile.h"

#define SPI_MIN 256 /* those below are reserved, RFC 4303 section 2.1 */
#define DISTINCT_MIN 8

#define ESP_KEYS(member) offsetof(struct conf_esp, member)

static const struct field {
	const char *name;
	size_t keys; /* which direction */
	enum { SPI, ENCRYPTION, AUTHENTICATION } kind;
} fields[] = {
	{"SPI-out", ESP_KEYS(out), SPI},
	{"SPI-in", ESP_KEYS(in), SPI},
	{"Encryption-out", ESP_KEYS(out), ENCRYPTION},
	{"Encryption-in", ESP_KEYS(in), ENCRYPTION},
	{"Authentication-out", ESP_KEYS(out), AUTHENTICATION},
	{"Authentication-in", ESP_KEYS(in), AUTHENTICATION},
};
#define N_FIELDS (sizeof(fields) / sizeof(*fields))

struct parser {
	struct conf_esp esp;
	bool given[N_FIELDS];
	unsigned line;
	char *why;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct parser *p, const char *fmt, ...)
{
	va_list ap;
	size_t n = 0;

	if (p->line)
		n = (size_t)snprintf(p->why, p->size, "line %u: ", p->line);
	if (n >= p->size)
		return -EINVAL;
	va_start(ap, fmt);
	vsnprintf(p->why + n, p->size - n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* What nobody draws at random, and everybody tries first: few different octets, or each as far from the one before. */
static bool is_weak(const uint8_t *key, size_t len)
{
	bool seen[256] = {false}, steady = true;
	unsigned distinct = 0;

	for (size_t i = 0; i < len; i++) {
		distinct += !seen[key[i]];
		seen[key[i]] = true;
		if (i > 1 && (uint8_t)(key[i] - key[i - 1]) != (uint8_t)(key[i - 1] - key[i - 2]))
			steady = false;
	}
	return steady || distinct < DISTINCT_MIN;
}

static int take_spi(struct parser *p, const struct field *f, const char *value, uint32_t *ret)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(value, &end, strncmp(value, "0x", 2) == 0 ? 16 : 10);
	if (errno || *end || value[0] < '0' || value[0] > '9' || v < SPI_MIN || v > UINT32_MAX)
		return refuse(p,
			      "%s= accepts a number from 256 to 4294967295, decimal or "
			      "hexadecimal after 0x",
			      f->name);
	*ret = (uint32_t)v;
	return 0;
}

static int take_key(struct parser *p, const struct field *f, const char *value, uint8_t *ret,
		    uint32_t *ret_len)
{
	bool authentication = f->kind == AUTHENTICATION;
	int n = keyfile_octets(value, strlen(value), ret, ESP_ENCRYPTION_MAX);

	if (authentication ? n != ESP_AUTHENTICATION_LEN : n != 16 && n != 24 && n != 32)
		return refuse(p,
			      "%s= accepts %s hexadecimal digits and nothing else (no 0x): a key "
			      "of %s octets",
			      f->name, authentication ? "64" : "32, 48 or 64",
			      authentication ? "32" : "16, 24 or 32");
	if (is_weak(ret, (size_t)n))
		return refuse(p, "%s= is no random key; openssl rand -hex 32 makes one", f->name);
	*ret_len = (uint32_t)n;
	return 0;
}

static const struct field *find_field(const char *name)
{
	for (const struct field *f = fields; f < fields + N_FIELDS; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

/* What is not understood is never shown: it may be a key. */
static int take_line(struct parser *p, char *name, char *value)
{
	const struct field *f = find_field(name);
	struct conf_esp_keys *k;
	uint32_t len;

	if (!f)
		return refuse(p, "is none of SPI-out=, SPI-in=, Encryption-out=, Encryption-in=, "
				 "Authentication-out= and Authentication-in=, which are "
				 "case-sensitive");
	if (p->given[f - fields])
		return refuse(p, "%s= is given twice", f->name);
	p->given[f - fields] = true;
	k = (struct conf_esp_keys *)(void *)((char *)&p->esp + f->keys);
	switch (f->kind) {
	case SPI:
		return take_spi(p, f, value, &k->spi);
	case ENCRYPTION:
		return take_key(p, f, value, k->encryption, &k->encryption_len);
	case AUTHENTICATION:
		return take_key(p, f, value, k->authentication, &len);
	}
	return -EINVAL;
}

static char *trim(char *s)
{
	size_t len = strlen(s);

	while (len && strchr(" \t\r", s[len - 1]))
		s[--len] = '\0';
	return s + strspn(s, " \t\r");
}

static int take_lines(struct parser *p, char *text)
{
	int r = 0;

	for (char *line = text, *next; line && r == 0; line = next) {
		char *value;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		p->line++;
		line = trim(line);
		if (!*line || *line == '#' || *line == ';')
			continue;
		value = strchr(line, '=');
		if (value)
			*value++ = '\0';
		r = value ? take_line(p, trim(line), trim(value))
			  : refuse(p, "not of the form NAME=VALUE; a file for PayloadKeyFile= "
				      "has six of these, see dmmd(8)");
	}
	p->line = 0;
	return r;
}

bool payload_key_equal(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	return memcmp(a, b, a_len < b_len ? a_len : b_len) == 0;
}

bool payload_keys_have(const struct conf_esp *e, const uint8_t *key, size_t len)
{
	const struct conf_esp_keys *both[] = {&e->out, &e->in};

	for (unsigned i = 0; i < 2; i++)
		if (payload_key_equal(both[i]->encryption, both[i]->encryption_len, key, len) ||
		    payload_key_equal(both[i]->authentication, ESP_AUTHENTICATION_LEN, key, len))
			return true;
	return false;
}

bool payload_keys_share(const struct conf_esp *a, const struct conf_esp *b)
{
	return payload_keys_have(a, b->out.encryption, b->out.encryption_len) ||
	       payload_keys_have(a, b->out.authentication, ESP_AUTHENTICATION_LEN) ||
	       payload_keys_have(a, b->in.encryption, b->in.encryption_len) ||
	       payload_keys_have(a, b->in.authentication, ESP_AUTHENTICATION_LEN);
}

static int check_all(struct parser *p)
{
	const struct conf_esp_keys *o = &p->esp.out, *i = &p->esp.in;
	const struct {
		const char *name;
		const uint8_t *key;
		size_t len;
	} keys[] = {
		{"Encryption-out", o->encryption, o->encryption_len},
		{"Encryption-in", i->encryption, i->encryption_len},
		{"Authentication-out", o->authentication, ESP_AUTHENTICATION_LEN},
		{"Authentication-in", i->authentication, ESP_AUTHENTICATION_LEN},
	};

	for (unsigned n = 0; n < N_FIELDS; n++)
		if (!p->given[n])
			return refuse(p, "has no %s=", fields[n].name);
	for (unsigned a = 0; a < 4; a++)
		for (unsigned b = 0; b < a; b++)
			if (payload_key_equal(keys[a].key, keys[a].len, keys[b].key, keys[b].len))
				return refuse(p, "%s= and %s= are the same key", keys[b].name,
					      keys[a].name);
	return 0;
}

int payload_keys_parse(const char *text, size_t len, struct conf_esp *ret, char *why, size_t size)
{
	struct parser p = {.why = why, .size = size};
	char copy[PAYLOAD_KEYS_TEXT_MAX + 1];
	int r;

	if (len > PAYLOAD_KEYS_TEXT_MAX)
		return refuse(&p, "is too large for keys");
	memcpy(copy, text, len);
	copy[len] = '\0';
	r = strlen(copy) < len ? refuse(&p, "has an octet that is zero") : take_lines(&p, copy);
	if (r == 0)
		r = check_all(&p);
	if (r == 0)
		*ret = p.esp;
	explicit_bzero(copy, sizeof(copy));
	explicit_bzero(&p.esp, sizeof(p.esp));
	return r;
}

int payload_keys_read(const char *source, struct conf_esp *ret, char *why, size_t size)
{
	char text[PAYLOAD_KEYS_TEXT_MAX];
	const char *words;
	size_t len = 0;
	int r = keyfile_text(source, text, sizeof(text), &len, &words);

	if (r < 0)
		snprintf(why, size, "%s", words);
	else
		r = payload_keys_parse(text, len, ret, why, size);
	explicit_bzero(text, sizeof(text));
	return r;
}
