/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "conf/files.h"

#define HEADER "dmmd-state 1\n"
#define CHECKSUM "checksum "
#define CHECKSUM_LEN (sizeof(CHECKSUM) - 1 + 8 + 1)
#define ENTRY_MAX 256
#define FILE_SIZE_MAX (sizeof(HEADER) + STATE_ENTRIES_MAX * ENTRY_MAX + CHECKSUM_LEN)

/* CRC-32 of IEEE 802.3: against accidents, not against malice. */
static uint32_t crc32(const char *text, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= (uint8_t)text[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static void format_checksum(char line[CHECKSUM_LEN + 1], const char *text, size_t len)
{
	snprintf(line, CHECKSUM_LEN + 1, CHECKSUM "%08" PRIx32 "\n", crc32(text, len));
}

static int format_entry(char line[ENTRY_MAX], const struct state_entry *e)
{
	return snprintf(line, ENTRY_MAX, "binding %s %s %s %u %s %" PRIu64 "%s%s\n",
			ADDR_STR(&e->home), ADDR_STR(&e->anchor), ADDR_STR(&e->coa), e->sequence,
			e->registered ? "registered" : "unregistered", e->expires_real,
			e->on_request ? " " : "",
			e->on_request ? service_type_str((int)e->service) : "");
}

/*
 * What format_entry() writes, and nothing else: the result is formatted again and must give the
 * same line, so that every entry has one form.
 */
static int parse_entry(const char *text, size_t len, struct state_entry *ret)
{
	char line[ENTRY_MAX], again[ENTRY_MAX], home[ADDR_STRLEN], anchor[ADDR_STRLEN],
		coa[ADDR_STRLEN], service[32];
	struct state_entry e = {0};
	char registered[16];
	unsigned sequence;
	int n, type;

	if (len >= sizeof(line) || memchr(text, '\0', len))
		return -EBADMSG;
	memcpy(line, text, len);
	line[len] = '\0';
	n = sscanf(line, "binding %49s %49s %49s %5u %15s %20" SCNu64 " %31s", home, anchor, coa,
		   &sequence, registered, &e.expires_real, service);
	if (n < 6 || sequence > UINT16_MAX || addr_parse(home, &e.home) < 0 ||
	    addr_parse(anchor, &e.anchor) < 0 || addr_parse(coa, &e.coa) < 0)
		return -EBADMSG;
	if (n == 7) {
		type = service_type_parse(service);
		if (type < 0)
			return -EBADMSG;
		e.on_request = true;
		e.service = (enum service_type)type;
	}
	e.sequence = (uint16_t)sequence;
	e.registered = strcmp(registered, "registered") == 0;
	if (format_entry(again, &e) != (int)len || memcmp(line, again, len) != 0)
		return -EBADMSG;
	*ret = e;
	return 0;
}

int state_parse(const char *text, size_t len, struct state_entry *entries, unsigned max,
		unsigned *ret_n)
{
	size_t head = sizeof(HEADER) - 1, body = len - CHECKSUM_LEN;
	char checksum[CHECKSUM_LEN + 1];
	unsigned n = 0;

	if (len < head + CHECKSUM_LEN || memcmp(text, HEADER, head) != 0)
		return -EBADMSG;
	format_checksum(checksum, text, body);
	if (memcmp(text + body, checksum, CHECKSUM_LEN) != 0)
		return -EBADMSG;
	/* Twice: nothing is stored before all is known to be good. */
	for (int store = 0; store < 2; store++) {
		n = 0;
		for (size_t at = head; at < body; n++) {
			const char *newline = memchr(text + at, '\n', body - at);
			struct state_entry e;
			size_t line;

			if (!newline)
				return -EBADMSG;
			line = (size_t)(newline + 1 - (text + at));
			if (parse_entry(text + at, line, &e) < 0)
				return -EBADMSG;
			if (n == max)
				return -E2BIG;
			if (store)
				entries[n] = e;
			at += line;
		}
	}
	*ret_n = n;
	return 0;
}

int state_load(const char *path, struct state_entry *entries, unsigned max, unsigned *ret_n)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = file_read(path, FILE_SIZE_MAX, &text, &len);

	if (r == -EFBIG || r == -EBADFD)
		return -EBADMSG;
	return r < 0 ? r : state_parse(text, len, entries, max, ret_n);
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Nobody else can have the file in hand: whoever put it there. */
static bool is_ours_alone(int fd, struct stat *st)
{
	return fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_nlink == 1 &&
	       st->st_uid == geteuid();
}

/* The file before the last is written again: a new one would have to be given room on the disk each time. */
static int open_spare(const char *path, off_t *ret_size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd >= 0 && is_ours_alone(fd, &st) &&
	    ((st.st_mode & ALLPERMS) == 0600 || fchmod(fd, 0600) == 0)) {
		*ret_size = st.st_size;
		return fd;
	}
	if (fd >= 0)
		close(fd);
	*ret_size = 0;
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

/* The two change places, where there are two and the file system can; a directory stays where it is. */
static int put_in_place(const char *spare, const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    renameat2(AT_FDCWD, spare, AT_FDCWD, path, RENAME_EXCHANGE) == 0)
		return 0;
	return rename(spare, path) < 0 ? -errno : 0;
}

/*
 * No fsync(): the one thread must never wait for a disk.  A crash of the daemon loses nothing; after a crash of the whole
 * machine the file may be half a minute old, or not be whole and so not be used, and the home agents correct the sequence
 * numbers (status 135).
 */
static int replace_file(const char *path, const char *text, size_t len)
{
	_cleanup_free_ char *spare = NULL;
	_cleanup_close_ int fd = -1;
	off_t size;
	int r;

	if (asprintf(&spare, "%s.new", path) < 0) {
		spare = NULL;
		return -ENOMEM;
	}
	fd = open_spare(spare, &size);
	if (fd < 0)
		return fd;
	r = write_all(fd, text, len);
	if (r == 0 && size > (off_t)len && ftruncate(fd, (off_t)len) < 0)
		r = -errno;
	if (r == 0)
		r = put_in_place(spare, path);
	if (r < 0)
		unlink(spare);
	return r;
}

int state_store(const char *path, const struct state_entry *entries, unsigned n)
{
	_cleanup_free_ char *text = malloc(FILE_SIZE_MAX);
	char line[ENTRY_MAX], checksum[CHECKSUM_LEN + 1];
	size_t len = sizeof(HEADER) - 1;

	if (!text)
		return -ENOMEM;
	if (n > STATE_ENTRIES_MAX)
		return -E2BIG;
	memcpy(text, HEADER, len);
	for (unsigned i = 0; i < n; i++) {
		size_t more = (size_t)format_entry(line, &entries[i]);

		memcpy(text + len, line, more);
		len += more;
	}
	format_checksum(checksum, text, len);
	memcpy(text + len, checksum, CHECKSUM_LEN);
	return replace_file(path, text, len + CHECKSUM_LEN);
}
