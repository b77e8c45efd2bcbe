# SPDX-License-Identifier: GPL-2.0-or-later
"""Real programs through real moves: who asks lives on (E2, E3, RFC 8653), who does not uses the new
place directly (E1); and without dmmd nobody notices anything."""
import contextlib
import json
import shlex
import subprocess
import sys

import pytest
from lib import account, hooked, matrix, native, programs, topology as net
from lib.daemon import anchor2
from lib.run import wait_until

WEB = f"http://[{net.CN}]:{programs.WEB_PORT}/"
ECHO = 8080
IS_IN = {place: net.PREFIX[place].replace("::/64", ":") for place in "ABC"}


@pytest.fixture(autouse=True)
def needed():
    if missing := programs.missing(programs.DMM_RUN, programs.OBJECT, programs.LIBRARY,
                                   programs.SSHD, "ssh", "git", "curl", "iperf3"):
        pytest.skip(f"not there: {', '.join(missing)}")


def start(make_places, places="ABC", **settings):
    scene = make_places(places, anchored=places)
    scene.standard(**settings)
    scene.attach("A")
    return scene


def assert_asked(scene, source, place="A"):
    """It is an address that was made for sessions that ask."""
    assert source.startswith(IS_IN[place]) and source != scene.address(place)


def go(scene, place, path, progress):
    """To the next place: the session goes on by its anchor, for one pair of messages."""
    begin = scene.now()
    left = native.leave(scene, place)
    progress()
    assert not account.one_pair_each(scene.packets(), [path.source], begin)
    scene.wait_native(place)
    carried = path.carried(scene.packets(), left)
    assert carried.tunnelled and not native.stray(scene, path, left)


def test_E02_E03_R2_a_long_ssh_command_survives_two_moves(make_places):
    scene = start(make_places)
    server = programs.SshServer(scene.cn, scene.directory)
    enough = scene.directory / "enough"
    enough.unlink(missing_ok=True)
    command = (f"echo $SSH_CONNECTION; n=0; while [ ! -e {enough} ];"
               " do n=$((n+1)); echo $n; sleep 0.05; done; exit 7")
    ssh = programs.start(scene, "ssh", *programs.dmm_run("session"), *server.client(command))
    path = programs.follow(scene, server.port)
    assert_asked(scene, path.source)

    def progress():
        before = len(ssh.output().splitlines())
        wait_until(lambda: len(ssh.output().splitlines()) > before + 3, "ssh to go on", 15)

    progress()
    assert native.mobility(scene) == [] and native.tunnelled(scene) == []
    for place in "BC":
        go(scene, place, path, progress)
    enough.touch()
    assert ssh.wait() == 7
    first, *numbers = ssh.output().splitlines()
    assert first.split()[:2] == [path.source, str(path.source_port)]
    assert numbers == [str(n + 1) for n in range(len(numbers))]
    scene.wait_unbound("A")


def test_E02_E03_R2_a_git_clone_over_ssh_survives_two_moves(make_places):
    scene = start(make_places)
    server = programs.SshServer(scene.cn, scene.directory)
    repository = programs.git_repository(scene.directory)
    enough, clone = scene.directory / "enough", scene.directory / "clone"
    upload = programs.slow_upload_pack(scene.directory, enough)
    git = programs.start(
        scene, "git", "git", "clone", "--progress", "--upload-pack", upload,
        f"ssh://[{net.CN}]{repository}", clone,
        GIT_SSH_COMMAND=shlex.join(map(str, (*programs.dmm_run("session"), *server.words()))))
    path = programs.follow(scene, server.port)
    assert_asked(scene, path.source)

    def progress():
        before = path.carried(scene.packets()).last
        wait_until(lambda: (c := path.carried(scene.packets())).last > before + 0.5 and
                   c.tunnelled, "git to go on", 15, interval=0.2)

    git.wait_output("Receiving objects", timeout=15)
    for place in "BC":
        go(scene, place, path, progress)
        assert git.running()
    enough.touch()
    assert git.wait(timeout=20) == 0, git.output()
    status, _, err = programs.run(scene.mn, scene.daemon.runtime, "git", "-C", clone, "fsck",
                                  "--full", "--strict")
    assert (status, err) == (0, "")
    assert (clone / "file3").stat().st_size == (scene.directory / "work/file3").stat().st_size


def test_E02_E03_iperf3_survives_a_move(make_places):
    scene = start(make_places, "AB")
    programs.iperf_server(scene.cn, scene.directory)
    iperf = programs.start(scene, "iperf3", *programs.dmm_run("session"), "iperf3", "-c", net.CN,
                           "-p", programs.IPERF_PORT, "-t", 6, "-b", "2M", "-J")
    path = programs.follow(scene, programs.IPERF_PORT)
    assert_asked(scene, path.source)
    wait_until(lambda: len(programs.connections(scene.mn, programs.IPERF_PORT)) == 2, "the data")
    scene.move("B")
    assert iperf.wait(timeout=25) == 0, iperf.output()
    said = json.loads(iperf.output())
    assert {c["local_host"] for c in said["start"]["connected"]} == {path.source}
    assert said["intervals"][-1]["sum"]["bytes"] > 0
    assert said["end"]["sum_received"]["bytes"] > 500_000


def test_E01_curl_without_a_request_uses_the_new_place_directly(make_places):
    scene = start(make_places)
    server = programs.SshServer(scene.cn, scene.directory)
    programs.web_server(scene.cn, scene.directory)
    programs.start(scene, "ssh", *programs.dmm_run("session"), *server.client("sleep 60"))
    programs.follow(scene, server.port)
    for place in "BC":
        scene.move(place)
        scene.wait_native(place)
        for words in ([], programs.dmm_run("local")):
            source, number = programs.curl(scene.mn, scene.daemon.runtime, WEB, *words)
            assert source == scene.address(place)
            carried = programs.Followed(source, number, programs.WEB_PORT).carried(scene.packets())
            assert carried.direct and not carried.tunnelled
        # Who asks begins natively as well, from an address of its own.
        source, number = programs.curl(scene.mn, scene.daemon.runtime, WEB,
                                       *programs.dmm_run("session"))
        assert_asked(scene, source, place)
        carried = programs.Followed(source, number, programs.WEB_PORT).carried(scene.packets())
        assert carried.direct and not carried.tunnelled


# Asks by the option alone.  With the kernel's hooks nobody waits in connect(2): who requires an
# address tries again.
ASKING = """
import errno, socket, struct, sys, time
def connected():
    while True:
        s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        s.setsockopt(41, 0x444D, VALUE)
        try:
            s.connect((sys.argv[1], int(sys.argv[2])))
            return s
        except OSError as e:
            s.close()
            if e.errno != errno.EADDRNOTAVAIL:
                raise
            time.sleep(0.05)
s = connected()
requested, effective = struct.unpack("II", s.getsockopt(41, 0x444E, 40)[:8])
print("asked for", requested, "has", effective, flush=True)
n = 0
while True:
    n += 1
    s.sendall(b"%08d" % n)
    assert s.recv(8) == b"%08d" % n
    print(n, flush=True)
    time.sleep(0.05)
"""


@contextlib.contextmanager
def hooked_group(run):
    """A control group with the hooks that the daemon will find: words before a command in it."""
    group, pins = hooked.ControlGroup(f"dmt{run.id}"), run.bpf / "dmmd-hooks"
    load = [hooked.HOOKS, "--cgroup", group.path, "--sockopt-everywhere", pins]
    try:
        done = subprocess.run(list(map(str, load)), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        yield ["sh", "-c", f'echo 0 > {group.path}/cgroup.procs && exec "$@"', "sh"]
    finally:
        subprocess.run([str(hooked.HOOKS), "--remove", str(pins)], check=False)
        group.remove()


def ask_by_option(scene, value, *before, **variables):
    """Through a move."""
    scene.echo(port=ECHO)
    program = programs.start(scene, "asking", *before, sys.executable, "-c",
                             ASKING.replace("VALUE", value), net.CN, ECHO, **variables)
    program.wait_output("asked for 2 has 2", timeout=15)
    path = programs.follow(scene, ECHO)
    assert_asked(scene, path.source)

    def progress():
        before = len(program.output().splitlines())
        wait_until(lambda: len(program.output().splitlines()) > before + 3, "it to go on", 15)

    go(scene, "B", path, progress)
    program.stop()


def test_E02_a_python_program_asks_by_setsockopt(make_places):
    """The object alone makes the option known; no type is set for the process."""
    scene = start(make_places, "AB")
    ask_by_option(scene, "2", LD_PRELOAD=programs.OBJECT)


def test_E02_a_python_program_asks_the_kernel_by_setsockopt(make_places, run):
    if not hooked.HOOKS.exists():
        pytest.skip("dmmd-hooks is not built")
    scene = make_places("AB", anchored="AB")
    with hooked_group(run) as inside:
        scene.standard()
        assert scene.daemon.ctl("status")["socket_hooks"] is True
        scene.attach("A")
        try:
            ask_by_option(scene, 'struct.pack("IIII", 2, 1, 0, 0)', *inside)
        finally:
            run.stop_processes()


def test_E02_dmm_run_gives_a_static_program_an_address_by_the_kernel(make_places, run):
    if not hooked.HOOKS.exists() or not matrix.STATIC.exists():
        pytest.skip("not built: dmmd-hooks, apptest-static")
    scene = make_places("A", anchored="A")
    with hooked_group(run) as inside:
        scene.standard()
        scene.attach("A")
        scene.cn.start("serve", [matrix.APPTEST, "serve", "::", ECHO],
                       scene.directory / "serve.log").wait_output("ready")
        try:
            for backend in ("bpf", "auto"):
                status, out, err = programs.run(
                    scene.mn, scene.daemon.runtime, *inside,
                    *programs.dmm_run("session", "-v", "-b", backend), matrix.STATIC, "tcp", net.CN,
                    ECHO)
                assert status == 0 and "backend bpf" in err, err
                assert_asked(scene, out.split()[1])
        finally:
            run.stop_processes()


def test_E02_servers_with_fixed_stay_at_their_home_address(scene):
    """One that dmm-run has started listens at all addresses, one that asks itself at this one
    alone; who has begun to fetch something from there goes on through the moves."""
    at_all, at_home, octets = programs.WEB_PORT, programs.WEB_PORT + 1, 30_000_000
    scene.standard([anchor2()])
    scene.plug("w0", "B")
    scene.wait_care_of(scene.ha2, "B")
    with open(scene.directory / "large", "wb") as f:
        f.truncate(octets)
    inside = ["env", "-C", scene.directory, sys.executable]
    programs.start(scene, "server", *programs.dmm_run("fixed"), *inside, "-m", "http.server",
                   "--bind", "::", at_all)
    programs.start(scene, "asking-server", *inside, "-c", programs.WEB_SERVER, "::",
                   at_home, 1, LD_PRELOAD=programs.OBJECT)
    for port in (at_all, at_home):
        programs.wait_listening(scene.mn, port)
    enough = scene.directory / "enough"
    large = f"curl -sS http://[{net.HOME2}]:{at_all}/large"
    fetching = programs.start(scene, "fetching", "sh", "-c",
                              f"{large} | {programs.slowly(scene.directory, enough)} | wc -c",
                              node=scene.cn)

    def fetch(address, port):
        return programs.curl(scene.cn, scene.daemon.runtime, f"http://[{address}]:{port}/",
                             timeout=3)

    for place in "BCAB":
        if place != scene.place["w0"]:
            scene.move(place)
        scene.wait_care_of(scene.ha2, place)
        scene.wait_native(place)
        for port in (at_all, at_home):
            fetch(net.HOME2, port)
        fetch(net.care_of(place), at_all)
        with pytest.raises(RuntimeError, match="connect"):
            fetch(net.care_of(place), at_home)
    assert fetching.running()
    enough.touch()
    assert fetching.wait(timeout=25) == 0
    assert fetching.output().strip() == str(octets)


# Changes over when it is told that its address goes; the old connection lives on meanwhile.
GRACEFUL = """
import asyncio, ctypes, os, socket, struct, sys
lib = ctypes.CDLL(sys.argv[1], use_errno=True)
STATUS, DRAINING = struct.Struct("=IIII16sQ"), 1
def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
def draining(s):
    status = ctypes.create_string_buffer(STATUS.size)
    check(lib.dmm_status(s.fileno(), status))
    return STATUS.unpack(status.raw)[2] & DRAINING
async def connect():
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.setblocking(False)
    check(lib.dmm_setsc(s.fileno(), None, 4, 3000))
    await asyncio.get_running_loop().sock_connect(s, (sys.argv[2], int(sys.argv[3])))
    return s
async def exchange(s, data):
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(s, data)
    return await asyncio.wait_for(loop.sock_recv(s, 100), 10)
def say(*words):
    print(*words, flush=True)
async def main():
    events, told = check(lib.dmm_event_fd()), asyncio.Event()
    asyncio.get_running_loop().add_reader(events, lambda: (os.read(events, 64), told.set()))
    old = await connect()
    say("old", *old.getsockname()[:2])
    while not draining(old):
        await told.wait()
        told.clear()
    say("draining")
    new = await connect()
    say("new", *new.getsockname()[:2])
    assert await exchange(old, b"old") == b"old" and await exchange(new, b"new") == b"new"
    say("both work")
    old.close()
    assert await exchange(new, b"new") == b"new"
    say("changed over")
asyncio.run(main())
"""


def test_E02_graceful_replacement_an_asyncio_client_is_told_and_changes_over(make_places):
    scene = start(make_places, "AB", GraceTime="20s")
    scene.echo(port=ECHO)
    client = programs.start(scene, "graceful", sys.executable, "-c", GRACEFUL, programs.LIBRARY,
                            net.CN, ECHO)
    client.wait_output("old", timeout=15)
    old = programs.follow(scene, ECHO)
    assert_asked(scene, old.source)
    scene.move("B")
    assert client.wait(timeout=25) == 0, client.output()
    said = [line.split() for line in client.output().splitlines()]
    assert [words[0] for words in said] == ["old", "draining", "new", "both", "changed"]
    new = programs.Followed(said[2][1], int(said[2][2]), ECHO)
    assert_asked(scene, new.source, "B")
    packets = scene.packets()
    assert old.carried(packets).tunnelled and not new.carried(packets).tunnelled
    assert new.carried(packets).direct
    # Nobody needs the old one any more: it goes before its time.
    scene.wait_unbound("A", timeout=10)


def start_talking(make_places, **settings):
    """ssh goes on in A: the scene, its path, and a wait for more of its output."""
    scene = make_places("A", anchored="A")
    scene.standard(**settings)
    scene.attach("A")
    server = programs.SshServer(scene.cn, scene.directory)
    programs.web_server(scene.cn, scene.directory)
    command = "n=0; while :; do n=$((n+1)); echo $n; sleep 0.05; done"
    ssh = programs.start(scene, "ssh", *programs.dmm_run("session"), *server.client(command))
    path = programs.follow(scene, server.port)

    def goes_on():
        before = len(ssh.output().splitlines())
        wait_until(lambda: len(ssh.output().splitlines()) > before + 3, "ssh to go on", 15)

    goes_on()
    return scene, path, goes_on


def fetch_from(scene, kind):
    """The address that a document is fetched from."""
    return programs.curl(scene.mn, scene.daemon.runtime, WEB, *programs.dmm_run(kind))[0]


def test_E14_dmmd_is_killed_while_programs_run(make_places):
    """Its addresses and its table remain, new connections use them; started again it keeps them."""
    scene, path, goes_on = start_talking(make_places)
    assert fetch_from(scene, "session") == path.source != scene.address("A")
    wait_until(lambda: path.source in scene.daemon.state_file.read_text(), "the state to be saved")
    scene.daemon.crash()
    goes_on()
    assert fetch_from(scene, "session") == path.source
    assert fetch_from(scene, "fixed") == scene.address("A")
    scene.daemon.start()
    goes_on()
    assert_asked(scene, fetch_from(scene, "session"))


def test_E14_dmmd_stops_while_programs_run(make_places):
    """As if it had never been there: the library stops to look at its table."""
    scene, path, _ = start_talking(make_places)
    scene.daemon.stop()
    assert fetch_from(scene, "session") == scene.address("A") != path.source


def test_E14_dmmd_is_restarted_while_programs_run(make_places):
    scene, path, goes_on = start_talking(make_places, OnStop="keep")
    for _ in range(2):
        scene.daemon.stop()
        scene.daemon.start()
        goes_on()
        assert_asked(scene, fetch_from(scene, "session"))
        assert scene.has_address(path.source)
