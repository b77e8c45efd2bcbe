/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dmmctl(1): shows what dmmd does, over D-Bus.
 *
 *   main.c        options and verbs            format.c      times, durations, colours
 *   client.c      calls and signals            output.c      tables and JSON
 *   decode.c      D-Bus values as JSON         pager.c       long output on a terminal
 *   model.c       everything in one tree       watch.c       --watch
 *   list.c        verbs that list one kind     completion.c  scripts for shells
 *   event.c       events, one line each        phase.c       phases of a handover
 *   verb_*.c      one verb each
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

const struct verb verbs[] = {
	{"status", NULL, 0, 0, verb_status, true, false,
	 "Where the host is, its home addresses, its last move (default)"},
	{"links", "[NAME...]", 0, -1, verb_links, true, true, "Network interfaces"},
	{"prefixes", "[PREFIX...]", 0, -1, verb_prefixes, true, true,
	 "Prefixes the host has or had"},
	{"anchors", "[NAME...]", 0, -1, verb_anchors, true, true, "Home agents"},
	{"bindings", "[HOME-ADDRESS...]", 0, -1, verb_bindings, true, true,
	 "Home addresses at their home agents"},
	{"handovers", "[ID]", 0, 1, verb_handovers, true, true,
	 "Changes of attachment, or one of them phase by phase"},
	{"sessions", NULL, 0, 0, verb_sessions, true, false,
	 "Sessions on addresses made for sessions and on prefixes that were left"},
	{"explain", "ADDRESS|[ADDRESS]:PORT|NAME[:PORT]", 1, 1, verb_explain, true, false,
	 "Which source, anchor and path a session would get, and why"},
	{"test", NULL, 0, 0, verb_test, false, false,
	 "Test every path, kernel object, key and anchor"},
	{"events", NULL, 0, 0, verb_events, false, false, "The last events"},
	{"monitor", NULL, 0, 0, verb_monitor, false, false,
	 "Tell each event and change of state as it happens"},
	{"metrics", NULL, 0, 0, verb_metrics, true, false, "Counters as text for monitoring"},
	{"reload", NULL, 0, 0, verb_reload, false, false,
	 "Let the daemon read its configuration again"},
	{0}};

enum {
	OPT_JSON = 256,
	OPT_NO_LEGEND,
	OPT_NO_PAGER,
	OPT_WATCH,
	OPT_COLOUR,
	OPT_BUS,
	OPT_VERSION,
	OPT_COMPLETION,
	OPT_TYPE,
	OPT_PROTOCOL,
	OPT_UID,
	OPT_FORMAT,
	OPT_MAX,
};

const struct option_spec options[] = {
	{"json", OPT_JSON, "pretty|short|off", "Output as JSON", NULL},
	{"no-legend", OPT_NO_LEGEND, NULL, "Leave out the column titles", NULL},
	{"no-pager", OPT_NO_PAGER, NULL, "Do not start a pager", NULL},
	{"watch", OPT_WATCH, NULL, "Show it again whenever it changes", NULL},
	{"colour", OPT_COLOUR, "auto|always|never", "Colours (NO_COLOR is honoured)", NULL},
	{"color", OPT_COLOUR, "auto|always|never", NULL, NULL},
	{"bus", OPT_BUS, "ADDRESS", "D-Bus address instead of the system bus", NULL},
	{"follow", 'f', NULL, "Go on with what comes", "events"},
	{"type", OPT_TYPE, "non-persistent|graceful-replacement|session-lasting|fixed",
	 "Service that is asked for, instead of what policy says", "explain"},
	{"protocol", OPT_PROTOCOL, "tcp|udp", "Protocol of the session", "explain"},
	{"uid", OPT_UID, "USER", "User whose session it is", "explain"},
	{"format", OPT_FORMAT, "openmetrics|prometheus",
	 "OpenMetrics 1.0 (default), or the format before it", "metrics"},
	{"help", 'h', NULL, "This text", NULL},
	{"version", OPT_VERSION, NULL, "The version", NULL},
	{"completion", OPT_COMPLETION, "bash|zsh", NULL, NULL},
	{0}};

#define MAX_OPTIONS (sizeof(options) / sizeof(*options))

void complain(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("dmmctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static void help_line(const char *left, const char *words)
{
	if (strlen(left) > 28) /* a line of its own */
		printf("  %s\n%30s %s\n", left, "", words);
	else
		printf("  %-28s %s\n", left, words);
}

static void help(void)
{
	char left[96], letter[8], words[128];

	puts("dmmctl [OPTION...] [VERB [ARGUMENT...]]\n\nShow what dmmd does.\n\nVerbs:");
	for (const struct verb *v = verbs; v->name; v++) {
		snprintf(left, sizeof(left), "%s %s", v->name, v->args ? v->args : "");
		help_line(left, v->help);
	}
	puts("\nOptions:");
	for (const struct option_spec *o = options; o->name; o++) {
		if (!o->help)
			continue;
		if (o->key < 256)
			snprintf(letter, sizeof(letter), "-%c, ", o->key);
		snprintf(left, sizeof(left), "%s--%s%s%s", o->key < 256 ? letter : "", o->name,
			 o->arg ? "=" : "", o->arg ? o->arg : "");
		snprintf(words, sizeof(words), "%s%s%s%s", o->help, o->verb ? " (" : "",
			 o->verb ? o->verb : "", o->verb ? ")" : "");
		help_line(left, words);
	}
	puts("\nExit codes: 0 ok, 1 error, 2 usage, 3 timeout, 4 refused or failed, 5 denied,\n"
	     "8 daemon not running, 10 no such object.");
}

/* Position of a word in "a|b|c", or -1. */
static int choice(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (int i = 0; *words; i++) {
		size_t n = strcspn(words, "|");

		if (n == len && strncmp(words, word, n) == 0)
			return i;
		words += n;
		words += *words == '|';
	}
	return -1;
}

static bool colours_on_terminal(void)
{
	const char *no = getenv("NO_COLOR");

	return output_terminal() && !(no && *no);
}

/* True to go on, otherwise leave with *ret_exit. */
static bool apply(struct ctl *c, int key, const char *arg, int *ret_exit)
{
	static const enum json_mode modes[] = {JSON_MODE_PRETTY, JSON_MODE_SHORT, JSON_MODE_OFF};
	int i = -1;

	*ret_exit = CTL_OK;
	switch (key) {
	case OPT_JSON:
		i = choice("pretty|short|off", arg);
		if (i >= 0)
			c->json = modes[i];
		break;
	case OPT_COLOUR:
		i = choice("auto|always|never", arg);
		c->colour = i == 0 ? colours_on_terminal() : i == 1;
		break;
	case OPT_TYPE:
		i = choice("non-persistent|graceful-replacement|session-lasting|fixed", arg);
		c->type = arg;
		break;
	case OPT_PROTOCOL:
		i = choice("tcp|udp", arg);
		c->protocol = arg;
		break;
	case OPT_FORMAT:
		i = choice("openmetrics|prometheus", arg);
		c->prometheus = i == 1;
		break;
	case OPT_UID:
		c->user = arg;
		return true;
	case 'f':
		c->follow = true;
		return true;
	case OPT_NO_LEGEND:
		c->no_legend = true;
		return true;
	case OPT_NO_PAGER:
		c->no_pager = true;
		return true;
	case OPT_WATCH:
		c->watch = true;
		return true;
	case OPT_BUS:
		c->address = arg;
		return true;
	case 'h':
		help();
		return false;
	case OPT_VERSION:
		puts("dmmctl " DMMD_VERSION);
		return false;
	case OPT_COMPLETION:
		*ret_exit = completion_write(arg);
		return false;
	}
	if (i >= 0)
		return true;
	if (arg)
		complain("\"%s\" is not a value of this option, see dmmctl --help", arg);
	*ret_exit = CTL_USAGE;
	return false;
}

/* Remember an option that does not go with every verb. */
static void note_verb(struct ctl *c, int key)
{
	for (const struct option_spec *o = options; o->name; o++)
		if (o->key == key && o->verb) {
			c->only_option = o->name;
			c->only_for = o->verb;
		}
}

static bool parse_options(struct ctl *c, int argc, char **argv, int *ret_exit)
{
	struct option list[MAX_OPTIONS] = {0};
	int key;

	for (size_t i = 0; options[i].name; i++)
		list[i] = (struct option){
			.name = options[i].name,
			.has_arg = options[i].arg ? required_argument : no_argument,
			.val = options[i].key,
		};
	c->colour = colours_on_terminal();
	while ((key = getopt_long(argc, argv, "hf", list, NULL)) != -1) {
		if (!apply(c, key, optarg, ret_exit))
			return false;
		note_verb(c, key);
	}
	return true;
}

static const struct verb *find_verb(const char *name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

/* With the options that go with this verb alone. */
static void complain_usage(const struct verb *v)
{
	char text[512];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s", v->name);

	for (const struct option_spec *o = options; o->name; o++)
		if (o->verb && o->help && strcmp(o->verb, v->name) == 0 && n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, " [--%s%s%s]", o->name,
					      o->arg ? "=" : "", o->arg ? o->arg : "");
	complain("usage: dmmctl %s%s%s", text, v->args ? " " : "", v->args ? v->args : "");
}

static int run(struct ctl *c, const struct verb *v, char **args, int n)
{
	int r = client_connect(c);

	if (r != CTL_OK)
		return r;
	if (c->watch)
		return watch_run(c, v, args, n);
	if (v->shows)
		pager_open(c);
	r = v->run(c, args, n);
	pager_close();
	return r;
}

int main(int argc, char **argv)
{
	static char program[] = "dmmctl"; /* not the path, in messages of getopt_long(3) */
	struct ctl c = {0};
	const struct verb *v;
	const char *name;
	int r, n;

	if (argc > 0)
		argv[0] = program;
	if (!parse_options(&c, argc, argv, &r))
		return r;
	name = optind < argc ? argv[optind++] : verbs[0].name;
	n = argc - optind;
	v = find_verb(name);
	if (!v) {
		complain("there is no verb \"%s\", see dmmctl --help", name);
		return CTL_USAGE;
	}
	if (n < v->min_args || (v->max_args >= 0 && n > v->max_args)) {
		complain_usage(v);
		return CTL_USAGE;
	}
	if (c.only_for && strcmp(c.only_for, v->name) != 0) {
		complain("--%s does not go with \"%s\"", c.only_option, v->name);
		return CTL_USAGE;
	}
	if (c.watch && !v->shows) {
		complain("--watch does not go with \"%s\"", v->name);
		return CTL_USAGE;
	}
	r = run(&c, v, argv + optind, n);
	client_disconnect(&c);
	return fflush(stdout) == EOF && r == CTL_OK ? CTL_ERROR : r;
}
