/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be undone on uplinks: over a crash it is remembered by a note on our device, which the kernel keeps with it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/netlink.h"
#include "net/plane_kernel.h"

#define NOTE "dmmd undo" /* then INTERFACE:BITS... */
#define NOTE_MAX 256

void undo_write(const struct plane_kernel *k)
{
	char text[NOTE_MAX] = NOTE, buf[TUNNEL_MESSAGE_SIZE];
	size_t used = strlen(text);

	for (unsigned i = 0; i < k->n_undo && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %d:%x",
					 k->undo[i].ifindex, k->undo[i].what);
	/* What has no room is forgotten by the next run only. */
	if (k->ifindex)
		netlink_talk(link_note(buf, k->ifindex, text), NULL, NULL);
}

static void remember(struct plane_kernel *k, int ifindex, uint32_t what)
{
	struct undo *u;

	for (u = k->undo; u < k->undo + k->n_undo; u++)
		if (u->ifindex == ifindex) {
			u->what |= what;
			return;
		}
	if (k->n_undo < PLANE_MAX_UPLINKS)
		k->undo[k->n_undo++] = (struct undo){ifindex, what};
}

void undo_read(struct plane_kernel *k)
{
	char text[NOTE_MAX], name[IFNAMSIZ];
	const char *at = text + strlen(NOTE);
	unsigned what;
	int ifindex, n;

	if (link_read_note(k->ifindex, text, sizeof(text)) < 0 ||
	    strncmp(text, NOTE, strlen(NOTE)) != 0)
		return;
	for (; sscanf(at, " %d:%x%n", &ifindex, &what, &n) == 2; at += n)
		if (if_indextoname((unsigned)ifindex, name))
			remember(k, ifindex, what);
}

int kernel_remember(struct plane *p, int ifindex, uint32_t what)
{
	remember(to_kernel(p), ifindex, what);
	undo_write(to_kernel(p));
	return 0;
}

void kernel_uplink_gone(struct plane *p, int ifindex)
{
	struct plane_kernel *k = to_kernel(p);

	for (unsigned i = 0; i < k->n_undo; i++)
		if (k->undo[i].ifindex == ifindex) {
			k->undo[i] = k->undo[--k->n_undo];
			undo_write(k);
			return;
		}
}

int kernel_undo(struct plane *p, int *ret_ifindex, uint32_t *ret_undo)
{
	struct plane_kernel *k = to_kernel(p);

	if (!k->n_undo)
		return -ENOENT;
	k->n_undo--;
	*ret_ifindex = k->undo[k->n_undo].ifindex;
	*ret_undo = k->undo[k->n_undo].what;
	return 0;
}
