# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of addresses (libsock-ext/table.h) without a daemon, and dmmd's socket played by a script."""
import os
import pathlib
import socket
import struct
import threading

MAGIC, VERSION = 0x54444D44, 1
PROTOCOL_MAGIC, PROTOCOL_VERSION = 0x71444D44, 1
UNSPEC, FIXED, SESSION, LOCAL, GRACEFUL = range(5)
USABLE, ON_DEMAND, DRAINING = 1, 2, 3
SUPERSEDED, STOPPED = 1, 2
TUNNELLED, RESTRICTED = 1, 2
GROUP_UDP = 0x100
ACQUIRE, HOLD, SUBSCRIBE, CONTROL_GROUP, TABLE, EVENT = range(1, 7)

HEAD = struct.Struct("=IHHIIQQQ24x")
SLOT = struct.Struct("=I5iI4x")
ENTRY = struct.Struct("=16s16sBBBxIQI12x")
REQUEST = struct.Struct("=IHHIIIIQ16s16x")
REPLY = struct.Struct("=IHHIiIIQ16s16x")

SO_NETNS_COOKIE = 71


def netns_cookie(namespace):
    with namespace.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        return struct.unpack("=Q", s.getsockopt(socket.SOL_SOCKET, SO_NETNS_COOKIE, 8))[0]


def entry(address, type, ifindex, prefix=None, length=64, state=USABLE, valid_until=0, flags=0):
    """One entry; without a prefix that of the address's first 64 bits."""
    packed = socket.inet_pton(socket.AF_INET6, address)
    prefix = socket.inet_pton(socket.AF_INET6, prefix) if prefix else packed[:8] + bytes(8)
    return ENTRY.pack(packed, prefix, length, type, state, ifindex, valid_until, flags)


class Table:
    """The file: published as dmmd does, the other slot first and then the generation."""

    def __init__(self, directory, cookie, capacity=16, instance=1):
        self.path = pathlib.Path(directory) / "table"
        self._cookie, self._capacity, self._instance = cookie, capacity, instance
        self._generation = 0
        size = HEAD.size + 2 * SLOT.size + 2 * capacity * ENTRY.size
        fresh = self.path.with_name("table.new")
        fresh.write_bytes(bytes(size))
        fresh.chmod(0o644)
        os.rename(fresh, self.path)
        self.publish([])

    def _head(self, flags):
        return HEAD.pack(MAGIC, VERSION, ENTRY.size, flags, self._capacity, self._cookie,
                         self._instance, self._generation)

    def publish(self, entries, best=None, restricted=(), flags=0):
        """best: index of the entry by type; types that are not named have none."""
        generation = self._generation + 1
        slot = generation & 1
        indices = [(best or {}).get(type, -1) for type in range(5)]
        bits = sum(1 << type for type in restricted)
        with open(self.path, "r+b") as f:
            f.seek(HEAD.size + 2 * SLOT.size + slot * self._capacity * ENTRY.size)
            f.write(b"".join(entries))
            f.seek(HEAD.size + slot * SLOT.size)
            f.write(SLOT.pack(len(entries), *indices, bits))
            f.flush()
            self._generation = generation
            f.seek(0)
            f.write(self._head(flags))


class Request:
    def __init__(self, data, pid):
        (self.magic, self.version, self.op, self.id, self.type, self.flags, self.timeout_ms,
         self.cookie, address) = REQUEST.unpack(data)
        self.address = socket.inet_ntop(socket.AF_INET6, address)
        self.pid = pid


class FakeDaemon:
    """dmmd's socket: remembers what it was asked and answers what answer(request) gives, an errno
    or (errno, address, ifindex); None is no answer."""

    def __init__(self, directory, answer):
        self.requests = []
        self._answer = answer
        self._path = pathlib.Path(directory) / "sock"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(self._path))
        self._path.chmod(0o666)
        self._listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        with connection:
            while data := connection.recv(4096):
                request = Request(data, struct.unpack("=3i", credentials)[0])
                self.requests.append(request)
                answer = self._answer(request)
                if answer is None:
                    continue
                error, address, ifindex = (answer, "::", 0) if isinstance(answer, int) else answer
                connection.send(REPLY.pack(
                    PROTOCOL_MAGIC, PROTOCOL_VERSION, request.op, request.id, error, request.type,
                    ifindex, 1, socket.inet_pton(socket.AF_INET6, address)))

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._path.unlink()
