# SPDX-License-Identifier: GPL-2.0-or-later
"""One host, every way to its sockets: what the functional matrix is measured on.

    way = host.ways["hooks asks"]
    way.source("tcp")       # asked, local, alone: see test_matrix.py

No daemon: a table and the maps of the hooks that the test has written.
"""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

from . import hooked, hooks, programs, table as tb
from .namespace import Namespace
from .run import BUILD, TOP, wait_until

APPTEST, STATIC = BUILD / "apps/apptest", BUILD / "apps/apptest-static"
LOCAL, ASKED = "2001:db8:b::1", "2001:db8:f::1"
LOCAL4, MAPPED = "10.9.0.1", "::ffff:10.9.0.1"
PORT = 7000
IPV4_CASES = ("v4-mapped", "af-inet", "udp-disconnect")

# Clients; arguments: type or 0, address, port.  They print what apptest answers.
PYTHON = """
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, PROTOCOL)
try:
    if sys.argv[1] != "0":
        s.setsockopt(41, 0x444D, int(sys.argv[1]))
except OSError as e:
    print("set", e.errno)
s.connect((sys.argv[2], int(sys.argv[3])))
print("source", s.recv(100).decode())
"""
ASYNCIO = """
import asyncio, socket, sys
async def main():
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.setblocking(False)
    if sys.argv[1] != "0":
        s.setsockopt(41, 0x444D, int(sys.argv[1]))
    await asyncio.get_running_loop().sock_connect(s, (sys.argv[2], int(sys.argv[3])))
    reader, writer = await asyncio.open_connection(sock=s)
    print("source", (await reader.read()).decode())
    writer.close()
asyncio.run(main())
"""
# Tries all addresses of a name, the next one soon after, as browsers do.
HAPPY_EYEBALLS = """
import asyncio, socket, sys
async def main():
    async def both(*_, **__):
        stream = (socket.AF_INET6, socket.SOCK_STREAM, 6, "")
        return [(*stream, ("2001:db8:fffe::1", 1, 0, 0)),
                (*stream, (sys.argv[2], int(sys.argv[3]), 0, 0))]
    asyncio.get_running_loop().getaddrinfo = both
    reader, writer = await asyncio.open_connection("name", 1, happy_eyeballs_delay=0.05)
    print("source", (await reader.read()).decode())
    writer.close()
asyncio.run(main())
"""
GO = """
package main

import ("fmt"; "io"; "net"; "os"; "strconv"; "syscall")

func main() {
	kind, _ := strconv.Atoi(os.Args[1])
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		if kind == 0 { return nil }
		return c.Control(func(fd uintptr) {
			if err := syscall.SetsockoptInt(int(fd), 41, 0x444D, kind); err != nil {
				fmt.Println("set", err)
			}
		})
	}}
	c, err := dialer.Dial("tcp", net.JoinHostPort(os.Args[2], os.Args[3]))
	if err != nil { fmt.Println(err); os.Exit(1) }
	answer, _ := io.ReadAll(c)
	fmt.Println("source", string(answer))
}
"""


def _musl(directory):
    """apptest with another C library, or None."""
    path = directory / "apptest-musl"
    includes = ["-idirafter", "/usr/include", "-idirafter",
                f"/usr/include/{os.uname().machine}-linux-gnu"]
    done = subprocess.run(
        ["musl-gcc", "-static", "-pthread", "-D_GNU_SOURCE", "-Dstrerrorname_np=strerror",
         f"-I{TOP}", *includes, "-o", path, *sorted((TOP / "tests/net/apps").glob("*.c"))],
        capture_output=True, check=False) if shutil.which("musl-gcc") else None
    return path if done and done.returncode == 0 else None


def _go(directory):
    if not shutil.which("go"):
        return None
    (directory / "client.go").write_text(GO)
    subprocess.run(["go", "build", "-o", "client", "client.go"], cwd=directory, check=True,
                   env={**os.environ, "CGO_ENABLED": "0", "GO111MODULE": "off",
                        "GOCACHE": str(directory / "go-cache")})
    return directory / "client"


class Way:
    """How a program is given the session-lasting type: by its own request, or by who starts it."""

    def __init__(self, host, asks, *before, **variables):
        self.host, self.asks = host, asks
        self._before, self._variables = before, variables

    def source(self, name):
        """What a case, or a program, got: asked, local, alone, fails, or words."""
        command = self.host.command(name, tb.SESSION if self.asks else 0)
        status, out, err = programs.run(self.host.node, self.host.directory, *self._before,
                                        *command, **self._variables)
        last = self.host.told(name, out)
        if last and ":" in last:
            return {ASKED: "asked", LOCAL: "local"}.get(last, "alone")
        return "fails" if last == "ENETUNREACH" else f"{last}, status {status}: {err}"


class Host:
    def __init__(self, run):
        run.next_scene()
        self.run, self.directory = run, run.directory / "dmmd"
        self.directory.mkdir(mode=0o755)
        # Not in the directory of the run: sshd has another /run.
        self.files = pathlib.Path(tempfile.mkdtemp(prefix="dmt"))
        self.files.chmod(0o755)
        self.node = Namespace(run, "matrix")
        self._groups, self._maps = [], None

    def prepare(self):
        self.node.ip("link set lo up", "link add d0 type veth peer d1", "link set d1 up",
                     "link set d0 up", f"addr add {LOCAL4}/24 dev d0",
                     f"addr add {LOCAL}/64 dev d0 nodad", "route add 2001:db8:fffe::/48 dev d0",
                     "route add unreachable 2001:db8:ffff::/48",
                     f"addr add {ASKED}/128 dev lo nodad preferred_lft 0")
        wait_until(lambda: self.node.ip_json("link", "show", "dev", "d0")[0]["operstate"] == "UP",
                   "the carrier")
        serving = self.node.start("apptest", [APPTEST, "serve", "::", PORT],
                                  self.files / "serve.log")
        serving.wait_output("ready")
        self.ssh = programs.SshServer(self.node, self.files, address=LOCAL)
        programs.web_server(self.node, self.files, address=LOCAL)
        programs.iperf_server(self.node, self.files, address=LOCAL)
        self.go, self.musl = _go(self.files), _musl(self.files)
        tb.Table(self.directory, tb.netns_cookie(self.node)).publish(
            [tb.entry(ASKED, tb.SESSION, 1)], {tb.SESSION: 0})
        self.ways = {"bare": Way(self, False, DMM_DIRECTORY="/nonexistent")}
        object_ = {"LD_PRELOAD": programs.OBJECT}
        self.ways["preload asks"] = Way(self, True, **object_)
        self.ways["preload given"] = Way(self, False, programs.DMM_RUN, "-b", "preload", "-u", "--")
        self.ways["seccomp given"] = Way(self, False, programs.DMM_RUN, "-b", "seccomp", "-u", "--")
        if hooked.HOOKS.exists():
            asking, given = self._load_hooks()
            self.ways["hooks asks"] = Way(self, True, *asking)
            self.ways["hooks given"] = Way(self, False, *given)
            self.ways["both asks"] = Way(self, True, *asking, **object_)

    def _load_hooks(self):
        """Words before commands that run where the hooks are: those that ask, those that are
        given the type."""
        pins = self.run.bpf / "hooks"
        outer = hooked.ControlGroup(f"dmt{self.run.id}-matrix")
        inner = hooked.ControlGroup("given", outer)
        self._groups = [inner, outer]
        done = subprocess.run([str(hooked.HOOKS), "--cgroup", outer.path, "--sockopt-everywhere",
                               str(pins)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        self._maps = hooks.Maps(pins)
        self._maps.serve(hooked.netns_cookie(self.node), {hooks.SESSION: ASKED})
        self._maps.set_group(inner.id, hooks.SESSION | hooks.GROUP_UDP)
        return [["sh", "-c", f'echo 0 > {g.path}/cgroup.procs && exec "$@"', "sh"]
                for g in (outer, inner)]

    def lacks(self, name):
        """What is needed for a case and not there."""
        found = {"go": self.go, "musl": self.musl, "mptcp": self._mptcp()}
        return next((n for n, there in found.items() if name.split()[0] == n and not there), None)

    def _mptcp(self):
        try:
            self.node.socket(socket.AF_INET6, socket.SOCK_STREAM, 262).close()
            return True
        except OSError:
            return False

    def command(self, name, kind):
        """Of a case: apptest's own, "glibc CASE" and "musl CASE" statically linked; or a
        program's name."""
        to = [LOCAL, PORT]
        url = f"http://[{LOCAL}]:{programs.WEB_PORT}/"
        others = {
            "python3": [sys.executable, "-c", PYTHON.replace("PROTOCOL", "0"), kind, *to],
            "mptcp": [sys.executable, "-c", PYTHON.replace("PROTOCOL", "262"), kind, *to],
            "asyncio": [sys.executable, "-c", ASYNCIO, kind, *to],
            "happy-eyeballs": [sys.executable, "-c", HAPPY_EYEBALLS, kind, *to],
            "go": [self.go, kind, *to],
            "curl": ["curl", "-sS", "-o", "/dev/null", "-w", "source %{local_ip}", url],
            "ssh": self.ssh.client('set -- $SSH_CONNECTION; echo source "$1"'),
            "iperf3": ["iperf3", "-c", LOCAL, "-p", programs.IPERF_PORT, "-n", "100K", "-J"],
        }
        if name in others:
            return others[name]
        build, _, case = name.rpartition(" ")
        program = {"": APPTEST, "glibc": STATIC, "musl": self.musl}[build]
        return [program, *(["-t", kind] if kind else []), case,
                MAPPED if case in IPV4_CASES else LOCAL, PORT]

    @staticmethod
    def told(name, out):
        if name == "iperf3" and out:
            return json.loads(out)["start"]["connected"][0]["local_host"]
        lines = out.splitlines()
        return lines[-1].split()[-1] if lines else None

    def close(self):
        self.run.stop_processes()
        if self._maps:
            self._maps.close()
            subprocess.run([str(hooked.HOOKS), "--remove", str(self.run.bpf / "hooks")],
                           check=False)
        for group in self._groups:
            group.remove()
        self.run.remove_namespaces()
        shutil.rmtree(self.files)
