# SPDX-License-Identifier: GPL-2.0-or-later
"""A host that the socket hooks are attached to, and sockets on it that ask."""
import contextlib
import ctypes
import errno
import os
import pathlib
import pickle
import re
import socket
import struct
import subprocess

import pytest

from .hooks import FIXED, GRACEFUL, SERVICE, SESSION, STATUS, Maps
from .namespace import CLONE_NEWNET, Namespace
from .run import BUILD, LIBC, run_command, wait_until

HOOKS = BUILD / "dmmd-hooks"
ENOPROTOOPT = errno.ENOPROTOOPT
LOCAL, PEER, OTHER_PEER = "2001:db8:1::1", "2001:db8:1::c", "2001:db8:9::c"
ADDRESSES = {FIXED: "2001:db8:2::1", SESSION: "2001:db8:3::1", GRACEFUL: "2001:db8:4::1"}
SECOND = "2001:db8:3::2"  # another one for sessions
TCP_PORT, DNS_PORT, DNS_TLS_PORT = 4000, 53, 853
TO = (PEER, TCP_PORT)
IP6 = socket.IPPROTO_IPV6
SO_COOKIE, SO_NETNS_COOKIE = 57, 71
_CGROUP2_ROOT = next((line.split()[1] for line in open("/proc/self/mounts")
                      if line.split()[2] == "cgroup2"), None)

# Static, with calls that python has not.  Arguments: type, way, destination, port, descriptor.
PROGRAM = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6}, from;
	socklen_t size = sizeof(from);
	int udp = strcmp(argv[2], "tcp") != 0, type = atoi(argv[1]), fd;
	char text[64];

	fd = argc > 5 ? atoi(argv[5]) : socket(AF_INET6, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
	inet_pton(AF_INET6, argv[3], &to.sin6_addr);
	to.sin6_port = htons(atoi(argv[4]));
	if (type && setsockopt(fd, IPPROTO_IPV6, 0x444D, &type, sizeof(type)) < 0)
		return 2;
	if (strcmp(argv[2], "sendmmsg") == 0) {
		struct iovec io = {"x", 1};
		struct mmsghdr m[2];

		memset(m, 0, sizeof(m));
		for (int i = 0; i < 2; i++) {
			m[i].msg_hdr.msg_iov = &io;
			m[i].msg_hdr.msg_iovlen = 1;
			m[i].msg_hdr.msg_name = &to;
			m[i].msg_hdr.msg_namelen = sizeof(to);
		}
		return sendmmsg(fd, m, 2, 0) == 2 ? 0 : 3;
	}
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return 4;
	getsockname(fd, (struct sockaddr *)&from, &size);
	puts(inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof(text)));
	return 0;
}
"""


def netns_cookie(namespace):
    with namespace.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        return struct.unpack("Q", s.getsockopt(socket.SOL_SOCKET, SO_NETNS_COOKIE, 8))[0]


def _remove_orphans():
    """Control groups of runs that were killed."""
    for path in pathlib.Path(_CGROUP2_ROOT).glob("dmt*"):
        match = re.match(r"dmt(\d+)", path.name)
        if match and not os.path.exists(f"/proc/{match[1]}"):
            for group in (*path.iterdir(), path):
                with contextlib.suppress(OSError):
                    group.rmdir()


class ControlGroup:
    def __init__(self, name, above=None):
        self.path = f"{above.path if above else _CGROUP2_ROOT}/{name}"
        os.mkdir(self.path)

    @property
    def id(self):
        return os.stat(self.path).st_ino

    def enter(self):
        """This process goes into it, and its children."""
        with open(f"{self.path}/cgroup.procs", "w") as f:
            f.write("0")

    def _empty(self):
        with open(f"{self.path}/cgroup.procs") as f:
            return not f.read()

    def remove(self):
        wait_until(self._empty, f"{self.path} to be empty")
        os.rmdir(self.path)


class Host:
    """A host with addresses of all types, a peer on its link, hooks on its own control group."""

    def __init__(self, run):
        if _CGROUP2_ROOT is None:
            raise RuntimeError("no control groups of version 2 are mounted")
        _remove_orphans()
        run.next_scene()
        self.run, self.directory = run, run.directory
        self.pins = run.bpf / "hooks"
        self.node, self.peer = Namespace(run, "mn"), Namespace(run, "cn")
        self.maps = None
        self._groups, self._sockets = [], []
        self.group = self.make_group(f"dmt{run.id}")
        self._addresses()
        self.cookie = netns_cookie(self.node)

    def _addresses(self):
        run_command("ip", "-n", self.node.name, "link", "add", "v0", "type", "veth", "peer", "v0",
                    "netns", self.peer.name)
        flags = "dev v0 nodad preferred_lft"
        self.node.ip("link set lo up", "link set v0 up",
                     f"addr add {LOCAL}/64 {flags} forever",
                     *(f"addr add {a}/128 {flags} 0" for a in (*ADDRESSES.values(), SECOND)),
                     f"route add default via {PEER} dev v0", "addr add 192.0.2.1/24 dev v0")
        self.peer.ip("link set lo up", "link set v0 up", f"addr add {PEER}/64 {flags} forever",
                     f"addr add {OTHER_PEER}/128 {flags} forever",
                     f"route add default via {LOCAL} dev v0", "addr add 192.0.2.2/24 dev v0")
        wait_until(lambda: all(not a.get("tentative") for n in (self.node, self.peer)
                               for a in n.addresses("v0", None)), "the link to come up")

    def make_group(self, name, above=None):
        self._groups.append(ControlGroup(name, above))
        return self._groups[-1]

    def load(self, *options, program=None, everywhere=True, group=None):
        """Run dmmd-hooks on our control group and open the maps anew."""
        argv = [program or HOOKS, "--cgroup", (group or self.group).path,
                *(["--sockopt-everywhere"] if everywhere else []), *options, self.pins]
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            self.open_maps()
        return done

    def open_maps(self):
        if self.maps:
            self.maps.close()
        self.maps = Maps(self.pins)

    def remove(self):
        return subprocess.run([str(HOOKS), "--remove", str(self.pins)], capture_output=True,
                              text=True, check=False)

    def serve(self, addresses=ADDRESSES, **settings):
        self.maps.serve(self.cookie, addresses, **settings)

    def do(self, function, *args, group=None, node=None, uid=None):
        """Call function in a process of the control group in the namespace, and give its result."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            try:
                (group or self.group).enter()
                fd = os.open((node or self.node).path, os.O_RDONLY)
                if LIBC.setns(fd, CLONE_NEWNET) < 0:
                    raise OSError(ctypes.get_errno(), "setns")
                if uid is not None:
                    os.setresuid(uid, uid, uid)
                result = (True, function(*args))
            except BaseException as e:  # handed over to the caller
                result = (False, e)
            with os.fdopen(writer, "wb") as f:
                f.write(pickle.dumps(result))
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as f:
            told = f.read()
        os.waitpid(pid, 0)
        well, result = pickle.loads(told)
        if not well:
            raise result
        return result

    def listen(self, address=PEER, port=TCP_PORT, family=socket.AF_INET6, node=None):
        """A server at the peer."""
        s = (node or self.peer).socket(family, socket.SOCK_STREAM)
        self._sockets.append(s)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.settimeout(5)
        s.bind((address, port))
        s.listen()
        return s

    def receiver(self, address=PEER, port=TCP_PORT):
        s = self.peer.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self._sockets.append(s)
        s.settimeout(5)
        s.bind((address, port))
        return s

    def reset(self):
        """As just loaded, for the next test."""
        for s in self._sockets:
            s.close()
        self._sockets.clear()
        if not self.pins.exists():
            self.load().check_returncode()
        self.open_maps()
        for one, size in ((self.maps.namespaces, 8), (self.maps.groups, 8), (self.maps.held, 8),
                          (self.maps.allowed, 16)):
            for key in one.keys(size):
                del one[key]
        self.serve()
        self.maps.wanted()

    def close(self):
        for s in self._sockets:
            s.close()
        if self.maps:
            self.maps.close()
        self.remove()
        self.run.stop_processes()
        self.run.remove_namespaces()
        for group in reversed(self._groups):
            group.remove()


@pytest.fixture(scope="module")
def one_host(run):
    if not HOOKS.exists():
        pytest.skip("dmmd-hooks is not built")
    host = Host(run)
    try:
        loaded = host.load()
        assert loaded.returncode == 0, loaded.stderr
        yield host
    finally:
        host.close()


@pytest.fixture
def host(one_host):
    one_host.reset()
    return one_host


@pytest.fixture(scope="module")
def static(one_host):
    path = one_host.directory / "static"
    subprocess.run(["gcc", "-static", "-x", "c", "-o", str(path), "-"], input=PROGRAM, text=True,
                   check=True)
    return str(path)


def stream():
    return socket.socket(socket.AF_INET6, socket.SOCK_STREAM)


def datagram():
    return socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)


def ask(s, service, flags=None):
    s.setsockopt(IP6, SERVICE, service if flags is None else
                 struct.pack("IIII", service, flags, 0, 0))


def status(s):
    """(requested, effective, flags, address, generation)"""
    requested, effective, flags, _, address, generation = struct.unpack(
        "IIII16sQ", s.getsockopt(IP6, STATUS, 40))
    return requested, effective, flags, socket.inet_ntop(socket.AF_INET6, address), generation


def connected(s, to=TO):
    s.connect(to)
    return s.getsockname()[0]


def asked(make, service, flags=None, to=TO):
    """The source of a new socket that asks and connects, or the errno of what failed."""
    with make() as s:
        try:
            if service is not None:
                ask(s, service, flags)
            return connected(s, to)
        except OSError as e:
            return e.errno


def disconnect(s):
    """connect(2) to AF_UNSPEC, which python has no address for."""
    assert LIBC.connect(s.fileno(), bytes(16), 16) == 0


def error_of(call, *args):
    try:
        call(*args)
    except OSError as e:
        return e.errno
    return 0
