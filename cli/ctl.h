/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of dmmctl share: options, verbs, the connection to the daemon, output. */
#pragma once

#include <dbus/dbus.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* As in dmmctl(1); every function that returns int returns one of these unless it says otherwise.
 */
enum exit_code {
	CTL_OK = 0,
	CTL_ERROR = 1,
	CTL_USAGE = 2,
	CTL_TIMEOUT = 3,
	CTL_REFUSED = 4,
	CTL_DENIED = 5,
	CTL_NOT_RUNNING = 8,
	CTL_NO_OBJECT = 10,
};

enum json_mode {
	JSON_MODE_OFF,
	JSON_MODE_PRETTY,
	JSON_MODE_SHORT,
};

struct ctl {
	enum json_mode json;
	bool no_legend, no_pager, watch;
	bool colour;                 /* decided from --colour, the terminal and NO_COLOR */
	bool follow;                 /* events */
	bool prometheus;             /* metrics: not as OpenMetrics */
	const char *type, *protocol; /* explain; NULL = not given */
	const char *user;            /* explain: name or number */
	const char *only_option,
		*only_for;   /* an option that goes with one verb alone, and that verb */
	const char *address; /* of the bus; NULL = the system bus */
	DBusConnection *conn;
	dbus_uint32_t subscribe_serial; /* of the call that asks for events */
};

/* --- main.c --- */

struct verb {
	const char *name, *args; /* args as shown in the help */
	int min_args, max_args;  /* -1 = any number */
	int (*run)(struct ctl *c, char **args, int n);
	bool shows;    /* it shows a state: --watch and the pager make sense */
	bool complete; /* arguments are what the verb itself lists first */
	const char *help;
};
extern const struct verb verbs[]; /* ends with an entry without a name */

struct option_spec {
	const char *name;
	int key;          /* returned by getopt_long(3); a letter is a short option too */
	const char *arg;  /* name of the argument or its values "a|b|c", NULL = none */
	const char *help; /* NULL = not shown */
	const char *verb; /* it goes with this one alone; NULL = with all */
};
extern const struct option_spec options[]; /* ends with an entry without a name */

void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* --- client.c --- */

#define CTL_SERVICE "org.dmmd1"
#define CTL_PATH "/org/dmmd1"

int client_connect(struct ctl *c);
void client_disconnect(struct ctl *c);
/* Call a method with at most one string argument; complains about errors.  *ret to be unreferenced;
 * NULL if the reply does not matter. */
int client_call(struct ctl *c, const char *interface, const char *method, const char *arg,
		DBusMessage **ret);
/* The same with a message of the caller's making, which is released, and an answer of that signature. */
int client_send(struct ctl *c, DBusMessage *m, const char *signature, DBusMessage **ret);
/* A call of a method of the manager without arguments. */
int client_ask(struct ctl *c, const char *method, const char *signature, DBusMessage **ret);
/* Ask for the signals that match, and for news of the daemon's coming and going. */
int client_subscribe(struct ctl *c, const char *match);
/* The next signal within timeout_ms (-1 = any time): 1 and *ret, 0 = none, negative = the bus went
 * away. */
int client_next_signal(struct ctl *c, int timeout_ms, DBusMessage **ret);
/* 1 = the signal says that the daemon came, -1 = went, 0 = something else. */
int client_daemon_change(DBusMessage *m);

/* --- decode.c --- */

/*
 * A D-Bus value as JSON.  Keys become snake_case; the empty string, the path "/" and the greatest
 * 64-bit number, which stand for "none", become null; a struct becomes an array.
 */
json_t *decode_value(DBusMessageIter *it);
/* "CareOfAddress" -> "care_of_address", "RttUSec" -> "rtt_usec" */
void decode_key(const char *name, char *key, size_t size);

/* --- model.c --- */

/*
 * All the daemon shows: "manager" and arrays "links", "prefixes", "anchors", "bindings",
 * "handovers".  References between them are names.
 */
int model_load(struct ctl *c, json_t **ret);
/* The member of rows whose key has this text or number, or NULL; borrowed. */
json_t *model_find(json_t *rows, const char *key, const char *value);

/* --- format.c --- */

enum format {
	FORMAT_TEXT,
	FORMAT_STATE,    /* text, coloured by what it means */
	FORMAT_MOMENT,   /* time on CLOCK_BOOTTIME: "in 3min", "2s ago" */
	FORMAT_DURATION, /* microseconds: "12.3 ms" */
	FORMAT_BYTES,
	FORMAT_STAMP, /* time on CLOCK_REALTIME: date and time of day */
};
#define FORMAT_LEN 352
/* JSON value as a cell; null is "-". */
const char *format_value(enum format f, const json_t *v, char buf[static FORMAT_LEN]);
/* Colour of a state as libsmartcols names it, or NULL. */
const char *format_colour(const char *state);
uint64_t format_now(void); /* CLOCK_BOOTTIME in microseconds */

/* --- output.c --- */

struct column {
	const char *title, *key;
	enum format format;
	bool right; /* numbers */
};
/* Standard output is a terminal that can do more than print. */
bool output_terminal(void);
/* Columns end with one without a title. */
int output_table(const struct ctl *c, const struct column *columns, const json_t *rows);
int output_json(const struct ctl *c, const json_t *v);
/* Says that there are none of these, where a table would have stood. */
void output_none(const struct ctl *c, const char *what);
struct field {
	const char *title, *key;
	enum format format;
};
/* One line for each field of a row; fields end with one without a title. */
void output_fields(const struct ctl *c, const struct field *fields, const json_t *row);
/* One "Title: value" line; state text is coloured. */
void output_field(const struct ctl *c, const char *title, const char *value, const char *state);
/* Colour by its libsmartcols name around text, as far as colours are on. */
void output_coloured(const struct ctl *c, const char *colour, const char *text);
/* Rows that `names` ask for by key (all without names): to be unreferenced. */
int output_select(const json_t *rows, const char *key, const char *what, char **names, int n,
		  json_t **ret);

/* --- pager.c --- */

void pager_open(const struct ctl *c);
void pager_close(void);

/* --- list.c --- */

struct list_spec {
	const char *rows; /* in the model */
	const char *what; /* one of them, for messages ... */
	const char *many; /* ... and more than one */
	const char *key;  /* by which arguments name them */
	const struct column *columns;
};
int list_run(struct ctl *c, const struct list_spec *spec, char **args, int n);

/* --- watch.c --- */

/* Run a verb again whenever something changed. */
int watch_run(struct ctl *c, const struct verb *v, char **args, int n);

/* --- event.c --- */

/* {"kind", "priority", "text", "new_state", ...} of a signal or of an entry of a list; NULL if it is neither. */
json_t *event_decode_signal(DBusMessage *m);
json_t *event_decode_entry(DBusMessageIter *entry);
json_t *event_of_daemon(bool came);
/* One line. */
int event_show(const struct ctl *c, const json_t *event);

/* --- phase.c --- */

struct phase {
	const char *key, *title, *word; /* in the model, on a line of its own, among others */
};
#define N_PHASES 6
extern const struct phase phases[N_PHASES + 1]; /* ends with one without a key */
bool phase_reached(const json_t *handover, const struct phase *p);
json_int_t phase_time(const json_t *handover, const struct phase *p); /* 0 if not reached */
/* Those that were reached, in the order of time; returns how many. */
int phases_in_order(const json_t *handover, const struct phase *ret[static N_PHASES]);

/* --- completion.c --- */

int completion_write(const char *shell);

/* --- verb_*.c --- */

int verb_status(struct ctl *c, char **args, int n);
int verb_links(struct ctl *c, char **args, int n);
int verb_prefixes(struct ctl *c, char **args, int n);
int verb_anchors(struct ctl *c, char **args, int n);
int verb_bindings(struct ctl *c, char **args, int n);
int verb_handovers(struct ctl *c, char **args, int n);
int verb_sessions(struct ctl *c, char **args, int n);
int verb_events(struct ctl *c, char **args, int n);
int verb_monitor(struct ctl *c, char **args, int n);
int verb_explain(struct ctl *c, char **args, int n);
int verb_test(struct ctl *c, char **args, int n);
int verb_metrics(struct ctl *c, char **args, int n);
int verb_reload(struct ctl *c, char **args, int n);
