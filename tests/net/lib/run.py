# SPDX-License-Identifier: GPL-2.0-or-later
"""One run: its name, its directory, its processes.

Namespaces and directories carry the number of the process that made them, so that runs side by
side do not meet and the remains of a killed run can be told from a living one.
"""
import contextlib
import ctypes
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from .spawn import Spawner

TOP = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("B") or "build")
if not BUILD.is_absolute():
    BUILD = TOP / BUILD
RUN_DIR = pathlib.Path("/run/dmmd-test")
NETNS_DIR = pathlib.Path("/run/netns")
NAME = re.compile(r"dmt(\d+)-[a-z0-9]+$")

# In virtual time looking takes none, so that to look at the same pace for seconds costs minutes.
PATIENCE = float(os.environ.get("NET_PATIENCE") or 0)  # of the time waited until the next look
# The words before a command that dies with us whatever happens.  A function between fork and exec
# would have all our memory copied.
DIE_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")
LIBC = ctypes.CDLL(None, use_errno=True)
SPAWNER = Spawner()


class TimedOut(AssertionError):
    """A condition did not come true in time."""


def wait_until(condition, what, timeout=5.0, interval=0.005):
    """Poll until condition() is true and give its value; what: words, or a function for them."""
    begin = time.monotonic()
    while True:
        value = condition()
        if value:
            return value
        waited = time.monotonic() - begin
        if waited >= timeout:
            raise TimedOut(f"waited {timeout:g} s for {what() if callable(what) else what}")
        time.sleep(max(interval, PATIENCE * waited))


def run_command(*argv, stdin=None, check=True):
    """Run to the end and give the standard output."""
    status, output, errors = SPAWNER.run(argv, stdin or "")
    if check and status != 0:
        raise RuntimeError(f"{' '.join(map(str, argv))}: {errors.strip() or status}")
    return output


def ip_batch(lines, *options, check=True):
    """Run lines of ip(8) in one process; check=False goes on behind lines that fail."""
    if lines:
        run_command("ip", *options, *(() if check else ("-force",)), "-batch", "-",
                    stdin="\n".join(lines) + "\n", check=check)


class Process:
    """A child with its output in a file; it dies with us whatever happens."""

    def __init__(self, name, argv, log, env=None):
        self.name = name
        self.log_path = pathlib.Path(log)
        with open(log, "ab") as out:
            self.log_start = out.tell()
            self._child = subprocess.Popen(
                [*DIE_WITH_PARENT, *map(str, argv)], stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, env={**os.environ, **(env or {})}, cwd=TOP)
        self.pid = self._child.pid

    def running(self):
        return self._child.poll() is None

    def returncode(self):
        return self._child.poll()

    def state(self):
        """As the kernel has it: R, S, D ..."""
        with open(f"/proc/{self.pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0]

    def output(self):
        """What this process has written so far."""
        with open(self.log_path, "rb") as f:
            f.seek(self.log_start)
            return f.read().decode(errors="replace")

    def wait_output(self, text, timeout=5.0):
        def said():
            if text in self.output():
                return True
            if not self.running():
                raise RuntimeError(f"{self.name} ended early: {self.output()[-2000:]}")
            return False
        wait_until(said, f"{self.name} to say '{text}'", timeout)

    def wait(self, timeout=10.0):
        """Wait for the end: the exit status."""
        return wait_until(lambda: None if self.running() else (self.returncode(),),
                          f"{self.name} to end", timeout)[0]

    def send_signal(self, number):
        if self.running():
            self._child.send_signal(number)

    def stop(self, number=signal.SIGTERM, timeout=5.0):
        """Ask to end, insist if it does not: the exit status."""
        self.send_signal(number)
        try:
            return self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self):
        self.send_signal(signal.SIGKILL)
        return self._child.wait()


def _alive(pid):
    return os.path.exists(f"/proc/{pid}")


def _identity(path):
    """Which namespace, or None if it has gone."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _remove_namespaces(names):
    gone = {_identity(NETNS_DIR / name) for name in names} - {None}
    for pid in filter(str.isdigit, os.listdir("/proc") if gone else []):
        if _identity(f"/proc/{pid}/ns/net") in gone:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    ip_batch([f"netns del {name}" for name in names], check=False)


def _remove_directory(path):
    run_command("umount", "-l", str(path / "bpf"), check=False)
    shutil.rmtree(path, ignore_errors=True)


def remove_orphans():
    """Remove what runs left that were killed before they could clean up."""
    if NETNS_DIR.is_dir():
        found = [NAME.match(path.name) for path in NETNS_DIR.iterdir()]
        _remove_namespaces([m.group() for m in found if m and not _alive(m.group(1))])
    if RUN_DIR.is_dir():
        for path in RUN_DIR.iterdir():
            if path.name.isdigit() and not _alive(path.name):
                _remove_directory(path)


class Run:
    """The life of one run; use it as a context.  It has one scene after the other."""

    def __init__(self):
        self.id = os.getpid()
        self._directory = RUN_DIR / str(self.id)
        self._bpf = self._directory / "bpf"
        self._scenes = 0
        self.directory = self.bpf = None  # of the scene: files, pins
        self.namespaces = []
        self._waiting = None  # lines of ip(8) for namespaces, while they are gathered
        self._processes = []

    def __enter__(self):
        remove_orphans()
        self._bpf.mkdir(parents=True)
        run_command("mount", "-t", "bpf", "-o", "mode=0700", "bpf", str(self._bpf))
        return self

    def __exit__(self, *error):
        self.stop_processes()
        self.remove_namespaces()
        _remove_directory(self._directory)

    def keep_programs(self, *paths):
        """A copy of programs that belong together: all tests of a run judge the same build."""
        kept = self._directory / "programs"
        if not kept.exists():
            kept.mkdir()
            for path in paths:
                shutil.copy2(path, kept)
        return kept

    def next_scene(self):
        """Nothing of the scenes before shines through: own files, own pins."""
        self._scenes += 1
        self.directory, self.bpf = (d / f"{self._scenes}" for d in (self._directory, self._bpf))
        self.directory.mkdir()
        self.bpf.mkdir()

    def netns_name(self, node):
        return f"dmt{self.id}-{node}"

    def add_namespaces(self, nodes):
        """Several in one process."""
        names = [self.netns_name(node) for node in nodes]
        ip_batch([f"netns add {name}" for name in names])
        self.namespaces += names

    def add_namespace(self, node):
        """The name of the node's namespace, which is made if it is not there yet."""
        name = self.netns_name(node)
        if name not in self.namespaces:
            self.add_namespaces([node])
        return name

    def remove_namespaces(self):
        _remove_namespaces(self.namespaces)
        self.namespaces.clear()

    @contextlib.contextmanager
    def ip_gathered(self):
        """Lines of ip(8) wait for the end, or for ip_now(): one or two processes for a namespace
        instead of one for each call.  Links are made first, as lines of others need them; besides,
        the order is kept within a namespace only."""
        self._waiting = []
        try:
            yield
            self.ip_now()
        finally:
            self._waiting = None

    def ip_now(self):
        """Run what waits."""
        lines, self._waiting = self._waiting, []
        for links in (True, False):
            for name in dict.fromkeys(name for name, _ in lines):
                ip_batch([line for n, line in lines
                          if n == name and line.startswith("link add ") == links], "-n", name)

    def ip(self, name, lines, check):
        """Run lines of ip(8) in a namespace, or keep them for ip_now()."""
        if self._waiting is None:
            ip_batch(lines, "-n", name, check=check)
        else:
            self._waiting += ((name, line) for line in lines)

    def start(self, name, argv, log, env=None):
        process = Process(name, argv, log, env)
        self._processes.append(process)
        return process

    def stop_processes(self):
        """Stop what still runs, the youngest first."""
        for process in reversed(self._processes):
            if process.running():
                process.stop(timeout=3.0)
        self._processes.clear()
