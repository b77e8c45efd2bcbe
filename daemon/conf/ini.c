/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/ini.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* One physical line, or what is joined so far: not terminated. */
struct span {
	char *start, *end;
};

static struct span span_trim(struct span s)
{
	while (s.start < s.end && is_blank(*s.start))
		s.start++;
	while (s.start < s.end && is_blank(s.end[-1]))
		s.end--;
	return s;
}

/* Well-formed UTF-8 (RFC 3629): shortest form, no surrogates, at most U+10FFFF. */
static bool is_utf8(struct span s)
{
	const uint8_t *p = (const uint8_t *)s.start, *end = (const uint8_t *)s.end;

	while (p < end) {
		unsigned follow = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
		uint8_t low = *p == 0xe0 ? 0xa0 : *p == 0xf0 ? 0x90 : 0x80;
		uint8_t high = *p == 0xed ? 0x9f : *p == 0xf4 ? 0x8f : 0xbf;

		if ((*p >= 0x80 && *p < 0xc2) || *p > 0xf4 || (size_t)(end - p) <= follow)
			return false;
		for (unsigned i = 1; i <= follow; i++, low = 0x80, high = 0xbf)
			if (p[i] < low || p[i] > high)
				return false;
		p += 1 + follow;
	}
	return true;
}

int ini_open(struct ini_reader *r, const char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf"; /* what some editors put in front */
	char *copy = malloc(len + 1);

	if (!copy)
		return -ENOMEM;
	if (len)
		memcpy(copy, text, len);
	*r = (struct ini_reader){.text = copy, .next = copy, .end = copy + len};
	if (len >= 3 && memcmp(copy, mark, 3) == 0)
		r->next += 3;
	return 0;
}

void ini_close(struct ini_reader *r)
{
	free(r->text);
	r->text = NULL;
}

/* The next physical line; false at the end of the text. */
static bool take_line(struct ini_reader *r, struct span *ret)
{
	char *newline;

	if (r->next == r->end)
		return false;
	newline = memchr(r->next, '\n', (size_t)(r->end - r->next));
	ret->start = r->next;
	ret->end = newline ? newline : r->end;
	r->next = newline ? newline + 1 : r->end;
	r->number++;
	return true;
}

/* An odd number of backslashes at the end joins the next line: two are a literal one. */
static bool continues(struct span s)
{
	size_t n = 0;

	while (s.end - (ptrdiff_t)n > s.start && s.end[-1 - (ptrdiff_t)n] == '\\')
		n++;
	return n % 2;
}

static struct ini_line bad(enum ini_kind kind, unsigned number, const char *why)
{
	return (struct ini_line){.kind = kind, .number = number, .why = why};
}

static struct ini_line classify(struct span s, unsigned number)
{
	struct ini_line l = {.number = number};
	struct span name, value;
	char *sep;

	if (*s.start == '[') {
		if (s.end[-1] != ']')
			return bad(INI_BAD_SECTION, number,
				   "a section is written [Name], with nothing behind it");
		name = span_trim((struct span){s.start + 1, s.end - 1});
		l.kind = INI_SECTION;
	} else {
		sep = memchr(s.start, '=', (size_t)(s.end - s.start));
		if (!sep)
			return bad(INI_BAD, number,
				   "neither [Section] nor Key=Value nor a comment");
		name = span_trim((struct span){s.start, sep});
		value = span_trim((struct span){sep + 1, s.end});
		l.kind = INI_ASSIGNMENT;
		l.value = value.start;
		*value.end = '\0';
	}
	if (name.start == name.end)
		return bad(l.kind == INI_SECTION ? INI_BAD_SECTION : INI_BAD, number,
			   "the name is missing");
	l.name = name.start;
	*name.end = '\0';
	return l;
}

/*
 * Continued lines are moved together in place.  There is always room: each join drops a backslash
 * and a newline and adds a blank.  Terminators overwrite a newline, a separator or the spare octet
 * at the end of the copy.
 */
struct ini_line ini_next(struct ini_reader *r)
{
	struct span line, whole = {NULL, NULL};
	const char *why = NULL;
	unsigned first = 0;
	bool more = false;

	while (take_line(r, &line)) {
		if (memchr(line.start, '\0', (size_t)(line.end - line.start)))
			why = "contains a NUL byte";
		else if (!is_utf8(line))
			why = "is not valid UTF-8";
		if (why)
			return bad(INI_BAD, r->number, why);
		line = span_trim(line);
		if (line.start < line.end && (*line.start == '#' || *line.start == ';'))
			continue;
		if (!more && line.start == line.end)
			continue;
		more = continues(line);
		if (more)
			line.end--;
		if (!whole.start) {
			whole = line;
			first = r->number;
		} else {
			size_t n = (size_t)(line.end - line.start);

			*whole.end++ = ' ';
			memmove(whole.end, line.start, n);
			whole.end += n;
		}
		if (!more)
			break;
	}
	if (!whole.start)
		return (struct ini_line){.kind = INI_END, .number = r->number};
	if (more)
		return bad(INI_BAD, first, "ends in a backslash, but no line follows");
	whole = span_trim(whole);
	if (whole.start == whole.end)
		return bad(INI_BAD, first, "joins lines without content");
	return classify(whole, first);
}
