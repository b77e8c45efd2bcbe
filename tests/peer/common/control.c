/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "base/log.h"

#define LINE_MAX_OCTETS 4096

struct control {
	sd_event *event;
	sd_event_source *listener;
	int fd;
	struct sockaddr_un path;
	control_handler handler;
	void *user;
	struct list clients;
};

struct client {
	struct list node;
	struct control *control;
	sd_event_source *source;
	int fd;
	char line[LINE_MAX_OCTETS];
	size_t len;
};

static void client_free(struct client *c)
{
	list_remove(&c->node);
	sd_event_source_unref(c->source);
	close(c->fd);
	free(c);
}

static int split_words(char *line, char **words)
{
	char *save = NULL;
	int n = 0;

	for (char *w = strtok_r(line, " \t\r", &save); w; w = strtok_r(NULL, " \t\r", &save)) {
		if (n == CONTROL_MAX_WORDS)
			return -E2BIG;
		words[n++] = w;
	}
	return n;
}

static json_t *command_run(struct control *c, char *line)
{
	char *words[CONTROL_MAX_WORDS + 1] = {NULL};
	const char *error = NULL;
	json_t *answer = json_object(), *result = NULL;
	int r = split_words(line, words);

	if (r == 0)
		r = -EINVAL;
	if (r > 0)
		r = c->handler(c->user, r, words, &result, &error);
	json_object_set_new(answer, "ok", json_boolean(r >= 0));
	if (r < 0)
		json_object_set_new(answer, "error", json_string(error ? error : log_strerror(-r)));
	else if (result)
		json_object_update(answer, result);
	json_decref(result);
	return answer;
}

static int client_answer(struct client *c, char *line)
{
	json_t *answer = command_run(c->control, line);
	char *text = json_dumps(answer, JSON_COMPACT);
	ssize_t n = -1;

	json_decref(answer);
	if (text) {
		/* The reader waits for its answer: a full buffer means that it is gone. */
		struct iovec iov[] = {{text, strlen(text)}, {(char[]){"\n"}, 1}};
		struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};

		n = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0 && (size_t)n < iov[0].iov_len + iov[1].iov_len)
			n = -1;
	}
	free(text);
	return n < 0 ? -EIO : 0;
}

static int on_client(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct client *c = user;
	ssize_t n = read(fd, c->line + c->len, sizeof(c->line) - 1 - c->len);
	char *end;

	(void)s;
	(void)revents;
	if (n <= 0) {
		client_free(c);
		return 0;
	}
	c->len += (size_t)n;
	while ((end = memchr(c->line, '\n', c->len))) {
		size_t used = (size_t)(end + 1 - c->line);

		*end = '\0';
		if (client_answer(c, c->line) < 0) {
			client_free(c);
			return 0;
		}
		c->len -= used;
		memmove(c->line, c->line + used, c->len);
	}
	if (c->len == sizeof(c->line) - 1) {
		log_warning("control: line longer than %d octets", LINE_MAX_OCTETS);
		client_free(c);
	}
	return 0;
}

static int on_connection(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct control *c = user;
	struct client *client;
	int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC), r;

	(void)s;
	(void)revents;
	if (accepted < 0)
		return 0;
	client = calloc(1, sizeof(*client));
	if (!client) {
		close(accepted);
		return -ENOMEM;
	}
	client->control = c;
	client->fd = accepted;
	list_append(&c->clients, &client->node);
	r = sd_event_add_io(c->event, &client->source, accepted, EPOLLIN, on_client, client);
	if (r < 0)
		client_free(client);
	return r;
}

int control_open(sd_event *event, const char *path, control_handler handler, void *user,
		 struct control **ret)
{
	struct control *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	*c = (struct control){.event = event, .fd = -1, .handler = handler, .user = user};
	list_init(&c->clients);
	c->path.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(c->path.sun_path)) {
		r = -ENAMETOOLONG;
		goto fail;
	}
	strcpy(c->path.sun_path, path);
	unlink(path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0 || bind(c->fd, (struct sockaddr *)&c->path, sizeof(c->path)) < 0 ||
	    listen(c->fd, 8) < 0) {
		r = -errno;
		goto fail;
	}
	r = sd_event_add_io(event, &c->listener, c->fd, EPOLLIN, on_connection, c);
	if (r < 0)
		goto fail;
	*ret = c;
	return 0;
fail:
	control_close(c);
	return r;
}

void control_close(struct control *c)
{
	struct client *client, *next;

	if (!c)
		return;
	list_for_each_safe(client, next, &c->clients, node)
		client_free(client);
	sd_event_source_unref(c->listener);
	if (c->fd >= 0) {
		close(c->fd);
		unlink(c->path.sun_path);
	}
	free(c);
}
