# SPDX-License-Identifier: GPL-2.0-or-later
"""One run: its name, its directory, its processes.

Namespaces and directories carry the number of the process that made them, so that runs side by
side do not meet and the remains of a killed run can be told from a living one.
"""
import ctypes
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("B") or "build")
if not BUILD.is_absolute():
    BUILD = TOP / BUILD
RUN_DIR = pathlib.Path("/run/dmmd-test")
NETNS_DIR = pathlib.Path("/run/netns")
NAME = re.compile(r"dmt(\d+)-[a-z0-9]+$")

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class TimedOut(AssertionError):
    """A condition did not come true in time."""


def wait_until(condition, what, timeout=5.0, interval=0.005):
    """Poll until condition() is true and give its value; what: words, or a function for them."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimedOut(f"waited {timeout:g} s for {what() if callable(what) else what}")
        time.sleep(interval)


def run_command(*argv, stdin=None, check=True):
    """Run to the end and give the standard output."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, argv))}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def _die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A child with its output in a file; it dies with us whatever happens."""

    def __init__(self, name, argv, log, env=None):
        self.name = name
        self.log_path = pathlib.Path(log)
        with open(log, "ab") as out:
            self.log_start = out.tell()
            self._child = subprocess.Popen(
                [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={**os.environ, **(env or {})}, preexec_fn=_die_with_parent, cwd=TOP)
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


def _remove_namespace(name):
    for pid in run_command("ip", "netns", "pids", name, check=False).split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            pass
    run_command("ip", "netns", "del", name, check=False)


def _remove_directory(path):
    run_command("umount", "-l", str(path / "bpf"), check=False)
    shutil.rmtree(path, ignore_errors=True)


def remove_orphans():
    """Remove what runs left that were killed before they could clean up."""
    if NETNS_DIR.is_dir():
        for path in NETNS_DIR.iterdir():
            match = NAME.match(path.name)
            if match and not _alive(match.group(1)):
                _remove_namespace(path.name)
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

    def add_namespace(self, node):
        name = self.netns_name(node)
        run_command("ip", "netns", "add", name)
        self.namespaces.append(name)
        return name

    def remove_namespaces(self):
        for name in self.namespaces:
            _remove_namespace(name)
        self.namespaces.clear()

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
