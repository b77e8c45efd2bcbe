# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon and the socket hooks of the kernel together: what it tells them, what they ask for."""
import errno
import os
import struct
import subprocess

import pytest
from lib import topology as net
from lib.applications import CONTROL_GROUP, Client, Table
from lib.hooked import HOOKS, ControlGroup, netns_cookie
from lib.hooks import GRACEFUL, GROUP_UDP, NON_PERSISTENT, SERVICE, SESSION, UNDECIDED, UNSPEC, Maps
from lib.run import run_command, wait_until

NAMESPACE = struct.Struct("=IIIIQ" + "16sII" * 5)
RULE = struct.Struct("=BBBBBB2x" + "HH" * 8 + "16sI" * 8 + "I" * 8)
RULES = 64
CONNECT = """
import socket, sys
s = socket.socket(socket.AF_INET6)
if int(sys.argv[1]):
    s.setsockopt(socket.IPPROTO_IPV6, %d, int(sys.argv[1]))
s.connect((sys.argv[2], int(sys.argv[3])))
print(s.getsockname()[0])
""" % SERVICE
ASK = """
import sys
sys.path.insert(0, sys.argv[1])
from lib.applications import CONTROL_GROUP, Client
with Client(sys.argv[2]) as app:
    print(app.call(CONTROL_GROUP, kind="session-lasting", flags=int(sys.argv[3])).error)
"""


class Hooked:
    """A scene whose mobile node runs its programs in a control group that has the hooks."""

    def __init__(self, scene, group):
        self.scene, self.group = scene, group
        self.pins = scene.daemon.hooks
        run_command(HOOKS, "--cgroup", group.path, "--sockopt-cgroup", group.path, str(self.pins))
        self.maps = Maps(self.pins)
        self.cookie = netns_cookie(scene.mn)

    def close(self):
        self.maps.close()
        run_command(HOOKS, "--remove", str(self.pins), check=False)

    def run(self, script, *args, user=None, group=None):
        words = self.scene.mn.argv("/usr/bin/python3", "-c", script, *map(str, args))
        if user is not None:
            words = [*words[:3], "setpriv", f"--reuid={user}", "--clear-groups", *words[3:]]
        done = subprocess.run(["sh", "-c", 'echo 0 >"$0/cgroup.procs" && exec "$@"',
                               (group or self.group).path, *words],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def connect(self, kind, port=443, **settings):
        return self.run(CONNECT, kind, net.CN, port, **settings)

    def namespace(self):
        """What the hooks know of our network namespace, or None."""
        try:
            value = self.maps.namespaces[struct.pack("Q", self.cookie)]
        except KeyError:
            return None
        _, n_rules, at, _, generation, *rest = NAMESPACE.unpack(value)
        return {"n_rules": n_rules, "at": at, "generation": generation,
                "address": rest[0::3], "restricted": rest[2::3]}

    def rules(self):
        ns = self.namespace()
        return [RULE.unpack(self.maps.rules[struct.pack("I", ns["at"] + i)])
                for i in range(ns["n_rules"])]

    def has_address(self, kind):
        return any(self.namespace()["address"][kind])


@pytest.fixture
def make_hooked(make_places):
    group = ControlGroup(f"dmt{os.getpid()}-daemon")
    made = []

    def make(**settings):
        scene = make_places("AB", anchored="AB")
        scene.start_routers()
        scene.start_agents()
        scene.capture()
        scene.capture("cn", "wan")
        scene.serve(443, 22)
        scene.configure(**settings)
        made.append(Hooked(scene, group))
        scene.daemon.start()
        scene.attach("A")
        return made[0]
    try:
        yield make
    finally:
        for one in made:
            one.close()
        group.remove()


def test_E02_a_socket_that_asks_the_kernel_gets_the_address(make_hooked):
    """The first one of a type only makes it known; from then on there is one at every place."""
    hooked = make_hooked(policy="")
    scene = hooked.scene
    assert hooked.connect(UNSPEC) == scene.address("A")
    first = hooked.connect(SESSION)
    wait_until(lambda: hooked.has_address(SESSION), "an address for sessions")
    lasting = hooked.connect(SESSION)
    assert lasting.startswith("2001:db8:a:") and lasting != scene.address("A")
    assert first in (lasting, scene.address("A"))
    assert hooked.namespace()["generation"] == Table(scene.daemon.runtime / "table").generation
    assert hooked.connect(NON_PERSISTENT) == scene.address("A")
    assert scene.daemon.ctl("status")["socket_hooks"] is True
    scene.move("B")
    wait_until(lambda: hooked.connect(SESSION).startswith("2001:db8:b:"), "one of the new place")


def test_the_policy_acts_when_sockets_connect(make_hooked):
    hooked = make_hooked(policy="[Rule ssh]\nProtocol=tcp\nPort=22\nService=session-lasting\n"
                                "[Rule web]\nPort=443\nExecutable=/bin/no\nService=fixed\n")
    wait_until(lambda: hooked.has_address(SESSION), "an address made for the rule alone")
    assert [r[0] for r in hooked.rules()] == [SESSION, UNDECIDED]
    assert hooked.connect(UNSPEC, port=443) == hooked.scene.address("A")
    assert hooked.connect(UNSPEC, port=22).startswith("2001:db8:a:")
    assert hooked.connect(UNSPEC, port=22) != hooked.scene.address("A")
    before = hooked.namespace()
    hooked.scene.set_policy("[Rule all]\nService=graceful-replacement\n")
    hooked.scene.daemon.process.send_signal(1)
    wait_until(lambda: hooked.namespace()["n_rules"] == 1, "the other rules")
    assert [r[0] for r in hooked.rules()] == [GRACEFUL]
    assert abs(hooked.namespace()["at"] - before["at"]) == RULES


def test_a_control_group_is_asked_for_by_who_owns_it(make_hooked):
    hooked = make_hooked(policy="")
    tests = os.path.dirname(os.path.abspath(__file__))
    ask = (ASK, tests, hooked.scene.daemon.runtime / "sock")
    assert hooked.run(*ask, 0, user=65534) == str(errno.EPERM)
    os.chown(hooked.group.path, 65534, 65534)
    assert hooked.run(*ask, 0, user=65534) == "0"
    key = struct.pack("Q", hooked.group.id)
    assert hooked.maps.groups[key] == struct.pack("I", SESSION)
    assert hooked.run(*ask, GROUP_UDP, user=65534) == "0"
    assert hooked.maps.groups[key] == struct.pack("I", SESSION | GROUP_UDP)
    wait_until(lambda: hooked.has_address(SESSION), "an address for the group")
    assert hooked.connect(UNSPEC) != hooked.scene.address("A")
    with Client(hooked.scene.daemon.runtime / "sock") as app:
        assert app.call(CONTROL_GROUP, kind="session-lasting", flags=1).error == errno.EINVAL


def test_fixed_is_restricted_in_the_kernel_as_well(make_hooked):
    hooked = make_hooked(AllowFixed="65534")
    assert hooked.namespace()["restricted"] == [0, 1, 0, 0, 0]
    allowed = sorted(struct.unpack("QII", k) for k in hooked.maps.allowed.keys(16))
    assert allowed == [(hooked.cookie, 0, 1), (hooked.cookie, 65534, 1)]


def test_a_datagram_socket_of_the_hooks_is_a_session(make_hooked):
    hooked = make_hooked(policy="")
    hooked.connect(SESSION)
    wait_until(lambda: hooked.has_address(SESSION), "an address for sessions")
    send = ("import socket, sys, time\n"
            "s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\n"
            f"s.setsockopt(socket.IPPROTO_IPV6, {SERVICE}, {SESSION})\n"
            "s.sendto(b'x', (sys.argv[1], 443))\nprint('sent', flush=True)\ntime.sleep(60)\n")
    child = subprocess.Popen(
        ["sh", "-c", 'echo 0 >"$0/cgroup.procs" && exec "$@"', hooked.group.path,
         *hooked.scene.mn.argv("/usr/bin/python3", "-c", send, net.CN)], stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline() == b"sent\n"
        shown = hooked.scene.wait_shown("sessions", protocol="udp")
        assert shown["requested"] == "session-lasting" and shown["pid"] == child.pid
    finally:
        child.kill()
        child.wait()
    wait_until(lambda: not hooked.scene.shown("sessions", protocol="udp"), "it to be gone")


def test_a_daemon_that_stops_takes_its_entry_away(make_hooked):
    hooked = make_hooked(policy="[Rule all]\nService=session-lasting\n")
    scene = hooked.scene
    wait_until(lambda: hooked.has_address(SESSION), "an address made for the rule alone")
    before = hooked.namespace()
    scene.daemon.crash()
    assert hooked.namespace() == before
    scene.daemon.start()
    wait_until(lambda: hooked.namespace()["generation"] > before["generation"], "it to go on")
    assert abs(hooked.namespace()["at"] - before["at"]) == RULES
    scene.daemon.stop()
    assert hooked.namespace() is None
    assert hooked.connect(UNSPEC) == scene.address("A")
    with pytest.raises(AssertionError, match="Protocol not available"):
        hooked.connect(SESSION)
