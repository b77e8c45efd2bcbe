/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service behind libdmmsock: what applications ask, and what they are given.
 *
 *   sock.c     life; publication after every change of the engine's offers
 *   table.c    writes RuntimeDirectory/table (libsock-ext/table.h)
 *   server.c   the socket RuntimeDirectory/sock (libsock-ext/protocol.h): clients, limits for each user
 *   client.c   one of them; request.c what it asks for; user.c what one user may
 *   acquire.c  requests that wait for an address; hold.c datagram sockets that send from one
 *   permit.c   who may have what
 *   content.c  the engine's offers as they stand in the table; type.c  types of service
 *   hooks.c    the maps of the socket hooks (libsock-ext/bpf/hooks.h); rules.c the policy in their form,
 *              groups.c control groups that dmm-run(1) asks for
 *   policy.c   the policy by routing rules, without hooks
 *   check.c    whether all this is as it should be
 *   dispose.c  closing what a stranger gave us; complaint.c  how often something is logged
 *
 * RFC 8653; nothing that a client says of itself counts, only its credentials and what the kernel knows.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "conf/conf.h"
#include "mobility/engine.h"
#include "net/net.h"

struct sock;

/*
 * A directory that cannot be used, or a socket that cannot be bound, is logged and the daemon goes on without: 0.  hooks that
 * are not there likewise, without a word.  conf must outlive it or be replaced by sock_reconfigure().
 */
int sock_new(sd_event *ev, struct engine *e, struct net *n, const struct conf *conf,
	     struct sock **ret);
/* The engine has started: what there is can be offered. */
void sock_start(struct sock *s);
void sock_reconfigure(struct sock *s, const struct conf *conf);
/* The offers may have changed (OBJECT_OFFERS): they are published when the loop is idle next. */
void sock_changed(struct sock *s);
/* keep: the table goes on to be valid for the next start to adopt (OnStop=keep); else it says that dmmd has ended. */
void sock_stop(struct sock *s, bool keep);
void sock_free(struct sock *s);

/* For views. */
struct sock_info {
	bool serving; /* the socket is there */
	bool hooks;   /* the kernel's socket hooks are in use */
	unsigned clients, subscribers, waiting;
	uint64_t acquired, refused,
		denied;   /* requests answered with an address, without one, not permitted */
	uint64_t hostile; /* clients that were cut off */
	uint64_t hooks_given, hooks_missing;
	/* Sockets that asked for a type and had to start without it: the newest ones. */
	unsigned n_fallbacks;
};
void sock_info(const struct sock *s, struct sock_info *ret);

/* Table, socket, hooks and policy as an application would find them; returns how many results. */
#define SOCK_CHECKS 4
unsigned sock_check(const struct sock *s, struct audit_result ret[static SOCK_CHECKS]);

/* A socket of that user had to start with less than it asked for: the type that it asked for. */
bool sock_asked(const struct sock *s, uint64_t cookie, uid_t uid, enum service_type *ret);

/*
 * Datagram sockets that send from these sources without being bound to them, as net_list_sessions() lists all others; *ret is
 * freed by the caller.
 */
int sock_list_held(struct sock *s, const struct ip6_prefix *sources, unsigned n_sources,
		   struct session_info **ret, size_t *ret_n);
