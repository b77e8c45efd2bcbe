# SPDX-License-Identifier: GPL-2.0-or-later
"""dmmd-hooks: attaching, upgrading, sharing, removing."""
import json
import os
import socket
import struct
import subprocess

import pytest
from lib import hooked
from lib.hooked import ADDRESSES, ask, asked, connected, ENOPROTOOPT, HOOKS, stream
from lib.hooks import FIXED, SESSION
from lib.run import BUILD

host, one_host = hooked.host, hooked.one_host


def state_across(host, action):
    """A socket that asked before `action` and connects after it: its source, and what failed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)

    def live():
        with stream() as s:
            ask(s, SESSION)
            ours.send(b"x")
            ours.recv(1)
            return connected(s)
    pid = os.fork()
    if pid == 0:
        try:
            theirs.send(host.do(live).encode())
        finally:
            os._exit(0)
    with ours, theirs:
        theirs.recv(1)
        action()
        theirs.send(b"x")
        os.waitpid(pid, 0)
        return ours.recv(64).decode()


def test_upgrade_keeps_what_sockets_asked_and_all_maps(host):
    def upgrade():
        links = sorted(p.name for p in host.pins.iterdir())
        host.maps.set_group(4711, SESSION)
        loaded = host.load()
        assert loaded.returncode == 0, loaded.stderr
        assert sorted(p.name for p in host.pins.iterdir()) == links
        assert host.maps.groups[struct.pack("Q", 4711)] == struct.pack("I", SESSION)
    host.listen()
    before = attached(host)
    assert state_across(host, upgrade) == ADDRESSES[SESSION]
    after = attached(host)
    assert sorted(before.values()) == sorted(after.values())
    assert not before.keys() & after.keys(), "the programs are new ones"


def attached(host, group=None):
    """Program number -> kind of hook, of all that are attached to the control group."""
    text = subprocess.run(["bpftool", "-j", "cgroup", "show", (group or host.group).path],
                          capture_output=True, text=True, check=False).stdout
    return {p["id"]: p["attach_type"] for p in json.loads(text.strip() or "[]")}


def test_nothing_is_attached_twice(host):
    for _ in range(3):
        assert host.load().returncode == 0
    assert len(attached(host)) == 6


def test_map_of_another_shape_is_replaced(host):
    """As after an upgrade that changed one: a map with larger values in the place of ours."""
    path = host.pins / "allowed"
    path.unlink()
    subprocess.run(["bpftool", "map", "create", str(path), "type", "hash", "key", "16", "value",
                    "32", "entries", "4", "name", "allowed"], check=True, capture_output=True)
    loaded = host.load()
    assert loaded.returncode == 0, loaded.stderr
    host.serve(restricted=[FIXED])
    host.maps.allow(host.cookie, 0, FIXED)
    host.listen()
    assert host.do(asked, stream, FIXED) == ADDRESSES[FIXED]


def test_options_cost_nothing_elsewhere(host):
    """Hooks of options are attached where they were asked for, and nowhere else."""
    inner = host.make_group("inner", host.group)
    host.listen()
    assert host.load("--sockopt-cgroup", inner.path, "--sockopt-cgroup", inner.path,
                     everywhere=False).returncode == 0
    assert len(attached(host)) == 4 and len(attached(host, inner)) == 2
    assert host.do(asked, stream, SESSION) == ENOPROTOOPT
    assert host.do(asked, stream, SESSION, group=inner) == ADDRESSES[SESSION]
    assert host.load(everywhere=False).returncode == 0
    assert attached(host, inner) == {}
    assert host.load().returncode == 0


def test_a_missing_group_of_options_is_left_out(host):
    inner = host.make_group("there", host.group)
    done = host.load("--sockopt-cgroup", "/nonexistent", "--sockopt-cgroup", inner.path,
                     everywhere=False)
    assert done.returncode == 0 and "/nonexistent" in done.stderr
    assert len(attached(host)) == 4 and len(attached(host, inner)) == 2
    assert host.load().returncode == 0


def test_removal_detaches_and_leaves_nothing(host):
    assert host.remove().returncode == 0
    assert not host.pins.exists()
    assert attached(host) == {}
    host.listen()
    assert host.do(asked, stream, SESSION) == ENOPROTOOPT
    assert host.remove().returncode == 0


def test_group_may_use_the_maps_alone(host):
    loaded = host.load("--group", "daemon")
    assert loaded.returncode == 0, loaded.stderr
    gid = 1
    assert host.pins.stat().st_gid == gid and host.pins.stat().st_mode & 0o7777 == 0o750
    for path in host.pins.iterdir():
        ours = not path.name.startswith(("link_", "dmm_"))
        assert (path.stat().st_gid, path.stat().st_mode & 0o777) == \
            ((gid, 0o660) if ours else (0, 0o600)), path


def test_exclusive_program_above_is_told(host, tmp_path):
    """One that allows none below it: what we cannot do is said, and nothing stays behind."""
    above = host.make_group(f"dmt{host.run.id}-exclusive")
    below = host.make_group("below", above)
    name = host.run.bpf / "exclusive"
    subprocess.run(["bpftool", "prog", "loadall", str(BUILD / "bpf/socket.bpf.o"),
                    str(name)], check=True, capture_output=True)
    argv = ["bpftool", "cgroup", "attach", above.path, "cgroup_inet6_connect", "pinned",
            str(name / "dmm_connect6")]
    subprocess.run(argv, check=True, capture_output=True)
    try:
        pins, host.pins = host.pins, host.run.bpf / "second"
        refused = host.load(group=below)
        assert refused.returncode == 1
        assert "exclusively" in refused.stderr
        assert not host.pins.exists()
        assert attached(host, below) == {}
    finally:
        host.pins = pins
        subprocess.run([*argv[:2], "detach", *argv[3:]], check=True, capture_output=True)


@pytest.mark.parametrize("argv, word", [
    (["--cgroup", "/nonexistent"], "/nonexistent"), (["--cgroup", "/tmp"], "version 2"),
    (["--sockopt-cgroup", "/tmp"], "version 2"), (["--group", "no-such-group"], "no-such-group")],
    ids=["no-group", "no-control-group", "no-sockopt-group", "no-user-group"])
def test_wrong_arguments_change_nothing(host, argv, word):
    done = subprocess.run([str(HOOKS), *argv, str(host.pins)], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 1 and word in done.stderr
    assert len(attached(host)) == 6


@pytest.mark.parametrize(("name", "word"), [("pins", "bpf file system"),
                                            ("missing/pins", "No such file")])
def test_directory_elsewhere_is_refused(host, tmp_path, name, word):
    done = subprocess.run([str(HOOKS), str(tmp_path / name)], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 1 and word in done.stderr
    assert list(tmp_path.iterdir()) == []
