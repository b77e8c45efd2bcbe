/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/peer/router - an access router's advertisements, without the random delay
 *
 * Answers a router solicitation at once, so that a test measures the mobile node and not the
 * router.  Carries what Mobile IPv6 adds: H flag, router address flag, advertisement interval and
 * home agent information (RFC 4861 section 4.2; RFC 6275 sections 7.1 to 7.4).  Leaves forwarding
 * and addresses to the test.
 *
 *   main.c        start and stop
 *   options.c     command line
 *   advertiser.c  one interface: hears solicitations, sends advertisements
 *   commands.c    control socket
 */
#include <stdlib.h>

#include "../common/control.h"
#include "../common/event.h"
#include "../common/peer.h"
#include "advertiser.h"
#include "base/log.h"
#include "commands.h"
#include "options.h"

static int start(struct router_options *o, sd_event *event, struct control **ret)
{
	struct advertiser *a;
	int r = event_log_open(o->log_path);

	if (r < 0)
		return log_errno(r, "%s", o->log_path);
	list_for_each(a, &o->advertisers, node) {
		r = advertiser_start(a, event);
		if (r < 0)
			return log_errno(r, "%s", a->name);
	}
	if (!o->control_path)
		return 0;
	r = control_open(event, o->control_path, commands_run, o, ret);
	return r < 0 ? log_errno(r, "%s", o->control_path) : 0;
}

int main(int argc, char **argv)
{
	struct router_options o = {0};
	struct control *control = NULL;
	struct advertiser *a, *next;
	sd_event *event = NULL;
	int r;

	log_init("router", LOG_INFO);
	r = options_parse(argc, argv, &o);
	if (r >= 0)
		r = peer_loop_new(&event);
	if (r >= 0)
		r = start(&o, event, &control);
	if (r >= 0) {
		log_info("ready");
		r = sd_event_loop(event);
	}
	control_close(control);
	list_for_each_safe(a, next, &o.advertisers, node)
		advertiser_free(a);
	event_log_close();
	sd_event_unref(event);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
