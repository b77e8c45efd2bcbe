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
    return [r for r in scene.mn.ip_json("-6", "rule") if HOLD <= r["priority"] <= RULE_PRIORITIES[-1]]


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
        wait_until(lambda: is_in(source(scene, SSH), place), "the policy to act here")
        assert source(scene, SSH) != scene.address(place)
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
