/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the test framework itself leaks, now and then, when it runs several tests at once is not ours. */

const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libcriterion";
}

const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}
