/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option table for readers: a sample file, and the list for dmmd.conf(5). */
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/options.h"

#define LINE_WIDTH 79

/* Text as comment lines, broken between words. */
static void write_comment(FILE *out, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " \n");

		if (column && column + 1 + len > LINE_WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		column += (size_t)fprintf(out, "%s%.*s", column ? " " : "# ", (int)len, text);
		text += len;
		text += strspn(text, " \n");
	}
	fputc('\n', out);
}

void conf_write_sample(FILE *out)
{
	const struct conf_option *before = NULL;

	write_comment(out, "Configuration of dmmd, see dmmd.conf(5).");
	write_comment(out, "Every option stands here with its default, or with an example where it "
			   "has none. To change something remove the # in front of the option and "
			   "of its section, or write a file *.conf of your own in the directory "
			   "that has the name of this file and .d behind it. An empty value brings "
			   "the default back.");
	for (const struct conf_option *o = conf_options; o < CONF_OPTIONS_END; o++) {
		char text[1024];

		if (!before || before->section != o->section) {
			const struct conf_section_info *s = &conf_sections[o->section];

			fputc('\n', out);
			write_comment(out, s->help);
			fprintf(out, "#%s\n", s->sample);
		}
		snprintf(text, sizeof(text), "%s Accepted: %s.%s", o->help, o->accepted,
			 o->item ? " May be repeated." : "");
		fputc('\n', out);
		write_comment(out, text);
		fprintf(out, "#%s=%s\n", o->key, o->fallback ? o->fallback : o->example);
		before = o;
	}
}

/*
 * Text as roff reads it: lines broken between words and at each newline, where a sentence ends;
 * none begins with what would make it a request.  A plain hyphen may become another character and
 * the end of a line, which values must not.
 */
static void write_mdoc_text(FILE *out, const char *text, size_t column)
{
	while (*text) {
		size_t len = strcspn(text, " \n");

		if (column && column + 1 + len > LINE_WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		if (column)
			column += (size_t)fprintf(out, " ");
		else if (*text == '.' || *text == '\'')
			column += (size_t)fprintf(out, "\\&");
		for (; len; len--, text++) {
			const char *escaped = *text == '\\' ? "\\e" : *text == '-' ? "\\-" : "%c";

			column += (size_t)fprintf(out, escaped, *text);
		}
		if (*text == '\n') {
			fputc('\n', out);
			column = 0;
		}
		text += strspn(text, " \n");
	}
}

static void write_mdoc_sentence(FILE *out, const char *label, const char *text)
{
	write_mdoc_text(out, text, (size_t)fprintf(out, "%s", label));
	fputs(".\n", out);
}

void conf_write_mdoc(FILE *out)
{
	const struct conf_option *before = NULL;

	for (const struct conf_option *o = conf_options; o < CONF_OPTIONS_END; o++) {
		if (!before || before->section != o->section) {
			const struct conf_section_info *s = &conf_sections[o->section];

			if (before)
				fputs(".El\n", out);
			fprintf(out, ".Ss %s section\n", s->title);
			write_mdoc_text(out, s->help, 0);
			fputs(".Bl -tag -width Ds\n", out);
		}
		fprintf(out, ".It Cm %s=\n", o->key);
		write_mdoc_text(out, o->help, 0);
		fputc('\n', out);
		write_mdoc_sentence(out, "Accepted:", o->accepted);
		if (o->fallback)
			write_mdoc_sentence(out, "Default:", o->fallback);
		if (o->item)
			fputs("May be repeated; an empty value clears the list.\n", out);
		before = o;
	}
	fputs(".El\n", out);
}
