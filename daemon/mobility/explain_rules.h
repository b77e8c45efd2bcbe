/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules by which one source address is better than another for a session (E1, E2, E5; RFC 6724). */
#pragma once

#include "mobility/explain.h"

struct explain_question {
	const struct engine *e;
	const struct in6_addr *destination;
	const struct in6_addr *kernel; /* source that the kernel takes by itself; :: = not known */
	enum service_type type;
	bool asked; /* the application itself has asked for the type: else it gets what the host prefers */
};

/* A candidate and what it is made of. */
struct explain_option {
	struct explain_candidate *c;
	const struct link *link; /* its own, that it is native on or was; NULL = a home address */
	const struct link_address *address;
	const struct binding *binding;
	const struct prefix *prefix; /* NULL = not in the table any more */
	const struct anchor *anchor;
	bool native;            /* packets need no tunnel */
	bool on_demand;         /* its binding is made when it is used */
	enum service_type type; /* the strongest promise that it can keep */
	unsigned rank;          /* by type, lower is better */
	bool out;               /* a rule has decided against it; c->words says which */
};

/* The strongest promise that holds: of what the prefix is for, as far as there is somebody to keep it. */
enum service_type explain_promise(const struct explain_option *o);
/* Can packets be sent from it now, to that destination? */
bool explain_usable(const struct explain_question *q, struct explain_option *o);
/* Can it serve such a session? */
bool explain_suits(const struct explain_question *q, struct explain_option *o);
/* Positive if a is the better one, then `words` says what is wrong with b; negative if b is.  Never 0 for two different ones. */
int explain_compare(const struct explain_question *q, const struct explain_option *a,
		    const struct explain_option *b, char words[static EXPLAIN_WORDS_MAX]);
