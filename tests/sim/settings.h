/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configurations of the engine, made without a file. */
#pragma once

#include "agent.h"
#include "conf/policy.h"

/* As the documentation says of a file that is empty. */
struct conf *settings_new(void);
void settings_free(struct conf *c);

/* Without an agent it has to be found. */
struct conf_anchor *settings_add_anchor(struct conf *c, const char *name,
					const struct home_agent *a);
void settings_add_home(struct conf_anchor *a, const struct in6_addr *home);
void settings_add_prefix(struct conf_anchor *a, const struct ip6_prefix *prefix);
void settings_add_link(struct conf *c, const char *match, int preference, usec_t settle);
void settings_add_rule(struct conf *c, const char *name, uint16_t port, enum service_type service);
/* The key that a section and its agents share. */
void settings_share_key(const struct conf_anchor *c, struct home_agent *a);
