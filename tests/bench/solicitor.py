# SPDX-License-Identifier: GPL-2.0-or-later
"""What a network manager does at link-up and the kernel does late: ask for routers at once."""
import socket
import struct
import threading

NEWLINK, LINK_GROUP = 16, 1
LOWER_UP = 0x10000
ALL_ROUTERS, SOLICITATION = "ff02::2", struct.pack("!BBHI", 133, 0, 0, 0)
AGAIN = 0.1  # seconds: the first one may be there before the network takes packets
ATTEMPTS = 10


class Solicitor:
    """answered: a function of the device that tells whether a router was heard."""

    def __init__(self, node, devices, answered):
        self._devices, self._answered = devices, answered
        self._index, self._netlink, self._raw = node.inside(self._open)
        self._up = dict.fromkeys(devices, False)
        threading.Thread(target=self._run, daemon=True).start()

    def _open(self):
        netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        netlink.bind((0, LINK_GROUP))
        raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        return {socket.if_nametoindex(d): d for d in self._devices}, netlink, raw

    def _run(self):
        try:
            while data := self._netlink.recv(65536):
                _, kind = struct.unpack_from("=IH", data)
                index, flags = struct.unpack_from("=iI", data, 20)
                device = self._index.get(index)
                if kind == NEWLINK and device:
                    up = bool(flags & LOWER_UP)
                    if up and not self._up[device]:
                        self._solicit(index)
                        threading.Thread(target=self._insist, args=(index, device)).start()
                    self._up[device] = up
        except OSError:
            pass  # closed: the end

    def _insist(self, index, device):
        for _ in range(ATTEMPTS):
            threading.Event().wait(AGAIN)
            if not self._up[device] or self._answered(device):
                return
            self._solicit(index)

    def _solicit(self, index):
        try:
            self._raw.sendto(SOLICITATION, (ALL_ROUTERS, 0, 0, index))
        except OSError:
            pass  # gone again

    def close(self):
        self._netlink.close()
        self._raw.close()
