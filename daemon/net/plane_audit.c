/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is the BPF plane as it should be? */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "net/bpf.h"
#include "net/internal.h"
#include "net/plane_bpf.h"
#include "net/tc.h"

bool bpf_check_attached(struct plane *p, int ifindex, bool has_mac)
{
	struct plane_bpf *b = to_bpf(p);
	bool device = ifindex == b->device;
	enum pinned program = has_mac ? PIN_DECAP : PIN_DECAP_L3;
	struct bpf_object_info info;

	if (device)
		program = PIN_ENCAP;
	else if (ifindex == b->far_end)
		program = PIN_FORWARD;
	return bpf_info(b->fd[program], &info) == 0 &&
	       tc_attached(ifindex, device ? TC_EGRESS : TC_INGRESS, info.id);
}

const char *bpf_check_path(struct plane *p, const struct path *path)
{
	struct plane_addr home = to_plane_addr(&path->home);
	struct plane_binding wanted = bpf_binding_of(path), found;
	struct plane_bpf *b = to_bpf(p);
	int r = bpf_map_get(b->fd[PIN_BINDING], &home, &found);

	if (path->mode != PATH_TUNNEL)
		return r == -ENOENT ? NULL : "the plane still tunnels it";
	if (r < 0)
		return "the plane has no tunnel for it";
	wanted.watched = found.watched; /* they change with the traffic */
	wanted.doubted = found.doubted;
	return memcmp(&wanted, &found, sizeof(found)) == 0 ? NULL
							   : "the plane has another tunnel for it";
}

static void check_pins(struct plane_bpf *b, const struct conf *conf, struct audit *a)
{
	char missing[160] = "", other[160] = "";

	for (unsigned i = 0; i < PIN_MAX; i++) {
		_cleanup_close_ int fd = bpf_pin_open(conf->pin_directory, bpf_pins[i].name);
		struct bpf_object_info ours, pinned;
		char *where = fd < 0 ? missing : other;
		size_t used = strlen(where);

		if (fd >= 0 && bpf_info(fd, &pinned) == 0 && bpf_info(b->fd[i], &ours) == 0 &&
		    pinned.id == ours.id)
			continue;
		snprintf(where + used, sizeof(missing) - used, " %s", bpf_pins[i].name);
	}
	if (missing[0])
		audit_add(a, false, "pins",
			  "missing in %s:%s; traffic goes on, but the next start of dmmd begins "
			  "anew: restart dmmd-loader and dmmd",
			  conf->pin_directory, missing);
	else if (other[0])
		audit_add(a, false, "pins",
			  "replaced in %s while dmmd runs:%s; restart dmmd to use them",
			  conf->pin_directory, other);
	else
		audit_add(a, true, "pins", "%u in %s", PIN_MAX, conf->pin_directory);
}

static unsigned count(int map)
{
	struct plane_accept_key key, next; /* the largest of our keys */
	unsigned n = 0;

	for (int r = bpf_map_next(map, NULL, &next); r == 0; r = bpf_map_next(map, &key, &next)) {
		key = next;
		n++;
	}
	return n;
}

/* helps: NULL if it may well be full. */
static void check_fill(struct plane_bpf *b, enum pinned map, const char *helps, struct audit *a)
{
	struct bpf_object_info info;
	char what[48];
	unsigned n;

	snprintf(what, sizeof(what), "map %s", bpf_pins[map].name);
	if (bpf_info(b->fd[map], &info) < 0)
		return;
	n = count(b->fd[map]);
	if (n < info.max_entries || !helps)
		audit_add(a, true, what, "%u of %u", n, info.max_entries);
	else
		audit_add(a, false, what, "full (%u): %s", n, helps);
}

void bpf_audit(struct plane *p, const struct conf *conf, struct audit *a)
{
	struct plane_bpf *b = to_bpf(p);

	check_pins(b, conf, a);
	check_fill(b, PIN_BINDING, NULL, a);
	check_fill(b, PIN_WATCH, NULL, a);
	check_fill(b, PIN_ACCEPT,
		   "nothing comes in by a new care-of address; wait until moves are over", a);
	check_fill(b, PIN_COA, "no new care-of address can be used; wait until moves are over", a);
	check_fill(b, PIN_UPLINK, "programs on further interfaces would stay behind at a stop", a);
}
