/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl.h"

int verb_reload(struct ctl *c, char **args, int n)
{
	(void)args, (void)n;
	return client_call(c, CTL_SERVICE ".Manager", "Reload", NULL, NULL);
}
