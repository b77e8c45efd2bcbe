/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hooks.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "group.h"

static const char *refusal(int error)
{
	switch (-error) {
	case EOPNOTSUPP:
		return "the kernel has no hooks of dmmd";
	case EPERM:
	case EACCES:
		return "dmmd does not allow it to this user";
	case ETIMEDOUT:
		return "dmmd does not answer";
	case EAGAIN:
		return "dmmd has no place for it at the moment";
	default:
		return strerror(-error);
	}
}

int hooks_enter(const struct run_request *request, const char **reason)
{
	struct control_group group;
	int fd = daemon_open(), r;

	if (fd < 0) {
		*reason = "dmmd does not run";
		return fd;
	}
	r = control_group_enter(&group);
	if (r < 0) {
		*reason = "no control group can be made for the command";
		close(fd);
		return r;
	}
	r = daemon_control_group(fd, request->type, request->udp);
	close(fd);
	if (r == 0)
		r = control_group_keep(&group);
	if (r < 0) {
		*reason = refusal(r);
		control_group_leave(&group);
	}
	return r;
}
