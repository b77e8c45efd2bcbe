# SPDX-License-Identifier: GPL-2.0-or-later
"""What applications are told and given: the table, the socket, and what hostile ones can do."""
import contextlib
import errno
import os
import resource
import select
import signal
import socket
import struct
import time

import pytest
from lib import topology as net
from lib.applications import (CONTROL_GROUP, EVENT, HOLD, MAGIC, NEW, NOWAIT, RESTRICTED, REQUEST,
                              STOPPED, SUBSCRIBE, SUPERSEDED, TABLE, Client, Reply, Table, request)
from lib.run import wait_until

AT_ONCE = 0.2  # seconds
NOBODY = 65534
MANY = 10000


def table_of(scene):
    return Table(scene.daemon.runtime / "table")


def client_of(scene, **settings):
    return Client(scene.daemon.runtime / "sock", **settings)


def client_as(scene, uid, gid):
    """A connection with the credentials of another user, which are those of the moment."""
    os.setegid(gid)
    os.seteuid(uid)
    try:
        return client_of(scene)
    finally:
        os.seteuid(0)
        os.setegid(0)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def state_of(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rpartition(")")[2].split()[0]


def resident_mib(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(next(line for line in f if line.startswith("VmRSS")).split()[1]) / 1024


@pytest.fixture
def at_a(make_places):
    scene = make_places("AB", anchored="AB")
    scene.standard()
    scene.attach("A")
    return scene


@pytest.fixture
def many_files():
    """Room for thousands of connections in this process."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] < 2 * MANY:
        pytest.skip(f"no more than {before[1]} files can be opened here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


# --- the table -----------------------------------------------------------------------------------


def test_the_table_is_for_all_to_read_and_for_the_daemon_to_write(at_a):
    directory, table = at_a.daemon.runtime, at_a.daemon.runtime / "table"
    assert directory.stat().st_mode & 0o777 == 0o755
    assert table.stat().st_mode & 0o777 == 0o644
    assert (directory / "sock").stat().st_mode & 0o777 == 0o666
    assert sorted(p.name for p in directory.iterdir()) == ["sock", "table"]
    shown = Table(table)
    cookie = at_a.mn.inside(lambda: int.from_bytes(socket.socket(
        socket.AF_INET6, socket.SOCK_DGRAM).getsockopt(socket.SOL_SOCKET, 71, 8), "little"))
    assert shown.netns_cookie == cookie
    assert shown.flags == 0
    assert abs(shown.instance / 1e9 - time.clock_gettime(time.CLOCK_BOOTTIME)) < 60


def test_the_table_says_what_dmmctl_says(at_a):
    with client_of(at_a) as app:
        assert app.acquire("session-lasting").error == 0
    for place, tunnelled in ("A", False), ("B", True):
        if tunnelled:
            session = at_a.mn.inside(lambda: socket.create_connection(
                (net.CN, 443), source_address=(address, 0)))
            at_a.move("B")
        wait_until(lambda: table_of(at_a).best("session-lasting"), "an address to be there")
        shown = {b["home_address"]: b for b in at_a.daemon.ctl("bindings")}
        _, _, entries = table_of(at_a).read()
        assert {e["address"] for e in entries} >= set(shown), (entries, shown)
        address = table_of(at_a).best("session-lasting")["address"]
        if not tunnelled:
            assert not any(e["flags"] for e in entries)
    session.close()


def test_the_address_is_in_the_kernel_when_it_is_told(at_a):
    with client_of(at_a) as app:
        reply = app.acquire("session-lasting")
    shown = next(a for a in at_a.mn.addresses() if a["local"] == reply.address)
    assert shown["dev"] == "dmm0" and shown["deprecated"]
    assert socket.if_indextoname and reply.ifindex == next(
        i["ifindex"] for i in at_a.mn.ip_json("link") if i["ifname"] == "w0")
    sock = at_a.mn.inside(lambda: socket.create_connection(
        (net.CN, 443), source_address=(reply.address, 0)))
    sock.close()


def test_a_killed_daemon_leaves_a_table_that_the_next_one_goes_on_with(at_a):
    with client_of(at_a) as app:
        app.acquire("session-lasting")
    table = table_of(at_a)
    before, instance = table.read(), table.instance
    generation = table.generation
    at_a.daemon.crash()
    assert table.read() == before and not table.flags
    with pytest.raises(ConnectionRefusedError):
        client_of(at_a)
    at_a.daemon.start()
    wait_until(lambda: table.generation > generation and table.instance > instance,
               "the mapped table to be written by the new daemon")
    assert not table.flags & (SUPERSEDED | STOPPED)
    with client_of(at_a) as app:
        reply = app.acquire("session-lasting")
        assert reply.error == 0
    wait_until(lambda: table.best("session-lasting"), "the mapped table to have the address")
    assert table.best("session-lasting")["address"] == reply.address


@pytest.mark.parametrize("on_stop, flags", [("withdraw", STOPPED), ("keep", 0)])
def test_a_daemon_that_stops_says_so(make_places, on_stop, flags):
    scene = make_places("A", anchored="A")
    scene.standard(OnStop=on_stop)
    scene.attach("A")
    table = table_of(scene)
    with client_of(scene) as app:
        app.acquire("non-persistent")
        assert scene.daemon.stop() == 0
        assert app.receive() is None
    assert table.flags == flags
    assert not (scene.daemon.runtime / "sock").exists()
    scene.daemon.start()
    wait_until(lambda: table.flags == 0, "the table to be in use again")


def test_garbage_in_the_place_of_the_table_is_replaced(make_places):
    scene = make_places("A", anchored="A")
    daemon = scene.configure()
    daemon.runtime.mkdir()
    for content in b"", b"x", bytes(64), os.urandom(4096), os.urandom(10000):
        (daemon.runtime / "table").unlink(missing_ok=True)
        (daemon.runtime / "table").write_bytes(content)
        daemon.start()
        assert table_of(scene).generation > 0
        daemon.stop()


def test_a_directory_that_others_may_write_to_is_not_used(make_places):
    scene = make_places("A", anchored="A")
    daemon = scene.configure()
    daemon.runtime.mkdir()
    daemon.runtime.chmod(0o777)
    daemon.start()
    assert not list(daemon.runtime.iterdir())
    assert "applications cannot ask" in daemon.process.output()


def test_a_second_daemon_leaves_the_first_ones_directory_alone(at_a):
    table, other = table_of(at_a), at_a.nodes.nodes["cn"]
    config = at_a.run.directory / "second.conf"
    text = at_a.daemon.config.read_text()
    config.write_text(text.replace("dmmd.state", "second.state").replace(
        str(at_a.daemon.pins), str(at_a.run.bpf / "second")))
    config.chmod(0o600)
    argv = ["--bus=none" if a == at_a.daemon.bus else a for a in at_a.daemon.argv()]
    argv = [a if a != at_a.daemon.config else config for a in argv if a != "--bus"]
    process = other.start("second", argv, at_a.directory / "second.log")
    process.wait_output("is ready")
    assert "in use by another daemon" in process.output()
    process.stop()
    assert not table.flags
    with client_of(at_a) as app:
        assert app.acquire("session-lasting").error == 0


# --- requests ------------------------------------------------------------------------------------


def test_E02_an_address_is_there_at_once(at_a):
    with client_of(at_a) as app:
        begin = time.monotonic()
        reply = app.acquire("session-lasting")
        assert reply.error == 0 and reply.address.startswith("2001:db8:a:")
        assert time.monotonic() - begin < AT_ONCE
        again = app.acquire("session-lasting")
        assert again.address == reply.address
        assert table_of(at_a).best("session-lasting")["address"] == reply.address
        assert app.acquire("graceful-replacement").error == 0


def test_non_persistent_is_left_to_the_kernel(at_a):
    with client_of(at_a) as app:
        reply = app.acquire("non-persistent")
        assert (reply.error, reply.address) == (0, "::")
        for kind in "unspec", "fixed":
            assert app.acquire(kind, timeout_ms=50).error in (errno.EINVAL, errno.EADDRNOTAVAIL)
        assert app.acquire("session-lasting", flags=0x80).error == errno.EINVAL


def test_what_cannot_be_had_is_refused_when_the_time_is_over(make_places):
    scene = make_places("C")
    scene.standard()
    scene.attach("C")
    with client_of(scene) as app:
        for wait in 50, 300:
            begin = time.monotonic()
            assert app.acquire("session-lasting", timeout_ms=wait).error == errno.EADDRNOTAVAIL
            assert wait / 1000 <= time.monotonic() - begin < wait / 1000 + 0.2
        begin = time.monotonic()
        assert app.acquire("session-lasting", flags=NOWAIT).error == errno.EADDRNOTAVAIL
        assert time.monotonic() - begin < 0.05


def test_answers_come_in_the_order_of_time_not_of_questions(make_places):
    scene = make_places("C")
    scene.standard()
    scene.attach("C")
    with client_of(scene) as app:
        slow = app.ask(1, kind="session-lasting", timeout_ms=300)
        fast = app.ask(1, kind="session-lasting", timeout_ms=100)
        now = app.ask(1, kind="non-persistent")
        assert [app.receive().id for _ in range(3)] == [now, fast, slow]


def test_a_request_waits_for_the_place_that_brings_the_address(make_places):
    scene = make_places("CA", anchored="A")
    scene.standard()
    scene.attach("C")
    with client_of(scene, timeout=20) as app:
        app.ask(1, kind="session-lasting", timeout_ms=15000)
        app.ask(1, kind="fixed", timeout_ms=15000)
        scene.move("A")
        reply = app.receive()
        assert reply.id == 1 and reply.error == 0 and reply.address.startswith("2001:db8:a:")


def test_an_address_of_ones_own(at_a):
    with client_of(at_a) as app:
        given = [app.acquire("session-lasting", flags=NEW) for _ in range(6)]
    fresh = [r.address for r in given if not r.error]
    assert len(set(fresh)) == len(fresh) == 4, given
    assert {r.error for r in given[4:]} == {errno.EAGAIN}


@pytest.mark.parametrize("allowed, uid, gid, error", [
    ("root", NOBODY, 0, errno.EPERM), ("root", 0, 0, errno.EADDRNOTAVAIL),
    (NOBODY, NOBODY, 0, errno.EADDRNOTAVAIL), (f"@{NOBODY}", NOBODY, NOBODY, errno.EADDRNOTAVAIL),
    ("@3", NOBODY, NOBODY, errno.EPERM)])
def test_fixed_is_for_those_who_may(make_places, allowed, uid, gid, error):
    scene = make_places("A", anchored="A")
    scene.standard(AllowFixed=allowed)
    scene.attach("A")
    with client_as(scene, uid, gid) as app:
        assert app.acquire("fixed", timeout_ms=20).error == error
        assert app.acquire("session-lasting").error == 0
    _, restricted, entries = table_of(scene).read()
    assert restricted == 1 << 1 and not any(e["flags"] & RESTRICTED for e in entries)


def test_what_is_there_is_for_all_what_must_be_obtained_is_not(make_places):
    scene = make_places("A", anchored="A")
    scene.standard(AllowAcquire="root")
    scene.attach("A")
    with client_as(scene, NOBODY, NOBODY) as app, client_of(scene) as root:
        assert app.acquire("session-lasting").error == errno.EPERM
        address = root.acquire("session-lasting").address
        assert app.acquire("session-lasting").address == address
        assert app.acquire("session-lasting", flags=NEW).error == errno.EPERM


def test_subscribers_hear_of_each_change(at_a):
    with client_of(at_a) as app, client_of(at_a) as other:
        app.ask(SUBSCRIBE)
        first = app.receive()
        assert first.op == EVENT and first.generation == table_of(at_a).generation
        other.acquire("session-lasting")
        assert app.receive().generation > first.generation


def test_the_table_by_descriptor(at_a):
    with client_of(at_a) as app:
        reply = app.call(TABLE)
        assert len(reply.fds) == 1
        assert Table(os.dup(reply.fds[0])).generation == table_of(at_a).generation
        with pytest.raises(OSError):
            os.ftruncate(reply.fds[0], 0)
        os.close(reply.fds[0])


def test_no_hooks_no_control_group(at_a):
    with client_of(at_a) as app:
        assert app.call(CONTROL_GROUP, kind="session-lasting").error == errno.EOPNOTSUPP
        assert app.call(CONTROL_GROUP, kind="unspec").error == errno.EINVAL


# --- datagram sockets that hold an address -------------------------------------------------------


def retried(reply):
    return reply.error if reply.error != errno.EAGAIN else None


def test_E03_a_datagram_socket_holds_its_address_over_a_move(at_a):
    """It sends from the address packet by packet; the kernel does not know it as the socket's."""
    sock = at_a.mn.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    sock.bind(("::", 0))
    with client_of(at_a) as app:
        address = app.acquire("session-lasting").address
        assert app.call(HOLD, [sock.fileno()], address=address).error == 0
        assert app.call(HOLD, [sock.fileno()], address="2001:db8::1").error == errno.EADDRNOTAVAIL
        stream = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        assert app.call(HOLD, [stream.fileno()], address=address).error == errno.ENOTSOCK
        outside = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        assert app.call(HOLD, [outside.fileno()], address=address).error == errno.EXDEV
        with open("/dev/null") as f:
            error = wait_until(lambda: retried(app.call(HOLD, [f.fileno()], address=address)),
                               "the sockets before it to be closed")
        assert error == errno.ENOTSOCK
    at_a.move("B")
    wait_until(lambda: at_a.agent("A").care_of(address), "the address to be registered")
    shown = at_a.wait_shown("sessions", source=address)
    assert shown["protocol"] == "udp" and shown["requested"] == "session-lasting"
    sock.close()
    at_a.wait_unbound("A")


# --- orphans ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kill", ["yes", "no"])
def test_orphans_end_at_once_where_that_is_wanted(make_places, kill):
    """What asked for nothing is told that its address is lost, TCP and UDP; what asked goes on."""
    scene = make_places("AB", anchored="AB")
    scene.standard(KillOrphans=kill)
    scene.attach("A")
    with client_of(scene) as app:
        lasting = app.acquire("session-lasting").address
    local = scene.address("A")
    web, kept = (scene.mn.inside(lambda: socket.create_connection(
        (net.CN, 443), source_address=(source, 0))) for source in (local, lasting))
    media = scene.mn.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    media.bind((local, 0))
    scene.move("B")
    wait_until(lambda: scene.agent("A").care_of(lasting), "the address to be registered")

    def error_of(sock):
        return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if kill == "yes":
        wait_until(lambda: error_of(web) == errno.ECONNABORTED, "the web session to be ended")
        wait_until(lambda: error_of(media) == errno.ECONNABORTED, "the datagrams to be ended")
    else:
        time.sleep(1)
        assert not error_of(web) and not error_of(media)
    assert not error_of(kept)
    for sock in web, kept, media:
        sock.close()


# --- views ---------------------------------------------------------------------------------------


def test_dmmctl_shows_what_a_session_asked_for_and_carried(at_a):
    with client_of(at_a) as app:
        address = app.acquire("session-lasting").address
        sock = at_a.mn.inside(lambda: socket.create_connection(
            (net.CN, 443), source_address=(address, 0)))
        shown = at_a.wait_shown("sessions", source=address)
        assert (shown["requested"], shown["granted"]) == ("session-lasting", "session-lasting")
        assert shown["prefix"] == "2001:db8:a::/64" and shown["pid"] == os.getpid()
        assert shown["executable"] == os.readlink("/proc/self/exe")
        assert shown["bytes_sent"] is not None
        status = at_a.daemon.ctl("status")
        assert status["applications"] == 1 and status["socket_hooks"] is False
        sock.close()
    found = {f["what"]: f for f in at_a.daemon.ctl("test")}
    assert all(found[w]["ok"] for w in ("table of addresses for applications",
                                        "socket for applications"))


def test_dmmctl_shows_who_had_to_start_without(make_places):
    scene = make_places("C")
    scene.standard()
    scene.attach("C")
    sock = scene.mn.inside(lambda: socket.create_connection((net.CN, 443)))
    cookie = int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, 57, 8), "little")
    with client_of(scene) as app:
        app.acquire("session-lasting", flags=NOWAIT, cookie=cookie)
    shown = scene.shown("sessions", cookie=cookie)
    assert (shown["requested"], shown["granted"]) == ("session-lasting", "non-persistent")
    assert shown["prefix"] == "2001:db8:c::/64" and shown["anchor"] is None
    sock.close()


# --- hostile ones --------------------------------------------------------------------------------


def test_what_is_no_request_ends_the_connection(at_a):
    with client_of(at_a) as good:
        for data in (b"x", bytes(64), os.urandom(64), request(1)[:63], request(1) + b"x",
                     bytes(100_000), request(0), request(EVENT), request(99), request(1, magic=0),
                     request(1, version=2), request(HOLD)):
            with client_of(at_a) as bad:
                bad.send(data)
                reply = bad.receive()
                assert reply.error == errno.EPROTO and reply.magic == MAGIC
                assert bad.receive() is None
            assert good.acquire("session-lasting").error == 0


def test_descriptors_where_none_belong_end_the_connection(at_a):
    read, write = os.pipe()
    for op, n in (1, 1), (HOLD, 2), (HOLD, 200), (TABLE, 1):
        with client_of(at_a) as bad:
            bad.send(request(op, kind="session-lasting"), [write] * n)
            assert bad.receive().error == errno.EPROTO
    os.close(write)
    assert select.select([read], [], [], 2)[0], "the daemon keeps descriptors of others"
    os.close(read)
    with client_of(at_a) as good:
        assert good.acquire("session-lasting").error == 0


def lingering(seconds=20):
    """A stream that waits with its last octets, which nobody takes, when it is closed."""
    listener = socket.create_server(("::1", 0), family=socket.AF_INET6, backlog=1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    stream = socket.create_connection(listener.getsockname()[:2])
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, seconds))
    stream.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            stream.send(bytes(65536))
    return stream, listener


def test_streams_that_linger_delay_nobody(at_a):
    """Sent along, or left unread in a connection that is cut off: the daemon closes them last."""
    pid, listeners = at_a.daemon.process.pid, []

    def leave_behind(app, *packets):
        stream, listener = lingering()
        listeners.append(listener)
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: state_of(pid) == "T", "the daemon to pause")
        for data, passed in packets:
            app.send(data, [stream.fileno()] * passed)
        stream.close()
        os.kill(pid, signal.SIGCONT)
    with client_of(at_a) as good:
        for packets in (*[[(request(HOLD), 1)]] * 6, [(b"x", 0), (b"y", 1)], [(request(HOLD), 100)]):
            with client_of(at_a) as bad:
                leave_behind(bad, *packets)
                begin = time.monotonic()
                assert good.acquire("session-lasting").error == 0
                assert time.monotonic() - begin < 0.5


def complaints(scene):
    return [line for line in scene.daemon.process.output().splitlines()
            if "socket for applications" in line]


def test_hostile_ones_are_logged_once(at_a):
    for _ in range(200):
        with client_of(at_a) as bad:
            bad.send(b"garbage")
            bad.receive()
    assert len(complaints(at_a)) == 1 and f"process {os.getpid()}" in complaints(at_a)[0]


def test_a_flood_starves_nobody(at_a):
    """Some send without ever reading, others ask in between and get their answers."""
    with client_of(at_a) as app:
        app.acquire("session-lasting")
        end, slowest = time.monotonic() + 2, 0
        while time.monotonic() < end:
            flood = [client_of(at_a) for _ in range(10)]
            for one in flood:
                one.socket.setblocking(False)
                try:
                    for _ in range(300):
                        one.send(request(1, kind="session-lasting"))
                except OSError:
                    pass
            begin = time.monotonic()
            assert app.acquire("session-lasting").error == 0
            slowest = max(slowest, time.monotonic() - begin)
            for one in flood:
                one.close()
        assert slowest < 0.5, slowest
    assert len(complaints(at_a)) <= 1
    assert resident_mib(at_a.daemon.process.pid) < 40


def test_half_open_connections_are_bounded(make_places, many_files):
    """With few descriptors: those that sit there keep others out for a moment, and no longer."""
    scene = make_places("A", anchored="A")
    scene.configure()
    argv = scene.daemon.argv
    scene.daemon.argv = lambda: ["prlimit", "--nofile=300:300", *argv()]
    scene.start_routers()
    scene.start_agents()
    scene.daemon.start()
    scene.attach("A")
    sitting = [client_of(scene, timeout=1) for _ in range(600)]
    time.sleep(0.5)
    pid = scene.daemon.process.pid
    before = cpu_seconds(pid)
    time.sleep(1.5)
    assert cpu_seconds(pid) - before < 0.1, "it spins"
    assert len(os.listdir(f"/proc/{pid}/fd")) <= 300
    assert len(complaints(scene)) <= 2
    for one in sitting:
        one.close()

    def served():
        try:
            with client_of(scene, timeout=1) as app:
                return app.acquire("session-lasting").error == 0
        except (OSError, AttributeError):
            return False
    wait_until(served, "room for others again", timeout=8, interval=0.1)


def test_ten_thousand_at_once(at_a, many_files, record_property):
    """All subscribe and ask at once, two users; each gets its address, and nobody is forgotten."""
    pid = at_a.daemon.process.pid
    before, cpu = resident_mib(pid), cpu_seconds(pid)
    clients = [client_as(at_a, uid, uid) for uid in (0, NOBODY) for _ in range(MANY // 2)]
    begin = time.monotonic()
    data = request(SUBSCRIBE, 1) + request(1, 2, "session-lasting", timeout_ms=10000)
    for one in clients:
        one.socket.send(data[:REQUEST.size])
        one.socket.send(data[REQUEST.size:])
    seconds = []
    for one in clients:
        while True:
            reply = Reply(one.socket.recv(64))
            if reply.op == 1:
                break
            assert reply.op == EVENT
        assert reply.error == 0 and reply.address.startswith("2001:db8:a:"), reply
        seconds.append(time.monotonic() - begin)
    memory = resident_mib(pid) - before
    generation = table_of(at_a).generation
    clients[0].acquire("session-lasting", flags=NEW)
    for one in clients[1:]:
        while Reply(one.socket.recv(64)).generation <= generation:
            pass
    cpu = cpu_seconds(pid) - cpu
    record_property("cpu", cpu)
    print(f"{MANY} clients: {cpu:.2f} s of CPU, {memory:.1f} MiB, answered in {seconds[-1]:.2f} s")
    assert cpu < 1.0
    assert memory < 30
    for one in clients:
        one.close()
    wait_until(lambda: at_a.daemon.ctl("status")["applications"] == 0, "all to be gone")
    assert not complaints(at_a)
