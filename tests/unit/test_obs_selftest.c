/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The test of everything: its findings, and when it ends. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "obs/obs.h"
#include "test_bus_fixture.h"

static struct findings found;
static unsigned tests_done;
static struct selftest *selftest;

static void done(void *user, const struct findings *f)
{
	(void)user;
	findings_free(&found);
	for (unsigned i = 0; i < f->n; i++)
		findings_add(&found, f->list[i].ok, f->list[i].what, "%s", f->list[i].words);
	tests_done++;
}

static void setup(void)
{
	bus_setup_offline();
	cr_assert(selftest_new(fx.ev, fx.engine, NULL, NULL, done, NULL, &selftest) == 0);
}

static void teardown(void)
{
	selftest_free(selftest);
	findings_free(&found);
	bus_teardown();
}

TestSuite(obs_selftest, .init = setup, .fini = teardown, .timeout = 30);

static void look(void)
{
	findings_free(&found);
	findings_of_engine(&found, fx.engine, NULL, 1000);
}

static const struct finding *finding_of(const char *what)
{
	unsigned i = 0;

	while (i < found.n && strcmp(found.list[i].what, what) != 0)
		i++;
	cr_assert(i < found.n, "nothing is said of %s", what);
	return &found.list[i];
}

static void assert_finding(const char *what, bool ok, const char *words)
{
	const struct finding *f = finding_of(what);

	cr_assert(f->ok == ok, "%s: %s", what, f->words);
	cr_assert(strstr(f->words, words), "%s: %s", what, f->words);
}

static struct binding *tunnel(void)
{
	struct binding *b = bus_first_binding();
	struct link *l = bus_add_link(3, "eth0");

	fx.engine->started = true;
	fx.engine->uplink = l;
	b->state = BINDING_REGISTERED;
	b->registered = true;
	b->link = l;
	b->path = (struct path){.home = b->home, .mode = PATH_TUNNEL, .ifindex = 3};
	b->path.anchor = b->anchor->address;
	cr_assert(addr_parse("2001:db8:b::5", &b->path.coa) == 0);
	b->coa = b->registered_coa = fx.engine->coa = b->path.coa;
	return b;
}

Test(obs_selftest, says_what_is_wrong_with_a_path)
{
	struct binding *b = tunnel();

	b->liveness.probed = 1000;
	look();
	assert_finding("home address 2001:db8:a::10", false, "no answer through north");
	assert_finding("home address 2001:db8:a::10", false, "IPv6 in IPv6 (protocol 41)?");
	assert_finding("home address 2001:db8:a::11", false, "waiting for");

	((struct conf_anchor *)b->anchor->conf)->protection = CONF_PROTECTION_ESP;
	look();
	assert_finding("home address 2001:db8:a::10", false, "ESP (protocol 50)?");

	b->liveness.probed = 0;
	b->liveness.probe_answered = 1000;
	b->liveness.rtt = 12500;
	look();
	assert_finding("home address 2001:db8:a::10", true, "after 12.5 ms");

	b->liveness.probe_answered = 999;
	look();
	assert_finding("home address 2001:db8:a::10", false, "no probe could be sent");

	b->state = BINDING_REGISTERING;
	b->registered = false;
	look();
	assert_finding("home address 2001:db8:a::10", false, "not registered at north yet");

	b->state = BINDING_REFUSED;
	b->last_status = 133;
	look();
	assert_finding("home address 2001:db8:a::10", false, "not home agent for this mobile node");

	b->state = BINDING_HOME;
	b->path.mode = PATH_HOME;
	look();
	assert_finding("home address 2001:db8:a::10", true, "home link");
}

Test(obs_selftest, says_what_is_wrong_with_an_anchor)
{
	struct anchor *a = bus_first_binding()->anchor;
	struct link uplink = {.up = true, .state = LINK_ATTACHED};

	list_init(&uplink.addresses);
	list_init(&uplink.routers);
	look();
	assert_finding("network", false, "waiting for");
	assert_finding("key of north", true, "Insecure=yes");
	assert_finding("anchor north", true, "not tried so far");

	a->has_sa = true;
	a->health = ANCHOR_SILENT;
	look();
	assert_finding("key of north", true, "not used so far");
	assert_finding("anchor north", false, "no way out");

	fx.engine->uplink = &uplink;
	look();
	assert_finding("anchor north", false, "does not answer");
	bus_first_binding()->obstacle.kind = OBSTACLE_TUNNEL;
	look();
	assert_finding("anchor north", false, "but its tunnel is silent");
	bus_first_binding()->obstacle.kind = OBSTACLE_NONE;
	fx.engine->uplink = NULL;

	a->n.dropped_auth = a->failed_auth = 3;
	look();
	assert_finding("key of north", false, "all 3 acknowledgements");
	assert_finding("anchor north", false, "wrong authenticator");

	/* It was right once. */
	a->n.ba_accepted = 1;
	a->key_proven = true;
	look();
	assert_finding("key of north", false, "the last 3 acknowledgements");
	assert_finding("anchor north", false, "wrong authenticator");

	a->failed_auth = 0;
	a->health = ANCHOR_REACHABLE;
	look();
	assert_finding("key of north", true, "were dropped");

	a->clock_offset = -120 * (int64_t)USEC_PER_SEC;
	a->health = ANCHOR_REFUSING;
	a->last_status = 129;
	look();
	assert_finding("key of north", false, "-120 s");
	assert_finding("anchor north", false, "administratively prohibited");
}

Test(obs_selftest, passes_on_what_the_kernel_part_says)
{
	static const struct audit_result results[] = {{.what = "device dmm0", .ok = true},
						      {.what = "rule", .words = "missing"}};

	findings_of_audit(&found, results, 2);
	assert_finding("device dmm0", true, "as it should be");
	assert_finding("rule", false, "missing");
}

Test(obs_selftest, ends_when_every_probe_is_answered)
{
	struct binding *b = tunnel();
	usec_t begin = bus_now();

	cr_assert(selftest_start(selftest) == 0);
	cr_assert(selftest_start(selftest) == 0, "the running one is joined");
	bus_wait(fx.echoes > 0);
	cr_assert(tests_done == 0);
	b->liveness.probe_sent = 0;
	b->liveness.probe_answered = bus_now();
	bus_wait(tests_done == 1);
	cr_assert(bus_now() - begin < USEC_PER_SEC);
	assert_finding("home address 2001:db8:a::10", true, "answered");

	/* Not more than one a second. */
	cr_assert(selftest_start(selftest) == 0);
	bus_wait(fx.echoes == 2);
	cr_assert(bus_now() - begin >= USEC_PER_SEC);
}

Test(obs_selftest, ends_without_an_answer)
{
	usec_t begin = bus_now();

	tunnel();
	cr_assert(selftest_start(selftest) == 0);
	while (tests_done == 0 && bus_now() < begin + 4 * USEC_PER_SEC)
		bus_run();
	cr_assert(tests_done == 1);
	cr_assert(bus_now() - begin >= 2 * USEC_PER_SEC);
	assert_finding("home address 2001:db8:a::10", false, "no answer");
}
