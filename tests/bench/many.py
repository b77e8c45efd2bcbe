# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenes of many prefixes and many sessions: what the figures about them share."""
import resource
import time

from lib import native, topology as net
from lib.run import wait_until
from lib.session import TcpSession

LASTING = 2222  # port of the correspondent
POLICY = f"[Rule lasting]\nPort={LASTING}\nService=session-lasting\n"
DESCRIPTORS = 4096
SETTLE = 1.0  # seconds in which no home address may have more than three updates


def prepare(scene, **settings):
    """Routers, home agents, captures, daemon; the correspondent takes any number of connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, DESCRIPTORS)), hard))
    scene.mn.set_sysctls(w0__max_addresses=0)  # the kernel makes no more than 16 otherwise
    scene.cn.set_sysctl("core/somaxconn", DESCRIPTORS)
    scene.standard(policy=POLICY, **{"MeasureAnchors": "no", "Liveness": "no", "HoldTime": "60s",
                                     **settings})
    native.listen(scene, LASTING)


def connect(scene, address):
    """A session in need that says nothing."""
    return TcpSession(scene.mn, net.CN, address, LASTING)


def go(scene, place):
    """Move, and wait until the place's addresses are usable: when nothing was native."""
    left = native.leave(scene, place)
    scene.wait_native(place)
    for address in scene.native_addresses(place, "w0"):
        wait_until(lambda: scene.has_address(address, "w0"), f"{address} in {place}")
    return left


def handover(scene, place, homes, settle=SETTLE):
    """One handover in which these home addresses are registered: milliseconds from the router
    advertisement to the first binding update, and to the last."""
    time.sleep(settle)
    left = go(scene, place)
    wait_until(lambda: native.accepted(scene, left) >= set(homes),
               f"{len(homes)} acknowledgements in {place}", interval=0.05)
    heard = native.advertised(scene, place, left)
    sent = [(p.time - heard) * 1e3 for p, _ in scene.updates(after=left)]
    return min(sent), max(sent)
