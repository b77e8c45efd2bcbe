# SPDX-License-Identifier: GPL-2.0-or-later
"""Network namespaces, programs in them, and control sockets, for the tests of the peers."""

import ctypes
import json
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def wait_for(condition, what, timeout=5.0):
    """The first true value of condition(), asked every 10 ms."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"timeout: {what}")


class Lab:
    """Namespaces with a common prefix; everything made here goes with close()."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.names = []
        self.programs = []

    def name(self, ns):
        return f"{self.prefix}-{ns}"

    def add(self, *names):
        for ns in names:
            subprocess.run(["ip", "netns", "add", self.name(ns)], check=True)
            self.names.append(ns)
            self.ip(ns, "link set lo up")

    def ip(self, ns, line, check=True):
        done = subprocess.run(["ip", "-n", self.name(ns)] + line.split(), check=False,
                              capture_output=True, text=True)
        assert done.returncode == 0 or not check, f"ip {line}: {done.stderr}"
        return done.stdout

    def veth(self, ns_a, if_a, ns_b, if_b):
        self.ip(ns_a, f"link add {if_a} type veth peer name {if_b} netns {self.name(ns_b)}")
        self.ip(ns_a, f"link set dev {if_a} up")
        self.ip(ns_b, f"link set dev {if_b} up")

    def address(self, ns, ifname, address):
        self.ip(ns, f"address add {address} dev {ifname} nodad")

    def lladdr(self, ns, ifname):
        return json.loads(self.ip(ns, f"-j link show dev {ifname}"))[0]["address"]

    def linklocal(self, ns, ifname):
        def find():
            links = json.loads(self.ip(ns, f"-j -6 address show dev {ifname} scope link"))
            return [a["local"] for link in links for a in link["addr_info"]
                    if "local" in a and "tentative" not in a]
        return wait_for(find, f"link-local address of {ifname}")[0]

    @contextmanager
    def inside(self, ns):
        """Sockets made in this block belong to the namespace for ever."""
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        other = os.open(f"/run/netns/{self.name(ns)}", os.O_RDONLY)
        try:
            _setns(other)
            yield
        finally:
            _setns(own)
            os.close(own)
            os.close(other)

    def command(self, ns, *argv):
        return ["nsenter", f"--net=/run/netns/{self.name(ns)}", *map(str, argv)]

    def run(self, ns, *argv, check=True):
        return subprocess.run(self.command(ns, *argv), check=check, capture_output=True,
                              text=True)

    def start(self, ns, *argv):
        p = subprocess.Popen(self.command(ns, *argv), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        self.programs.append(p)
        return p

    def stop(self, program, timeout=10):
        """SIGTERM and the exit code; what it wrote on standard error is kept in .errors."""
        if program.poll() is None:
            program.send_signal(signal.SIGTERM)
        _, program.errors = program.communicate(timeout=timeout)
        self.programs.remove(program)
        return program.returncode

    def close(self):
        for p in self.programs:
            p.kill()
            p.communicate()
        for ns in self.names:
            subprocess.run(["ip", "netns", "del", self.name(ns)], check=False)


class Control:
    """A client of a control socket, connected as soon as the peer has opened it."""

    def __init__(self, path):
        def connect():
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(str(path))
            except OSError:
                s.close()
                return None
            return s
        self.socket = wait_for(connect, f"{path}")
        self.socket.settimeout(5)
        self.lines = self.socket.makefile("r")

    def ask(self, line):
        self.socket.sendall(line.encode() + b"\n")
        return json.loads(self.lines.readline())

    def __call__(self, line):
        answer = self.ask(line)
        assert answer.pop("ok"), answer
        return answer

    def close(self):
        self.lines.close()
        self.socket.close()
