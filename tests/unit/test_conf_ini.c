/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test_conf.h"

#include "conf/ini.h"

/* The lines of a text, one word for each: number[section], number:key=value, number!. */
static void check_lines(const char *text, size_t len, const char *expected)
{
	struct ini_reader r;
	struct ini_line l;
	char *got;
	size_t size;
	FILE *out = open_memstream(&got, &size);

	cr_assert_eq(ini_open(&r, text, len), 0);
	while ((l = ini_next(&r)).kind != INI_END) {
		if (l.kind == INI_SECTION)
			fprintf(out, "%u[%s]", l.number, l.name);
		else if (l.kind == INI_ASSIGNMENT)
			fprintf(out, "%u:%s=%s", l.number, l.name, l.value);
		else
			fprintf(out, "%u!%s", l.number, l.why);
		fputc('|', out);
	}
	fclose(out);
	cr_assert_str_eq(got, expected);
	ini_close(&r);
	free(got);
}

static void check(const char *text, const char *expected)
{
	check_lines(text, strlen(text), expected);
}

Test(conf_ini, sections_assignments_comments_blanks)
{
	check("", "");
	check("\n\n# c\n ; d\n", "");
	check("[A]\nk=v", "1[A]|2:k=v|");
	check("  [ A b ]  \r\n\tk \t=  v w \r\n", "1[A b]|2:k=v w|");
	check("k=a=b # not a comment", "1:k=a=b # not a comment|");
	check("k=\n", "1:k=|");
	check("\xef\xbb\xbf[A]\n", "1[A]|");
}

Test(conf_ini, backslash_joins_lines)
{
	check("k=a\\\n  b\\\nc\nl=1\n", "1:k=a b c|4:l=1|");
	check("k=a\\\n# comment\n; comment\\\nb\n", "1:k=a b|");
	check("k=a\\\r\nb\r\n", "1:k=a b|");
	check("k=a\\\n\nl=1\n", "1:k=a|3:l=1|");
	check("k=a\\\\\nl=1\n", "1:k=a\\\\|2:l=1|");
	check("# no\\\nk=a\n", "2:k=a|");
	check("k=a\\", "1!ends in a backslash, but no line follows|");
	check("\\\n\\\n\nk=v\n", "1!joins lines without content|4:k=v|");
}

Test(conf_ini, reading_goes_on_after_errors)
{
	check("x\n[A\n[]\n[A]b\n=v\nk=v\n",
	      "1!neither [Section] nor Key=Value nor a comment|"
	      "2!a section is written [Name], with nothing behind it|3!the name is missing|"
	      "4!a section is written [Name], with nothing behind it|5!the name is missing|6:k=v|");
	check_lines("a=\0b\nk=v", 8, "1!contains a NUL byte|2:k=v|");
}

Test(conf_ini, only_utf8)
{
	static const char *const wrong[] = {"\x80",         "\xc3",         "\xc0\xaf",
					    "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
					    "\xf8\x88",     "\xff",         "\xe2\x82 "};
	char text[32];

	check("k=\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80",
	      "1:k=\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80|");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(text, sizeof(text), "k=%s\nl=1", wrong[i]);
		check(text, "1!is not valid UTF-8|2:l=1|");
	}
}

Test(conf_ini, long_lines)
{
	size_t n = 200000;
	char *text = malloc(n), *expected = malloc(n + 16);

	memset(text, 'v', n);
	memcpy(text, "k=", 2);
	sprintf(expected, "1:%.*s|", (int)n, text);
	check_lines(text, n, expected);
	free(text);
	free(expected);
}
