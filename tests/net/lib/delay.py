# SPDX-License-Identifier: GPL-2.0-or-later
"""Home agents that seem far away: their answers to echo requests come late, or never."""
import socket
import threading
import time

from .observe import ECHO_REPLY, ECHO_REQUEST

ICMP6_FILTER = 1
ONLY_REQUESTS = bytearray(b"\xff" * 32)
ONLY_REQUESTS[ECHO_REQUEST // 8] &= ~(1 << ECHO_REQUEST % 8)


def no_echo(node, silent=True):
    """The kernel of the node answers no echo request, or does again."""
    node.set_sysctl("ipv6/icmp/echo_ignore_all", int(silent))


class SlowEcho:
    """Answers echo requests to an address of a node after `seconds`; these may change."""

    def __init__(self, node, address, seconds):
        self.seconds = seconds
        no_echo(node)
        self._socket = node.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        self._socket.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, bytes(ONLY_REQUESTS))
        self._socket.bind((address, 0))
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        try:
            while True:
                data, peer = self._socket.recvfrom(2048)
                threading.Thread(target=self._answer, args=(data, peer), daemon=True).start()
        except OSError:
            pass  # closed: the end

    def _answer(self, data, peer):
        time.sleep(self.seconds)
        try:
            self._socket.sendto(bytes([ECHO_REPLY, 0, 0, 0]) + data[4:], peer)
        except OSError:
            pass

    def close(self):
        self._socket.close()
