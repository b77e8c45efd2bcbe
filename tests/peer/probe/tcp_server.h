/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "options.h"

struct tcp_server;

int tcp_server_open(const struct probe_options *o, sd_event *event, struct tcp_server **ret);
void tcp_server_close(struct tcp_server *s);
