/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results as tables: comma-separated values, one line of names first.  What cannot be written ends the program. */
#pragma once

#include <stdio.h>

#include "study.h"

FILE *csv_open(const char *directory, const char *name, const char *head);
void csv_close(FILE *f);

/* The rest of a line. */
extern const char csv_figures_head[];
void csv_figures(FILE *out, const struct setup *s, const struct tally *t);

/* Whole lines: of every anchor; of every number of bindings that a node had; of kinds of messages; after a failure. */
void csv_anchors(FILE *out, const struct setup *s, const struct tally *t);
void csv_bindings(FILE *out, const struct setup *s, const struct tally *t);
void csv_messages(FILE *out, const struct setup *s, const struct tally *t);
void csv_failure(FILE *out, const struct setup *s, const struct tally *t);
