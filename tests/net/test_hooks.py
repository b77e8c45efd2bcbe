# SPDX-License-Identifier: GPL-2.0-or-later
"""Sockets of every kind with the hooks in the kernel; the test writes what dmmd would."""
import array
import errno
import os
import socket
import struct
import subprocess

import pytest
from lib import hooked
from lib.hooked import (ADDRESSES, ask, asked, connected, datagram, disconnect, ENOPROTOOPT,
                        error_of, IP6, LOCAL, OTHER_PEER, PEER, SECOND, SO_COOKIE, status, stream,
                        TCP_PORT, TO)
from lib.hooks import (DRAINING, FIXED, GRACEFUL, NEW, NON_PERSISTENT, packed, REQUIRE, rule,
                       SERVICE, SESSION, STATUS, TCP, UDP, UNSPEC)
from lib.run import wait_until

host, one_host, static = hooked.host, hooked.one_host, hooked.static
MPTCP = 262


# --- What a socket asks for

@pytest.mark.parametrize("make", [stream, datagram], ids=["tcp", "udp"])
@pytest.mark.parametrize("service", [FIXED, SESSION, GRACEFUL])
def test_E02_socket_starts_from_the_address_of_its_type(host, make, service):
    host.listen()
    assert host.do(asked, make, service) == ADDRESSES[service]
    assert host.do(asked, make, service, REQUIRE) == ADDRESSES[service]


@pytest.mark.parametrize("make", [stream, datagram], ids=["tcp", "udp"])
@pytest.mark.parametrize("service", [None, UNSPEC, NON_PERSISTENT])
def test_E01_socket_that_asks_nothing_is_left_to_the_kernel(host, make, service):
    host.listen()
    before = host.maps.count("given")
    assert host.do(asked, make, service) == LOCAL
    assert host.maps.count("given") == before


def test_nonblocking_connect(host):
    def connect():
        with stream() as s:
            s.setblocking(False)
            ask(s, SESSION)
            return s.connect_ex(TO), s.getsockname()[0]
    host.listen()
    assert host.do(connect) == (errno.EINPROGRESS, ADDRESSES[SESSION])


def test_fast_open(host):
    def send():
        with stream() as s:
            ask(s, SESSION)
            s.sendto(b"x", socket.MSG_FASTOPEN, TO)
            return s.getsockname()[0]
    host.listen()
    assert host.do(send) == ADDRESSES[SESSION]


def test_option_tells_what_was_set(host):
    def values():
        with stream() as s:
            before = s.getsockopt(IP6, SERVICE)
            ask(s, GRACEFUL, REQUIRE | NEW)
            return before, s.getsockopt(IP6, SERVICE), s.getsockopt(IP6, SERVICE, 16)
    assert host.do(values) == (UNSPEC, GRACEFUL, struct.pack("IIII", GRACEFUL, REQUIRE | NEW, 0, 0))


def test_status_tells_what_was_given(host):
    def statuses():
        with stream() as s:
            ask(s, SESSION)
            before = status(s)
            s.connect(TO)
            return before, status(s)
    host.listen()
    host.serve(generation=7)
    assert host.do(statuses) == ((SESSION, UNSPEC, 0, "::", 7),
                                 (SESSION, SESSION, 0, ADDRESSES[SESSION], 7))


def test_status_of_a_socket_that_is_local(host):
    def of_local():
        with stream() as s:
            s.connect(TO)
            return status(s)
    host.listen()
    assert host.do(of_local) == (UNSPEC, UNSPEC, 0, LOCAL, 1)


def test_status_tells_that_a_graceful_address_is_replaced(host):
    def replaced():
        with stream() as s:
            ask(s, GRACEFUL)
            s.connect(TO)
            before = status(s)[2]
            host.serve({**ADDRESSES, GRACEFUL: SECOND})
            return before, status(s)[1:3]
    host.listen()
    assert host.do(replaced) == (0, (GRACEFUL, DRAINING))


# --- Errors

@pytest.mark.parametrize("value", [
    struct.pack("I", 5), struct.pack("i", -1), struct.pack("IIII", SESSION, 8, 0, 0),
    struct.pack("IIII", SESSION, 0, 0, 1), b"", b"\2\0", b"\2\0\0\0\0", bytes(20)], ids=bytes.hex)
def test_wrong_values_are_refused(host, value):
    def refused():
        with stream() as s:
            return error_of(s.setsockopt, IP6, SERVICE, value), s.getsockopt(IP6, SERVICE)
    assert host.do(refused) == (errno.EINVAL, UNSPEC)


@pytest.mark.parametrize("option, size", [(SERVICE, 3), (STATUS, 39)])
def test_short_buffers_are_refused(host, option, size):
    def refused():
        with stream() as s:
            return error_of(s.getsockopt, IP6, option, size)
    assert host.do(refused) == errno.EINVAL


@pytest.mark.parametrize("make", [stream, datagram], ids=["tcp", "udp"])
def test_connected_socket_cannot_ask(host, make):
    def too_late():
        with make() as s:
            s.connect(TO)
            return error_of(ask, s, SESSION)
    host.listen()
    assert host.do(too_late) == errno.EISCONN


def test_socket_that_the_other_end_has_closed_cannot_ask(host):
    def too_late():
        with stream() as s:
            s.connect(TO)
            server.accept()[0].close()
            s.recv(1)
            return error_of(ask, s, SESSION)
    server = host.listen()
    assert host.do(too_late) == errno.EISCONN


def test_listening_socket_can_ask(host):
    def listening():
        with stream() as s:
            s.listen()
            return error_of(ask, s, SESSION)
    assert host.do(listening) == 0


@pytest.mark.parametrize("family, kind, protocol", [
    (socket.AF_INET, socket.SOCK_STREAM, 0), (socket.AF_INET, socket.SOCK_DGRAM, 0),
    (socket.AF_UNIX, socket.SOCK_STREAM, 0),
    (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6),
    (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP),
    (socket.AF_INET6, socket.SOCK_STREAM, MPTCP)])
def test_other_sockets_get_the_kernels_own_error(host, family, kind, protocol):
    def errors():
        try:
            with socket.socket(family, kind, protocol) as s:
                return error_of(ask, s, SESSION), error_of(s.getsockopt, IP6, SERVICE)
        except OSError as e:
            return e.errno, 0
    without_hooks = errors()
    if without_hooks[0] == errno.EPROTONOSUPPORT:
        pytest.skip("the kernel has no such sockets")
    assert without_hooks[0] in (ENOPROTOOPT, errno.EOPNOTSUPP)
    assert host.do(errors) == without_hooks


def test_option_is_unknown_where_no_daemon_is(host):
    host.maps.leave(host.cookie)
    host.listen()
    assert host.do(asked, stream, SESSION) == ENOPROTOOPT
    assert host.do(asked, stream, None) == LOCAL


def test_other_namespace_is_untouched(host):
    host.listen(LOCAL, node=host.node)
    assert host.do(asked, stream, None, None, (LOCAL, TCP_PORT), node=host.peer) == PEER
    assert host.do(asked, stream, SESSION, None, (LOCAL, TCP_PORT), node=host.peer) == ENOPROTOOPT


# --- No address

@pytest.mark.parametrize("make", [stream, datagram], ids=["tcp", "udp"])
def test_E02_strict_request_is_never_silently_local(host, make):
    host.serve({})
    host.listen()
    assert host.do(asked, make, SESSION) == LOCAL
    assert host.do(asked, make, SESSION, REQUIRE) == errno.EADDRNOTAVAIL


def test_address_that_has_gone_from_the_host(host):
    host.serve({SESSION: "2001:db8:3::dead"})
    host.listen()
    failed = host.maps.count("failed")
    assert host.do(asked, stream, SESSION) == LOCAL
    assert host.do(asked, stream, SESSION, REQUIRE) == errno.EADDRNOTAVAIL
    assert host.maps.count("failed") == failed + 2


def test_missing_address_is_wanted_once_for_each_socket(host):
    def often():
        with datagram() as s:
            ask(s, SESSION)
            for _ in range(3):
                s.connect(TO)
                disconnect(s)
            ask(s, FIXED)
            s.connect(TO)
    host.serve({})
    host.do(often)
    assert host.maps.wanted() == [(PEER, SESSION, 0, 0), (PEER, FIXED, 0, 0)]


def test_new_address_is_wanted_and_the_usual_one_given(host):
    host.listen()
    assert host.do(asked, stream, SESSION, NEW) == ADDRESSES[SESSION]
    assert host.maps.wanted() == [(PEER, SESSION, 0, NEW)]


def test_restricted_type_is_for_some_users(host):
    host.serve(restricted=[FIXED])
    host.maps.allow(host.cookie, 1000, FIXED)
    host.listen()
    assert host.do(asked, stream, FIXED, uid=1000) == ADDRESSES[FIXED]
    assert host.do(asked, stream, FIXED, uid=1001) == LOCAL
    assert host.do(asked, stream, FIXED, REQUIRE, uid=1001) == errno.EPERM
    assert host.do(asked, stream, SESSION, uid=1001) == ADDRESSES[SESSION]
    assert host.maps.wanted() == []


# --- What the application has chosen itself, and destinations without mobility

@pytest.mark.parametrize("make", [stream, datagram], ids=["tcp", "udp"])
def test_bound_socket_keeps_its_address(host, make):
    def bound():
        with make() as s:
            s.bind((SECOND, 0))
            ask(s, SESSION, REQUIRE)
            return connected(s)
    host.listen()
    assert host.do(bound) == SECOND


def test_own_packet_information_counts(host):
    def send():
        with datagram() as s:
            ask(s, SESSION, REQUIRE)
            info = packed(SECOND) + struct.pack("I", 0)
            s.sendmsg([b"x"], [(IP6, socket.IPV6_PKTINFO, info)], 0, TO)
    receiver = host.receiver()
    host.do(send)
    assert receiver.recvfrom(16)[1][0] == SECOND


def test_socket_of_another_device_is_left_alone(host):
    def on_device(flags):
        with stream() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"v0\0")
            ask(s, SESSION, flags)
            try:
                return connected(s)
            except OSError as e:
                return e.errno
    host.listen()
    index = host.node.inside(lambda: socket.if_nametoindex("v0"))
    host.serve(ifindex=index)
    assert host.do(on_device, 0) == ADDRESSES[SESSION]
    host.serve(ifindex=index + 1)
    assert host.do(on_device, 0) == LOCAL
    assert host.do(on_device, REQUIRE) == errno.EADDRNOTAVAIL


def test_mapped_and_loopback_destinations_are_left_alone(host):
    host.listen("192.0.2.2", family=socket.AF_INET)
    host.listen("::1", node=host.node)
    assert host.do(asked, stream, SESSION, REQUIRE, ("::ffff:192.0.2.2", TCP_PORT)) == \
        "::ffff:192.0.2.1"
    assert host.do(asked, stream, SESSION, REQUIRE, ("::1", TCP_PORT)) == "::1"


@pytest.mark.parametrize("to", ["fe80::1", "ff02::1"])
def test_link_local_and_multicast_destinations_are_left_alone(host, to):
    def source():
        return asked(datagram, SESSION, REQUIRE, (to, 9, 0, socket.if_nametoindex("v0")))
    assert host.do(source).startswith("fe80::")


# --- Datagrams of sockets that are bound to nothing

def send_to(way):
    s = datagram()
    ask(s, SESSION, REQUIRE)
    if way == "sendto":
        s.sendto(b"x", TO)
    else:
        s.sendmsg([b"x"], [], 0, TO)
    return s, struct.unpack("Q", s.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8))[0]


@pytest.mark.parametrize("way", ["sendto", "sendmsg"])
def test_unconnected_socket_sends_from_the_address_and_holds_it(host, way):
    def send():
        s, cookie = send_to(way)
        there = host.maps.held_by()
        told = status(s)[1:4]
        s.close()
        return cookie, there, host.maps.held_by(), told
    receiver = host.receiver()
    cookie, there, after, told = host.do(send)
    assert receiver.recvfrom(16)[1][0] == ADDRESSES[SESSION]
    assert there == {cookie: (ADDRESSES[SESSION], SESSION, 0)}
    assert told == (SESSION, 0, ADDRESSES[SESSION])
    assert after == {}


def test_held_address_follows_the_change(host):
    def send():
        s, cookie = send_to("sendto")
        host.serve({SESSION: SECOND})
        s.sendto(b"y", TO)
        return cookie, host.maps.held_by()
    receiver = host.receiver()
    cookie, there = host.do(send)
    assert [receiver.recvfrom(16)[1][0] for _ in range(2)] == [ADDRESSES[SESSION], SECOND]
    assert there == {cookie: (SECOND, SESSION, 0)}


def test_killed_process_holds_nothing(host):
    def send_and_die():
        kept = send_to("sendto")
        return kept and host.maps.held_by()
    host.receiver()
    assert len(host.do(send_and_die)) == 1
    wait_until(lambda: host.maps.held_by() == {}, "the record to go with the socket")


def test_unconnected_socket_without_an_address(host):
    def send(flags):
        with datagram() as s:
            ask(s, SESSION, flags)
            return error_of(s.sendto, b"x", TO)
    host.serve({})
    receiver = host.receiver()
    assert host.do(send, 0) == 0
    assert receiver.recvfrom(16)[1][0] == LOCAL
    assert host.do(send, REQUIRE) == errno.EADDRNOTAVAIL
    assert host.maps.held_by() == {}


# --- Servers

@pytest.mark.parametrize("make", [stream, datagram], ids=["tcp", "udp"])
def test_E02_server_that_asks_for_fixed_is_at_the_home_address(host, make):
    def serve():
        with make() as s:
            ask(s, FIXED)
            s.bind(("::", TCP_PORT))
            return s.getsockname()[:2], status(s)[1]
    assert host.do(serve) == ((ADDRESSES[FIXED], TCP_PORT), FIXED)


def test_server_that_asks_nothing_is_everywhere(host):
    def serve():
        with stream() as s:
            s.bind(("::", TCP_PORT))
            return s.getsockname()[0]
    host.serve(rules=[rule(FIXED, TCP | UDP)])
    assert host.do(serve) == "::"


def test_strict_server_without_the_address(host):
    def serve(flags):
        with stream() as s:
            ask(s, FIXED, flags)
            return error_of(s.bind, ("::", TCP_PORT))
    host.serve({})
    assert host.do(serve, 0) == 0
    assert host.do(serve, REQUIRE) == errno.EADDRNOTAVAIL


# --- Whoever has the socket

def test_static_program(host, static):
    host.listen()
    for way in ("tcp", "udp"):
        told = host.do(lambda: subprocess.run([static, str(SESSION), way, PEER, str(TCP_PORT)],
                                              capture_output=True, text=True, check=True).stdout)
        assert told.strip() == ADDRESSES[SESSION]


def test_sendmmsg(host, static):
    receiver = host.receiver()
    host.do(lambda: subprocess.run([static, str(SESSION), "sendmmsg", PEER, str(TCP_PORT)],
                                   check=True) and None)
    assert [receiver.recvfrom(16)[1][0] for _ in range(2)] == [ADDRESSES[SESSION]] * 2


def test_request_survives_exec(host, static):
    def execute():
        with stream() as s:
            ask(s, SESSION)
            os.set_inheritable(s.fileno(), True)
            argv = [static, "0", "tcp", PEER, str(TCP_PORT), str(s.fileno())]
            return subprocess.run(argv, capture_output=True, text=True, check=True,
                                  close_fds=False).stdout.strip()
    host.listen()
    assert host.do(execute) == ADDRESSES[SESSION]


def test_request_goes_with_a_passed_descriptor(host):
    """The other process is in another control group: that of the socket's maker counts."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    outside = host.make_group(f"dmt{host.run.id}-outside")

    def hand_over():
        with stream() as s:
            ask(s, SESSION)
            theirs.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                     array.array("i", [s.fileno()]))])

    def take():
        _, fds, _, _ = socket.recv_fds(ours, 1, 1)
        with socket.socket(fileno=fds[0]) as s:
            return connected(s)
    with ours, theirs:
        host.listen()
        host.do(hand_over)
        assert host.do(take, group=outside) == ADDRESSES[SESSION]


def test_socket_of_another_control_group_has_no_option(host):
    outside = host.make_group(f"dmt{host.run.id}-elsewhere")
    host.listen()
    assert host.do(asked, stream, SESSION, group=outside) == ENOPROTOOPT


def test_datagram_socket_that_is_connected_anew_gets_what_is_current(host):
    def again():
        with datagram() as s:
            ask(s, SESSION)
            first = connected(s)
            host.serve({SESSION: SECOND, FIXED: ADDRESSES[FIXED]})
            same = connected(s, (OTHER_PEER, TCP_PORT))
            disconnect(s)
            second = connected(s)
            disconnect(s)
            ask(s, FIXED)
            return first, same, second, connected(s)
    assert host.do(again) == (ADDRESSES[SESSION], ADDRESSES[SESSION], SECOND, ADDRESSES[FIXED])


def test_refused_socket_that_connects_again(host):
    def again():
        with stream() as s:
            ask(s, SESSION)
            refused = s.connect_ex((PEER, TCP_PORT + 1))
            host.serve({SESSION: SECOND})
            return refused, connected(s)
    host.listen()
    assert host.do(again) == (errno.ECONNREFUSED, SECOND)
