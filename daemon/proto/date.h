/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dates in text: RFC 3339 section 5.6. */
#pragma once

#include "base/usec.h"

/* "2026-05-23T06:00:00.5+02:00" -> microseconds since 1970 (0 for what is earlier).  0, or -EINVAL. */
int date_parse(const char *s, usec_t *ret);
