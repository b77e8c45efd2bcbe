# SPDX-License-Identifier: GPL-2.0-or-later
"""Real programs, started as users start them, and the servers that they talk to.

    server = programs.SshServer(scene.cn, scene.directory)
    ssh = programs.start(scene, "ssh", *programs.dmm_run("session"), *server.client("uptime"))
    path = programs.follow(scene, server.port)      # flow.Followed: what captures tell of it
    ssh.wait_output("load average")

Nothing of the system is touched: configuration, keys and known hosts are files of the test.
"""
import os
import shutil
import subprocess
import sys

from . import topology as net
from .flow import Followed
from .run import BUILD, run_command, wait_until

DMM_RUN, OBJECT = BUILD / "dmm-run", BUILD / "libdmmsock-preload.so"
LIBRARY = BUILD / "libdmmsock.so.0"
SSHD = "/usr/sbin/sshd"
SSH_PORT, WEB_PORT, IPERF_PORT = 2222, 8000, 5201  # of no rule
HOST_NAME = "correspondent"

# What sshd wants to find below /run, for it alone.
OWN_RUN = ("unshare", "--mount", "--propagation", "private", "sh", "-c",
           'mount -t tmpfs -o mode=0755 tmpfs /run && mkdir /run/sshd && exec "$@"', "sshd")


def missing(*programs):
    """Those that are not installed, or not built."""
    return [str(p) for p in programs if not shutil.which(str(p)) and not os.path.exists(p)]


def dmm_run(kind, *options):
    return [DMM_RUN, "-t", kind, *options, "--"]


def environment(directory, **more):
    """Of a program that finds dmmd's table and socket in a directory."""
    clean = {k: v for k, v in os.environ.items()
             if not k.startswith(("DMM_", "GIT_", "SSH_")) and k != "LD_PRELOAD"}
    return {**clean, "DMM_DIRECTORY": str(directory), "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "NO_PROXY": "*",
            **{k: str(v) for k, v in more.items()}}


def without_own(directory, **more):
    """Words before a command that set just these variables: a started process keeps ours."""
    return ["env", "-i", *(f"{k}={v}" for k, v in environment(directory, **more).items())]


def start(scene, name, *argv, node=None, **variables):
    """A program at the mobile node that runs on: run.Process."""
    return (node or scene.mn).start(name, [*without_own(scene.daemon.runtime, **variables), *argv],
                                    scene.directory / f"{name}.log")


def run(node, directory, *argv, timeout=30, **variables):
    """A program that runs to its end: exit status, standard output, standard error."""
    done = subprocess.run(node.argv(*map(str, argv)), text=True, errors="replace", timeout=timeout,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False,
                          env=environment(directory, **variables))
    return done.returncode, done.stdout, done.stderr


def connections(node, port, to=net.CN):
    """[(address, port)] of our ends of established connections."""
    found = []
    for line in node.command("ss", "-Hnt6", "state", "established", "dst", f"[{to}]:{port}") \
            .splitlines():
        address, _, number = line.split()[2].rpartition(":")
        found.append((net.canonical(address.strip("[]").partition("%")[0]), int(number)))
    return found


def follow(scene, port, timeout=15.0):
    """The one connection to a port of the correspondent, from now on followed through captures."""
    (source, number), *_ = wait_until(lambda: connections(scene.mn, port),
                                      f"a connection to port {port}", timeout, interval=0.02)
    return Followed(source, number, port)


def wait_listening(node, port):
    wait_until(lambda: node.command("ss", "-Hltn6", f"sport = {port}"), f"port {port} to listen",
               timeout=15, interval=0.02)


class SshServer:
    """sshd with keys of its own; its sessions are root's, without what root has at home."""

    def __init__(self, node, directory, address=net.CN, port=SSH_PORT):
        self.address, self.port = address, port
        self.directory = directory / "ssh"
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(mode=0o700)
        for name in ("host", "user"):
            run_command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f",
                        str(self.directory / name))
        public = (self.directory / "host.pub").read_text()
        (self.directory / "known_hosts").write_text(f"{HOST_NAME} {public}")
        config = self.directory / "sshd_config"
        config.write_text("\n".join((
            f"ListenAddress [{address}]:{port}", f"HostKey {self.directory}/host",
            f"AuthorizedKeysFile {self.directory}/user.pub", "PidFile none", "StrictModes no",
            "UsePAM no", "UseDNS no", "PasswordAuthentication no", "PrintMotd no",
            "PrintLastLog no", f"SetEnv HOME={self.directory}", "")))
        node.start("sshd", [*OWN_RUN, SSHD, "-D", "-e", "-f", config],
                   self.directory / "sshd.log", {"LC_ALL": "C.UTF-8"})
        wait_listening(node, port)

    def words(self):
        """ssh with its options, without a destination: what GIT_SSH_COMMAND wants."""
        options = {"UserKnownHostsFile": self.directory / "known_hosts",
                   "GlobalKnownHostsFile": "/dev/null", "HostKeyAlias": HOST_NAME,
                   "StrictHostKeyChecking": "yes", "IdentityFile": self.directory / "user",
                   "IdentitiesOnly": "yes", "IdentityAgent": "none", "BatchMode": "yes",
                   "Port": self.port, "User": "root", "LogLevel": "ERROR"}
        return ["ssh", "-F", "none", *(f"-o{k}={v}" for k, v in options.items())]

    def client(self, command):
        return [*self.words(), self.address, command]


def git_repository(directory, octets=2_000_000):
    """A bare one whose pack is at least that large."""
    work, bare = directory / "work", directory / "repository.git"
    for path in (work, bare):
        shutil.rmtree(path, ignore_errors=True)
    work.mkdir()
    for number in range(4):
        (work / f"file{number}").write_bytes(os.urandom(octets // 4))
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org", "-C", work]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "Octets"]):
        done = subprocess.run([*git, *words], capture_output=True, text=True, check=False,
                              env=environment("/nonexistent"))
        if done.returncode:
            raise RuntimeError(f"git {words[0]}: {done.stderr}")
    run_command("git", "clone", "-q", "--bare", str(work), str(bare))
    return bare


# Copies its input at a bounded rate until a file exists, then as fast as it goes.
SLOWLY = """
import os, sys, time
while piece := os.read(0, 4096):
    if not os.path.exists(sys.argv[1]):
        time.sleep(0.04)
    while piece:
        piece = piece[os.write(1, piece):]
"""


def slowly(directory, enough):
    """Words of the shell for a pipe that takes its time until a file exists."""
    enough.unlink(missing_ok=True)
    program = directory / "slowly.py"
    program.write_text(SLOWLY)
    return f"{sys.executable} {program} {enough}"


def slow_upload_pack(directory, enough):
    """A program for `git clone --upload-pack`."""
    program = directory / "upload-pack"
    program.write_text(f'#!/bin/sh\ngit upload-pack "$@" | {slowly(directory, enough)}\n')
    program.chmod(0o755)
    return program


# As `python3 -m http.server`, but it looks up no names.  Arguments: address, port, type or 0: with
# one it asks before it binds.
WEB_SERVER = """
import http.server, socket, socketserver, sys
class Server(socketserver.ThreadingTCPServer):
    address_family, allow_reuse_address = socket.AF_INET6, True
    def server_bind(self):
        if sys.argv[3] != "0":
            self.socket.setsockopt(41, 0x444D, int(sys.argv[3]))
        super().server_bind()
Server((sys.argv[1], int(sys.argv[2])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def web_server(node, directory, address=net.CN, port=WEB_PORT):
    """Serves one file."""
    root = directory / "web"
    root.mkdir(exist_ok=True)
    (root / "index.html").write_text("hello\n")
    process = node.start("web", ["env", "-C", root, sys.executable, "-c", WEB_SERVER, address, port,
                                 0], directory / "web.log")
    wait_listening(node, port)
    return process


def curl(node, directory, url, *before, timeout=8):
    """Fetch a document: (address, port) that it was asked from; what went wrong is raised."""
    status, out, err = run(node, directory, *before, "curl", "-sS", "-o", "/dev/null",
                           "--max-time", timeout, "-w", "%{local_ip} %{local_port}", url)
    if status:
        raise RuntimeError(f"curl {url}: {err.strip() or status}")
    address, port = out.split()
    return net.canonical(address), int(port)


def iperf_server(node, directory, address=net.CN, port=IPERF_PORT):
    process = node.start("iperf3", ["iperf3", "-s", "-B", address, "-p", port],
                         directory / "iperf3-server.log")
    wait_listening(node, port)
    return process
