/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions as the kernel tells them: which are on a prefix, which go, whose they are.  In a network namespace of its own,
 * or, where that is not allowed, on the host's loopback address among the sockets of others. */
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/internal.h"

#define OURS "2001:db8:0:%x::%x" /* subnet, host */

static struct net net;
static int control;
static bool alone;

#define NEEDS_NAMESPACE() \
	do { \
		if (!alone) \
			cr_skip("no network namespace"); \
	} while (0)

static void setup(void)
{
	struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	log_set_max_level(LOG_ERR);
	alone = unshare(CLONE_NEWNET) == 0;
	if (!alone)
		return;
	control = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert(ioctl(control, SIOCSIFFLAGS, &up) == 0);
}

static void teardown(void)
{
	session_watch_stop(&net.session_watch);
	owners_forget(&net.owners);
}

TestSuite(net_sessions, .init = setup, .fini = teardown, .timeout = 30);

/* An address of ours, made on the first use. */
static struct sockaddr_in6 at(unsigned subnet, unsigned host)
{
	struct in6_ifreq req = {.ifr6_prefixlen = 128, .ifr6_ifindex = (int)if_nametoindex("lo")};
	struct sockaddr_in6 sa = {.sin6_family = AF_INET6};
	char s[ADDR_STRLEN];

	if (!alone) {
		sa.sin6_addr = in6addr_loopback;
		return sa;
	}
	snprintf(s, sizeof(s), OURS, subnet, host);
	cr_assert(addr_parse(s, &sa.sin6_addr) == 0);
	req.ifr6_addr = sa.sin6_addr;
	cr_assert(ioctl(control, SIOCSIFADDR, &req) == 0 || errno == EEXIST, "%s: %m", s);
	return sa;
}

static struct ip6_prefix prefix_at(unsigned subnet)
{
	struct sockaddr_in6 sa = at(subnet, 1);

	return prefix_make(&sa.sin6_addr, alone ? 64 : 128);
}

static int bound(int type, const struct sockaddr_in6 *sa)
{
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
	int r = -1;

	for (unsigned i = 0; i < 5000 && r < 0; i++) {
		r = bind(fd, (const struct sockaddr *)sa, sizeof(*sa));
		if (r < 0 && errno == EADDRNOTAVAIL) /* still tentative */
			usleep(200);
	}
	cr_assert(r == 0, "%m");
	return fd;
}

static struct sockaddr_in6 name_of(int fd)
{
	struct sockaddr_in6 sa;
	socklen_t len = sizeof(sa);

	cr_assert(getsockname(fd, (struct sockaddr *)&sa, &len) == 0);
	return sa;
}

static int listener(const struct sockaddr_in6 *sa)
{
	int fd = bound(SOCK_STREAM, sa);

	cr_assert(listen(fd, 4096) == 0);
	return fd;
}

/* From an address to wherever that socket is bound. */
static int connected(int type, const struct sockaddr_in6 *from, int to)
{
	struct sockaddr_in6 peer = name_of(to);
	int fd = bound(type, from);

	cr_assert(connect(fd, (struct sockaddr *)&peer, sizeof(peer)) == 0, "%m");
	return fd;
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie;
	socklen_t len = sizeof(cookie);

	cr_assert(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0);
	return cookie;
}

static size_t list(const struct ip6_prefix *sources, unsigned n, struct session_info **ret)
{
	size_t found = 12345;
	int r = net_list_sessions(&net, sources, n, ret, &found);

	cr_assert(r == 0, "%s", strerror(-r));
	return found;
}

/* What is listed of a socket, or NULL. */
static const struct session_info *look(int fd, const struct session_info *s, size_t n)
{
	uint64_t cookie = cookie_of(fd);

	for (size_t i = 0; i < n; i++) {
		if (s[i].cookie == cookie)
			return &s[i];
	}
	return NULL;
}

Test(net_sessions, lists_every_kind_with_its_particulars)
{
	const struct sockaddr_in6 here = at(1, 1), there = at(2, 1);
	const struct ip6_prefix p = prefix_at(1);
	const int far = listener(&there), far_udp = bound(SOCK_DGRAM, &there);
	const int server = listener(&here), plain_udp = bound(SOCK_DGRAM, &here);
	const int tcp = connected(SOCK_STREAM, &here, far);
	const int udp = connected(SOCK_DGRAM, &here, far_udp);
	const int in = connected(SOCK_STREAM, &there, server);
	const int accepted = accept(server, NULL, NULL);
	const struct session_info *s;
	struct session_info *all;
	struct stat st;
	size_t n = list(&p, 1, &all);

	s = look(tcp, all, n);
	cr_assert(s && s->protocol == IPPROTO_TCP && !s->listening);
	cr_assert(addr_equal(&s->source, &here.sin6_addr));
	cr_assert(addr_equal(&s->destination, &there.sin6_addr));
	cr_assert(s->source_port == ntohs(name_of(tcp).sin6_port));
	cr_assert(s->destination_port == ntohs(name_of(far).sin6_port));
	cr_assert(s->uid == getuid());
	fstat(tcp, &st);
	cr_assert(s->inode == st.st_ino && s->cgroup_id != 0);

	s = look(server, all, n);
	cr_assert(s && s->listening && addr_is_any(&s->destination));
	s = look(accepted, all, n);
	cr_assert(s && !s->listening && s->source_port == ntohs(name_of(server).sin6_port));
	s = look(udp, all, n);
	cr_assert(s && s->protocol == IPPROTO_UDP);
	cr_assert(s->destination_port == ntohs(name_of(far_udp).sin6_port));
	s = look(plain_udp, all, n);
	cr_assert(s && s->protocol == IPPROTO_UDP && addr_is_any(&s->destination));
	if (alone) {
		cr_assert(n == 5, "%zu listed", n);
		cr_assert(!look(in, all, n) && !look(far, all, n) && !look(far_udp, all, n));
	}
	free(all);
}

Test(net_sessions, leaves_out_what_has_no_source_or_only_waits)
{
	const struct sockaddr_in6 any = {.sin6_family = AF_INET6}, here = at(1, 1);
	const struct ip6_prefix everything = {0};
	struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};
	const int server = listener(&any), udp = bound(SOCK_DGRAM, &any);
	struct sockaddr_in6 to = here;
	int client = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), other;
	struct session_info *all;

	NEEDS_NAMESPACE();
	cr_assert(addr_parse("::ffff:127.0.0.1", &mapped.sin6_addr) == 0);
	bound(SOCK_DGRAM, &mapped);
	cr_assert(list(&everything, 1, &all) == 0);
	free(all);

	to.sin6_port = name_of(server).sin6_port;
	cr_assert(connect(client, (struct sockaddr *)&to, sizeof(to)) == 0);
	other = accept(server, NULL, NULL);
	cr_assert(list(&everything, 1, &all) == 2);
	cr_assert(look(client, all, 2) && look(other, all, 2));
	free(all);
	close(client);
	close(other);
	usleep(50000);
	cr_assert(list(&everything, 1, &all) == 0, "TIME_WAIT is nobody's session");
	free(all);
	close(udp);
}

Test(net_sessions, lists_what_is_closed_here_and_still_open_there)
{
	const struct sockaddr_in6 here = at(1, 1), there = at(2, 1);
	const struct ip6_prefix p = prefix_at(1);
	const int server = listener(&there);
	const int client = connected(SOCK_STREAM, &here, server), peer = accept(server, NULL, NULL);
	struct session_info *all;

	NEEDS_NAMESPACE();
	shutdown(client, SHUT_WR);
	cr_assert(list(&p, 1, &all) == 1 && look(client, all, 1));
	free(all);
	close(client); /* only a remainder waits for the other side: no socket any more */
	usleep(50000);
	cr_assert(list(&p, 1, &all) == 0);
	free(all);
	close(peer);
}

/* Linux 6.8 and later. */
Test(net_sessions, lists_a_bound_socket_before_it_connects)
{
	const struct sockaddr_in6 here = at(1, 1);
	const struct ip6_prefix p = prefix_at(1);
	const int fd = bound(SOCK_STREAM, &here);
	struct session_info *all;
	size_t n = list(&p, 1, &all);

	const struct session_info *s = look(fd, all, n);

	if (!s)
		cr_skip("this kernel does not tell");
	cr_assert(!s->listening && addr_is_any(&s->destination));
	free(all);
}

Test(net_sessions, nothing_asked_nothing_told)
{
	struct ip6_prefix many[1025] = {0};
	struct session_info *all = NULL;
	size_t n = 7;

	cr_assert(list(NULL, 0, &all) == 0 && !all);
	cr_assert(net_list_sessions(&net, many, 1025, &all, &n) == -E2BIG && n == 7);
}

/* Every second of 128 prefixes is asked for. */
Test(net_sessions, filters_64_prefixes_exactly)
{
	struct ip6_prefix p[64];
	struct session_info *all;
	int fd[128];
	size_t n;

	NEEDS_NAMESPACE();
	for (unsigned i = 0; i < 128; i++) {
		struct sockaddr_in6 sa = at(i, 1 + i);

		fd[i] = i % 4 < 2 ? bound(SOCK_DGRAM, &sa) : listener(&sa);
		if (i % 2)
			p[i / 2] = prefix_at(i);
	}
	n = list(p, 64, &all);
	cr_assert(n == 64, "%zu listed", n);
	for (unsigned i = 0; i < 128; i++)
		cr_assert(!look(fd[i], all, n) == !(i % 2), "subnet %u", i);
	free(all);
	for (unsigned k = 1; k < 64; k++) { /* each length of the filter */
		cr_assert(list(p, k, &all) == k, "%u prefixes", k);
		free(all);
	}
}

Test(net_sessions, filters_as_many_prefixes_as_it_says)
{
	static struct ip6_prefix p[1024];
	const struct sockaddr_in6 last = at(1023, 5), none = at(2000, 1);
	struct session_info *all;
	const int fd = bound(SOCK_DGRAM, &last);

	NEEDS_NAMESPACE();
	bound(SOCK_DGRAM, &none);
	for (unsigned i = 0; i < 1024; i++) {
		p[i] = prefix_make(&last.sin6_addr, 64);
		p[i].addr.s6_addr[6] = (uint8_t)(i >> 8);
		p[i].addr.s6_addr[7] = (uint8_t)i;
	}
	cr_assert(list(p, 1024, &all) == 1 && look(fd, all, 1));
	free(all);
}

Test(net_sessions, prefix_lengths_within_an_octet)
{
	const struct sockaddr_in6 low = at(0x10, 1), high = at(0x1f, 1), out = at(0x20, 1);
	const struct ip6_prefix p = prefix_make(&low.sin6_addr, 60);
	const int a = bound(SOCK_DGRAM, &low), b = bound(SOCK_DGRAM, &high);
	struct session_info *all;

	NEEDS_NAMESPACE();
	bound(SOCK_DGRAM, &out);
	cr_assert(list(&p, 1, &all) == 2 && look(a, all, 2) && look(b, all, 2));
	free(all);
}

Test(net_sessions, prefixes_may_overlap)
{
	const struct sockaddr_in6 low = at(0x10, 1), high = at(0x1f, 1), out = at(0x20, 1);
	const struct ip6_prefix p[] = {
		prefix_make(&high.sin6_addr, 64),
		prefix_make(&low.sin6_addr, 60),
		prefix_make(&low.sin6_addr, 128),
		prefix_make(&high.sin6_addr, 64),
	};
	const int a = bound(SOCK_DGRAM, &low), b = bound(SOCK_DGRAM, &high);
	struct session_info *all;

	NEEDS_NAMESPACE();
	bound(SOCK_DGRAM, &out);
	cr_assert(list(p, 4, &all) == 2 && look(a, all, 2) && look(b, all, 2));
	free(all);
}

Test(net_sessions, a_thousand_at_once)
{
	const struct sockaddr_in6 here = at(1, 1), there = at(2, 1);
	const struct ip6_prefix p = prefix_at(1);
	const struct rlimit files = {4096, 4096};
	struct session_info *all;
	int server;
	size_t n;

	NEEDS_NAMESPACE();
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		cr_skip("not enough file descriptors");
	server = listener(&there);
	for (unsigned i = 0; i < 1000; i++)
		connected(SOCK_STREAM, &here, server);
	n = list(&p, 1, &all);
	cr_assert(n == 1000, "%zu listed", n);
	for (size_t i = 1; i < n; i++)
		cr_assert(all[i].cookie != all[i - 1].cookie);
	free(all);
}

/* --- those that go ------------------------------------------------------------------------ */

static uint64_t told[1024];
static unsigned n_told, n_lost;
static bool stop_at_once;

static void on_gone(void *user, uint64_t cookie)
{
	if (n_told < sizeof(told) / sizeof(told[0]))
		told[n_told++] = cookie;
	if (stop_at_once)
		session_watch_stop(user);
}

static void on_lost(void *user)
{
	(void)user;
	n_lost++;
}

static sd_event *watch(void)
{
	sd_event *ev;
	int r;

	cr_assert(sd_event_new(&ev) >= 0);
	net.session_watch = (struct session_watch){
		.gone = on_gone, .lost = on_lost, .user = &net.session_watch};
	r = session_watch_start(&net.session_watch, ev);
	cr_assert(r == 0, "%s", strerror(-r));
	return ev;
}

static void run(sd_event *ev)
{
	while (sd_event_run(ev, 200 * USEC_PER_MSEC) > 0)
		;
}

static bool was_told(uint64_t cookie)
{
	for (unsigned i = 0; i < n_told; i++) {
		if (told[i] == cookie)
			return true;
	}
	return false;
}

Test(net_sessions, tells_which_go)
{
	const struct sockaddr_in6 here = at(1, 1), there = at(2, 1);
	const int server = listener(&there), far = bound(SOCK_DGRAM, &there);
	const int tcp = connected(SOCK_STREAM, &here, server);
	const int udp = connected(SOCK_DGRAM, &here, far), stays = bound(SOCK_DGRAM, &here);
	const struct linger reset = {.l_onoff = 1};
	const uint64_t tcp_cookie = cookie_of(tcp), udp_cookie = cookie_of(udp);
	sd_event *ev = watch();

	setsockopt(tcp, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	run(ev);
	cr_assert(!was_told(udp_cookie) && !was_told(tcp_cookie));
	close(udp);
	run(ev);
	cr_assert(was_told(udp_cookie) && !was_told(tcp_cookie));
	close(tcp);
	run(ev);
	cr_assert(was_told(tcp_cookie) && !was_told(cookie_of(stays)) && n_lost == 0);
	session_watch_stop(&net.session_watch);
	sd_event_unref(ev);
}

Test(net_sessions, may_be_stopped_by_whom_it_tells)
{
	const struct sockaddr_in6 here = at(1, 1);
	const int a = bound(SOCK_DGRAM, &here), b = bound(SOCK_DGRAM, &here);
	sd_event *ev = watch();

	NEEDS_NAMESPACE();
	stop_at_once = true;
	close(a);
	close(b);
	usleep(50000);
	run(ev);
	cr_assert(n_told == 1 && !net.session_watch.socket && !net.session_watch.source);
	sd_event_unref(ev);
}

Test(net_sessions, tells_when_news_were_lost)
{
	const struct sockaddr_in6 here = at(1, 1);
	sd_event *ev = watch();
	const int small = 1;

	NEEDS_NAMESPACE();
	setsockopt(mnl_socket_get_fd(net.session_watch.socket), SOL_SOCKET, SO_RCVBUF, &small,
		   sizeof(small));
	for (unsigned i = 0; i < 100; i++)
		close(bound(SOCK_DGRAM, &here));
	usleep(100000);
	run(ev);
	cr_assert(n_lost > 0);
	session_watch_stop(&net.session_watch);
	sd_event_unref(ev);
}

/* --- whose they are ----------------------------------------------------------------------- */

static struct session_info info_of(int fd)
{
	struct session_info s = {.protocol = IPPROTO_UDP, .uid = getuid()};
	struct stat st;

	fstat(fd, &st);
	s.inode = (uint32_t)st.st_ino;
	return s;
}

Test(net_sessions, knows_this_process_as_an_owner)
{
	const struct sockaddr_in6 here = at(1, 1);
	const struct ip6_prefix p = prefix_at(1);
	char self[PATH_MAX] = "";
	const struct session_info *s;
	struct session_owner o;
	struct session_info *all;
	const int fd = bound(SOCK_DGRAM, &here);
	size_t n = list(&p, 1, &all);

	s = look(fd, all, n);
	cr_assert(s && net_session_owner(&net, s, &o) == 0);
	cr_assert(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	cr_assert(o.pid == getpid(), "%d", o.pid);
	cr_assert_str_eq(o.executable, self);
	cr_assert(o.control_group[0] == '/' || access("/proc/self/cgroup", R_OK) < 0);
	free(all);
}

Test(net_sessions, finds_an_owner_that_changed_its_user)
{
	const struct sockaddr_in6 here = at(1, 1);
	struct session_info s = info_of(bound(SOCK_DGRAM, &here));
	struct session_owner o;

	s.uid = 4711;
	cr_assert(net_session_owner(&net, &s, &o) == 0 && o.pid == getpid());
}

Test(net_sessions, a_socket_without_a_process_has_no_owner)
{
	const struct sockaddr_in6 here = at(1, 1);
	const int fd = bound(SOCK_DGRAM, &here);
	struct session_owner o = {.pid = 7};
	struct session_info s = info_of(fd);
	int r;

	close(fd);
	r = net_session_owner(&net, &s, &o);
	cr_assert((r == -ENOENT || r == -EACCES) && o.pid == 7, "%d", r);
	s.inode = 0;
	cr_assert(net_session_owner(&net, &s, &o) == -ENOENT);
}

/* Control groups are found without looking into any process. */
Test(net_sessions, finds_the_control_group_by_its_number)
{
	const struct sockaddr_in6 here = at(1, 1);
	const struct ip6_prefix p = prefix_at(1);
	const int fd = bound(SOCK_DGRAM, &here);
	struct session_owner by_pid, by_id;
	const struct session_info *found;
	struct session_info *all, s;
	size_t n = list(&p, 1, &all);
	int r;

	found = look(fd, all, n);
	cr_assert(found != NULL);
	s = *found;
	free(all);
	cr_assert(net_session_owner(&net, &s, &by_pid) == 0);
	s.inode = 0;
	r = net_session_owner(&net, &s, &by_id);
	if (r == -ENOENT)
		cr_skip("no unified hierarchy here, or not all of it is seen");
	cr_assert(r == 0 && by_id.pid == 0 && !by_id.executable[0]);
	cr_assert_str_eq(by_id.control_group, by_pid.control_group);
}
