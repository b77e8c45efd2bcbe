/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "ctl.h"

struct target {
	struct in6_addr address;
	uint16_t port; /* 0 = any */
};

/* ADDRESS, [ADDRESS], NAME, each of the last two with :PORT as well; the port may be a service's name. */
static int split(const char *text, char *host, size_t size, const char **ret_port)
{
	const char *end, *colon = strchr(text, ':');

	*ret_port = NULL;
	if (*text == '[') {
		end = strchr(++text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return -EINVAL;
		*ret_port = end[1] ? end + 2 : NULL;
	} else if (colon && !strchr(colon + 1, ':')) {
		end = colon;
		*ret_port = colon + 1;
	} else {
		end = text + strlen(text);
	}
	if (end == text || (size_t)(end - text) >= size || (*ret_port && !**ret_port))
		return -EINVAL;
	memcpy(host, text, (size_t)(end - text));
	host[end - text] = '\0';
	return 0;
}

/* getaddrinfo(3) would take what does not fit modulo 65536. */
static int parse_port(const char *text, bool datagrams, uint16_t *ret)
{
	const struct servent *service;
	unsigned long n;

	if (text[strspn(text, "0123456789")] == '\0') {
		errno = 0;
		n = strtoul(text, NULL, 10);
		if (errno || n < 1 || n > UINT16_MAX) {
			complain("\"%s\" is no port: a number from 1 to 65535, or a service's name",
				 text);
			return CTL_USAGE;
		}
		*ret = (uint16_t)n;
		return CTL_OK;
	}
	service = getservbyname(text, datagrams ? "udp" : "tcp");
	if (!service) {
		complain("there is no service %s over %s", text, datagrams ? "UDP" : "TCP");
		return CTL_USAGE;
	}
	*ret = ntohs((uint16_t)service->s_port);
	return CTL_OK;
}

static bool has_ipv4(const char *host)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list;

	if (getaddrinfo(host, NULL, &hints, &list) != 0)
		return false;
	freeaddrinfo(list);
	return true;
}

static int complain_ipv4(const char *host)
{
	struct in_addr address;

	if (inet_pton(AF_INET, host, &address) == 1)
		complain("%s is an IPv4 address; explain is for IPv6, IPv4 is no matter of dmmd",
			 host);
	else
		complain("%s has IPv4 addresses only; explain is for IPv6, IPv4 is no matter of "
			 "dmmd",
			 host);
	return CTL_ERROR;
}

static int resolve(const char *text, bool datagrams, struct target *ret)
{
	struct addrinfo hints = {.ai_family = AF_INET6, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	struct sockaddr_in6 found;
	struct target target = {0};
	const char *port;
	char host[256];
	int r;

	if (split(text, host, sizeof(host), &port) < 0) {
		complain("\"%s\" is no destination: ADDRESS, [ADDRESS]:PORT, NAME or NAME:PORT",
			 text);
		return CTL_USAGE;
	}
	r = port ? parse_port(port, datagrams, &target.port) : CTL_OK;
	if (r != CTL_OK)
		return r;
	r = getaddrinfo(host, NULL, &hints, &list);
	if (r != 0 && has_ipv4(host))
		return complain_ipv4(host);
	if (r != 0) {
		complain("%s: %s", host,
			 r == EAI_ADDRFAMILY || r == EAI_NODATA ? "has no IPv6 address"
								: gai_strerror(r));
		return CTL_ERROR;
	}
	memcpy(&found, list->ai_addr, sizeof(found));
	freeaddrinfo(list);
	if (IN6_IS_ADDR_V4MAPPED(&found.sin6_addr))
		return complain_ipv4(host);
	target.address = found.sin6_addr;
	*ret = target;
	return CTL_OK;
}

static int parse_user(const char *text, dbus_uint32_t *ret)
{
	const struct passwd *user;
	char *end;
	unsigned long n;

	if (!text) {
		*ret = getuid();
		return CTL_OK;
	}
	errno = 0;
	n = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && errno == 0 && n < UINT32_MAX) {
		*ret = (dbus_uint32_t)n;
		return CTL_OK;
	}
	user = getpwnam(text);
	if (!user) {
		complain("there is no user %s", text);
		return CTL_USAGE;
	}
	*ret = user->pw_uid;
	return CTL_OK;
}

static DBusMessage *make_call(const struct ctl *c, const struct target *t, dbus_uint32_t uid)
{
	DBusMessage *m = dbus_message_new_method_call(CTL_SERVICE, CTL_PATH, CTL_SERVICE ".Manager",
						      "Explain");
	const char *destination = ADDR_STR(&t->address);
	const char *protocol = c->protocol ? c->protocol : "tcp";
	const char *type = c->type ? c->type : "";

	if (!m || !dbus_message_append_args(m, DBUS_TYPE_STRING, &destination, DBUS_TYPE_UINT16,
					    &t->port, DBUS_TYPE_STRING, &protocol, DBUS_TYPE_STRING,
					    &type, DBUS_TYPE_UINT32, &uid, DBUS_TYPE_INVALID))
		abort();
	return m;
}

static void show_outcome(const struct ctl *c, const json_t *answer)
{
	static const struct field fields[] = {{"Destination", "destination", FORMAT_TEXT},
					      {"Port", "port", FORMAT_TEXT},
					      {"Requested", "requested", FORMAT_TEXT},
					      {"Decided by", "asked_by", FORMAT_TEXT},
					      {"Granted", "granted", FORMAT_TEXT},
					      {"Source", "source", FORMAT_TEXT},
					      {"Anchor", "anchor", FORMAT_TEXT},
					      {"Link", "link", FORMAT_TEXT},
					      {"Path", "path", FORMAT_TEXT},
					      {"Because", "words", FORMAT_TEXT},
					      {0}};

	output_fields(c, fields, answer);
}

static int show(const struct ctl *c, const json_t *answer)
{
	static const struct column columns[] = {{"", "mark", FORMAT_TEXT, false},
						{"SOURCE", "source", FORMAT_TEXT, false},
						{"PREFIX", "prefix", FORMAT_TEXT, false},
						{"STATE", "state", FORMAT_STATE, false},
						{"ANCHOR", "anchor", FORMAT_TEXT, false},
						{"LINK", "link", FORMAT_TEXT, false},
						{"TUNNEL", "tunnelled", FORMAT_TEXT, false},
						{"WHY", "words", FORMAT_TEXT, false},
						{0}};
	json_auto_t *rows = json_deep_copy(json_object_get(answer, "candidates"));
	json_t *row;
	size_t i;

	show_outcome(c, answer);
	json_array_foreach(rows, i, row) json_object_set_new(
		row, "mark", json_string(json_is_true(json_object_get(row, "chosen")) ? "*" : " "));
	if (json_array_size(rows) == 0)
		return CTL_OK;
	putchar('\n');
	fflush(stdout);
	return output_table(c, columns, rows);
}

/* What the chosen candidate says, beside the answer as a whole. */
static void add_chosen(json_t *answer, const struct target *t)
{
	static const char *const keys[] = {"source", "prefix", "anchor", "link"};
	json_t *row, *chosen = NULL;
	const char *path = NULL;
	size_t i;

	json_array_foreach(json_object_get(answer, "candidates"), i,
			   row) if (json_is_true(json_object_get(row, "chosen"))) chosen = row;
	json_object_set_new(answer, "destination", json_string(ADDR_STR(&t->address)));
	json_object_set_new(answer, "port", t->port ? json_integer(t->port) : json_null());
	if (chosen)
		path = json_is_true(json_object_get(chosen, "tunnelled")) ? "tunnel" : "direct";
	json_object_set_new(answer, "path", path ? json_string(path) : json_null());
	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		json_object_update_new(
			answer, json_pack("{s:O?}", keys[i], json_object_get(chosen, keys[i])));
}

int verb_explain(struct ctl *c, char **args, int n)
{
	json_auto_t *answer = NULL;
	struct target target;
	DBusMessageIter it;
	DBusMessage *reply;
	dbus_uint32_t uid;
	int r;

	(void)n;
	r = resolve(args[0], c->protocol && strcmp(c->protocol, "udp") == 0, &target);
	if (r == CTL_OK)
		r = parse_user(c->user, &uid);
	if (r == CTL_OK)
		r = client_send(c, make_call(c, &target, uid), "a{sv}", &reply);
	if (r != CTL_OK)
		return r;
	dbus_message_iter_init(reply, &it);
	answer = decode_value(&it);
	dbus_message_unref(reply);
	add_chosen(answer, &target);
	return c->json != JSON_MODE_OFF ? output_json(c, answer) : show(c, answer);
}
