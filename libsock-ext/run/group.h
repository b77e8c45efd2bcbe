/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A control group (version 2) of the command's own, by which the kernel's hooks know its sockets. */
#ifndef DMM_RUN_GROUP_H
#define DMM_RUN_GROUP_H

#include <limits.h>
#include <stdbool.h>

struct control_group {
	char before[PATH_MAX]; /* directory of the group that this process came from */
	char path[PATH_MAX];   /* and of the one it is in now */
	bool made;             /* by us and not by systemd: to be removed by us */
};

/*
 * Makes a group below the present one and moves this process into it; where that is not allowed the user's systemd
 * makes a scope.
 */
int control_group_enter(struct control_group *group);

/* Moves back and removes the group; what systemd made stays. */
void control_group_leave(const struct control_group *group);

/* Leaves a process behind, outside of the group, that removes it when nobody is in it any more. */
int control_group_keep(const struct control_group *group);

#endif
