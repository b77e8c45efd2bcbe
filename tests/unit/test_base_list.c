/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists, names of enumerations, time arithmetic, log levels. */
#include <criterion/criterion.h>

#include <errno.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "base/log.h"
#include "base/strtab.h"
#include "base/usec.h"

struct node {
	int value;
	struct list list;
};

static int digits(const struct list *head)
{
	struct node *n;
	int all = 0;

	list_for_each(n, head, list) {
		all = all * 10 + n->value;
	}
	return all;
}

Test(base_list, keeps_order)
{
	struct list head = LIST_INIT(head);
	struct node n[3] = {{.value = 1}, {.value = 2}, {.value = 3}};

	cr_assert(list_empty(&head));
	for (int i = 0; i < 3; i++)
		list_append(&head, &n[i].list);
	cr_assert_eq(digits(&head), 123);
	list_remove(&n[1].list);
	cr_assert_eq(digits(&head), 13);
	list_append(&head, &n[1].list);
	cr_assert_eq(digits(&head), 132);
}

Test(base_list, removing_twice_is_harmless)
{
	struct list head = LIST_INIT(head);
	struct node n = {.value = 1}, never = {.value = 2};

	list_init(&never.list);
	list_remove(&never.list);
	list_append(&head, &n.list);
	list_remove(&n.list);
	list_remove(&n.list);
	cr_assert(list_empty(&head));
}

Test(base_list, entries_may_go_while_walking)
{
	struct list head = LIST_INIT(head);
	struct node *n, *tmp;
	int sum = 0;

	for (int i = 1; i <= 4; i++) {
		n = (struct node *)calloc(1, sizeof(*n));
		n->value = i;
		list_append(&head, &n->list);
	}
	list_for_each_safe(n, tmp, &head, list) {
		sum += n->value;
		list_remove(&n->list);
		free(n);
	}
	cr_assert_eq(sum, 10);
	cr_assert(list_empty(&head));
}

enum colour { RED, GREEN, COLOUR_MAX };
DECLARE_STRTAB(colour);
DEFINE_STRTAB(colour, "red", "green");

Test(base_strtab, names_and_values)
{
	cr_assert_str_eq(colour_str(GREEN), "green");
	cr_assert_str_eq(colour_str(COLOUR_MAX), "unknown");
	cr_assert_str_eq(colour_str(-1), "unknown");
	cr_assert_eq(colour_parse("red"), RED);
	cr_assert_eq(colour_parse("blue"), -1);
	cr_assert_eq(colour_parse(""), -1);
	cr_assert_null(colour_names[COLOUR_MAX]);
}

Test(base_usec, neither_end_wraps)
{
	cr_assert_eq(usec_add(1, 2), 3);
	cr_assert_eq(usec_add(USEC_INFINITY, 1), USEC_INFINITY);
	cr_assert_eq(usec_add(USEC_INFINITY - 1, 5), USEC_INFINITY);
	cr_assert_eq(usec_sub(3, 2), 1);
	cr_assert_eq(usec_sub(2, 3), 0);
}

Test(base_log, levels_by_name)
{
	cr_assert_eq(log_level_parse("err"), LOG_ERR);
	cr_assert_eq(log_level_parse("debug"), LOG_DEBUG);
	cr_assert_eq(log_level_parse("loud"), -EINVAL);
	cr_assert_str_eq(log_level_str(LOG_WARNING), "warning");
	cr_assert_str_eq(log_strerror(ENOENT), "No such file or directory");
	cr_assert_str_eq(log_strerror(99999), "unknown error");
}

Test(base_cleanup, take_leaves_nothing_behind)
{
	_cleanup_free_ char *p = strdup("x");
	_cleanup_free_ char *q = TAKE_PTR(p);
	int fd = 7;

	cr_assert_null(p);
	cr_assert_str_eq(q, "x");
	cr_assert_eq(TAKE_FD(fd), 7);
	cr_assert_eq(fd, -1);
}
