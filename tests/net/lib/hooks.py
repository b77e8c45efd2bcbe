# SPDX-License-Identifier: GPL-2.0-or-later
"""The maps of the socket hooks in the words of dmmd: libsock-ext/bpf/hooks.h describes them."""
import contextlib
import ctypes
import ipaddress
import mmap
import os
import platform
import struct

from .run import LIBC

SERVICE, STATUS = 0x444D, 0x444E
UNSPEC, FIXED, SESSION, NON_PERSISTENT, GRACEFUL = range(5)
UNDECIDED = 255
REQUIRE, NOWAIT, NEW = 1, 2, 4
DRAINING = 1
GROUP_UDP = 0x100
TCP, UDP = 1, 2
VERSION, TYPES, RULES, RULE_VALUES = 1, 5, 64, 8
COUNTERS = ("asked", "policy", "given", "missing", "failed")

_SYS_BPF = {"x86_64": 321, "aarch64": 280}.get(platform.machine(), 386)
_LOOKUP, _UPDATE, _DELETE, _NEXT_KEY, _OBJ_GET = 1, 2, 3, 4, 7


def packed(address):
    return ipaddress.ip_address(address).packed


def _bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, 128)
    result = LIBC.syscall(_SYS_BPF, command, buffer, 128)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


class Map:
    """A pinned map, octets to octets."""

    def __init__(self, path, value_size):
        name = ctypes.create_string_buffer(str(path).encode())
        self.fd = _bpf(_OBJ_GET, struct.pack("QII", ctypes.addressof(name), 0, 0))
        self._size = value_size

    def close(self):
        os.close(self.fd)

    def _call(self, command, key, value=None):
        key = ctypes.create_string_buffer(key, len(key)) if key is not None else None
        return _bpf(command, struct.pack("IxxxxQQQ", self.fd, ctypes.addressof(key) if key else 0,
                                         ctypes.addressof(value) if value else 0, 0))

    def __setitem__(self, key, value):
        self._call(_UPDATE, key, ctypes.create_string_buffer(value, len(value)))

    def __getitem__(self, key):
        value = ctypes.create_string_buffer(self._size)
        try:
            self._call(_LOOKUP, key, value)
        except FileNotFoundError:
            raise KeyError(key) from None
        return value.raw

    def __delitem__(self, key):
        self._call(_DELETE, key)

    def keys(self, size):
        found, key = [], None
        while True:
            after = ctypes.create_string_buffer(size)
            try:
                self._call(_NEXT_KEY, key, after)
            except FileNotFoundError:
                return found
            key = after.raw
            found.append(key)


class Ring:
    """The records of a ring buffer."""

    PAGE = mmap.PAGESIZE

    def __init__(self, path, size=65536):
        ring = Map(path, 0)
        self._size = size
        self._consumer = mmap.mmap(ring.fd, self.PAGE)
        self._producer = mmap.mmap(ring.fd, self.PAGE + 2 * size, prot=mmap.PROT_READ,
                                   offset=self.PAGE)
        ring.close()

    def read(self):
        """What has come since the last time."""
        at, = struct.unpack_from("Q", self._consumer)
        end, = struct.unpack_from("Q", self._producer)
        records = []
        while at < end:
            offset = self.PAGE + at % self._size
            length = struct.unpack_from("I", self._producer, offset)[0] & 0x3fffffff
            records.append(self._producer[offset + 8:offset + 8 + length])
            at += (length + 8 + 7) // 8 * 8
        struct.pack_into("Q", self._consumer, 0, at)
        return records

    def close(self):
        self._consumer.close()
        self._producer.close()


def rule(service, protocols=TCP, ports=(), prefixes=(), users=()):
    """struct hooks_rule; ports: (from, to), prefixes: text."""
    def fill(form, values, empty):
        values = list(values) + [empty] * (RULE_VALUES - len(values))
        return b"".join(struct.pack(form, *v) for v in values)
    nets = [ipaddress.ip_network(p) for p in prefixes]
    return struct.pack("BBBBBBxx", service, bool(protocols & TCP), bool(protocols & UDP),
                       len(ports), len(nets), len(users)) + \
        fill("HH", ports, (0, 0)) + \
        fill("16sI", [(n.network_address.packed, n.prefixlen) for n in nets], (bytes(16), 0)) + \
        fill("I", [(u,) for u in users], (0,))


class Maps:
    """All maps of a directory, in the words of dmmd."""

    def __init__(self, directory):
        self.namespaces = Map(directory / "namespaces", 16 + 8 + 24 * TYPES)
        self.rules = Map(directory / "rules", len(rule(0)))
        self.groups = Map(directory / "groups", 4)
        self.allowed = Map(directory / "allowed", 4)
        self.held = Map(directory / "held", 32)
        self.cpus = os.sysconf("SC_NPROCESSORS_CONF")
        self.counters = Map(directory / "counters", 8 * self.cpus)
        self._ring = Ring(directory / "wanted")

    def close(self):
        for one in (self.namespaces, self.rules, self.groups, self.allowed, self.held,
                    self.counters, self._ring):
            one.close()

    def serve(self, cookie, addresses, rules=(), restricted=(), ifindex=0, at=0,
              generation=1):
        """The addresses of a namespace and the rules that count in it, as one change."""
        for index, one in enumerate(rules):
            self.rules[struct.pack("I", at + index)] = one
        value = struct.pack("IIIIQ", VERSION, len(rules), at, 0, generation)
        for service in range(TYPES):
            value += struct.pack("16sII", packed(addresses.get(service, "::")), ifindex,
                                 service in restricted)
        self.namespaces[struct.pack("Q", cookie)] = value

    def leave(self, cookie):
        del self.namespaces[struct.pack("Q", cookie)]

    def allow(self, cookie, uid, service):
        self.allowed[struct.pack("QII", cookie, uid, service)] = struct.pack("I", 1)

    def set_group(self, number, value):
        self.groups[struct.pack("Q", number)] = struct.pack("I", value)

    def held_by(self):
        """Socket cookie -> (source, type, user)."""
        result = {}
        for key in self.held.keys(8):
            with contextlib.suppress(KeyError):
                _, address, service, uid = struct.unpack("Q16sII", self.held[key])
                result[struct.unpack("Q", key)[0]] = (
                    str(ipaddress.ip_address(address)), service, uid)
        return result

    def wanted(self):
        """(destination, type, user, flags) of the records since the last time."""
        return [(str(ipaddress.ip_address(to)), service, uid, flags) for
                _, _, to, service, uid, flags, _ in
                (struct.unpack("QQ16sIIII", r) for r in self._ring.read())]

    def count(self, name):
        value = self.counters[struct.pack("I", COUNTERS.index(name))]
        return sum(struct.unpack(f"{self.cpus}Q", value))
