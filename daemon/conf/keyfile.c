/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "conf/options.h"
#include "conf/value.h"

/* Room for the longest key and as many blanks and newlines as anybody puts around it. */
#define KEYFILE_TEXT_MAX 1024

static int refuse(const char **ret_why, int r, const char *why)
{
	*ret_why = why;
	return r;
}

static int refuse_errno(const char **ret_why)
{
	int e = errno;

	if (e == ELOOP)
		return refuse(ret_why, -e, "is a symbolic link, which is not followed");
	return refuse(ret_why, -e, log_strerror(e));
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int keyfile_octets(const char *text, size_t len, uint8_t *ret, size_t max)
{
	for (size_t i = 0; i < len; i++)
		if (digit(text[i]) < 0)
			return -EINVAL;
	if (len % 2 || len > 2 * max)
		return -EINVAL;
	for (size_t i = 0; i < len / 2; i++)
		ret[i] = (uint8_t)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
	return (int)(len / 2);
}

int keyfile_parse(const char *text, size_t len, uint8_t key[CONF_KEY_MAX], size_t *ret_len,
		  const char **ret_why)
{
	while (len && is_blank(text[len - 1]))
		len--;
	while (len && is_blank(*text))
		text++, len--;
	for (size_t i = 0; i < len; i++)
		if (digit(text[i]) < 0)
			return refuse(ret_why, -EINVAL,
				      "must contain nothing but one row of hexadecimal digits");
	if (len % 2 || len < 2 * KEYFILE_KEY_MIN || len > 2 * CONF_KEY_MAX)
		return refuse(ret_why, -EINVAL,
			      "must contain a key of 16 to 64 octets, which is an even number of "
			      "32 to 128 hexadecimal digits");
	*ret_len = (size_t)keyfile_octets(text, len, key, CONF_KEY_MAX);
	return 0;
}

/* O_NONBLOCK: a FIFO must not stop the daemon before fstat() finds it out. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK)

static int refuse_credential(const char **ret_why)
{
	if (errno != ENOENT)
		return refuse_errno(ret_why);
	return refuse(
		ret_why, -ENOENT,
		"the service has no such credential: key_NAME is the file NAME in " DMMD_SYSCONFDIR
		"/dmmd/keys; is it there, and was the service restarted since?");
}

static int open_credential(const char *name, const char **ret_why)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	_cleanup_close_ int dir = -1;
	int fd;

	if (!directory || *directory != '/')
		return refuse(
			ret_why, -ENOENT,
			"needs LoadCredential= in the unit: there is no credentials directory");
	/* A slash would lead out of the directory. */
	if (!credential_name_is_valid(name))
		return refuse(ret_why, -EINVAL, "is not the name of a credential");
	dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return refuse_errno(ret_why);
	fd = openat(dir, name, OPEN_FLAGS);
	return fd < 0 ? refuse_credential(ret_why) : fd;
}

static int open_path(const char *path, const char **ret_why)
{
	int fd = open(path, OPEN_FLAGS);

	return fd < 0 ? refuse_errno(ret_why) : fd;
}

static int check_file(int fd, bool credential, const char **ret_why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return refuse_errno(ret_why);
	if (!S_ISREG(st.st_mode))
		return refuse(ret_why, -EINVAL, "is not a regular file");
	if (credential)
		return 0;
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return refuse(ret_why, -EPERM,
			      "belongs to somebody else than root and the user of the daemon");
	if (st.st_mode & 077)
		return refuse(ret_why, -EPERM,
			      "can be accessed by group or others; its mode must be 0600 or less");
	return 0;
}

static int read_text(int fd, char *text, size_t size, size_t *ret_len, const char **ret_why)
{
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(fd, text + len, size - len))) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return refuse_errno(ret_why);
		len += (size_t)n;
	}
	if (len == size)
		return refuse(ret_why, -EFBIG, "is too large for a key");
	*ret_len = len;
	return 0;
}

int keyfile_text(const char *source, char *text, size_t size, size_t *ret_len, const char **ret_why)
{
	size_t prefix = strlen(CONF_CREDENTIAL_PREFIX);
	bool credential = strncmp(source, CONF_CREDENTIAL_PREFIX, prefix) == 0;
	_cleanup_close_ int fd = -1;
	int r;

	if (credential)
		fd = open_credential(source + prefix, ret_why);
	else
		fd = open_path(source, ret_why);
	if (fd < 0)
		return fd;
	r = check_file(fd, credential, ret_why);
	return r < 0 ? r : read_text(fd, text, size, ret_len, ret_why);
}

int keyfile_read(const char *source, uint8_t key[CONF_KEY_MAX], size_t *ret_len,
		 const char **ret_why)
{
	char text[KEYFILE_TEXT_MAX + 1];
	size_t len = 0;
	int r = keyfile_text(source, text, sizeof(text), &len, ret_why);

	if (r == 0)
		r = keyfile_parse(text, len, key, ret_len, ret_why);
	explicit_bzero(text, sizeof(text));
	return r;
}
