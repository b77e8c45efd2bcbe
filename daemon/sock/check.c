/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The test of what applications find: the table by its name, the socket by its name, the hooks; and when the policy acts. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sock/internal.h"

static void say(struct audit_result *r, bool ok, const char *what, const char *words)
{
	*r = (struct audit_result){.ok = ok};
	snprintf(r->what, sizeof(r->what), "%s", what);
	snprintf(r->words, sizeof(r->words), "%s", words);
}

static const char *check_table(const struct sock *s)
{
	_cleanup_close_ int fd = -1;
	struct dmm_table header;
	struct stat st;

	if (s->directory < 0)
		return "RuntimeDirectory= cannot be used, see the log: applications are given no "
		       "addresses";
	fd = openat(s->directory, DMM_TABLE_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return "it is gone: restart dmmd";
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 0777) != 0644)
		return "it is not a file of the daemon that all may read: remove it and restart "
		       "dmmd";
	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    header.magic != DMM_TABLE_MAGIC || (header.flags & DMM_TABLE_SUPERSEDED) ||
	    header.instance != s->table.instance ||
	    header.generation != table_generation(&s->table))
		return "it is not the one that the daemon writes: restart dmmd";
	return NULL;
}

/* A connection of our own is as good as that of others. */
static const char *check_socket(const struct sock *s)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (s->server.listener < 0)
		return "it could not be made, see the log: applications cannot wait for addresses";
	memcpy(name.sun_path, s->server.path, strlen(s->server.path));
	if (fd < 0 || connect(fd, (const struct sockaddr *)&name, sizeof(name)) < 0)
		return errno == EAGAIN ? "too many connect to it at this moment"
				       : "its name leads nowhere: restart dmmd";
	if (stat(s->server.path, &st) < 0 || (st.st_mode & 0666) != 0666)
		return "not everybody may connect to it: chmod 0666";
	return NULL;
}

unsigned sock_check(const struct sock *s, struct audit_result ret[static SOCK_CHECKS])
{
	const char *wrong = check_table(s);
	char words[sizeof(ret->words)];

	say(&ret[0], !wrong, "table of addresses for applications", wrong ? wrong : "");
	wrong = check_socket(s);
	say(&ret[1], !wrong, "socket for applications", wrong ? wrong : "");
	say(&ret[2], true, "socket hooks of the kernel",
	    s->hooks ? "in use" : "not in use: dmmd-hooks.service does not run");
	policy_words(s, words, sizeof(words));
	say(&ret[3], true, "policy for applications that do not ask", words);
	return SOCK_CHECKS;
}
