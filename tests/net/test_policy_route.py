# SPDX-License-Identifier: GPL-2.0-or-later
"""The policy for applications that do not ask, by routing rules: what they start from, and what
becomes of it on a move."""
import contextlib
import ipaddress
import os
import socket
import time

from lib import account, native, topology as net
from lib.daemon import PROTOCOL, ROUTE_TABLES, RULE_PRIORITIES
from lib.run import wait_until
from lib.session import Dead, TcpSession

SSH, WEB, DNS, DNS_TLS = 2022, 8080, 53, 853
SESSION = "Service=session-lasting"
SSH_RULE = f"[Rule ssh]\nProtocol=tcp\nPort={SSH}\n{SESSION}\n"
ALL_RULE = f"[Rule all]\n{SESSION}\n"
HOLD = 5365


def is_in(address, place):
    return ipaddress.ip_address(address) in ipaddress.ip_network(net.PREFIX[place])


def rules(scene):
    """What ip-rule(8) shows of ours that is for policy."""
    return [r for r in scene.mn.ip_json("-6", "rule")
            if HOLD <= r["priority"] <= RULE_PRIORITIES[-1]]


def start(make_places, policy=SSH_RULE, places="ABC", anchored="ABC", ports=(SSH, WEB),
          **settings):
    scene = make_places(places, anchored=anchored)
    scene.standard(policy=policy, PolicyRouting="yes", **settings)
    for port in ports:
        scene.echo(port=port)
    scene.attach("A")
    if anchored and policy:
        wait_until(lambda: rules(scene), "the rules of the policy")
    return scene


def source(scene, port, to=net.CN, kind=socket.SOCK_STREAM, bind=None, uid=None, device=None):
    """The source address of a socket that connects; the SYN is enough."""
    with scene.mn.socket(socket.AF_INET6, kind) as s:
        if uid:
            os.fchown(s.fileno(), uid, -1)  # whose it is for the kernel
        if bind:
            s.bind((bind, 0))
        if device:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        s.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            s.connect((to, port))
        return net.canonical(s.getsockname()[0])


def given_here(scene, place):
    """The policy gives an address, and never one of a place that was left."""
    address = source(scene, SSH)
    assert is_in(address, place)
    return address != scene.address(place)


def test_matching_sessions_survive_and_nobody_rides_along(make_places):
    scene = start(make_places)
    ssh = TcpSession(scene.mn, net.CN, port=SSH)
    web = TcpSession(scene.mn, net.CN, port=WEB)
    ssh.exchange()
    web.exchange()
    assert is_in(ssh.source, "A") and ssh.source != scene.address("A")
    assert web.source == scene.address("A")
    assert native.mobility(scene) == [] and native.tunnelled(scene) == []
    for place in "BC":
        begin = scene.now()
        scene.move(place)
        ssh.exchange()
        assert not account.one_pair_each(scene.packets(), [ssh.source], begin)
        scene.wait_native(place)
        wait_until(lambda: given_here(scene, place), "the policy to act here")
        assert source(scene, WEB) == scene.address(place)
    assert all(ssh.source in (p.inner.src, p.inner.dst) for p in scene.packets()
               if p.inner and not p.innermost.is_mobility)
    try:
        web.exchange(timeout=1.0)
        raise AssertionError("a session that no rule is for lives on")
    except Dead:
        pass
    ssh.close()
    scene.wait_unbound("A")


def test_who_has_chosen_is_left_alone(make_places):
    scene = start(make_places, ALL_RULE)
    own = scene.address("A")
    given = source(scene, WEB)
    assert is_in(given, "A") and given != own
    assert source(scene, WEB, bind=own) == own
    assert source(scene, WEB, device="w0") == given
    assert source(scene, WEB, to="::1") == "::1"
    assert source(scene, WEB, to=own) == own
    scene.plug("w1", "B")
    other = scene.address("B", "w1")
    wait_until(lambda: scene.has_address(other, "w1"), "the address of B")
    assert source(scene, WEB, bind=other) == other
    assert source(scene, WEB, device="w1") == other
    bound = TcpSession(scene.mn, net.CN, source=other, port=WEB)
    bound.exchange()
    bound.close()


def test_name_servers_and_the_link_are_never_for_policy(make_places):
    scene = start(make_places, f"[Rule all]\nProtocol=tcp udp\n{SESSION}\n")
    own, given = scene.address("A"), source(scene, SSH)
    assert given != own
    for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
        assert [source(scene, p, kind=kind) for p in (WEB, DNS, DNS_TLS)] == [given, own, own]
    # On the link no other address is needed.
    assert source(scene, WEB, to=net.PREFIX["A"].replace("/64", "77")) == own
    shown = scene.mn.ip_json("-6", "route", "get", "fe80::1", "oif", "w0", "ipproto", "tcp",
                             "dport", str(WEB))
    assert shown[0].get("table", "main") == "main"


def test_name_resolution_sees_the_address_of_the_place(make_places):
    """It connects datagram sockets to find out what is preferred: a deprecated source would put
    IPv6 behind IPv4 (RFC 6724)."""
    scene = start(make_places, ALL_RULE)
    own = scene.address("A")
    assert source(scene, WEB) != own
    for port in 0, WEB, SSH:
        assert source(scene, port, kind=socket.SOCK_DGRAM) == own


def test_datagrams_where_the_rule_names_them(make_places):
    scene = start(make_places, f"[Rule first]\nPort={WEB}\n{SESSION}\n"
                               f"[Rule media]\nProtocol=udp\n{SESSION}\n")
    own, given = scene.address("A"), source(scene, WEB)
    assert source(scene, SSH, kind=socket.SOCK_DGRAM) == given != own
    assert source(scene, SSH) == own
    # The first rule is not for datagrams, but they do not get past it.
    assert source(scene, WEB, kind=socket.SOCK_DGRAM) == own


def test_users_and_destinations(make_places):
    scene = start(make_places, f"[Rule user]\nUser=1000 1002\nPort={SSH}-{SSH + 9}\n{SESSION}\n"
                               f"[Rule there]\nDestination=2001:db8:77::/48\n{SESSION}\n")
    own = scene.address("A")
    given = source(scene, SSH, uid=1000)
    assert given != own
    assert source(scene, SSH + 9, uid=1002) == given
    for port, uid in (SSH, 0), (SSH, 1001), (SSH + 10, 1000):
        assert source(scene, port, uid=uid) == own
    assert source(scene, WEB, to="2001:db8:77::1") == given
    assert source(scene, WEB, to="2001:db8:78::1") == own


def test_the_first_rule_that_matches_counts(make_places):
    scene = start(make_places, f"[Rule none]\nPort={SSH} {SSH + 2}\nService=non-persistent\n"
                               f"[Rule nobody-has]\nPort={WEB}\nService=fixed\n"
                               f"[Rule incoming]\nLocalPort=1-65535\nService=non-persistent\n"
                               f"[Rule all]\n{SESSION}\n"
                               f"[Rule too-late]\nPort={SSH + 1}\nService=non-persistent\n")
    own = scene.address("A")
    assert source(scene, SSH) == source(scene, SSH + 2) == own
    assert source(scene, WEB) == own
    assert source(scene, SSH + 1) != own


def test_what_no_routing_rule_can_express_is_said(make_places):
    scene = start(make_places, f"[Rule program]\nPort={WEB}\nExecutable=/usr/bin/*\n{SESSION}\n"
                               + SSH_RULE)
    assert source(scene, WEB) == scene.address("A") != source(scene, SSH)
    said = next(f for f in scene.daemon.ctl("test") if "do not ask" in f["what"])
    assert "by routing rules" in said["words"] and "program" in said["words"]
    log = scene.daemon.log.read_text()
    assert log.count("such as program") == 1


def test_forwarded_packets_are_left_alone(make_places):
    scene = start(make_places, ALL_RULE)
    scene.mn.set_sysctls(w0__accept_ra=2, w1__accept_ra=2, all__forwarding=1)
    scene.mn.ip("link set w1 up")
    way = ("-6", "route", "get", net.CN, "ipproto", "tcp", "dport", str(WEB))
    assert scene.mn.ip_json(*way)[0]["table"] == str(ROUTE_TABLES[0])
    forwarded = scene.mn.ip_json(*way, "from", "2001:db8:55::1", "iif", "w1")
    assert forwarded[0].get("table", "main") == "main"


def test_without_an_address_everything_is_left_to_the_kernel(make_places):
    scene = start(make_places, places="AB", anchored="A")
    assert source(scene, SSH) != scene.address("A")
    scene.move("B")
    scene.wait_native("B")
    wait_until(lambda: not rules(scene), "the rules to go")
    assert source(scene, SSH) == scene.address("B")
    scene.move("A")
    scene.wait_native("A")
    wait_until(lambda: rules(scene), "the rules to be back")
    assert source(scene, SSH) not in (scene.address("A"), scene.address("B"))


def test_fixed_address_by_tunnel(scene):
    policy = scene.run.directory / "policy.d"
    policy.mkdir(exist_ok=True)
    (policy / "50-test.conf").write_text("[Rule all]\nProtocol=tcp\nService=fixed\n")
    scene.standard(PolicyDirectory=policy, PolicyRouting="yes")
    scene.attach("B")
    wait_until(lambda: source(scene, 7) in (net.HOME1, net.HOME2), "a home address to be given")
    session = TcpSession(scene.mn, net.CN)
    session.exchange()
    assert session.source in (net.HOME1, net.HOME2)
    scene.move("C")
    session.exchange()


def test_stop_leaves_nothing(make_places):
    scene = start(make_places, ALL_RULE)
    TcpSession(scene.mn, net.CN, port=SSH).exchange()
    assert scene.daemon.stop() == 0
    assert rules(scene) == []
    assert scene.mn.ip_json("-6", "route", "show", "table", "all", "proto", str(PROTOCOL)) == []
    assert source(scene, SSH) == scene.address("A")


def test_crash_and_restart(make_places):
    scene = start(make_places)
    given, before = source(scene, SSH), rules(scene)
    time.sleep(1.2)  # the state is saved within a second
    scene.daemon.crash()
    assert rules(scene) == before and source(scene, SSH) == given
    scene.daemon.start(wait=False)
    deadline = time.monotonic() + 1.5
    while time.monotonic() < deadline:
        assert source(scene, SSH) == given
        time.sleep(0.001)
    assert rules(scene) == before


def test_a_restart_without_its_state_gives_no_old_address(make_places):
    scene = start(make_places)
    old = source(scene, SSH)
    scene.daemon.crash()
    scene.daemon.state_file.unlink(missing_ok=True)
    scene.daemon.start()
    assert source(scene, SSH) != old
    wait_until(lambda: source(scene, SSH) not in (old, scene.address("A")), "a new address")


def test_what_others_remove_comes_back(make_places):
    scene = start(make_places)
    before = rules(scene)
    scene.mn.command("ip", "-6", "rule", "flush")
    scene.mn.command("ip", "-6", "rule", "add", "pref", "32766", "lookup", "main")
    wait_until(lambda: rules(scene) == before, "the rules to be back")
    assert all(f["ok"] for f in scene.daemon.ctl("test"))
    assert source(scene, SSH) != scene.address("A")


def test_another_policy_while_running(make_places):
    scene = start(make_places)
    own = scene.address("A")
    assert (source(scene, SSH) != own, source(scene, WEB) != own) == (True, False)
    scene.set_policy(f"[Rule web]\nPort={WEB}\n{SESSION}\n")
    scene.daemon.ctl("reload")
    wait_until(lambda: source(scene, WEB) != own, "the other rule to act")
    assert source(scene, SSH) == own
    assert not [r for r in rules(scene) if r["priority"] == HOLD]
    scene.set_policy("")
    scene.daemon.ctl("reload")
    wait_until(lambda: not rules(scene), "the rules to go")
    assert source(scene, WEB) == own


def test_rules_of_others_are_met_by_all_else(make_places):
    """What is not for the policy goes on to the rules behind ours: a network manager's, a VPN's."""
    scene = start(make_places, ALL_RULE)
    rule = ("pref", "30000", "lookup", "99")
    scene.mn.command("ip", "-6", "route", "add", "unreachable", "default", "table", "99")
    scene.mn.command("ip", "-6", "rule", "add", *rule)
    own = scene.address("A")
    assert source(scene, WEB) != own
    for settings in {"bind": own}, {"kind": socket.SOCK_DGRAM}:
        try:
            source(scene, WEB, **settings)
            raise AssertionError("it went around the other rule")
        except OSError:
            pass
    scene.mn.command("ip", "-6", "rule", "del", *rule)
