/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl.h"

/* Some values change without a signal (octets, what is left of a lifetime). */
#define REDRAW_MS 2000
#define SETTLE_MS 50

/* True when it is time to show it again, false when the bus went away. */
static bool wait_for_change(struct ctl *c, bool terminal)
{
	int timeout = terminal ? REDRAW_MS : -1, r;
	DBusMessage *m;

	/* The first signal rarely comes alone. */
	while ((r = client_next_signal(c, timeout, &m)) > 0) {
		dbus_message_unref(m);
		timeout = SETTLE_MS;
	}
	return r == 0;
}

int watch_run(struct ctl *c, const struct verb *v, char **args, int n)
{
	bool terminal = output_terminal() && c->json == JSON_MODE_OFF;
	int r = client_subscribe(c, "type='signal',sender='" CTL_SERVICE "'");

	if (r != CTL_OK)
		return r;
	for (;;) {
		if (terminal)
			fputs("\033[H\033[2J", stdout);
		r = v->run(c, args, n);
		/* A daemon or an object that is not there may come. */
		if (r != CTL_OK && r != CTL_NOT_RUNNING && r != CTL_NO_OBJECT)
			return r;
		if (!terminal && c->json == JSON_MODE_OFF)
			putchar('\n');
		if (fflush(stdout) == EOF || !wait_for_change(c, terminal))
			return CTL_ERROR;
	}
}
