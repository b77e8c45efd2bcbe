# SPDX-License-Identifier: GPL-2.0-or-later
"""dmm-run(1): which address a command's connections start from; otherwise it is not to be seen.

No daemon: a table and a socket that a script has made.  The service tells each client where it came
from.
"""
import errno
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from lib import table as tb
from lib.namespace import Namespace
from lib.run import BUILD, wait_until

DMM_RUN = BUILD / "dmm-run"
OBJECT = BUILD / "libdmmsock-preload.so"
CGROUP = next((pathlib.Path(line.split()[4]) for line in open("/proc/self/mountinfo")
               if " - cgroup2 " in line), None)
SERVER, ANCHORED, OTHER = "2001:db8:b::80", "2001:db8:f::1", "2001:db8:e::1"
PORT = 8080
NOBODY = 65534

PYTHON_CLIENT = f"""
import socket
s = socket.create_connection(("{SERVER}", {PORT}))
s.send(b"GET")
print(s.recv(1000).split()[-1].decode())
"""
C_CLIENT = r"""
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *client(void *port)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(atoi(port))};
	char text[1000] = "";
	int s = socket(AF_INET6, SOCK_STREAM, 0);

	inet_pton(AF_INET6, "SERVER", &to.sin6_addr);
	if (connect(s, (struct sockaddr *)&to, sizeof(to)) < 0 || write(s, "GET", 3) < 0 ||
	    read(s, text, sizeof(text) - 1) <= 0) {
		perror("client");
		exit(1);
	}
	puts(strrchr(text, '\n') ? strrchr(text, '\n') + 1 : "nothing");
	fflush(stdout);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc < 3)
		client(argv[1]);
	else if (strcmp(argv[2], "thread") == 0) {
		pthread_create(&thread, NULL, client, argv[1]);
		pthread_join(thread, NULL);
	} else if (fork() == 0) {
		sleep(1);
		client(argv[1]);
	}
	return 0;
}
""".replace("SERVER", SERVER)

GO_CLIENT = r"""
package main

import ("fmt"; "io"; "net"; "os"; "strings"; "sync")

func client() {
	c, err := net.Dial("tcp", "[SERVER]:PORT")
	if err != nil { fmt.Println(err); os.Exit(1) }
	c.Write([]byte("GET"))
	answer, _ := io.ReadAll(c)
	lines := strings.Fields(string(answer))
	fmt.Println(lines[len(lines) - 1])
}

func main() {
	var all sync.WaitGroup
	for i := 0; i < 50; i++ {
		all.Add(1)
		go func() { defer all.Done(); client() }()
	}
	all.Wait()
}
""".replace("SERVER", SERVER).replace("PORT", str(PORT))


class Service:
    """Tells a client its address, in the manner of HTTP."""

    def __init__(self, namespace):
        self._listener = namespace.socket(socket.AF_INET6, socket.SOCK_STREAM)
        self._listener.bind(("::", PORT))
        self._listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, peer = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(1000)
                connection.send(b"HTTP/1.0 200 OK\r\n\r\n" + peer[0].encode())

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class World:
    """A namespace with the addresses, the service and a directory for the table."""

    def __init__(self, run):
        run.next_scene()
        self.run = run
        self.directory = run.directory / "dmmd"
        self.service = self.daemon = self.table = None

    def build(self):
        self.namespace = Namespace(self.run, "run")
        self.namespace.ip("link set lo up", "link add d0 type veth peer d1", "link set d0 up",
                          "link set d1 up",
                          *(f"addr add {a}/128 dev d0 nodad preferred_lft 0"
                            for a in (ANCHORED, OTHER)),
                          f"addr add {SERVER}/64 dev d0 nodad")
        self.ifindex = self._link()["ifindex"]
        self.directory.mkdir(mode=0o755)
        self.service = Service(self.namespace)
        # The kernel takes addresses away and brings them back when the device gets its carrier.
        wait_until(lambda: self._link()["operstate"] == "UP", "the carrier")
        wait_until(self._reachable, "the service to be reached")

    def _link(self):
        return self.namespace.ip_json("link", "show", "dev", "d0")[0]

    def _reachable(self):
        with self.namespace.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
            return s.connect_ex((SERVER, PORT)) == 0

    def publish(self, **settings):
        self.table = tb.Table(self.directory, tb.netns_cookie(self.namespace))
        self.table.publish([tb.entry(ANCHORED, tb.SESSION, self.ifindex, **settings),
                            tb.entry(OTHER, tb.FIXED, self.ifindex)],
                           {tb.SESSION: 0, tb.FIXED: 1})

    def start_daemon(self, answer):
        self.daemon = tb.FakeDaemon(self.directory, answer)

    def popen(self, *argv, wrap=(), env=None, **settings):
        environment = {k: v for k, v in os.environ.items()
                       if not k.startswith("DMM_") and k != "LD_PRELOAD"}
        return subprocess.Popen(
            self.namespace.argv(*wrap, str(DMM_RUN), *map(str, argv)), text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**environment, "DMM_DIRECTORY": str(self.directory), **(env or {})}, **settings)

    def dmm_run(self, *argv, **settings):
        """Runs to the end: exit status, standard output, standard error."""
        child = self.popen(*argv, **settings)
        out, err = child.communicate(timeout=20)
        return child.returncode, out.strip(), err.strip()

    def source(self, *argv, **settings):
        status, out, err = self.dmm_run(*argv, **settings)
        assert status == 0, err
        return out

    def close(self):
        for server in filter(None, (self.service, self.daemon)):
            server.close()
        self.run.remove_namespaces()


@pytest.fixture
def world(run):
    if not DMM_RUN.exists():
        pytest.skip("not built: dmm-run")
    one = World(run)
    try:
        one.build()
        yield one
    finally:
        one.close()


@pytest.fixture(scope="module", params=["gcc", "musl-gcc"])
def static(request, run):
    """A statically linked client."""
    if not shutil.which(request.param):
        pytest.skip(f"no {request.param}")
    path = pathlib.Path(f"/run/dmmd-test/{run.id}/static-{request.param}")
    done = subprocess.run([request.param, "-static", "-pthread", "-x", "c", "-", "-o", str(path)],
                          input=C_CLIENT, text=True, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"no static C library: {done.stderr[-200:]}")
    return path


@pytest.fixture(scope="module")
def go(run):
    if not shutil.which("go"):
        pytest.skip("no go")
    directory = pathlib.Path(f"/run/dmmd-test/{run.id}/go")
    directory.mkdir()
    (directory / "client.go").write_text(GO_CLIENT)
    subprocess.run(["go", "build", "-o", "client", "client.go"], cwd=directory, check=True,
                   env={**os.environ, "CGO_ENABLED": "0", "GO111MODULE": "off"})
    return directory / "client"


@pytest.fixture
def preload():
    if not OBJECT.exists():
        pytest.skip("not built: libdmmsock-preload.so")


@pytest.fixture
def groups():
    """Control groups that appear must be gone in the end."""
    if not CGROUP or not os.access(CGROUP, os.W_OK):
        pytest.skip("no control groups of version 2")
    before = set(CGROUP.glob("dmm-run-*"))
    yield lambda: set(CGROUP.glob("dmm-run-*")) - before
    wait_until(lambda: not set(CGROUP.glob("dmm-run-*")) - before, "the group to be removed")


python = (sys.executable, "-c", PYTHON_CLIENT)


# --- the command is seen by nobody ---------------------------------------------------------------


@pytest.mark.parametrize("backend", ["auto", "seccomp"])
def test_exit_status_is_the_commands(world, backend):
    world.publish()
    for command, status in ((["true"], 0), (["sh", "-c", "exit 7"], 7), (["/nonexistent"], 127),
                            (["nonesuch-command"], 127), (["/etc/passwd"], 126), (["/"], 126),
                            (["sh", "-c", "kill -KILL $$"], -signal.SIGKILL),
                            (["sh", "-c", "kill -TERM $$"], -signal.SIGTERM)):
        assert world.dmm_run("-b", backend, *command)[0] == status, command


def test_wrong_use_is_125(world):
    for arguments in ([], ["-t", "unspec", "true"], ["-b", "ebpf", "true"], ["-x", "true"], ["-t"]):
        status, out, err = world.dmm_run(*arguments)
        assert (status, out) == (125, "") and err, arguments


def test_wrong_use_is_named(world):
    for arguments, words in ((["-t", "x"], "graceful-replacement"), (["-b", "x"], "seccomp"),
                             (["-t"], "option -t needs"), (["--type"], "option --type needs"),
                             (["--typ0"], "unknown option --typ0"), (["--udp=1"], "--udp takes no"),
                             (["--debug=/dev/null", "-xv"], "unknown option -x"),
                             (["--debug=/nonexistent/f", "true"], "/nonexistent/f: No such file")):
        status, _, err = world.dmm_run(*arguments)
        assert status == 125 and err.startswith("dmm-run: ") and words in err, arguments
        assert len(err.splitlines()) == 1, err


def test_help_and_version(world):
    status, out, err = world.dmm_run("--help")
    assert status == 0 and out.startswith("Usage: dmm-run") and not err
    assert world.dmm_run("--version")[1].startswith("dmm-run ")


@pytest.mark.parametrize("backend", ["auto", "seccomp"])
def test_nothing_else_of_the_process_changes(world, static, backend, tmp_path):
    """Arguments, directory, open files, signals, environment."""
    world.publish()
    show = ("import os, signal, sys; print(sys.argv[1:], os.getcwd(),"
            " sorted(os.listdir('/proc/self/fd')),"
            " signal.pthread_sigmask(0, []), signal.getsignal(signal.SIGCHLD),"
            " signal.getsignal(signal.SIGUSR1),"
            " {k: v for k, v in os.environ.items() if k not in ('LD_PRELOAD', 'DMM_TYPE')})")
    argv = [sys.executable, "-c", show, "-v", "--", "a b"]

    def ignore_signals():
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])

    settings = {"cwd": tmp_path, "preexec_fn": ignore_signals}
    nothing = {"DMM_DIRECTORY": "/nonexistent", "DMM_PRELOAD": "/nonexistent"}
    bare = world.source(*argv, env=nothing, **settings)
    run = world.source("-b", backend, "--", *argv, **settings)
    assert run == bare.replace("/nonexistent", str(world.directory), 1).replace(
        ", 'DMM_PRELOAD': '/nonexistent'", "")


def test_name_of_the_command_is_kept(world):
    world.publish()
    for backend in ("auto", "seccomp"):
        name = world.source("-b", backend, "sh", "-c", "tr '\\0' ' ' < /proc/$$/cmdline")
        assert name.startswith("sh -c")


def test_signals_reach_a_supervised_command(world):
    world.publish()
    script = "trap 'exit 9' TERM; trap 'echo usr1' USR1; echo ready; while :; do sleep 0.05; done"
    child = world.popen("-b", "seccomp", "sh", "-c", script)
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGUSR1)
    assert child.stdout.readline() == "usr1\n"
    child.send_signal(signal.SIGTERM)
    assert child.wait(5) == 9
    child.communicate()


def test_a_supervised_command_stops_and_goes_on_with_its_parent(world):
    def state(pid):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

    world.publish()
    # In an orphaned group, as under nohup, the kernel stops nobody for the terminal.
    child = world.popen("-b", "seccomp", "sleep", "30", process_group=0)
    children = pathlib.Path(f"/proc/{child.pid}/task/{child.pid}/children")
    command = int(wait_until(children.read_text, "a child"))
    wait_until(lambda: "sleep" in pathlib.Path(f"/proc/{command}/comm").read_text(), "the command")
    child.send_signal(signal.SIGTSTP)
    wait_until(lambda: state(child.pid) == state(command) == "T", "both to stop", 20)
    child.send_signal(signal.SIGCONT)
    wait_until(lambda: state(child.pid) == state(command) == "S", "both to go on")
    child.send_signal(signal.SIGTERM)  # what runs in the background may ignore SIGINT
    assert child.wait(5) == -signal.SIGTERM
    child.communicate()


def test_the_supervisor_holds_no_pipe_open(world):
    world.publish()
    child = world.popen("-b", "seccomp", "sh", "-c", "exec >/dev/null 2>&1; sleep 30")
    assert child.stdout.read() == "" and child.stderr.read() == ""
    assert child.poll() is None
    child.terminate()
    child.wait(5)


# --- seccomp -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [[], ["thread"]])
def test_a_static_program_starts_from_the_anchored_address(world, static, mode):
    world.publish()
    assert world.source(static, PORT, *mode) == ANCHORED
    assert world.source("-t", "fixed", static, PORT, *mode) == OTHER
    assert world.source("-t", "local", static, PORT, *mode) == SERVER
    assert world.source("-t", "graceful", static, PORT, *mode) == SERVER


def test_go(world, go):
    world.publish()
    status, out, err = world.dmm_run("-v", go)
    assert status == 0 and "backend seccomp" in err
    assert out.split() == [ANCHORED] * 50


def test_what_a_supervised_command_leaves_behind_is_supervised(world, static):
    world.publish()
    child = world.popen("-b", "seccomp", static, PORT, "behind")
    begin = time.monotonic()
    assert child.wait(5) == 0
    assert time.monotonic() - begin < 0.9
    assert child.stdout.read().strip() == ANCHORED
    child.communicate()


def test_supervised_programs_of_every_kind(world, tmp_path):
    world.publish()
    assert world.source("-b", "seccomp", *python) == ANCHORED
    script = f"true; curl -s http://[{SERVER}]:{PORT}/"
    assert world.source("-b", "seccomp", "sh", "-c", script) == ANCHORED
    for kind, expected in (("SOCK_STREAM", ANCHORED), ("SOCK_DGRAM", SERVER)):
        client = (f"import socket; s = socket.socket(socket.AF_INET6, socket.{kind});"
                  f" s.connect(('{SERVER}', {PORT})); print(s.getsockname()[0])")
        assert world.source("-b", "seccomp", sys.executable, "-c", client) == expected
        assert world.source("-u", "-b", "seccomp", sys.executable, "-c", client) == ANCHORED


@pytest.mark.parametrize("prepare, to, expected", [
    ("s.bind(('2001:db8:e::1', 0))", SERVER, OTHER),
    ("s.bind(('::', 7070))", SERVER, SERVER),
    ("s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'd0')", SERVER, ANCHORED),
    ("s.setsockopt(41, 26, 0)", "::ffff:127.0.0.1", "::ffff:127.0.0.1"),
    ("s.connect_ex(('2001:db8:b::80', 1))", "::ffff:127.0.0.1", "::ffff:127.0.0.1"),
    ("s.connect_ex(('2001:db8:b::80', 1))", SERVER, ANCHORED),
    ("", "::1", "::1"),
])
def test_supervised_sockets_of_every_kind(world, prepare, to, expected):
    world.publish()
    client = (f"import socket; s = socket.socket(socket.AF_INET6); {prepare}\n"
              f"s.connect(('{to}', {PORT})); print(s.getsockname()[0])")
    assert world.source("-b", "seccomp", sys.executable, "-c", client) == expected


def test_a_socket_of_another_device(world):
    world.publish()
    world.table.publish([tb.entry(ANCHORED, tb.SESSION, 1)], {tb.SESSION: 0})
    client = ("import socket; s = socket.socket(socket.AF_INET6);"
              " s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'd0');"
              f" s.connect(('{SERVER}', {PORT})); print(s.getsockname()[0])")
    assert world.source("-b", "seccomp", sys.executable, "-c", client) == SERVER


def test_a_supervisor_below_another(world, static):
    world.publish()
    assert world.source("-b", "seccomp", DMM_RUN, "-v", static, PORT) == ANCHORED
    status, _, err = world.dmm_run("-b", "seccomp", DMM_RUN, "-b", "seccomp", static, PORT)
    assert status == 125 and "supervisor already" in err


def test_an_ordinary_user_is_supervised(world, static):
    world.publish()
    user = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    assert world.source(static, PORT, wrap=user) == ANCHORED


def test_decisions_are_explained(world, static, tmp_path):
    world.publish()
    file = tmp_path / "explained"
    status, _, err = world.dmm_run(f"--debug={file}", static, PORT)
    assert status == 0 and "backend seccomp, type session: statically linked" in err
    assert f"to {SERVER}, session-lasting: from {ANCHORED}" in file.read_text()


# --- the table -----------------------------------------------------------------------------------


def test_entries_that_cannot_be_used(world, static):
    for settings in ({"state": tb.DRAINING}, {"valid_until": 1}):
        world.publish(**settings)
        assert world.source("-b", "seccomp", static, PORT) == SERVER, settings


@pytest.mark.parametrize("spoil", [
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(b"\xff" * 4096),
    lambda path: path.write_bytes(path.read_bytes()[:100]),
    lambda path: path.write_bytes(path.read_bytes()[:200]),
    lambda path: path.write_bytes(path.read_bytes()[:4] + b"\x09" + path.read_bytes()[5:]),
    lambda path: os.chown(path, NOBODY, NOBODY),
    lambda path: path.chmod(0o666),
    lambda path: path.parent.chmod(0o777),
    lambda path: (path.unlink(), path.mkdir()),
    lambda path: (path.unlink(), os.mkfifo(path)),
    lambda path: (path.rename(path.parent / "moved"), path.symlink_to(path.parent / "moved")),
    lambda path: path.unlink(),
], ids=["empty", "ones", "short", "cut", "version", "owner", "writable", "directory", "no-file",
        "fifo", "link", "absent"])
def test_a_table_that_is_none(world, static, spoil):
    world.publish()
    spoil(world.table.path)
    assert world.source("-b", "seccomp", static, PORT) == SERVER
    assert world.source("-b", "auto", *python) == SERVER


def test_wild_indices(world, static):
    world.publish()
    for best in (2, 15, 16, 1 << 30, -(1 << 31)):
        world.table.publish([tb.entry(ANCHORED, tb.SESSION, world.ifindex)], {tb.SESSION: best})
        assert world.source("-b", "seccomp", static, PORT) == SERVER


def test_another_namespace_is_left_alone(world, static):
    world.table = tb.Table(world.directory, 1)
    world.table.publish([tb.entry(ANCHORED, tb.SESSION, world.ifindex)], {tb.SESSION: 0})
    assert world.source("-b", "seccomp", static, PORT) == SERVER


def test_dmmd_stops(world, static):
    world.publish()
    world.table.publish([tb.entry(ANCHORED, tb.SESSION, world.ifindex)], {tb.SESSION: 0},
                        flags=tb.STOPPED)
    status, out, err = world.dmm_run("-v", static, PORT)
    assert (status, out) == (0, SERVER) and "backend none" in err


# --- preload -------------------------------------------------------------------------------------


def test_dynamic_programs_are_preloaded(world, preload, tmp_path):
    world.publish()
    script = tmp_path / "script"
    script.write_text(f"#!{sys.executable}\n{PYTHON_CLIENT}")
    script.chmod(0o755)
    for command in (python, ("curl", "-s", f"http://[{SERVER}]:{PORT}/"), (script,)):
        status, out, err = world.dmm_run("-v", *command)
        assert (status, out) == (0, ANCHORED) and "backend preload" in err
        assert world.source("-t", "fixed", *command) == OTHER
        assert world.source("-t", "local", *command) == SERVER
        assert world.source("--type=non-persistent", *command) == SERVER


def test_environment_of_the_preloaded(world, tmp_path):
    fake = tmp_path / "object.so"
    subprocess.run(["gcc", "-shared", "-x", "c", "/dev/null", "-o", str(fake)], check=True)
    show = ("sh", "-c", 'echo "$LD_PRELOAD|$DMM_TYPE|$DMM_UDP|$DMM_DEBUG"')
    own = {"DMM_PRELOAD": str(fake)}
    assert world.source(*show, env=own) == f"{fake}|session||"
    assert world.source("-u", "-t", "graceful", "--debug", *show, env=own).endswith("|graceful|1|1")
    before = {**own, "LD_PRELOAD": "libm.so.6"}
    assert world.source(*show, env=before) == f"libm.so.6:{fake}|session||"
    assert world.source(DMM_RUN, "-t", "local", *show, env=before) == f"libm.so.6:{fake}|local||"


def test_an_object_that_cannot_be_preloaded(world, tmp_path):
    blank = tmp_path / "with blank.so"
    blank.write_bytes(b"")
    for path in ("/nonexistent.so", blank):
        status, _, err = world.dmm_run("-b", "preload", "true", env={"DMM_PRELOAD": str(path)})
        assert status == 125 and "backend preload cannot be used" in err and str(path) in err
        assert world.dmm_run("true", env={"DMM_PRELOAD": str(path)}) == (0, "", "")


def test_a_privileged_program_is_run_as_it_is(world):
    world.publish()
    copy = pathlib.Path(f"/run/dmmd-test/{world.run.id}/setuid-id")
    shutil.copy("/usr/bin/id", copy)
    copy.chmod(0o4755)
    if os.statvfs(copy).f_flag & os.ST_NOSUID:
        pytest.skip("no privileged programs in this file system")
    user = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    status, out, err = world.dmm_run(copy, "-u", wrap=user)
    assert (status, out) == (0, "0") and f"{copy} is privileged" in err
    assert world.dmm_run(copy, "-u")[2] == ""


@pytest.mark.parametrize("content", [
    b"\x7fELF", b"\x7fELF\x02\x01\x01" + b"\xff" * 57, b"\x7fELF" + bytes(60), b"#!", b"#!\n",
    b"#! \t\n", b"#!" + b"x" * 5000, b"#!/nonexistent\n", b"\x7fELF\x01\x01\x01" + b"\xff" * 45,
    b"\0" * 300,
], ids=range(10))
def test_files_that_are_no_programs(world, tmp_path, content):
    world.publish()
    file = tmp_path / "file"
    file.write_bytes(content)
    file.chmod(0o755)
    bare = subprocess.run(["env", file], capture_output=True, check=False)
    assert world.dmm_run(file)[0] == bare.returncode


# --- bpf -----------------------------------------------------------------------------------------


def group_of(pid):
    return next(line[3:].strip() for line in open(f"/proc/{pid}/cgroup") if line.startswith("0::"))


def test_without_dmmd_bpf_fails_and_auto_goes_on(world):
    status, out, err = world.dmm_run("-b", "bpf", "echo", "ran")
    assert (status, out) == (125, "") and "backend bpf cannot be used: dmmd does not run" in err
    assert world.dmm_run("echo", "ran") == (0, "ran", "")


def test_a_group_of_its_own(world, groups):
    seen = []
    world.publish()
    world.start_daemon(lambda request: seen.append(group_of(request.pid)) or 0)
    for arguments in (["-b", "bpf"], ["-v"]):
        status, out, err = world.dmm_run(*arguments, "-t", "graceful", "sh", "-c",
                                         "cat /proc/self/cgroup; exit 3")
        assert status == 3
        group = next(line[3:] for line in out.splitlines() if line.startswith("0::"))
        assert group == seen[-1] and "/dmm-run-" in group
    assert "backend bpf, type graceful" in err
    world.source("-u", "-b", "bpf", "true")
    asked = [(r.type, r.flags) for r in world.daemon.requests if r.op == tb.CONTROL_GROUP]
    assert asked == [(tb.GRACEFUL, 0)] * 2 + [(tb.SESSION, tb.GROUP_UDP)]
    wait_until(lambda: not groups(), "the group to be removed")


def test_a_group_lives_as_long_as_anybody_in_it(world, groups):
    world.publish()
    world.start_daemon(lambda request: 0)
    child = world.popen("-b", "bpf", "sh", "-c", "sleep 1 >/dev/null 2>&1 &")
    assert child.wait(5) == 0
    assert child.communicate() == ("", "")
    assert len(groups()) == 1
    wait_until(lambda: not groups(), "the group to be removed")


def test_groups_within_groups(world, groups):
    world.publish()
    world.start_daemon(lambda request: 0)
    out = world.source("-b", "bpf", DMM_RUN, "-b", "bpf", "cat", "/proc/self/cgroup")
    assert out.count("/dmm-run-") == 2
    wait_until(lambda: not groups(), "the groups to be removed")


@pytest.mark.parametrize("answer, words", [
    (errno.EOPNOTSUPP, "no hooks"), (errno.EPERM, "not allow"), (None, "not answer")])
def test_refused_by_dmmd(world, groups, static, answer, words):
    world.publish()
    world.start_daemon(lambda request: answer)
    status, out, err = world.dmm_run("-b", "bpf", "echo", "ran")
    assert (status, out) == (125, "") and words in err
    assert not groups()
    status, out, err = world.dmm_run("-v", static, PORT)
    assert (status, out) == (0, ANCHORED) and "backend seccomp" in err
    out = world.source("cat", "/proc/self/cgroup")
    assert "dmm-run" not in out and not groups()


def test_a_scope_of_the_users_systemd(world, groups):
    """An ordinary user may not make a group: the manager does, and moves the process."""
    place = pathlib.Path(f"/run/dmmd-test/{world.run.id}/bus")
    place.mkdir(exist_ok=True)
    place.chmod(0o777)
    busctl = place / "busctl"
    busctl.write_text(f'#!/bin/sh\necho "$@" > {place}/new\nmv {place}/new {place}/asked\n'
                      f'while [ ! -e {place}/done ]; do sleep 0.01; done\n')
    busctl.chmod(0o755)
    scope = CGROUP / f"dmm-test-{os.getpid()}"
    seen = []
    world.publish()
    world.start_daemon(lambda request: seen.append(group_of(request.pid)) or 0)
    user = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    scope.mkdir()
    try:
        child = world.popen("-v", "cat", "/proc/self/cgroup", wrap=user,
                            env={"PATH": f"{place}:{os.environ['PATH']}"})
        wait_until((place / "asked").exists, "a call")
        asked = (place / "asked").read_text()
        assert "StartTransientUnit" in asked and f"PIDs au 1 {child.pid} Slice s dmm.slice" in asked
        (scope / "cgroup.procs").write_text(str(child.pid))
        (place / "done").touch()
        out, err = child.communicate(timeout=10)
        assert f"0::/{scope.name}" in out and "backend bpf" in err
        assert seen == [f"/{scope.name}"]
    finally:
        wait_until(lambda: not (scope / "cgroup.procs").read_text(), "the scope to be empty")
        scope.rmdir()
        shutil.rmtree(place)


# --- an address that is not there yet ------------------------------------------------------------


def test_an_address_is_obtained_before_the_command_starts(world, static):
    def answer(request):
        if request.op != tb.ACQUIRE:
            return errno.EOPNOTSUPP
        world.table.publish([tb.entry(ANCHORED, tb.SESSION, world.ifindex)], {tb.SESSION: 0})
        return 0, ANCHORED, world.ifindex

    world.publish()
    world.table.publish([], {})
    world.start_daemon(answer)
    assert world.source(static, PORT) == ANCHORED
    assert [r.type for r in world.daemon.requests if r.op == tb.ACQUIRE] == [tb.SESSION]
    assert world.source("-t", "local", static, PORT) == SERVER
    assert len([r for r in world.daemon.requests if r.op == tb.ACQUIRE]) == 1


@pytest.mark.parametrize("answer, expected", [((0, OTHER, 0), OTHER), (errno.EPERM, SERVER)])
def test_restricted_to_some_users(world, static, answer, expected):
    world.publish()
    world.table.publish([tb.entry(OTHER, tb.FIXED, world.ifindex)], {tb.FIXED: 0},
                        restricted=[tb.FIXED])
    world.start_daemon(lambda request: answer if request.op == tb.ACQUIRE else errno.EOPNOTSUPP)
    assert world.source("-t", "fixed", static, PORT) == expected
