/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much one user may have, who may have what, and how often trouble is logged. */
#include "test_conf.h"

#include <sys/socket.h>

#include "sock/internal.h"

Test(sock_limits, a_bucket_lets_a_burst_through_and_then_one_at_a_time)
{
	struct bucket b = {0};
	usec_t now = 1000 * USEC_PER_SEC;

	for (int i = 0; i < 4; i++)
		cr_assert(bucket_take(&b, now, 15 * USEC_PER_SEC, 4));
	cr_assert_not(bucket_take(&b, now, 15 * USEC_PER_SEC, 4));
	now += 15 * USEC_PER_SEC - 1;
	cr_assert_not(bucket_take(&b, now, 15 * USEC_PER_SEC, 4));
	now++;
	cr_assert(bucket_take(&b, now, 15 * USEC_PER_SEC, 4));
	cr_assert_not(bucket_take(&b, now, 15 * USEC_PER_SEC, 4));
	now += 3600 * USEC_PER_SEC;
	for (int i = 0; i < 4; i++)
		cr_assert(bucket_take(&b, now, 15 * USEC_PER_SEC, 4));
	cr_assert_not(bucket_take(&b, now, 15 * USEC_PER_SEC, 4));
}

Test(sock_limits, users_are_remembered_as_long_as_they_owe_something)
{
	struct users u = {0};
	struct user *one;
	usec_t now = 1000 * USEC_PER_SEC;

	users_init(&u);
	one = users_get(&u, 7, now);
	cr_assert_eq(users_get(&u, 7, now), one);
	cr_assert(bucket_take(&one->fresh, now, 15 * USEC_PER_SEC, 1));
	users_get(&u, 7 + USER_BUCKETS, now);
	cr_assert_eq(u.n, 2);
	cr_assert_eq(users_get(&u, 7, now), one);
	cr_assert_not(bucket_take(&one->fresh, now, 15 * USEC_PER_SEC, 1));
	users_get(&u, 7 + USER_BUCKETS, now + 20 * USEC_PER_SEC);
	cr_assert_eq(u.n, 1);
	users_free(&u);
	cr_assert_eq(u.n, 0);
}

Test(sock_limits, there_are_not_more_users_than_fit)
{
	struct users u = {0};
	unsigned n = 0;

	users_init(&u);
	for (uid_t uid = 0; uid < 10000; uid++) {
		struct user *user = users_get(&u, uid, 1);

		if (user) {
			user->clients = 1;
			n++;
		}
	}
	cr_assert_eq(n, u.n);
	cr_assert_leq(n, 4096);
	users_free(&u);
}

Test(sock_limits, users_who_have_gone_are_in_nobodys_way)
{
	struct users u = {0};
	struct user *one;

	users_init(&u);
	for (uid_t uid = 1; uid < 4096 * USER_BUCKETS; uid += USER_BUCKETS) {
		one = users_get(&u, uid, 1);
		cr_assert(one);
		one->clients = 1;
	}
	cr_assert_null(users_get(&u, 1000, 1));
	one = users_get(&u, 0, 1);
	cr_assert(one);
	one->clients = 1;
	one = users_get(&u, 1, 1);
	one->clients = 0;
	cr_assert_null(users_get(&u, 1000, 1), "root's place");
	one = users_get(&u, 1 + USER_BUCKETS, 1);
	one->clients = 0;
	cr_assert(users_get(&u, 1000, 1));
	users_free(&u);
}

Test(sock_limits, a_complaint_a_minute)
{
	struct complaint c = {0};
	usec_t now = USEC_PER_SEC;

	cr_assert_eq(complaint_due(&c, now), 0);
	for (int i = 0; i < 5; i++)
		cr_assert_eq(complaint_due(&c, now + 59 * USEC_PER_SEC), -1);
	cr_assert_eq(complaint_due(&c, now + 60 * USEC_PER_SEC), 5);
	cr_assert_eq(complaint_due(&c, now + 120 * USEC_PER_SEC), 0);
}

Test(sock_limits, who_is_permitted)
{
	int pair[2];
	struct user user = {.uid = 1000};
	struct client c = {.user = &user, .gid = 50};
	struct conf_permission p = {.all = true};

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	c.fd = pair[0];
	cr_assert(permit_has(&p, &c));
	p.all = false;
	cr_assert_not(permit_has(&p, &c));
	p.user[p.n_users++] = 1000;
	cr_assert(permit_has(&p, &c));
	p.user[0] = 1001;
	cr_assert_not(permit_has(&p, &c));
	p.group[p.n_groups++] = 51;
	cr_assert_not(permit_has(&p, &c));
	p.group[p.n_groups++] = 50;
	cr_assert(permit_has(&p, &c));
	user.uid = 0;
	p.n_groups = 0;
	cr_assert(permit_has(&p, &c), "root always is");
	close(pair[0]);
	close(pair[1]);
}

Test(sock_limits, users_of_a_permission_are_told_once)
{
	const struct conf_permission p = {
		.n_users = 3, .user = {7, 0, 7}, .n_groups = 1, .group = {0}};
	uid_t users[4];
	unsigned n = permit_users(&p, users, 4);

	cr_assert_geq(n, 2);
	cr_assert_eq(users[0], 0);
	cr_assert_eq(users[1], 7);
	for (unsigned i = 2; i < n; i++)
		cr_assert(users[i] != 0 && users[i] != 7);
	cr_assert_eq(permit_users(&p, users, 1), 1);
}

Test(sock_limits, types_of_service_have_each_other)
{
	enum service_type back;

	for (int i = 0; i < SERVICE_TYPE_MAX; i++) {
		cr_assert(type_from_library(type_to_library((enum service_type)i), &back));
		cr_assert_eq((int)back, i);
	}
	cr_assert_not(type_from_library(DMM_SC_UNSPEC, &back));
	cr_assert_not(type_from_library(5, &back));
	cr_assert_not(type_from_library(UINT32_MAX, &back));
}
