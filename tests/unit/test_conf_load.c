/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files: the main one, drop-ins, keys. */
#include "test_conf.h"

#include "conf/keyfile.h"

#define HEX16 "000102030405060708090A0b0c0d0e0f"

static struct outcome load(const struct tmpdir *t)
{
	return run_conf(tmpdir_file(t, "t.conf", NULL, 0).s, NULL, 0);
}

static void expect_messages(const struct tmpdir *t, struct outcome o, int r, const char *fmt)
{
	char expected[1024];

	snprintf(expected, sizeof(expected), fmt, t->path, t->path);
	cr_assert_eq(o.r, r);
	cr_assert_null(o.conf);
	cr_assert_str_eq(o.messages, expected);
	outcome_done(&o);
}

Test(conf_load, missing_files_are_an_empty_configuration)
{
	struct tmpdir t = tmpdir_new();
	struct outcome o = load(&t);

	cr_assert_eq(o.r, 0);
	cr_assert_str_eq(o.conf->device, "dmm0");
	outcome_done(&o);
	tmpdir_done(&t);
}

Test(conf_load, dropins_in_the_order_of_their_names)
{
	struct tmpdir t = tmpdir_new();
	struct outcome o;

	tmpdir_file(&t, "t.conf", "[Daemon]\nDevice=dmm1\n" ANCHOR_OK, 0644);
	mkdir(tmpdir_file(&t, "t.conf.d", NULL, 0).s, 0755);
	tmpdir_file(&t, "t.conf.d/20.conf", "[Daemon]\nDevice=dmm20\n[Link]\nMatch=*\nUse=no\n",
		    0644);
	tmpdir_file(&t, "t.conf.d/10.conf",
		    "[Daemon]\nDevice=dmm10\nRouteTable=700\n[Link]\nMatch=eth*\n"
		    "[Anchor home]\nHomeAddress=\nHomeAddress=2001:db8:1::20/64\n",
		    0644);
	tmpdir_file(&t, "t.conf.d/30.conf~", "x", 0644);
	tmpdir_file(&t, "t.conf.d/.40.conf", "x", 0644);
	o = load(&t);
	cr_assert_eq(o.r, 0, "%s", o.messages);
	cr_assert_str_eq(o.conf->device, "dmm20");
	cr_assert_eq(o.conf->route_table, 700);
	cr_assert(conf_link_find(o.conf, "eth0")->use);
	cr_assert_not(conf_link_find(o.conf, "wlan0")->use);
	cr_assert_eq(first_anchor(&o)->n_homes, 1);
	cr_assert_eq(first_anchor(&o)->home[0].address.s6_addr[15], 0x20);
	outcome_done(&o);
	tmpdir_done(&t);
}

Test(conf_load, errors_name_the_file_and_all_are_told)
{
	struct tmpdir t = tmpdir_new();

	tmpdir_file(&t, "t.conf", "[Daemon]\nOnStop=x\n", 0644);
	mkdir(tmpdir_file(&t, "t.conf.d", NULL, 0).s, 0755);
	tmpdir_file(&t, "t.conf.d/a.conf", "[Daemon]\n\nOnStop=y\n", 0644);
	mkdir(tmpdir_file(&t, "t.conf.d/b.conf", NULL, 0).s, 0755);
	cr_assert_eq(symlink("nowhere", tmpdir_file(&t, "t.conf.d/c.conf", NULL, 0).s), 0);
	expect_messages(
		&t, load(&t), -EINVAL,
		"%1$s/t.conf:2: OnStop= does not accept \"x\"; accepted: withdraw or keep\n"
		"%1$s/t.conf.d/a.conf:3: OnStop= does not accept \"y\"; accepted: withdraw or "
		"keep\n"
		"%1$s/t.conf.d/b.conf: not a regular file\n"
		"%1$s/t.conf.d/c.conf: cannot be read: No such file or directory\n");
	tmpdir_done(&t);
}

Test(conf_load, dropin_directory_that_is_none)
{
	struct tmpdir t = tmpdir_new();

	tmpdir_file(&t, "t.conf.d", "", 0644);
	expect_messages(&t, load(&t), -EINVAL, "%s/t.conf.d: cannot be read: Not a directory\n");
	tmpdir_done(&t);
}

Test(conf_load, main_file_that_cannot_be_read)
{
	struct tmpdir t = tmpdir_new();
	char *big = malloc(1024 * 1024 + 2);

	memset(big, '\n', 1024 * 1024 + 1);
	big[1024 * 1024 + 1] = '\0';
	cr_assert_eq(mkfifo(tmpdir_file(&t, "t.conf", NULL, 0).s, 0600), 0);
	expect_messages(&t, load(&t), -EBADFD, "%s/t.conf: not a regular file\n");
	unlink(tmpdir_file(&t, "t.conf", NULL, 0).s);
	tmpdir_file(&t, "t.conf", big, 0644);
	expect_messages(&t, load(&t), -EFBIG, "%s/t.conf: larger than 1048576 octets\n");
	free(big);
	tmpdir_done(&t);
}

static struct outcome load_with_key(const struct tmpdir *t, const char *source)
{
	char text[512];

	snprintf(text, sizeof(text), ANCHOR_HEAD ANCHOR_HOME "SPI=256\nKeyFile=%s\n", source);
	tmpdir_file(t, "t.conf", text, 0644);
	return load(t);
}

Test(conf_load, key_from_a_file)
{
	static const char *const texts[] = {HEX16, HEX16 "\n", "\n \t" HEX16 " \r\n\n"};
	struct tmpdir t = tmpdir_new();

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct outcome o =
			load_with_key(&t, tmpdir_file(&t, "key", texts[i], i ? 0400 : 0600).s);
		const struct conf_anchor *a;

		cr_assert_eq(o.r, 0, "%s", o.messages);
		a = first_anchor(&o);
		cr_assert(a->has_key);
		cr_assert_eq(a->key_len, 16);
		for (unsigned j = 0; j < 16; j++)
			cr_assert_eq(a->key[j], j);
		outcome_done(&o);
	}
	tmpdir_done(&t);
}

/* Refused with this reason, and without any of the content. */
static void refuse_key(const struct tmpdir *t, const char *source, const char *why)
{
	struct outcome o = load_with_key(t, source);
	char expected[512];

	snprintf(expected, sizeof(expected), "%s/t.conf:5: KeyFile=%s: %s\n", t->path, source, why);
	cr_assert_eq(o.r, -EINVAL);
	cr_assert_str_eq(o.messages, expected);
	outcome_done(&o);
}

Test(conf_load, key_file_must_be_private_and_plain)
{
	static const char mode[] =
		"can be accessed by group or others; its mode must be 0600 or less";
	struct tmpdir t = tmpdir_new();
	struct tmppath p;

	refuse_key(&t, tmpdir_file(&t, "none", NULL, 0).s, "No such file or directory");
	refuse_key(&t, tmpdir_file(&t, "a", HEX16, 0640).s, mode);
	refuse_key(&t, tmpdir_file(&t, "b", HEX16, 0604).s, mode);
	p = tmpdir_file(&t, "link", NULL, 0);
	cr_assert_eq(symlink("a", p.s), 0);
	refuse_key(&t, p.s, "is a symbolic link, which is not followed");
	p = tmpdir_file(&t, "fifo", NULL, 0);
	cr_assert_eq(mkfifo(p.s, 0600), 0);
	refuse_key(&t, p.s, "is not a regular file");
	refuse_key(&t, t.path, "is not a regular file");
	if (geteuid() == 0) {
		p = tmpdir_file(&t, "other", HEX16, 0600);
		cr_assert_eq(chown(p.s, 65534, 65534), 0);
		refuse_key(&t, p.s,
			   "belongs to somebody else than root and the user of the daemon");
	}
	tmpdir_done(&t);
}

Test(conf_load, key_text_must_be_hexadecimal_of_16_to_64_octets)
{
	static const char digits[] = "must contain nothing but one row of hexadecimal digits";
	static const char length[] = "must contain a key of 16 to 64 octets, which is an even "
				     "number of 32 to 128 hexadecimal digits";
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{"", length},
		{"\n \n", length},
		{"0001020304050607", length},
		{HEX16 "0", length},
		{HEX16 HEX16 HEX16 HEX16 "00", length},
		{"secret passphrase that is long", digits},
		{HEX16 " " HEX16, digits},
		{HEX16 "\n" HEX16, digits},
		{"0x" HEX16, digits},
	};
	struct tmpdir t = tmpdir_new();
	struct outcome o;
	char big[2000];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		refuse_key(&t, tmpdir_file(&t, "key", wrong[i].text, 0600).s, wrong[i].why);
	memset(big, '0', sizeof(big));
	big[1025] = '\0';
	refuse_key(&t, tmpdir_file(&t, "key", big, 0600).s, "is too large for a key");
	o = load_with_key(&t, tmpdir_file(&t, "key", HEX16 HEX16 HEX16 HEX16, 0600).s);
	cr_assert_eq(o.r, 0, "%s", o.messages);
	cr_assert_eq(first_anchor(&o)->key_len, 64);
	outcome_done(&o);
	tmpdir_done(&t);
}

Test(conf_load, key_from_a_credential)
{
	struct tmpdir t = tmpdir_new();
	struct outcome o;

	unsetenv("CREDENTIALS_DIRECTORY");
	refuse_key(&t, "credential:home",
		   "needs LoadCredential= in the unit: there is no credentials directory");
	setenv("CREDENTIALS_DIRECTORY", t.path, 1);
	refuse_key(
		&t, "credential:home",
		"the service has no such credential: key_NAME is the file NAME in " DMMD_SYSCONFDIR
		"/dmmd/keys; is it there, and was the service restarted since?");
	/* systemd guards the directory; the mode of the file in it does not count. */
	tmpdir_file(&t, "home", HEX16, 0444);
	o = load_with_key(&t, "credential:home");
	cr_assert_eq(o.r, 0, "%s", o.messages);
	cr_assert_eq(first_anchor(&o)->key_len, 16);
	outcome_done(&o);
	cr_assert_eq(symlink("home", tmpdir_file(&t, "link", NULL, 0).s), 0);
	refuse_key(&t, "credential:link", "is a symbolic link, which is not followed");
	tmpdir_done(&t);
}

Test(conf_load, credential_names_do_not_leave_the_directory)
{
	uint8_t key[CONF_KEY_MAX];
	const char *why = NULL;
	size_t len = 7;

	setenv("CREDENTIALS_DIRECTORY", "/tmp", 1);
	cr_assert_eq(keyfile_read("credential:../etc/hostname", key, &len, &why), -EINVAL);
	cr_assert_eq(keyfile_read("credential:", key, &len, &why), -EINVAL);
	cr_assert_str_eq(why, "is not the name of a credential");
	cr_assert_eq(len, 7);
}
