/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reception of mobility messages and discovery requests from a packet socket: a kernel without
 * Mobile IPv6 discards a packet with a home address option and hands it to no other socket.
 */
#pragma once

struct agent;
struct receiver;

int receiver_open(struct agent *a, struct receiver **ret);
void receiver_close(struct receiver *r);
