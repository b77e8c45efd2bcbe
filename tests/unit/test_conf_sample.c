/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test_conf.h"

#include "conf/options.h"

static char *written(void (*write)(FILE *))
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	write(f);
	fclose(f);
	return text;
}

/* The file as shipped changes nothing; it has every option. */
Test(conf_sample, is_an_empty_configuration)
{
	char *text = written(conf_write_sample), line[64];
	struct outcome o = accept_conf(text);

	cr_assert(list_empty(&o.conf->links));
	cr_assert(list_empty(&o.conf->anchors));
	for (const struct conf_option *p = conf_options; p < CONF_OPTIONS_END; p++) {
		snprintf(line, sizeof(line), "\n#%s=", p->key);
		cr_assert_not_null(strstr(text, line), "%s", p->key);
	}
	for (char *l = strtok(text, "\n"); l; l = strtok(NULL, "\n"))
		cr_assert_leq(strlen(l), 79, "%s", l);
	outcome_done(&o);
	free(text);
}

/* Settings stand behind "#", explanations behind "# ": without the former it is valid, too. */
Test(conf_sample, is_valid_with_all_options_in_force)
{
	char *text = written(conf_write_sample);
	struct outcome o, empty = accept_conf("");

	for (char *p = text; *p; p++)
		if (*p == '#' && (p == text || p[-1] == '\n') && p[1] != ' ')
			*p = ' ';
	o = accept_conf(text);
	cr_assert_eq(o.conf->log_level, empty.conf->log_level);
	cr_assert_str_eq(o.conf->state_file, empty.conf->state_file);
	cr_assert_eq(o.conf->route_table, empty.conf->route_table);
	cr_assert_not(list_empty(&o.conf->links));
	cr_assert_str_eq(first_anchor(&o)->name, "home");
	cr_assert_eq(first_anchor(&o)->spi, 256);
	outcome_done(&o);
	outcome_done(&empty);
	free(text);
}

Test(conf_sample, mdoc_lists_every_option)
{
	char *text = written(conf_write_mdoc), line[64];

	for (const struct conf_option *o = conf_options; o < CONF_OPTIONS_END; o++) {
		snprintf(line, sizeof(line), "\n.It Cm %s=\n", o->key);
		cr_assert_not_null(strstr(text, line), "%s", o->key);
	}
	cr_assert_not_null(strstr(text, ".Ss [Anchor NAME] section\n"));
	cr_assert_str_eq(text + strlen(text) - 5, "\n.El\n");
	free(text);
}
