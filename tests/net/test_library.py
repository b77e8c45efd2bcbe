# SPDX-License-Identifier: GPL-2.0-or-later
"""libdmmsock-preload.so before an application: which source its sockets get, and that nothing breaks without dmmd.

No daemon: a table that a script has made.  build/apps/apptest tells what it got, as its peer saw it.
"""
import os
import subprocess

import pytest

from lib import table as tb
from lib.namespace import Namespace
from lib.run import BUILD, wait_until

APPTEST, STATIC = BUILD / "apps/apptest", BUILD / "apps/apptest-static"
OBJECT = BUILD / "libdmmsock-preload.so"
PEER, LASTING, FIXED, GRACEFUL = (f"2001:db8:{x}::1" for x in "bafe")
PEER4 = "10.9.0.1"
PORT = 7000
REQUIRE = 1

# What the library cannot see, or leaves alone: the source that the kernel gives.
CASES = {
    **dict.fromkeys(("tcp", "tcp-nonblock", "fastopen", "fastopen-connect", "bind-any", "listen",
                     "refused", "udp-connect", "udp-sendto", "udp-sendmsg", "udp-sendmmsg",
                     "udp-bound-port", "threads", "fork", "dup", "scm-same"), LASTING),
    **dict.fromkeys(("bound", "bound-port", "raw-connect", "connected", "udp-pktinfo", "exec",
                     "scm-other", "setuid", "uring-connect", "uring-sendmsg"), PEER),
    "loopback": "::1",
    "other-netns": "2001:db8:e15e::1",
}


class World:
    """A namespace with the addresses, the peer, and a directory for the table."""

    def __init__(self, run):
        self.namespace = Namespace(run, "lib")
        self.directory = run.directory / "dmmd"
        self.directory.mkdir(mode=0o755)
        self.namespace.ip("link set lo up", "link add d0 type veth peer d1", "link set d1 up",
                          "link set d0 up", f"addr add {PEER4}/24 dev d0",
                          f"addr add {PEER}/64 dev d0 nodad", "route add 2001:db8:fffe::/48 dev d0",
                          "route add unreachable 2001:db8:ffff::/48",
                          *(f"addr add {a}/128 dev lo nodad preferred_lft 0"
                            for a in (LASTING, FIXED, GRACEFUL)))
        wait_until(lambda: self.namespace.ip_json("link", "show", "dev", "d0")[0]["operstate"]
                   == "UP", "the carrier")
        self.peer = subprocess.Popen(
            self.namespace.argv(str(APPTEST), "serve", "::", str(PORT)), stdout=subprocess.PIPE)
        assert self.peer.stdout.readline() == b"ready\n"
        self.publish()

    def publish(self, **settings):
        self.table = tb.Table(self.directory, tb.netns_cookie(self.namespace))
        entries = [tb.entry(a, type, 1, **settings) for a, type in
                   ((LASTING, tb.SESSION), (FIXED, tb.FIXED), (GRACEFUL, tb.GRACEFUL))]
        self.table.publish(entries, {tb.SESSION: 0, tb.FIXED: 1, tb.GRACEFUL: 2})

    def app(self, case, *options, program=APPTEST, peer=PEER, **env):
        """The lines that it writes."""
        done = subprocess.run(
            self.namespace.argv(str(program), *map(str, options), case, peer, str(PORT)),
            capture_output=True, text=True, timeout=20, check=False,
            env={**os.environ, "DMM_DIRECTORY": str(self.directory), "LD_PRELOAD": str(OBJECT),
                 **env})
        assert done.returncode in (0, 1), done.stderr
        return done.stdout.split("\n")[:-1]

    def close(self):
        self.peer.kill()
        self.peer.wait()


@pytest.fixture(scope="module")
def world(run):
    if not APPTEST.exists() or not OBJECT.exists():
        pytest.skip("not built: apptest, libdmmsock-preload.so")
    run.next_scene()
    one = World(run)
    try:
        yield one
    finally:
        one.close()


@pytest.mark.parametrize("flags", [0, REQUIRE])
@pytest.mark.parametrize("case", CASES)
def test_matrix(world, case, flags):
    *before, last = world.app(case, "-t", tb.SESSION, "-f", flags)
    if case == "bound-port" and flags:  # it cannot be given a source, and wants no other
        assert last == "errno EADDRNOTAVAIL"
    else:
        assert last == f"source {CASES[case]}", before
    if case == "connected":
        assert before == ["set EISCONN"]


@pytest.mark.parametrize("case", ["v4-mapped", "af-inet", "udp-disconnect"])
def test_ipv4_is_left_alone(world, case):
    lines = world.app(case, "-t", tb.SESSION, "-f", REQUIRE, peer=f"::ffff:{PEER4}")
    assert lines[-1] == f"source ::ffff:{PEER4}"
    assert (case == "af-inet") == ("set ENOPROTOOPT" in lines)


@pytest.mark.parametrize("type, source", [(tb.FIXED, FIXED), (tb.GRACEFUL, GRACEFUL),
                                          (tb.LOCAL, PEER), (tb.UNSPEC, PEER)])
def test_types(world, type, source):
    assert world.app("tcp", "-t", type) == [f"source {source}"]


def test_status(world):
    assert world.app("status", "-t", tb.FIXED) == ["status 1 1 4", f"source {FIXED}"]


@pytest.mark.parametrize("program", [APPTEST, STATIC])
def test_nothing_asked(world, program):
    assert world.app("tcp", program=program) == [f"source {PEER}"]


@pytest.mark.parametrize("case, env, source", [
    ("tcp", {"DMM_TYPE": "fixed"}, FIXED),
    ("tcp-nonblock", {"DMM_TYPE": "session"}, LASTING),
    ("tcp", {"DMM_TYPE": "session-lasting"}, LASTING),
    ("tcp", {"DMM_TYPE": "local"}, PEER),
    ("tcp", {"DMM_TYPE": "nonsense"}, PEER),
    ("exec", {"DMM_TYPE": "session"}, LASTING),
    ("scm-other", {"DMM_TYPE": "session"}, LASTING),
    ("setuid", {"DMM_TYPE": "session"}, PEER),
    ("udp-sendto", {"DMM_TYPE": "session"}, PEER),
    ("udp-sendto", {"DMM_TYPE": "session", "DMM_UDP": "1"}, LASTING),
    ("udp-connect", {"DMM_TYPE": "session", "DMM_UDP": "1"}, LASTING),
])
def test_policy_of_the_environment(world, case, env, source):
    assert world.app(case, **env)[-1] == f"source {source}"


def test_own_request_before_the_environment(world):
    assert world.app("tcp", "-t", tb.LOCAL, DMM_TYPE="session") == [f"source {PEER}"]


def test_every_decision_is_explained(world, tmp_path):
    log = tmp_path / "log"
    world.app("tcp", "-t", tb.FIXED, DMM_DEBUG=str(log))
    text = log.read_text().splitlines()
    assert len(text) == 2 and "fixed asked" in text[0] and text[1].endswith(f"from {FIXED} (table)")


def absent(directory):
    (directory / "table").unlink()


def short(directory):
    (directory / "table").write_bytes((directory / "table").read_bytes()[:100])


def garbage(directory):
    (directory / "table").write_bytes(os.urandom(4096))


def of_another_user(directory):
    os.chown(directory / "table", 65534, 65534)


def old(directory):
    data = bytearray((directory / "table").read_bytes())
    data[4] = 0
    (directory / "table").write_bytes(data)


def writable(directory):
    (directory / "table").chmod(0o666)


def stopped(directory):
    data = bytearray((directory / "table").read_bytes())
    data[8] = tb.STOPPED
    (directory / "table").write_bytes(data)


def a_link(directory):
    (directory / "table").rename(directory / "other")
    (directory / "table").symlink_to("other")


@pytest.mark.parametrize("damage", [absent, short, garbage, of_another_user, old, writable, stopped,
                                    a_link])
def test_as_without_dmmd(world, damage):
    world.publish()
    damage(world.directory)
    try:
        for flags in (0, REQUIRE):
            assert world.app("tcp", "-t", tb.SESSION, "-f", flags) == ["set ENOPROTOOPT",
                                                                      f"source {PEER}"]
        assert world.app("tcp", DMM_TYPE="session") == [f"source {PEER}"]
        assert world.app("udp-sendto", DMM_TYPE="session", DMM_UDP="1") == [f"source {PEER}"]
    finally:
        world.publish()


def test_address_gone(world):
    """dmmd was killed, and somebody removed the address."""
    world.namespace.ip(f"addr del {LASTING}/128 dev lo")
    try:
        assert world.app("tcp", "-t", tb.SESSION) == [f"source {PEER}"]
        assert world.app("tcp", "-t", tb.SESSION, "-f", REQUIRE) == ["errno EADDRNOTAVAIL"]
        assert world.app("udp-sendto", "-t", tb.SESSION) == [f"source {PEER}"]
        assert world.app("udp-sendto", "-t", tb.SESSION, "-f", REQUIRE) == ["errno EADDRNOTAVAIL"]
    finally:
        world.namespace.ip(f"addr add {LASTING}/128 dev lo nodad preferred_lft 0")


@pytest.mark.parametrize("state, source", [(tb.DRAINING, PEER), (tb.ON_DEMAND, PEER)])
def test_not_to_be_had(world, state, source):
    """Nobody answers who could register it."""
    world.publish(state=state)
    try:
        assert world.app("tcp", "-t", tb.SESSION) == [f"source {source}"]
        assert world.app("tcp", "-t", tb.SESSION, "-f", REQUIRE) == ["errno EADDRNOTAVAIL"]
    finally:
        world.publish()
