/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dmm-run(1): starts a command whose connections last when the host moves.
 *
 * Three ways lead to the sockets of a program that was not made for it, see the manual page for what each one reaches:
 *   hooks.c       bpf: programs in the kernel, by control group (group.c)
 *   preload.c     preload: an object for the dynamic linker
 *   supervisor.c  seccomp: the kernel asks a parent before each connect(2); child.c starts the command and makes the
 *                 parent invisible, filter.c is what the kernel asks by, remote.c takes the socket
 * main.c chooses, by what program.c finds out about the command.  daemon.c asks dmmd for hooks; its table, its addresses
 * and how a socket is bound are the library's (../lib).
 *
 * Implements the launcher of RFC 8653's service types for applications that do not know them.  The rule above all: a
 * command that can be started is started, whether dmmd is there or not, unless a backend was named and cannot do it.
 */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/choose.h"
#include "../lib/client.h"
#include "../lib/library.h"
#include "../lib/reader.h"
#include "hooks.h"
#include "preload.h"
#include "program.h"
#include "supervisor.h"

static const char *const type_names[] = {
	[DMM_SC_FIXED] = "fixed",
	[DMM_SC_SESSION_LASTING] = "session",
	[DMM_SC_NON_PERSISTENT] = "local",
	[DMM_SC_GRACEFUL_REPLACEMENT] = "graceful",
};
static const char *const backend_names[] = {
	[RUN_AUTO] = "auto",
	[RUN_BPF] = "bpf",
	[RUN_PRELOAD] = "preload",
	[RUN_SECCOMP] = "seccomp",
};
#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const char usage_text[] =
	"Usage: dmm-run [-t fixed|session|graceful|local] [-b auto|bpf|preload|seccomp] [-u] [-v]\n"
	"               [--debug[=FILE]] [--] COMMAND [ARGUMENT...]\n"
	"Run COMMAND with connections that last when the host moves to another network.\n"
	"\n"
	"  -t, --type=TYPE        what the connections need (session), also as RFC 8653 has it:\n"
	"                         session-lasting, graceful-replacement, non-persistent\n"
	"  -b, --backend=BACKEND  how to reach the sockets of COMMAND (auto)\n"
	"  -u, --udp              UDP sockets as well as TCP\n"
	"  -v, --verbose          say which backend is used, and why\n"
	"      --debug[=FILE]     explain each decision, on standard error or in FILE\n"
	"  -h, --help             show this\n"
	"      --version          show the version\n";

const char *run_type_name(enum dmm_service_type type)
{
	return (int)type < N(type_names) ? type_names[type] : NULL;
}

void run_say(const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	dprintf(STDERR_FILENO, "dmm-run: %s\n", text);
}

int run_execute(char *const *command)
{
	int error;

	execvp(command[0], command);
	error = errno;
	run_say("%s: %s", command[0], strerror(error));
	return error == ENOENT ? RUN_NOT_FOUND : RUN_CANNOT_EXECUTE;
}

static int index_of(const char *name, const char *const *names, int n)
{
	for (int i = 0; i < n; i++) {
		if (names[i] && strcmp(names[i], name) == 0)
			return i;
	}
	return -1;
}

static void tell(const struct run_request *request, enum run_backend backend, const char *reason)
{
	if (request->verbose)
		run_say("backend %s, type %s: %s",
			backend == RUN_AUTO ? "none" : backend_names[backend],
			run_type_name(request->type), reason);
}

static int run_plain(const struct run_request *request, const char *reason)
{
	tell(request, RUN_AUTO, reason);
	return run_execute(request->command);
}

/* "no bpf: dmmd does not run" */
struct reason {
	char text[PATH_MAX + 64];
};

__attribute__((format(printf, 1, 2))) static struct reason reason_of(const char *format, ...)
{
	struct reason reason;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason.text, sizeof(reason.text), format, arguments);
	va_end(arguments);
	return reason;
}

static struct reason no_object(const char *object, int error)
{
	return error == -EINVAL
		       ? reason_of("a blank or colon in the path of the object, %s", object)
		       : reason_of("cannot read the object to be preloaded, %s: %s", object,
				   strerror(-error));
}

static int fail(const struct run_request *request, const char *reason)
{
	run_say("backend %s cannot be used: %s", backend_names[request->backend], reason);
	return RUN_FAILED;
}

/* The table is about the network that the command will see. */
static bool is_here(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool here = fd >= 0 && choose_is_here(fd);

	if (fd >= 0)
		close(fd);
	return here;
}

/*
 * Sockets that do not block cannot wait for an address, and many programs have no others: it is obtained before they
 * are there.  Each user's right to it is dmmd's to judge when they ask.
 */
static void prepare(const struct run_request *request)
{
	const struct client_request wanted = {.service.type = request->type};
	struct dmm_table_entry entry;
	struct client_grant grant;
	bool restricted;
	int r;

	if (request->type == DMM_SC_NON_PERSISTENT || !is_here() ||
	    (reader_pick(request->type, &entry, &restricted) == 0 &&
	     entry.state == DMM_ENTRY_USABLE) ||
	    restricted)
		return;
	r = client_acquire(&wanted, &grant);
	if (r < 0 && request->verbose)
		run_say("no address of type %s: %s", run_type_name(request->type), strerror(-r));
}

static int run_bpf(const struct run_request *request)
{
	const char *reason;

	if (hooks_enter(request, &reason) < 0)
		return fail(request, reason);
	tell(request, RUN_BPF, "as asked");
	return run_execute(request->command);
}

static int run_preload(const struct run_request *request)
{
	struct program program;
	char object[PATH_MAX];
	int r = preload_set(request, object);

	if (r < 0)
		return fail(request, no_object(object, r).text);
	if (program_examine(request->command[0], &program) == 0 &&
	    (program.privileged || program.kind != PROGRAM_DYNAMIC))
		run_say("%s: preloading has no effect on a program that is %s", program.path,
			program.privileged               ? "privileged"
			: program.kind == PROGRAM_STATIC ? "statically linked"
							 : "for another architecture");
	tell(request, RUN_PRELOAD, "as asked");
	return run_execute(request->command);
}

static int run_seccomp(const struct run_request *request)
{
	int r;

	tell(request, RUN_SECCOMP, "as asked");
	r = supervisor_run(request);
	if (r >= 0)
		return r;
	return fail(request, r == -EBUSY    ? "there is a supervisor already"
			     : r == -ENOSYS ? "not on this kernel"
					    : strerror(-r));
}

static int run_static(const struct run_request *request, const char *no_hooks)
{
	int r;

	/* The supervisor costs time in each call, and rights: not for nothing. */
	if (!reader_usable())
		return run_plain(request, "dmmd does not run");
	if (request->type == DMM_SC_NON_PERSISTENT)
		return run_plain(request, "that is what the host does itself");
	tell(request, RUN_SECCOMP, reason_of("statically linked, and no bpf: %s", no_hooks).text);
	r = supervisor_run(request);
	if (r >= 0)
		return r;
	return run_plain(request, r == -EBUSY ? "there is a supervisor already" : strerror(-r));
}

static int run_auto(const struct run_request *request)
{
	struct program program;
	char object[PATH_MAX];
	const char *reason;
	int r;

	if (hooks_enter(request, &reason) == 0) {
		tell(request, RUN_BPF, "the kernel has the hooks of dmmd");
		return run_execute(request->command);
	}
	if (program_examine(request->command[0], &program) < 0)
		return run_execute(request->command);
	if (program.privileged) {
		run_say("%s is privileged and %s: run as it is", program.path, reason);
		return run_plain(request, "privileged");
	}
	switch (program.kind) {
	case PROGRAM_STATIC:
		return run_static(request, reason);
	case PROGRAM_FOREIGN:
		return run_plain(request, "for another architecture");
	case PROGRAM_DYNAMIC:
		break;
	}
	r = preload_set(request, object);
	if (r < 0)
		return run_plain(request, no_object(object, r).text);
	tell(request, RUN_PRELOAD, reason_of("no bpf: %s", reason).text);
	return run_execute(request->command);
}

/* The command, and what it starts, may have other working directories. */
static const char *absolute(const char *file)
{
	static char path[PATH_MAX];
	size_t n;

	if (file[0] == '/' || !getcwd(path, sizeof(path)))
		return file;
	n = strlen(path);
	if (n + 1 + strlen(file) >= sizeof(path))
		return file;
	path[n] = '/';
	strcpy(path + n + 1, file);
	return path;
}

static int wrong_type(const char *value)
{
	run_say("unknown type '%s': it is fixed, session (session-lasting), graceful "
		"(graceful-replacement) or local (non-persistent)",
		value);
	return RUN_FAILED;
}

static int wrong_backend(const char *value)
{
	run_say("unknown backend '%s': it is auto, bpf, preload or seccomp", value);
	return RUN_FAILED;
}

/* What getopt_long() has returned ':' or '?' for; a letter that is no option may have others behind it. */
static int wrong_option(int c, const char *word)
{
	if (c == ':')
		run_say("option %s needs a value; try dmm-run --help", word);
	else if (optopt == 0)
		run_say("unknown option %s; try dmm-run --help", word);
	else if (optopt > UCHAR_MAX || strchr("uvh", optopt))
		run_say("option %.*s takes no value; try dmm-run --help", (int)strcspn(word, "="),
			word);
	else
		run_say("unknown option -%c; try dmm-run --help", optopt);
	return RUN_FAILED;
}

/* Whoever asks for explanations wants to see them; the library itself would be silent. */
static int check_debug_file(const char *file)
{
	int fd =
		open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);

	if (fd < 0) {
		run_say("cannot open %s: %s", file, strerror(errno));
		return RUN_FAILED;
	}
	close(fd);
	return 0;
}

/* An exit status, or -1: run the command. */
static int parse(int argc, char **argv, struct run_request *request)
{
	enum { OPTION_DEBUG = 256, OPTION_VERSION };
	static const struct option options[] = {
		{"type", required_argument, NULL, 't'},
		{"backend", required_argument, NULL, 'b'},
		{"udp", no_argument, NULL, 'u'},
		{"verbose", no_argument, NULL, 'v'},
		{"debug", optional_argument, NULL, OPTION_DEBUG},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, OPTION_VERSION},
		{0},
	};
	int c, i;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:t:b:uvh", options, NULL)) != -1) {
		switch (c) {
		case 't':
			request->type = (enum dmm_service_type)library_type(optarg);
			if (request->type == DMM_SC_UNSPEC)
				return wrong_type(optarg);
			break;
		case 'b':
			i = index_of(optarg, backend_names, N(backend_names));
			if (i < 0)
				return wrong_backend(optarg);
			request->backend = (enum run_backend)i;
			break;
		case 'u':
			request->udp = true;
			break;
		case OPTION_DEBUG:
			request->debug = optarg && optarg[0] ? absolute(optarg) : "";
			request->verbose = true;
			break;
		case 'v':
			request->verbose = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		case OPTION_VERSION:
			puts("dmm-run " DMMD_VERSION);
			return 0;
		default:
			return wrong_option(c, argv[optind - 1]);
		}
	}
	if (optind == argc) {
		run_say("no command; try dmm-run --help");
		return RUN_FAILED;
	}
	request->command = argv + optind;
	return -1;
}

int main(int argc, char **argv)
{
	struct run_request request = {.type = DMM_SC_SESSION_LASTING};
	int r = parse(argc, argv, &request);

	if (r >= 0)
		return r;
	if (request.debug && request.debug[0] && check_debug_file(request.debug) != 0)
		return RUN_FAILED;
	if (request.debug)
		setenv("DMM_DEBUG", request.debug[0] ? request.debug : "1", 1);
	library_start();
	prepare(&request);
	switch (request.backend) {
	case RUN_AUTO:
		return run_auto(&request);
	case RUN_BPF:
		return run_bpf(&request);
	case RUN_PRELOAD:
		return run_preload(&request);
	case RUN_SECCOMP:
		return run_seccomp(&request);
	}
	return RUN_FAILED;
}
