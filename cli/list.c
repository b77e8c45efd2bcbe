/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl.h"

int list_run(struct ctl *c, const struct list_spec *spec, char **args, int n)
{
	json_auto_t *model = NULL, *rows = NULL;
	int r = model_load(c, &model), found;

	if (r != CTL_OK)
		return r;
	found = output_select(json_object_get(model, spec->rows), spec->key, spec->what, args, n,
			      &rows);
	if (c->json != JSON_MODE_OFF)
		r = output_json(c, rows);
	else if (n == 0 && json_array_size(rows) == 0)
		output_none(c, spec->many);
	else
		r = output_table(c, spec->columns, rows);
	return r == CTL_OK ? found : r;
}
