/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.dmmd1.Handover: one change of attachment with the time of each phase. */
#include <inttypes.h>
#include <stdio.h>

#include "bus/field.h"

/* The latest phase of the work: data come when somebody has something to say. */
static int64_t total(const struct handover *h)
{
	int64_t t = 0;

	for (int i = 0; i < PHASE_DATA; i++)
		if (h->phase[i] != HANDOVER_NOT_REACHED && h->phase[i] > t)
			t = h->phase[i];
	return t;
}

static void get_total(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		      const void *object)
{
	(void)b, (void)p;
	out_i64(out, total((const struct handover *)object));
}

static void get_phases(struct bus_out *out, const struct bus *b, const struct bus_property *p,
		       const void *object)
{
	const struct handover *h = (const struct handover *)object;
	struct bus_out dict, entry;

	(void)b, (void)p;
	out_open(out, &dict, DBUS_TYPE_ARRAY, "{sx}");
	for (int i = 0; i < PHASE_MAX; i++) {
		if (h->phase[i] == HANDOVER_NOT_REACHED)
			continue;
		out_open(&dict, &entry, DBUS_TYPE_DICT_ENTRY, NULL);
		out_string(&entry, handover_phase_str(i));
		out_i64(&entry, h->phase[i]);
		out_close(&dict, &entry);
	}
	out_close(out, &dict);
}

static const struct bus_property properties[] = {
	{"Id", "t", BUS_CONST, FIELD(struct handover, id), .doc = "Number, counted from 1"},
	{"Mode", "s", BUS_EMITS, FIELD_ENUM(struct handover, mode, handover_mode_str),
	 .doc = "start, break (before make), make (before break), return (home)"},
	{"Result", "s", BUS_EMITS, FIELD_ENUM(struct handover, result, handover_result_str),
	 .doc = "running, done, failed, superseded"},
	{"StartUSec", "t", BUS_CONST, FIELD_USEC(struct handover, start.mono),
	 .doc = "When it began"},
	{"StartRealUSec", "t", BUS_CONST, FIELD_USEC(struct handover, start.real),
	 .doc = "The same on CLOCK_REALTIME"},
	{"FromLink", "s", BUS_EMITS, FIELD(struct handover, from_link),
	 .doc = "Interface that was left, empty if none"},
	{"ToLink", "s", BUS_EMITS, FIELD(struct handover, to_link), .doc = "Interface entered"},
	{"FromCareOfAddress", "s", BUS_EMITS, FIELD(struct handover, from_coa),
	 .doc = "Earlier care-of address, empty if none"},
	{"ToCareOfAddress", "s", BUS_EMITS, FIELD(struct handover, to_coa),
	 .doc = "New care-of address, empty if none"},
	{"PhasesUSec", "a{sx}", BUS_EMITS, get_phases,
	 .doc = "Time of each phase since the start: link_up, ra (router advertisement), address "
		"(care-of address usable), bu (first binding update sent), ba (last "
		"acknowledgement accepted), data (first packet on the new path); phases that were "
		"not reached are left out"},
	{"TotalUSec", "x", BUS_EMITS, get_total,
	 .doc = "Time of the latest phase reached but for data"},
	{"Bindings", "u", BUS_EMITS, FIELD(struct handover, bindings),
	 .doc = "Bindings to be updated"},
	{"Acknowledged", "u", BUS_EMITS, FIELD(struct handover, acknowledged),
	 .doc = "Of these, acknowledged"},
	{"Refused", "u", BUS_EMITS, FIELD(struct handover, refused), .doc = "Of these, refused"},
	{"MessagesSent", "u", BUS_EMITS, FIELD(struct handover, mh_sent),
	 .doc = "Mobility messages sent"},
	{"MessagesReceived", "u", BUS_EMITS, FIELD(struct handover, mh_received),
	 .doc = "Mobility messages received"},
	{0}};

static const struct bus_interface interface = {
	.name = "org.dmmd1.Handover",
	.doc = "A change of attachment.  The last ones are kept.",
	.properties = properties};

static void name(const void *object, char buf[static BUS_NAME_LEN])
{
	snprintf(buf, BUS_NAME_LEN, "%" PRIu64, ((const struct handover *)object)->id);
}

static void label(const void *object, char buf[static BUS_LABEL_LEN])
{
	snprintf(buf, BUS_LABEL_LEN, "%" PRIu64, ((const struct handover *)object)->id);
}

static const char *state(const struct engine *e, const void *object)
{
	(void)e;
	return handover_result_str(((const struct handover *)object)->result);
}

static void describe(FILE *f, const void *object, bool latest)
{
	const struct handover *h = (const struct handover *)object;

	fprintf(f, ", %s", handover_mode_str(h->mode));
	if (*h->from_link)
		fprintf(f, " from %s", h->from_link);
	if (*h->to_link)
		fprintf(f, " to %s", h->to_link);
	if (latest && h->result != HANDOVER_RUNNING)
		fprintf(f, ", %.1f ms", (double)total(h) / (double)USEC_PER_MSEC);
}

const struct bus_kind bus_kind_handover = {
	.noun = "handover",
	.interface = &interface,
	.name = name,
	.label = label,
	.state = state,
	.describe = describe,
};
