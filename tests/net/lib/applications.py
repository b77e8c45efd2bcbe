# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon as applications see it: the table, and the socket (libsock-ext/table.h, protocol.h)."""
import array
import errno
import ipaddress
import mmap
import socket

# The layout stands once, beside the daemon that is played by a script.
from .table import (ACQUIRE, CONTROL_GROUP, ENTRY, EVENT, HEAD, HOLD, PROTOCOL_MAGIC as MAGIC,
                    PROTOCOL_VERSION as VERSION, REPLY, REQUEST, RESTRICTED, SLOT, STOPPED,
                    SUBSCRIBE, SUPERSEDED, TABLE, TUNNELLED)

TYPES = {"unspec": 0, "fixed": 1, "session-lasting": 2, "non-persistent": 3,
         "graceful-replacement": 4}
NAMES = {number: name for name, number in TYPES.items()}
STATES = {1: "usable", 2: "on-demand", 3: "draining"}
ENTRIES_AT = HEAD.size + 2 * SLOT.size
REQUIRE, NOWAIT, NEW = 1, 2, 4


def text(address):
    return str(ipaddress.IPv6Address(address))


class Table:
    """A table, mapped as an application has it; every look is at what it says at that moment."""

    def __init__(self, file):
        with open(file, "rb") if not isinstance(file, int) else open(file, "rb", closefd=True) as f:
            self._map = mmap.mmap(f.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ)

    def _header(self):
        return HEAD.unpack_from(self._map, 0)

    @property
    def flags(self):
        return self._header()[3]

    @property
    def capacity(self):
        return self._header()[4]

    @property
    def netns_cookie(self):
        return self._header()[5]

    @property
    def instance(self):
        return self._header()[6]

    @property
    def generation(self):
        return self._header()[7]

    def read(self):
        """(best index by type, restricted bits, entries) of one moment."""
        while True:
            generation = self.generation
            at = generation & 1
            n, *best, restricted = SLOT.unpack_from(self._map, HEAD.size + at * SLOT.size)
            base = ENTRIES_AT + at * self.capacity * ENTRY.size
            entries = [self._entry(base + i * ENTRY.size) for i in range(n)]
            if self.generation == generation:
                return {NAMES[i]: v for i, v in enumerate(best)}, restricted, entries

    def _entry(self, at):
        address, prefix, plen, kind, state, ifindex, until, flags = ENTRY.unpack_from(self._map, at)
        return {"address": text(address), "prefix": f"{text(prefix)}/{plen}", "type": NAMES[kind],
                "state": STATES[state], "ifindex": ifindex, "valid_until": until, "flags": flags}

    def best(self, kind):
        best, _, entries = self.read()
        return entries[best[kind]] if best[kind] >= 0 else None


def request(op, number=0, kind="unspec", flags=0, timeout_ms=0, cookie=0, address="::",
            magic=MAGIC, version=VERSION):
    return REQUEST.pack(magic, version, op, number, TYPES[kind], flags, timeout_ms, cookie,
                        ipaddress.IPv6Address(address).packed)


class Reply:
    def __init__(self, data, fds=()):
        (self.magic, self.version, self.op, self.id, self.error, kind, self.ifindex,
         self.generation, address) = REPLY.unpack(data)
        self.type, self.address, self.fds = NAMES[kind], text(address), list(fds)

    def __repr__(self):
        name = errno.errorcode.get(self.error, self.error) if self.error else "ok"
        return f"<{self.op} {self.id} {name} {self.type} {self.address} {self.generation}>"


class Client:
    """One connection to the daemon."""

    def __init__(self, path, timeout=5.0):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self._number = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data, fds=()):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.socket.sendmsg([data], rights)

    def ask(self, op, fds=(), **members):
        self._number += 1
        self.send(request(op, self._number, **members), fds)
        return self._number

    def receive(self):
        """The next reply, or None at the end."""
        data, rights, _, _ = self.socket.recvmsg(256, socket.CMSG_SPACE(4))
        if not data:
            return None
        fds = array.array("i")
        for level, kind, octets in rights:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(octets[:len(octets) - len(octets) % fds.itemsize])
        return Reply(data, fds)

    def call(self, op, fds=(), **members):
        """Ask and wait for that answer; events in between are passed over."""
        number = self.ask(op, fds, **members)
        while True:
            reply = self.receive()
            if reply is None or (reply.id == number and reply.op == op) or reply.op == 0:
                return reply

    def acquire(self, kind, **members):
        return self.call(ACQUIRE, kind=kind, **members)
