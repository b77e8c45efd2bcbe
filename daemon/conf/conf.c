/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration of the daemon, and the state that it keeps over restarts.  Includes base/ only.
 *
 *   conf.c      loading: files in their order, keys; finding
 *   ini.c       lines of the INI syntax (systemd.syntax(7))
 *   options.c   the table of all options
 *   value.c     values of options; value_name.c; timespan.c  time spans (systemd.time(7))
 *   build.c     from lines by the table to the structs; section.c  which struct
 *   check.c     what only the whole configuration shows; check_property.c
 *   payload.c   keys of payload protection; check_payload.c  what its sections agree on
 *   find.c      which section is for an interface, a prefix, a domain
 *   policy.c    rules for applications (dmmd-policy(5)); policy_value.c  their keys
 *   keyfile.c   keys from files and credentials
 *   report.c    errors; suggest.c  the name that was meant
 *   sample.c    the sample file and the list for dmmd.conf(5)
 *   files.c     whole files, drop-ins
 *   state.c     the state file
 */
#include "conf/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "conf/build.h"
#include "conf/files.h"
#include "conf/keyfile.h"
#include "conf/policy.h"

#define FILE_SIZE_MAX (1024 * 1024)

DEFINE_CLEANUP(struct conf_build *, build_free);

/* 0 also when the content is wrong, which is reported; -errno when there is no content. */
static int add_file(struct conf_build *b, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = file_read(path, FILE_SIZE_MAX, &text, &len);

	return r < 0 ? r : build_add(b, path, text, len);
}

/* A credential, and we are not the service that it is for. */
static bool is_absent_credential(const char *source)
{
	return strncmp(source, CONF_CREDENTIAL_PREFIX, strlen(CONF_CREDENTIAL_PREFIX)) == 0 &&
	       !getenv("CREDENTIALS_DIRECTORY");
}

static void load_payload_keys(struct conf_build *b, const struct anchor_source *s)
{
	struct conf_anchor *a = s->anchor;
	char why[256];

	if (!a->payload_key_file[0] || a->protection == CONF_PROTECTION_NO ||
	    (b->errors->credentials_optional && is_absent_credential(a->payload_key_file)))
		return;
	if (payload_keys_read(a->payload_key_file, &a->esp, why, sizeof(why)) < 0)
		conf_report(b->errors, source_where(&s->source, CONF_ANCHOR, "PayloadKeyFile"),
			    "PayloadKeyFile=%s: %s", a->payload_key_file, why);
	else
		a->has_esp = true;
}

static void load_keys(struct conf_build *b)
{
	for (unsigned i = 0; i < b->n_anchors; i++) {
		struct conf_anchor *a = b->anchors[i].anchor;
		const char *why;

		load_payload_keys(b, &b->anchors[i]);
		if (!a->key_file[0])
			continue;
		if (b->errors->credentials_optional && is_absent_credential(a->key_file))
			continue;
		if (keyfile_read(a->key_file, a->key, &a->key_len, &why) < 0)
			conf_report(b->errors,
				    source_where(&b->anchors[i].source, CONF_ANCHOR, "KeyFile"),
				    "KeyFile=%s: %s", a->key_file, why);
		else
			a->has_key = true;
	}
}

/* By default it may be missing; one that was named is meant to be there. */
static void check_policy_directory(struct conf_build *b)
{
	struct conf_where at = source_where(&b->daemon, CONF_DAEMON, "PolicyDirectory");

	if (at.file && !source_was_wrong(&b->daemon, CONF_DAEMON, "PolicyDirectory") &&
	    access(b->conf->policy_directory, F_OK) < 0 && errno == ENOENT)
		conf_report(b->errors, at, "PolicyDirectory=%s does not exist",
			    b->conf->policy_directory);
}

static int build_finish(struct conf_build *b, unsigned errors_before, struct conf **ret)
{
	if (b->errors->n != errors_before)
		return -EINVAL;
	*ret = TAKE_PTR(b->conf);
	return 0;
}

int conf_load(const char *path, struct conf_errors *errors, struct conf **ret)
{
	_cleanup_(build_free_cleanup) struct conf_build *b = NULL;
	_cleanup_free_ char *directory = NULL;
	unsigned before = errors->n;
	char **dropins;
	int r, n;

	if (asprintf(&directory, "%s.d", path) < 0) {
		directory = NULL;
		return -ENOMEM;
	}
	r = build_new(errors, &b);
	if (r < 0)
		return r;
	r = add_file(b, path);
	if (r < 0 && r != -ENOENT) {
		conf_report_file(errors, path, r, FILE_SIZE_MAX);
		return r;
	}
	n = dropins_list(directory, &dropins);
	if (n < 0) {
		conf_report_file(errors, directory, n, FILE_SIZE_MAX);
		n = 0;
		dropins = NULL;
	}
	for (int i = 0; i < n; i++) {
		r = add_file(b, dropins[i]);
		if (r < 0)
			conf_report_file(errors, dropins[i], r, FILE_SIZE_MAX);
	}
	build_check(b);
	check_policy_directory(b);
	load_keys(b);
	build_check_payload_keys(b);
	r = policy_load(b->conf->policy_directory, errors, &b->conf->rules);
	if (r == 0 || r == -EINVAL)
		r = build_finish(b, before, ret);
	/* Only now: messages of checks name the files. */
	dropins_free(dropins, n);
	return r;
}

int conf_parse_buffer(const char *name, const char *text, size_t len, struct conf_errors *errors,
		      struct conf **ret)
{
	_cleanup_(build_free_cleanup) struct conf_build *b = NULL;
	unsigned before = errors->n;
	int r;

	r = build_new(errors, &b);
	if (r == 0)
		r = build_add(b, name, text, len);
	if (r < 0)
		return r;
	build_check(b);
	return build_finish(b, before, ret);
}

void conf_free(struct conf *c)
{
	struct conf_anchor *a, *next_anchor;
	struct conf_prefix *p, *next_prefix;
	struct conf_domain *d, *next_domain;
	struct conf_link *l, *next_link;

	if (!c)
		return;
	policy_free(&c->rules);
	list_for_each_safe(p, next_prefix, &c->prefixes, node)
		free(p);
	list_for_each_safe(d, next_domain, &c->domains, node)
		free(d);
	list_for_each_safe(l, next_link, &c->links, node)
		free(l);
	list_for_each_safe(a, next_anchor, &c->anchors, node) {
		explicit_bzero(a->key, sizeof(a->key));
		explicit_bzero(&a->esp, sizeof(a->esp));
		free(a);
	}
	free(c);
}
