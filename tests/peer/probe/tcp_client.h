/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "options.h"

/* Runs to the end and writes the summary.  0, or a negative errno when the connection failed. */
int tcp_client_run(const struct probe_options *o);
