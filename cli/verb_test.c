/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl.h"

int verb_test(struct ctl *c, char **args, int n)
{
	static const struct column columns[] = {{"WHAT", "what", FORMAT_TEXT, false},
						{"RESULT", "result", FORMAT_STATE, false},
						{"FOUND", "words", FORMAT_TEXT, false},
						{0}};
	json_auto_t *findings = NULL, *rows = json_array();
	DBusMessageIter it;
	DBusMessage *reply;
	json_t *finding;
	bool wrong = false;
	size_t i;
	int r = client_ask(c, "Test", "a(sbs)", &reply);

	(void)args, (void)n;
	if (r != CTL_OK)
		return r;
	dbus_message_iter_init(reply, &it);
	findings = decode_value(&it);
	dbus_message_unref(reply);
	json_array_foreach(findings, i, finding)
	{
		bool ok = json_is_true(json_array_get(finding, 1));

		wrong = wrong || !ok;
		json_array_append_new(rows,
				      json_pack("{s:O,s:b,s:O}", "what", json_array_get(finding, 0),
						"ok", ok, "words", json_array_get(finding, 2)));
	}
	if (c->json != JSON_MODE_OFF) {
		r = output_json(c, rows);
	} else {
		json_array_foreach(rows, i, finding) json_object_set_new(
			finding, "result",
			json_string(json_is_true(json_object_get(finding, "ok")) ? "ok" : "wrong"));
		r = output_table(c, columns, rows);
	}
	return r == CTL_OK && wrong ? CTL_ERROR : r;
}
