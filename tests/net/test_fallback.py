# SPDX-License-Identifier: GPL-2.0-or-later
"""Real programs under dmm-run(1) when dmmd is not there, or something else is in its place: they do
what they do without."""
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import sys
import tempfile

import pytest
from lib import programs, table as tb
from lib.namespace import Namespace

SERVER, ANCHORED = "2001:db8:b::80", "2001:db8:f::1"
NOBODY = 65534
ASYNCIO = f"""
import asyncio
async def main():
    reader, writer = await asyncio.open_connection("{SERVER}", {programs.WEB_PORT})
    writer.write(b"GET / HTTP/1.0\\r\\n\\r\\n")
    print((await reader.readline()).decode().split()[1])
    writer.close()
asyncio.run(main())
"""


class Host:
    """One node with the servers, the programs and a directory for the table."""

    def __init__(self, run):
        run.next_scene()
        self.run, self.directory = run, run.directory / "dmmd"
        self.node = Namespace(run, "host")
        self.node.ip("link set lo up", f"addr add {SERVER}/128 dev lo nodad",
                     f"addr add {ANCHORED}/128 dev lo nodad preferred_lft 0",
                     "route add default dev lo")
        # Not in the directory of the run: sshd has another /run.
        self.files = pathlib.Path(tempfile.mkdtemp(prefix="dmt"))
        self.ssh = self.repository = self.bare = None

    def prepare(self):
        files = self.files
        self.ssh = programs.SshServer(self.node, files, address=SERVER)
        programs.web_server(self.node, files, address=SERVER)
        programs.iperf_server(self.node, files, address=SERVER)
        self.repository = programs.git_repository(files, 40_000)
        self.bare = {name: self.do(name) for name in self.commands()}

    def commands(self):
        url = f"http://[{SERVER}]"
        return {
            "curl": ["curl", "-sS", f"{url}:{programs.WEB_PORT}/"],
            "curl refused": ["curl", "-sS", f"{url}:1/"],
            "asyncio": [sys.executable, "-c", ASYNCIO],
            "ssh": self.ssh.client("echo out; echo err >&2; exit 3"),
            "git": ["git", "clone", "-q", f"ssh://[{SERVER}]{self.repository}", self.files / "to"],
            "iperf3": ["iperf3", "-c", SERVER, "-p", programs.IPERF_PORT, "-n", "100K"],
            "sh": ["sh", "-c", "kill -TERM $$"],
        }

    def do(self, name, *before):
        """What is seen of a command: status, output (of iperf3 it varies), errors without times."""
        ssh = shlex.join([*map(str, before), *map(str, self.ssh.words())])
        words = [] if name == "git" else before  # which starts ssh, as users do it
        status, out, err = programs.run(self.node, self.directory, *words, *self.commands()[name],
                                        GIT_SSH_COMMAND=ssh)
        shutil.rmtree(self.files / "to", ignore_errors=True)
        return status, "" if name == "iperf3" else out, re.sub(r"after \d+ ms", "", err)

    def publish(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(mode=0o755)
        table = tb.Table(self.directory, tb.netns_cookie(self.node))
        table.publish([tb.entry(ANCHORED, tb.SESSION, 1)], {tb.SESSION: 0})
        return table

    def close(self):
        self.run.stop_processes()
        self.run.remove_namespaces()
        shutil.rmtree(self.files)


@pytest.fixture(scope="module")
def host(run):
    if missing := programs.missing(programs.DMM_RUN, programs.OBJECT, programs.SSHD, "ssh", "git",
                                   "curl", "iperf3"):
        pytest.skip(f"not there: {', '.join(missing)}")
    one = Host(run)
    try:
        one.prepare()
        yield one
    finally:
        one.close()


def overwrite(at, octets):
    def damage(table):
        with open(table.path, "r+b") as f:
            f.seek(at)
            f.write(octets)
    return damage


def dead_socket(table):
    """As kill -9 leaves it: nobody listens any more, and the table has gone, too."""
    table.path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.bind(str(table.path.parent / "sock"))


DAMAGES = {
    "no directory": lambda t: shutil.rmtree(t.path.parent),
    "no table": lambda t: t.path.unlink(),
    "dead socket": dead_socket,
    "stopped in order": lambda t: t.publish([], flags=tb.STOPPED),
    "empty": lambda t: t.path.write_bytes(b""),
    "short": lambda t: t.path.write_bytes(t.path.read_bytes()[:100]),
    "garbage": lambda t: t.path.write_bytes(os.urandom(4096)),
    "of another user": lambda t: os.chown(t.path, NOBODY, NOBODY),
    "for all to write": lambda t: t.path.chmod(0o666),
    "old version": overwrite(4, b"\0\0"),
    "of another namespace": overwrite(24, b"\1" + bytes(7)),
    "address gone": lambda t: t.publish([tb.entry("2001:db8:e::1", tb.SESSION, 1)],
                                        {tb.SESSION: 0}),
}


@pytest.mark.parametrize("damage", DAMAGES, ids=[d.replace(" ", "-") for d in DAMAGES])
def test_programs_do_what_they_do_without_dmmd(host, damage):
    DAMAGES[damage](host.publish())
    for name, expected in host.bare.items():
        assert host.do(name, *programs.dmm_run("session")) == expected, name


def test_they_did_something(host):
    """Or the comparison would be worth nothing."""
    assert {name: status for name, (status, _, _) in host.bare.items()} == {
        "curl": 0, "curl refused": 7, "asyncio": 0, "ssh": 3, "git": 0, "iperf3": 0,
        "sh": -signal.SIGTERM}
    assert host.bare["ssh"][1:] == ("out\n", "err\n")
    host.publish()
    status, out, _ = programs.run(host.node, host.directory, *programs.dmm_run("session"), "curl",
                                  "-sS", "-o", "/dev/null", "-w", "%{local_ip}",
                                  f"http://[{SERVER}]:{programs.WEB_PORT}/")
    assert (status, out) == (0, ANCHORED)
