/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading of whole files and of drop-in directories. */
#pragma once

#include <stddef.h>

/*
 * The octets of a regular file (symbolic links are followed), to be freed by the caller; a NUL
 * stands behind them.  0, -EFBIG when it is larger than max, -EBADFD when it is not a regular
 * file, or -errno.
 */
int file_read(const char *path, size_t max, char **ret, size_t *ret_len);

/*
 * Paths of the files in `directory` whose names end in ".conf" and do not begin with a dot, in the
 * order of their names.  How many, or -errno; a missing directory has none.  To be freed by
 * dropins_free(), also when there are none.
 */
int dropins_list(const char *directory, char ***ret);
void dropins_free(char **paths, int n);
