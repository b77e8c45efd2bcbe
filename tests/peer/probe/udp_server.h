/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "options.h"

struct udp_server;

int udp_server_open(const struct probe_options *o, sd_event *event, struct udp_server **ret);
void udp_server_close(struct udp_server *s);
