/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Payload protection of the kernel plane: the tunnels to home agents that have keys go through ESP (esp.h).
 *
 * A tunnel is up only while its states and policies are there, and a home address that is to be protected only gets into
 * tunnels that are: what cannot be had leaves it without a path.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "net/plane_kernel.h"

static bool is_wanted(const struct in6_addr *coa, const struct in6_addr *anchor, uint32_t spi,
		      void *user)
{
	const struct plane_kernel *k = user;
	const struct tunnel *t;

	list_for_each(t, &k->tunnels, node)
		if (t->keys && addr_equal(&t->anchor, anchor) &&
		    (!coa || addr_equal(&t->coa, coa)) &&
		    (!spi || spi == (coa ? t->keys->in.spi : t->keys->out.spi)))
			return true;
	return false;
}

void protection_sweep(struct plane_kernel *k)
{
	if (k->esp)
		esp_sweep(k->esp, is_wanted, k);
}

static const char *words_for(int r)
{
	switch (r) {
	case -ENOKEY:
		return "PayloadProtection=esp, and there are no keys for a home agent that is not "
		       "configured";
	case -EEXIST:
		return "another program has a policy or state of IPsec where that of a tunnel "
		       "belongs, see ip xfrm policy and ip xfrm state";
	case -EPROTONOSUPPORT:
	case -ENOSYS:
	case -ENOENT:
		return "the kernel lacks ESP with AES-CBC and HMAC-SHA-256 (CONFIG_XFRM_USER, "
		       "CONFIG_INET6_ESP, CONFIG_CRYPTO_CBC)";
	default:
		return "the kernel refuses a state or policy of IPsec";
	}
}

/* Said once, until something else is wrong. */
static int fault(int r, int *told)
{
	if (r != *told)
		log_error("payload cannot be protected: %s: %s", words_for(r), log_strerror(-r));
	*told = r;
	return r;
}

void protection_open(struct plane_kernel *k)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int r = 0;

	if (!k->esp && (r = esp_open(&k->esp)) == 0) {
		ev.data.fd = esp_fd(k->esp);
		epoll_ctl(k->epoll, EPOLL_CTL_ADD, ev.data.fd, &ev);
	}
	if (!conf_protects(k->conf))
		return; /* nobody misses it */
	if (r == 0)
		r = esp_probe(k->esp);
	if (r < 0)
		fault(r, &k->protection_fault);
	else
		k->protection_fault = 0;
}

int protection_allows(struct plane_kernel *k, const struct in6_addr *home,
		      const struct in6_addr *anchor)
{
	const struct conf_esp *keys;

	if (!conf_is_protected(k->conf, home, anchor, &keys) || keys)
		return 0;
	return fault(-ENOKEY, &k->protection_fault);
}

int tunnel_protect(struct plane_kernel *k, struct tunnel *t)
{
	int r;

	if (t->is_protected)
		return 0;
	t->keys = conf_esp_of(k->conf, &t->anchor);
	if (!t->keys) {
		/* When its section has gone, what is left of the binding is not to go on in the clear. */
		if (t->was_protected && !conf_has_agent(k->conf, &t->anchor))
			return fault(-ENOKEY, &t->protection_fault);
		t->protection_fault = 0;
		return 0;
	}
	if (!k->esp)
		protection_open(k);
	r = k->esp ? esp_protect(k->esp, &t->coa, &t->anchor, t->keys) : -EPROTONOSUPPORT;
	if (r < 0)
		return fault(r, &t->protection_fault);
	t->is_protected = t->was_protected = true;
	t->protection_fault = 0;
	return 0;
}

/* What is not allowed any more ends; what is left goes through what is configured now. */
void kernel_reconfigure(struct plane *plane, const struct conf *conf)
{
	struct plane_kernel *k = to_kernel(plane);
	struct passage *p, *next;

	k->conf = conf;
	protection_open(k);
	list_for_each_safe(p, next, &k->passages, node) {
		p->barred = protection_allows(k, &p->home, &p->tunnel->anchor) < 0;
		if (p->barred) {
			p->path = p->awaited = false;
			tunnel_close(k, p->tunnel); /* and its route; others are repaired */
			passage_end_if_unused(k, p);
		}
	}
	protection_renew(k);
	tunnels_prune(k);
}

void protection_renew(struct plane_kernel *k)
{
	struct tunnel *t;

	list_for_each(t, &k->tunnels, node) {
		t->is_protected = false;
		if (tunnel_protect(k, t) < 0)
			tunnel_close(k, t);
	}
	protection_sweep(k);
}

/* Somebody flushed or changed what is ours: it is put back at once. */
void protection_changed(struct plane_kernel *k)
{
	if (esp_changed(k->esp) && conf_protects(k->conf))
		protection_renew(k);
}

enum net_protection kernel_protection(struct plane *plane, const struct path *path)
{
	struct plane_kernel *k = to_kernel(plane);
	const struct tunnel *t = tunnel_find(k, &path->anchor, &path->coa);
	const struct passage *p = t ? passage_find(k, t, &path->home) : NULL;
	const struct conf_esp *keys;

	if (path->mode != PATH_TUNNEL ||
	    !conf_is_protected(k->conf, &path->home, &path->anchor, &keys))
		return NET_PROTECTION_NONE;
	return p && p->path && t->ifindex && t->is_protected ? NET_PROTECTION_ESP
							     : NET_PROTECTION_BLOCKED;
}

const char *kernel_protection_fault(struct plane *plane, const struct path *path)
{
	struct plane_kernel *k = to_kernel(plane);
	const struct tunnel *t = tunnel_find(k, &path->anchor, &path->coa);
	int r = t && t->protection_fault ? t->protection_fault : k->protection_fault;

	return r ? words_for(r) : NULL;
}

const char *tunnel_protection_fault(const struct tunnel *t)
{
	return words_for(t->protection_fault);
}

uint64_t tunnel_failed(struct plane_kernel *k, struct tunnel *t)
{
	uint64_t n = t->is_protected ? esp_failed(k->esp, &t->coa, t->keys) : 0;

	if (n > 0 && !t->failure_told)
		log_warning("%s sends what is not encrypted and authenticated by the keys of "
			    "PayloadKeyFile=: compare them with its own",
			    ADDR_STR(&t->anchor));
	t->failure_told = n > 0;
	return n;
}
