# SPDX-License-Identifier: GPL-2.0-or-later
"""Need is decided by policy, session by session (E2), and only what is in need costs anything: a
binding for each of its prefixes, one pair of messages for each and handover (E3, P3)."""
import os
import pathlib

import pytest
from lib import account, judge, native, topology as net
from lib.run import TOP, wait_until
from lib.session import TcpSession

LASTING = (22, 143, 993, 5222, 5060, 8883, 3389, 5901, 2049, 5432)  # as shipped
OTHERS = (80, 443, 53, 8080)
NOBODY = 65534
SOCKETS = []  # that have to stay open until the test ends


def in_one_place(make_places, prefixes, policy="", **settings):
    """A place with several prefixes, so that each session has an address of its own."""
    scene = make_places("AB", anchored="A", prefixes={"A": prefixes})
    scene.mn.set_sysctls(w0__max_addresses=0)
    scene.standard(policy=policy, **settings)
    scene.attach("A")
    return scene


def judge_need(scene, quiet, wanted, unwanted):
    """After a move those wanted are bound, by one pair of messages each, and nothing else is."""
    left = native.leave(scene, "B")
    wait_until(lambda: len(scene.bound()) >= len(wanted), lambda: f"{wanted}: {scene.bound()}")
    quiet(1.5)  # a second look at those that began right before the move is due after a second
    assert set(scene.bound()) == set(wanted), (wanted, unwanted)
    assert not account.one_pair_each(scene.packets(), wanted, left)


def test_E02_the_policy_as_shipped(make_places, quiet):
    scene = in_one_place(make_places, len(LASTING + OTHERS),
                         PolicyDirectory=TOP / "systemd/policy")
    native.listen(scene, *(p for p in LASTING + OTHERS if p not in (22, 443)))
    sessions = {port: TcpSession(scene.mn, net.CN, scene.address("A", prefix=n), port)
                for n, port in enumerate(LASTING + OTHERS)}
    judge_need(scene, quiet, [sessions[p].source for p in LASTING],
               [sessions[p].source for p in OTHERS])


RULES = """[Rule never]
Port=2001
User={nobody}
Service=non-persistent

[Rule user]
User={nobody}
Service=session-lasting

[Rule executable]
Executable=*/probe
Port=2002
Service=session-lasting

[Rule destination]
Destination=2001:db8:d::/64
Port=2003
Protocol=udp
Service=session-lasting

[Rule elsewhere]
Destination=2001:db8:e::/64
Service=session-lasting

[Rule range]
LocalPort=40000-40009
Service=session-lasting
"""


def test_E02_rules_by_user_executable_destination_and_port_the_first_one_counts(make_places, quiet):
    scene = in_one_place(make_places, 8, RULES.format(nobody=NOBODY))
    scene.serve(2001, 2002, 2003)
    nobody = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    own = [scene.address("A", prefix=n) for n in range(8)]
    wanted = [
        scene.session("user", 2003, source=own[0], wrapper=nobody),
        scene.session("executable", 2002, source=own[1]),
        scene.session("destination", 2003, "udp", source=own[2]),
        bound_port(scene, own[3], 40009, 2001)]
    unwanted = [
        scene.session("never", 2001, source=own[4], wrapper=nobody),
        TcpSession(scene.mn, net.CN, own[5], 2002),  # another executable
        TcpSession(scene.mn, net.CN, own[6], 2003),  # another protocol
        bound_port(scene, own[7], 40010, 2001)]
    judge_need(scene, quiet, [s if isinstance(s, str) else s.source for s in wanted],
               [s if isinstance(s, str) else s.source for s in unwanted])


def bound_port(scene, source, local_port, port):
    """A connection that begins at a port of our choice: its source."""
    SOCKETS.append(native.connect(scene.mn, source, port, local_port))
    return source


@pytest.fixture
def control_group():
    mounts = [line.split() for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
    unified = [pathlib.Path(m[1]) for m in mounts if m[2] == "cgroup2"]
    if not unified or not os.access(unified[0], os.W_OK):
        pytest.skip("no unified control groups")
    path = unified[0] / f"dmt{os.getpid()}"
    path.mkdir()
    yield path
    wait_until(lambda: not (path / "cgroup.procs").read_text(), "the control group to be empty")
    path.rmdir()


def test_E02_rules_by_control_group(control_group, make_places, quiet):
    scene = in_one_place(make_places, 2, f"[Rule group]\nControlGroup=/{control_group.name}*\n"
                                         "Service=session-lasting\n")
    inside = ("sh", "-c", f'echo $$ > {control_group}/cgroup.procs && exec "$@"', "sh")
    kept = scene.session("inside", source=scene.address("A"), wrapper=inside)
    other = scene.session("outside", source=scene.address("A", prefix=1))
    judge_need(scene, quiet, [kept.source], [other.source])
    kept.wait_progress()
    kept.close()
    scene.wait_unbound("A")


def test_E02_a_policy_that_is_read_again_counts_for_the_next_move(make_places, quiet):
    scene = in_one_place(make_places, 2)
    first, second = (scene.session(name, port, source=scene.address("A", prefix=n))
                     for n, (name, port) in enumerate((("ssh", 22), ("web", 443))))
    scene.set_policy("[Rule web]\nPort=443\nService=session-lasting\n")
    scene.daemon.ctl("reload")
    judge_need(scene, quiet, [second.source], [first.source])


def test_E02_R2_who_listens_is_not_in_need(make_places, quiet):
    """Servers wait at all addresses; only one that others have to reach would need that."""
    scene = in_one_place(make_places, 1, "[Rule all]\nService=session-lasting\n")
    listener = native.Ports(scene.mn, 22)
    bound = scene.mn.socket(native.INET6, native.STREAM)
    bound.bind((scene.address("A"), 80))
    bound.listen()
    judge_need(scene, quiet, [], [])
    listener.close()
    bound.close()


def test_E02_graceful_replacement_is_kept_for_a_while(make_places):
    scene = in_one_place(make_places, 1,
                         "[Rule graceful]\nPort=22\nService=graceful-replacement\n")
    ssh = scene.session("ssh")
    left = native.leave(scene, "B")
    scene.wait_bound("A", "B")
    ssh.wait_progress()
    assert not account.one_pair_each(scene.packets(), [ssh.source], left)


def test_E03_R2_udp_and_tcp_on_one_address_share_its_binding(make_places, quiet):
    scene = in_one_place(make_places, 1, "[Rule all]\nPort=22 5004\nService=session-lasting\n")
    tcp = scene.session("tcp", 22)
    udp = scene.session("udp", 5004, "udp")
    judge_need(scene, quiet, [tcp.source], [])
    begin = scene.now()
    tcp.close()
    quiet(1.5)
    assert not native.withdrawals(scene, begin=begin)
    scene.wait_stream(udp.source, "w0")
    udp.close()
    scene.wait_unbound("A")
    assert len(native.withdrawals(scene, begin=begin)) == 1


def test_R6_4_sessions_are_shown_as_kernel_and_capture_have_them(make_places):
    """Session, home address, care-of address, anchor, interface."""
    scene = in_one_place(make_places, 1, "[Rule all]\nPort=22\nService=session-lasting\n")
    ssh = scene.session("ssh")
    scene.move("B")
    scene.wait_bound("A", "B")
    ssh.wait_progress()
    shown = scene.wait_shown("sessions")
    outer, = {(p.src, p.dst) for p in judge.sent_by_mn(ssh.seen(scene.packets())) if p.inner}
    assert outer == (scene.address("B"), scene.agent("A").address)
    text = str(shown)
    for fact in (ssh.source, ssh.source_port, ssh.to, ssh.port, "session-lasting"):
        assert str(fact) in text, (fact, shown)
    binding = scene.wait_shown("bindings")
    anchor = scene.wait_shown("anchors", name=binding["anchor"])
    assert (binding["home_address"], binding["care_of_address"], anchor["address"]) == \
        (ssh.source, *outer)
    ssh.close()
    wait_until(lambda: not scene.daemon.ctl("sessions"), "the session not to be shown any more")
