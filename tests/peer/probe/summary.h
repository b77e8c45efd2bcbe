/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The summary of a run: one line of JSON on standard output, and in the file asked for. */
#pragma once

#include <jansson.h>

#include "options.h"

/* Takes the reference to the summary.  0 or -errno of the file. */
int summary_write(const struct probe_options *o, json_t *summary);
