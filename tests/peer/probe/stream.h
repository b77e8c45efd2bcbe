/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One end of the TCP probe's connection; client and server are the same but for who begins.
 *
 * The connection carries frames: an octet of type, three of length, the content.  Data frames hold
 * the next octets of a known pattern, checked on arrival; the others hold JSON.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/usec.h"

enum frame_type {
	FRAME_DATA = 1,
	FRAME_HELLO,  /* client: {"rate", "stall_us"} */
	FRAME_END,    /* client: nothing more comes */
	FRAME_REPORT, /* server: {"received", "sent", "verified", "stalls"} */
};

struct stream;

struct stream_handlers {
	/* A frame that is not data; content may be NULL.  Negative ends the stream. */
	int (*frame)(void *user, enum frame_type type, const json_t *content);
	/* The connection has ended: 0 by the other side, else a negative errno. */
	void (*closed)(void *user, int error);
	void *user;
};

/* Takes the descriptor over (also on failure).  seed: of the pattern that is sent. */
int stream_new(sd_event *event, int fd, unsigned seed, const struct stream_handlers *h,
	       struct stream **ret);
void stream_free(struct stream *s);

/* Send data from now on, at most `rate` octets a second (0: as fast as it goes). */
int stream_send_data(struct stream *s, uint64_t rate);
void stream_stop_data(struct stream *s);
/* Queue a frame behind the data frame under way; takes the reference (may be NULL). */
int stream_send_frame(struct stream *s, enum frame_type type, json_t *content);

/* Pauses of what is received that are longer than this are listed, from now on. */
void stream_watch(struct stream *s, usec_t stall);
/* A list of {"direction", "start_us", "end_us"}; a pause still going on is in it. */
json_t *stream_stalls(struct stream *s, const char *direction, bool open_end);

uint64_t stream_sent(const struct stream *s);
uint64_t stream_received(const struct stream *s);
/* Everything received was the pattern. */
bool stream_verified(const struct stream *s);
int stream_fd(const struct stream *s);
