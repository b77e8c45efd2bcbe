/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "sock/internal.h"

#define MAX_USERS 4096

bool bucket_take(struct bucket *b, usec_t now, usec_t interval, unsigned burst)
{
	usec_t from = b->full_at > now ? b->full_at : now;

	if (from + interval > now + interval * burst)
		return false;
	b->full_at = from + interval;
	return true;
}

void users_init(struct users *u)
{
	for (unsigned i = 0; i < USER_BUCKETS; i++)
		list_init(&u->bucket[i]);
}

static void release(struct users *u, struct user *user)
{
	list_remove(&user->node);
	free(user);
	u->n--;
}

void users_free(struct users *u)
{
	struct user *user, *next;

	for (unsigned i = 0; i < USER_BUCKETS; i++)
		list_for_each_safe(user, next, &u->bucket[i], node)
			release(u, user);
}

/* Who has nothing here and owes nothing. */
static bool is_idle(const struct user *user, usec_t now)
{
	return user->clients == 0 && user->missing.full_at <= now && user->fresh.full_at <= now &&
	       user->group.full_at <= now;
}

/* All that are idle but this one, which is returned if it is there. */
static struct user *sweep(struct users *u, struct list *bucket, uid_t uid, usec_t now)
{
	struct user *user, *next, *found = NULL;

	list_for_each_safe(user, next, bucket, node) {
		if (user->uid == uid)
			found = user;
		else if (is_idle(user, now))
			release(u, user);
	}
	return found;
}

struct user *users_get(struct users *u, uid_t uid, usec_t now)
{
	struct list *bucket = &u->bucket[uid % USER_BUCKETS];
	struct user *found = sweep(u, bucket, uid, now);

	for (unsigned i = 0; !found && u->n >= MAX_USERS && i < USER_BUCKETS; i++)
		sweep(u, &u->bucket[i], uid, now);
	/* Who has many numbers, as in a namespace of his own, does not shut the administrator out. */
	if (found || (u->n >= MAX_USERS && uid != 0))
		return found;
	found = calloc(1, sizeof(*found));
	if (!found)
		return NULL;
	found->uid = uid;
	list_append(bucket, &found->node);
	u->n++;
	return found;
}
