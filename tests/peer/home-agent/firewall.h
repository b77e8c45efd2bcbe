/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the kernel from answering what it does not understand: an nft table of our own drops
 * packets that the packet sockets have already seen, and complaints about our tunnel's packets.
 */
#pragma once

struct agent;

/* Where there is no nft the kernel's answers go out: a warning, not an error. */
void firewall_open(struct agent *a);
void firewall_close(struct agent *a);
