/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which source a socket gets, by the library's functions. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "libsock-ext/lib/choose.h"
#include "test_dmmsock.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

static struct fake f;

static void setup(void)
{
	fake_begin(&f);
	if (!f.alone)
		cr_skip("no network namespace");
	fake_publish_all(&f);
}

static void teardown(void)
{
	fake_end(&f);
}

TestSuite(dmmsock_choose, .init = setup, .fini = teardown, .timeout = 30);

static int asking(int type, enum dmm_service_type service, uint32_t flags)
{
	const struct dmm_service s = {.type = service, .flags = flags, .timeout_ms = 50};
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);

	cr_assert(dmm_set_service(fd, &s) == 0, "%m");
	return fd;
}

static int set_error(int fd, const struct dmm_service *s)
{
	return dmm_set_service(fd, s) == 0 ? 0 : errno;
}

static int udp(void)
{
	return socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static bool v6only(int fd)
{
	int only = -1;
	socklen_t length = sizeof(only);

	cr_assert(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &length) == 0);
	return only;
}

Test(dmmsock_choose, each_type)
{
	cr_assert_str_eq(fake_source(asking(SOCK_DGRAM, DMM_SC_FIXED, 0)), FAKE_FIXED);
	cr_assert_str_eq(fake_source(asking(SOCK_DGRAM, DMM_SC_SESSION_LASTING, 0)), FAKE_SESSION);
	cr_assert_str_eq(fake_source(asking(SOCK_DGRAM, DMM_SC_GRACEFUL_REPLACEMENT, 0)),
			 FAKE_GRACEFUL);
	cr_assert_str_eq(fake_source(asking(SOCK_DGRAM, DMM_SC_NON_PERSISTENT, DMM_F_REQUIRE)),
			 FAKE_SERVER);
	cr_assert_str_eq(fake_source(udp()), FAKE_SERVER);
}

Test(dmmsock_choose, scope)
{
	static const char *const out[] = {"::",      "::1",     "fe80::1",
					  "ff02::1", "ff0e::1", "::ffff:192.0.2.1"};
	struct sockaddr_in6 to = fake_name(FAKE_SERVER, 9);
	struct sockaddr_in to4 = {.sin_family = AF_INET};

	cr_assert(choose_in_scope((struct sockaddr *)&to, sizeof(to)));
	cr_assert(choose_in_scope((struct sockaddr *)&to, 24)); /* as of old */
	cr_assert_not(choose_in_scope((struct sockaddr *)&to, 23));
	cr_assert_not(choose_in_scope(NULL, sizeof(to)));
	cr_assert_not(choose_in_scope((struct sockaddr *)&to4, sizeof(to4)));
	for (unsigned i = 0; i < sizeof(out) / sizeof(out[0]); i++) {
		to = fake_name(out[i], 9);
		cr_assert_not(choose_in_scope((struct sockaddr *)&to, sizeof(to)), "%s", out[i]);
	}
}

Test(dmmsock_choose, refused_options)
{
	struct dmm_service s = {.type = 5};
	struct sockaddr_in6 to = fake_name(FAKE_SERVER, 9);
	int fd = udp();

	cr_assert_eq(set_error(fd, &s), EINVAL);
	s = (struct dmm_service){.type = 1, .flags = 8};
	cr_assert_eq(set_error(fd, &s), EINVAL);
	s = (struct dmm_service){.type = 1, .reserved = 1};
	cr_assert_eq(set_error(fd, &s), EINVAL);
	s = (struct dmm_service){.type = 1};
	cr_assert_eq(set_error(-1, &s), EBADF);
	cr_assert_eq(set_error(STDIN_FILENO, &s), ENOTSOCK);
	cr_assert_eq(set_error(socket(AF_INET, SOCK_STREAM, 0), &s), ENOPROTOOPT);
	cr_assert_eq(set_error(socket(AF_UNIX, SOCK_STREAM, 0), &s), EOPNOTSUPP);
	cr_assert(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	cr_assert_eq(set_error(fd, &s), EISCONN);
	f.table->flags = DMM_TABLE_STOPPED;
	cr_assert_eq(set_error(udp(), &s), ENOPROTOOPT);
	f.table->flags = 0;
	f.table->netns_cookie++; /* that of the mapped table was read at first */
	cr_assert_eq(set_error(udp(), &s), 0);
}

/* As table 3.6 of errors says: without its address a socket that requires it fails, others go on. */
Test(dmmsock_choose, address_gone)
{
	struct dmm_table_entry e = fake_entry(FAKE_ABSENT, DMM_SC_FIXED);

	fake_publish(&f, &e, 1);
	cr_assert_str_eq(fake_source(asking(SOCK_DGRAM, DMM_SC_FIXED, 0)), FAKE_SERVER);
	cr_assert_str_eq(fake_source(asking(SOCK_DGRAM, DMM_SC_FIXED, DMM_F_REQUIRE)),
			 "EADDRNOTAVAIL");
}

Test(dmmsock_choose, none_and_nobody_to_ask)
{
	fake_publish(&f, NULL, 0);
	cr_assert_str_eq(fake_source(asking(SOCK_DGRAM, DMM_SC_FIXED, 0)), FAKE_SERVER);
	cr_assert_str_eq(fake_source(asking(SOCK_DGRAM, DMM_SC_FIXED, DMM_F_REQUIRE)),
			 "EADDRNOTAVAIL");
	cr_assert_str_eq(
		fake_source(asking(SOCK_DGRAM, DMM_SC_FIXED, DMM_F_REQUIRE | DMM_F_NOWAIT)),
		"EADDRNOTAVAIL");
}

Test(dmmsock_choose, stopped_in_between)
{
	int prefers = asking(SOCK_DGRAM, DMM_SC_FIXED, 0);
	int requires = asking(SOCK_DGRAM, DMM_SC_FIXED, DMM_F_REQUIRE);

	f.table->flags = DMM_TABLE_STOPPED;
	cr_assert_str_eq(fake_source(prefers), FAKE_SERVER);
	cr_assert_str_eq(fake_source(requires), "EADDRNOTAVAIL");
}

/* Without waiting, an address whose registration is not done is better than none; who must not have it does not get it. */
Test(dmmsock_choose, nobody_waits)
{
	struct dmm_table_entry e = fake_entry(FAKE_SESSION, DMM_SC_SESSION_LASTING);
	const uint32_t flags = DMM_F_REQUIRE | DMM_F_NOWAIT;

	e.state = DMM_ENTRY_ON_DEMAND;
	fake_publish(&f, &e, 1);
	cr_assert_str_eq(fake_source(asking(SOCK_DGRAM, DMM_SC_SESSION_LASTING, flags)),
			 FAKE_SESSION);
	cr_assert_str_eq(fake_source(asking(SOCK_DGRAM | SOCK_NONBLOCK, DMM_SC_SESSION_LASTING, 0)),
			 FAKE_SESSION);
	e.state = DMM_ENTRY_USABLE;
	e.flags = DMM_ENTRY_RESTRICTED;
	fake_publish(&f, &e, 1);
	cr_assert_str_eq(fake_source(asking(SOCK_DGRAM, DMM_SC_SESSION_LASTING, flags)),
			 "EADDRNOTAVAIL");
}

Test(dmmsock_choose, bound_by_the_application)
{
	struct sockaddr_in6 own = fake_name(FAKE_GRACEFUL, 0), any = fake_name("::", 0);
	int fd = asking(SOCK_DGRAM, DMM_SC_FIXED, DMM_F_REQUIRE);

	cr_assert(bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0);
	cr_assert_str_eq(fake_source(fd), FAKE_GRACEFUL);
	fd = asking(SOCK_DGRAM, DMM_SC_FIXED, 0);
	cr_assert(bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0);
	cr_assert_str_eq(fake_source(fd), FAKE_SERVER); /* it has a port: too late */
}

/* What was bound is given back, with IPV6_V6ONLY as it was. */
Test(dmmsock_choose, undone)
{
	const struct dmm_service fixed = {.type = DMM_SC_FIXED};
	struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	int fd = asking(SOCK_DGRAM, DMM_SC_SESSION_LASTING, 0);

	cr_assert_str_eq(fake_source(fd), FAKE_SESSION);
	cr_assert(v6only(fd));
	cr_assert(dmm_connect(fd, &nobody, sizeof(nobody)) == 0);
	cr_assert_not(v6only(fd));
	cr_assert(dmm_set_service(fd, &fixed) == 0);
	cr_assert_str_eq(fake_source(fd), FAKE_FIXED);
	cr_assert(dmm_connect(fd, &nobody, sizeof(nobody)) == 0);
	cr_assert(dmm_set_service(fd, &(struct dmm_service){.type = DMM_SC_UNSPEC}) == 0);
	cr_assert_str_eq(fake_source(fd), FAKE_SERVER);
}

Test(dmmsock_choose, refused_then_another)
{
	struct sockaddr_in6 own = fake_name("::1", 0);
	int fd = asking(SOCK_STREAM, DMM_SC_SESSION_LASTING, DMM_F_REQUIRE);

	cr_assert_str_eq(fake_source(fd), "ECONNREFUSED");
	cr_assert(dmm_set_service(fd, &(struct dmm_service){.type = DMM_SC_FIXED}) == 0);
	cr_assert_str_eq(fake_source(fd), "ECONNREFUSED");
	own.sin6_port = htons(9);
	cr_assert(dmm_connect(fd, (struct sockaddr *)&own, sizeof(own)) < 0 &&
		  errno == ECONNREFUSED);
	cr_assert_not(v6only(fd));
}

Test(dmmsock_choose, errno_is_kept)
{
	int fd = asking(SOCK_DGRAM, DMM_SC_FIXED, 0);

	errno = 4711;
	fake_source(fd);
	cr_assert_eq(errno, 4711);
}

Test(dmmsock_choose, packets)
{
	struct sockaddr_in6 to = fake_name(FAKE_SERVER, 0), from;
	socklen_t length = sizeof(to);
	struct in6_addr want = fake_address(FAKE_FIXED);
	struct iovec part = {.iov_base = &to, .iov_len = 1};
	struct msghdr m = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &part, .msg_iovlen = 1};
	int server = udp(), fd = asking(SOCK_DGRAM, DMM_SC_FIXED, DMM_F_REQUIRE);
	char octet;

	cr_assert(bind(server, (struct sockaddr *)&to, sizeof(to)) == 0);
	cr_assert(getsockname(server, (struct sockaddr *)&to, &length) == 0);
	cr_assert_eq(dmm_sendmsg(fd, &m, 0), 1);
	length = sizeof(from);
	cr_assert(recvfrom(server, &octet, 1, 0, (struct sockaddr *)&from, &length) == 1);
	cr_assert(IN6_ARE_ADDR_EQUAL(&from.sin6_addr, &want));
	fake_publish(&f, NULL, 0);
	cr_assert(dmm_sendmsg(fd, &m, 0) < 0 && errno == EADDRNOTAVAIL);
}

Test(dmmsock_choose, set_service_continuity)
{
	struct in6_addr source, want = fake_address(FAKE_SESSION);
	int fd = udp();

	cr_assert(dmm_setsc(fd, &source, DMM_SC_SESSION_LASTING, 50) == 0, "%m");
	cr_assert(IN6_ARE_ADDR_EQUAL(&source, &want));
	cr_assert(dmm_setsc(fd, &source, DMM_SC_FIXED, 50) < 0 && errno == EINVAL); /* bound */
	cr_assert_str_eq(fake_source(fd), FAKE_SESSION);
	cr_assert(dmm_setsc(udp(), NULL, DMM_SC_UNSPEC, 0) < 0 && errno == EINVAL);
	cr_assert(dmm_setsc(udp(), NULL, 17, 0) < 0 && errno == EINVAL);
	cr_assert(dmm_setsc(udp(), &source, DMM_SC_NON_PERSISTENT, 0) == 0);
	cr_assert(IN6_IS_ADDR_UNSPECIFIED(&source));
	fake_publish(&f, NULL, 0);
	cr_assert(dmm_setsc(udp(), &source, DMM_SC_FIXED, 50) < 0 && errno == EADDRNOTAVAIL);
}

Test(dmmsock_choose, status)
{
	struct dmm_table_entry e = fake_entry(FAKE_FIXED, DMM_SC_FIXED);
	struct in6_addr want = e.address;
	struct dmm_status s;
	int fd = asking(SOCK_DGRAM, DMM_SC_FIXED, 0);

	cr_assert(dmm_status(fd, &s) == 0);
	cr_assert(s.requested == DMM_SC_FIXED && s.effective == DMM_SC_UNSPEC &&
		  s.flags == DMM_S_EMULATED && IN6_IS_ADDR_UNSPECIFIED(&s.address));
	fake_source(fd);
	e.state = DMM_ENTRY_DRAINING;
	e.flags = DMM_ENTRY_TUNNELLED;
	fake_publish(&f, &e, 1);
	cr_assert(dmm_status(fd, &s) == 0);
	cr_assert(s.effective == DMM_SC_FIXED && s.ifindex == 1 &&
		  s.flags == (DMM_S_EMULATED | DMM_S_DRAINING | DMM_S_TUNNELLED));
	cr_assert(IN6_ARE_ADDR_EQUAL(&s.address, &want));
	cr_assert_eq(s.generation, f.table->generation);
}

/* RFC 5014 section 7. */
Test(dmmsock_choose, bind2addrsel)
{
	struct sockaddr_in6 to = fake_name(FAKE_SERVER, 0), own;
	socklen_t length = sizeof(own);
	struct in6_addr want = fake_address(FAKE_SERVER);
	int fd = udp();

	cr_assert(bind2addrsel(fd, (struct sockaddr *)&to, sizeof(to)) == 0, "%m");
	cr_assert(getsockname(fd, (struct sockaddr *)&own, &length) == 0);
	cr_assert(IN6_ARE_ADDR_EQUAL(&own.sin6_addr, &want) && own.sin6_port == 0);
	cr_assert(bind2addrsel(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno == EINVAL);
	fd = asking(SOCK_DGRAM, DMM_SC_FIXED, 0); /* RFC 8653: a service counts for more */
	cr_assert(bind2addrsel(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	cr_assert_str_eq(fake_source(fd), FAKE_FIXED);
}

/* Section 8. */
Test(dmmsock_choose, inet6_is_srcaddr)
{
	struct dmm_table_entry e = fake_entry(FAKE_FIXED, DMM_SC_FIXED);
	struct sockaddr_in6 a = fake_name(FAKE_FIXED, 0);

	cr_assert_eq(inet6_is_srcaddr(&a, IPV6_PREFER_SRC_HOME | IPV6_PREFER_SRC_PUBLIC), 1);
	cr_assert_eq(inet6_is_srcaddr(&a, IPV6_PREFER_SRC_COA), 1); /* it is at home */
	cr_assert_eq(inet6_is_srcaddr(&a, IPV6_PREFER_SRC_TMP), 0);
	cr_assert_eq(inet6_is_srcaddr(&a, IPV6_PREFER_SRC_CGA), 0);
	cr_assert_eq(inet6_is_srcaddr(&a, IPV6_PREFER_SRC_NONCGA), 1);
	e.flags = DMM_ENTRY_TUNNELLED;
	fake_publish(&f, &e, 1);
	cr_assert_eq(inet6_is_srcaddr(&a, IPV6_PREFER_SRC_COA), 0);
	a = fake_name(FAKE_SERVER, 0);
	cr_assert_eq(inet6_is_srcaddr(&a, IPV6_PREFER_SRC_HOME), 0);
	cr_assert_eq(inet6_is_srcaddr(&a, IPV6_PREFER_SRC_COA), 1);
	f.table->flags = DMM_TABLE_STOPPED; /* no mobility, every address is home */
	cr_assert_eq(inet6_is_srcaddr(&a, IPV6_PREFER_SRC_HOME), 1);
	cr_assert_eq(inet6_is_srcaddr(&a, IPV6_PREFER_SRC_HOME | IPV6_PREFER_SRC_COA), -1);
	cr_assert_eq(errno, EINVAL);
	a = fake_name(FAKE_ABSENT, 0);
	cr_assert_eq(inet6_is_srcaddr(&a, 0), -1);
	cr_assert_eq(errno, EADDRNOTAVAIL);
}
