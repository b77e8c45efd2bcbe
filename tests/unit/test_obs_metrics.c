/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics: what stands in them, and that a parser of others takes them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "obs/obs.h"
#include "test_bus_fixture.h"

TestSuite(obs_metrics, .init = bus_setup_offline, .fini = bus_teardown, .timeout = 60);

static const struct metrics_plane plane = {
	.traffic = {.sent_packets = 10, .sent_bytes = 1000, .received_packets = 3},
	.dropped = {[NET_DROP_ECN] = 4},
};

static const struct sock_info applications = {
	.clients = 6, .acquired = 5, .denied = 2, .hostile = 3, .hooks = true, .hooks_given = 9};

static char *written(void)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	metrics_write(f, fx.engine, &plane, &applications);
	fclose(f);
	return text;
}

/* The line with that sample is there. */
static void assert_sample(const char *text, const char *sample)
{
	char line[200];

	snprintf(line, sizeof(line), "\n%s\n", sample);
	cr_assert(strstr(text, line), "%s is missing", sample);
}

static void fill(void)
{
	struct counters *c = &fx.engine->counters;
	struct anchor *a = bus_first_binding()->anchor;

	bus_add_session(1, 1000);
	bus_add_session(2, 1000)->in_need = false;
	bus_first_binding()->path.mode = PATH_TUNNEL;
	bus_first_binding()->state = BINDING_REGISTERED;
	c->handovers[HANDOVER_BREAK][HANDOVER_DONE] = 5;
	c->handovers[HANDOVER_MAKE][HANDOVER_DONE] = 1;
	c->handover_time = 1234567;
	c->sessions_over = 2;
	c->session_time = 90 * USEC_PER_SEC;
	c->events[EVENT_FORGED] = 8;
	a->n.bu_sent = 7;
	a->n.dropped_auth = 1;
	a->rtt = 25000;
	a->health = ANCHOR_REACHABLE;
}

Test(obs_metrics, count_what_happened)
{
	_cleanup_free_ char *text = NULL;

	fill();
	text = written();
	assert_sample(text, "dmmd_handovers_total{mode=\"break\",result=\"done\"} 5");
	assert_sample(text, "dmmd_handover_duration_seconds_count 6");
	assert_sample(text, "dmmd_handover_duration_seconds_sum 1.234567");
	assert_sample(text, "dmmd_binding_updates_sent_total{anchor=\"north\"} 7");
	assert_sample(text, "dmmd_binding_acknowledgements_total{anchor=\"north\","
			    "outcome=\"bad-authentication\"} 1");
	assert_sample(text, "dmmd_anchor_rtt_seconds{anchor=\"north\"} 0.025000");
	assert_sample(text, "dmmd_anchor_health{anchor=\"north\","
			    "dmmd_anchor_health=\"reachable\"} 1");
	assert_sample(text, "dmmd_sessions{type=\"session-lasting\"} 2");
	assert_sample(text, "dmmd_sessions_in_need{type=\"session-lasting\"} 1");
	assert_sample(text, "dmmd_session_duration_seconds_sum 90.000000");
	assert_sample(text, "dmmd_bindings{state=\"registered\"} 1");
	assert_sample(text, "dmmd_sock_clients 6");
	assert_sample(text, "dmmd_sock_requests_total{result=\"acquired\"} 5");
	assert_sample(text, "dmmd_sock_requests_total{result=\"denied\"} 2");
	assert_sample(text, "dmmd_sock_cut_off_total 3");
	assert_sample(text, "dmmd_hooks_addresses_total{result=\"given\"} 9");
	assert_sample(text, "dmmd_tunnels 1");
	assert_sample(text, "dmmd_tunnel_bytes_total{direction=\"sent\"} 1000");
	assert_sample(text, "dmmd_tunnel_overhead_bytes_total{direction=\"received\"} 120");
	assert_sample(text, "dmmd_dropped_packets_total{reason=\"ecn\"} 4");
	assert_sample(text, "dmmd_events_total{kind=\"forged\"} 8");
	cr_assert_str_eq(text + strlen(text) - strlen("\n# EOF\n"), "\n# EOF\n");
}

Test(obs_metrics, quote_names)
{
	_cleanup_free_ char *text = NULL;

	strcpy(bus_first_binding()->anchor->name, "a\"b\\c\nd");
	text = written();
	assert_sample(text, "dmmd_binding_updates_sent_total{anchor=\"a\\\"b\\\\c\\nd\"} 0");
}

Test(obs_metrics, are_understood_by_others)
{
	static const char parser[] = "/usr/bin/python3 -c 'import sys\n"
				     "try:\n"
				     "    from prometheus_client.openmetrics.parser import "
				     "text_string_to_metric_families as p\n"
				     "except ImportError:\n"
				     "    sys.exit(77)\n"
				     "n = sum(len(f.samples) for f in p(sys.stdin.read()))\n"
				     "sys.exit(0 if n > 50 else 1)'";
	_cleanup_free_ char *text = NULL;
	FILE *f;
	int r;

	fill();
	text = written();
	f = popen(parser, "w");
	cr_assert(f);
	fputs(text, f);
	r = WEXITSTATUS(pclose(f));
	if (r == 77)
		cr_skip("python3-prometheus-client is not there");
	cr_assert(r == 0);
}
