/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that only starting needed. */
#pragma once

/*
 * Give back the pages of code and constants that were touched while libraries initialised, and free
 * heap.  They are in the page cache and come back when used; a daemon that sleeps for hours should
 * not hold them mapped.  Pages of our own (relocations, data) are never touched.
 */
void footprint_trim(void);
