/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "ctl.h"

bool output_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
}

int output_json(const struct ctl *c, const json_t *v)
{
	size_t flags = c->json == JSON_MODE_PRETTY ? JSON_INDENT(2) : JSON_COMPACT;

	if (json_dumpf(v, stdout, flags) < 0) {
		complain("cannot write the output");
		return CTL_ERROR;
	}
	putchar('\n');
	fflush(stdout);
	return CTL_OK;
}

static int add_row(struct libscols_table *t, const struct column *columns, const json_t *row)
{
	struct libscols_line *line = scols_table_new_line(t, NULL);
	char buf[FORMAT_LEN];

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; columns[i].title; i++) {
		const json_t *v = json_object_get(row, columns[i].key);
		const char *colour = NULL;
		int r = scols_line_set_data(line, i, format_value(columns[i].format, v, buf));

		if (columns[i].format == FORMAT_STATE)
			colour = format_colour(json_string_value(v));
		if (r == 0 && colour)
			r = scols_cell_set_color(scols_line_get_cell(line, i), colour);
		if (r != 0)
			return r;
	}
	return 0;
}

int output_table(const struct ctl *c, const struct column *columns, const json_t *rows)
{
	struct libscols_table *t = scols_new_table();
	const json_t *row;
	size_t i;
	int r = t ? 0 : -ENOMEM;

	if (r == 0) {
		scols_table_enable_noheadings(t, c->no_legend);
		scols_table_enable_colors(t, c->colour);
		scols_table_set_column_separator(t, "  ");
		/* Addresses are of no use when cut. */
		scols_table_set_termforce(t, SCOLS_TERMFORCE_NEVER);
	}
	for (const struct column *k = columns; r == 0 && k->title; k++)
		if (!scols_table_new_column(t, k->title, 0, k->right ? SCOLS_FL_RIGHT : 0))
			r = -ENOMEM;
	json_array_foreach(rows, i, row) if (r == 0) r = add_row(t, columns, row);
	if (r == 0 && !scols_table_is_empty(t))
		r = scols_print_table(t);
	scols_unref_table(t);
	if (r == 0)
		return CTL_OK;
	complain("cannot print the table: %s", strerror(r < 0 ? -r : r));
	return CTL_ERROR;
}

void output_coloured(const struct ctl *c, const char *colour, const char *text)
{
	static const struct {
		const char *name, *code;
	} codes[] = {{"red", "31"}, {"green", "32"}, {"yellow", "33"}, {"darkgray", "90"}};

	for (size_t i = 0; c->colour && colour && i < sizeof(codes) / sizeof(*codes); i++)
		if (strcmp(codes[i].name, colour) == 0) {
			printf("\033[%sm%s\033[0m", codes[i].code, text);
			return;
		}
	fputs(text, stdout);
}

void output_field(const struct ctl *c, const char *title, const char *value, const char *state)
{
	printf("%17s: ", title);
	output_coloured(c, format_colour(state), value);
	putchar('\n');
}

void output_fields(const struct ctl *c, const struct field *fields, const json_t *row)
{
	char buf[FORMAT_LEN];

	for (; fields->title; fields++) {
		const json_t *v = json_object_get(row, fields->key);

		output_field(c, fields->title, format_value(fields->format, v, buf),
			     fields->format == FORMAT_STATE ? json_string_value(v) : NULL);
	}
}

void output_none(const struct ctl *c, const char *what)
{
	if (c->json == JSON_MODE_OFF && !c->no_legend)
		printf("no %s\n", what);
}

/* Addresses can be written in more than one way. */
static const char *canonical(const char *name, struct addr_buf *buf)
{
	struct ip6_prefix p;
	struct in6_addr a;

	if (addr_parse(name, &a) == 0)
		return addr_to_str(&a, buf);
	if (prefix_parse(name, &p) == 0)
		return prefix_to_str(&p, buf);
	return name;
}

int output_select(const json_t *rows, const char *key, const char *what, char **names, int n,
		  json_t **ret)
{
	json_t *found = json_array();
	int r = CTL_OK;

	for (int i = 0; i < n; i++) {
		json_t *row = model_find((json_t *)rows, key,
					 canonical(names[i], &(struct addr_buf){{0}}));

		if (row) {
			json_array_append(found, row);
		} else {
			complain("there is no %s %s", what, names[i]);
			r = CTL_NO_OBJECT;
		}
	}
	if (n == 0)
		json_array_extend(found, (json_t *)rows);
	*ret = found;
	return r;
}
