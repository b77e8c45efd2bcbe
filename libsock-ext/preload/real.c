/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The next definition of each call, which may be that of another preloaded object. */
#include <dlfcn.h>

#include "../lib/library.h"

struct real_calls real = {.sees_all = true};

#define FIND(name) (real.name = (__typeof__(real.name))dlsym(RTLD_NEXT, #name))

void real_load(void)
{
	FIND(bind);
	FIND(setsockopt);
	FIND(getsockopt);
	FIND(sendto);
	FIND(sendmsg);
	FIND(sendmmsg);
	FIND(setns);
	FIND(unshare);
	FIND(connect); /* the last: the others are there when it is */
	library_read_policy();
}
