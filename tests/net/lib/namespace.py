# SPDX-License-Identifier: GPL-2.0-or-later
"""One network namespace: commands, sockets and sysctls inside it.

`ip netns exec` would hide the bpf file systems of this machine; nsenter changes the network only.
"""
import json
import os
import socket
import threading

from .run import LIBC, NETNS_DIR, run_command

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3


class Namespace:
    def __init__(self, run, node):
        self.run = run
        self.node = node
        self.name = run.add_namespace(node)
        self.path = str(NETNS_DIR / self.name)

    def argv(self, *argv):
        return ["nsenter", f"--net={self.path}", "--", *argv]

    def command(self, *argv, check=True):
        return run_command(*self.argv(*map(str, argv)), check=check)

    def start(self, name, argv, log, env=None):
        return self.run.start(name, self.argv(*argv), log, env)

    def ip(self, *lines, check=True):
        """Run lines of ip(8) in one process; check=False goes on behind lines that fail."""
        self.run.ip(self.name, lines, check)

    def ip_json(self, *argv):
        text = run_command("ip", "-n", self.name, "-json", *argv, check=False)
        return json.loads(text) if text.strip() else []

    def inside(self, function):
        """Call function in a thread that is in the namespace, and give its result."""
        result, error = [], []

        def body():
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if LIBC.setns(fd, CLONE_NEWNET) < 0:
                    raise OSError("setns")
                result.append(function())
            except BaseException as e:  # handed over to the caller
                error.append(e)
            finally:
                os.close(fd)

        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
        if error:
            raise error[0]
        return result[0]

    def socket(self, *args):
        """A socket of the namespace, usable from anywhere."""
        return self.inside(lambda: socket.socket(*args))

    def packet_socket(self, device):
        """A packet socket that sends and receives whole frames on a device."""
        def make():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            s.bind((device, ETH_P_ALL))
            return s
        return self.inside(make)

    def _proc(self, path, mode, text=None):
        # /proc/sys/net shows the namespace of the thread that opens the file.
        def access():
            with open(f"/proc/sys/net/{path}", mode) as f:
                return f.read().strip() if text is None else f.write(text)
        return self.inside(access)

    def sysctl(self, path):
        return self._proc(path, "r")

    def set_sysctl(self, path, value):
        self._proc(path, "w", str(value))

    def set_sysctls(self, **values):
        """IPv6 settings: set_sysctls(all__forwarding=1)."""
        for key, value in values.items():
            self.set_sysctl("ipv6/conf/" + key.replace("__", "/"), value)

    def mac(self, device):
        return self.ip_json("link", "show", "dev", device)[0]["address"]

    def addresses(self, device=None, scope="global"):
        """IPv6 addresses as ip -json tells them, one dictionary each, with "dev" added."""
        argv = ["-6", "addr", "show"] + (["dev", device] if device else [])
        return [{**a, "dev": link["ifname"]}
                for link in self.ip_json(*argv) for a in link.get("addr_info", [])
                if scope is None or a["scope"] == scope]
