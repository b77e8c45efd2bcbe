# SPDX-License-Identifier: GPL-2.0-or-later
"""Payload protection by ESP: keys, the home agent's end of it in the hands of its kernel, and what
tshark reads with the keys."""
import secrets
import socket
import struct
from dataclasses import dataclass, field, replace

from . import topology as net
from .peers import write_key
from .run import run_command

ESP = 50
AUTHENTICATION, ENCRYPTION = "hmac(sha256)", "cbc(aes)"
DECODED = ("frame.time_epoch", "eth.src", "ipv6.src", "ipv6.dst", "esp.spi", "esp.icv_good")


@dataclass
class Direction:
    spi: int
    encryption: str = field(default_factory=lambda: secrets.token_hex(32))
    authentication: str = field(default_factory=lambda: secrets.token_hex(32))

    def state(self, source, target):
        """As ip(8) takes it."""
        return ["src", source, "dst", target, "proto", "esp", "spi", self.spi, "mode", "transport",
                "auth-trunc", AUTHENTICATION, f"0x{self.authentication}", 128,
                "enc", ENCRYPTION, f"0x{self.encryption}"]

    def association(self):
        """As tshark takes it."""
        words = ("IPv6", "*", "*", f"0x{self.spi:08x}", "AES-CBC [RFC3602]",
                 f"0x{self.encryption}", "HMAC-SHA-256-128 [RFC4868]", f"0x{self.authentication}")
        return "uat:esp_sa:" + ",".join(f'"{w}"' for w in words)


@dataclass
class Keys:
    """Of a host and its home agent."""

    out: Direction
    back: Direction

    def lines(self):
        for name, d in (("out", self.out), ("in", self.back)):
            yield from (f"SPI-{name}={d.spi:#x}", f"Encryption-{name}={d.encryption}",
                        f"Authentication-{name}={d.authentication}")

    def settings(self, run, name):
        """Of the section [Anchor NAME]."""
        path = run.directory / f"{name}.payload-keys"
        write_key(path, "\n".join(self.lines()))
        return {"PayloadProtection": "esp", "PayloadKeyFile": path}

    def forged(self):
        """The same SPIs with a key that the home agent does not have."""
        return replace(self, back=Direction(self.back.spi))


def make_keys(number):
    return Keys(Direction(0x1000 + number), Direction(0x2000 + number))


def reset(session):
    """End a TCP session at once: nothing of it is sent when its tunnel has gone."""
    session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    session.close()


def add_state(node, direction, source, target):
    node.command("ip", "xfrm", "state", "add", *direction.state(source, target))


def protect_agent(node, address, keys, care_of):
    """The kernel's IPsec in a home agent's namespace, for these care-of addresses."""
    add_state(node, keys.out, "::", address)
    for coa in care_of:
        add_state(node, keys.back, address, coa)
        for way, source, target in (("in", coa, address), ("out", address, coa)):
            node.command("ip", "xfrm", "policy", "add", "src", source, "dst", target, "proto", 41,
                         "dir", way, "tmpl", "proto", "esp", "mode", "transport")


def read_states(node):
    """(destination, SPI) of each state: when it was added, as the kernel tells it."""
    found, where = {}, None
    for line in node.command("ip", "-s", "xfrm", "state").splitlines():
        words = line.split()
        if words[:1] == ["src"]:
            target = words[3]
        elif words[:2] == ["proto", "esp"]:
            where = net.canonical(target), int(words[3].partition("(")[0], 16)
        elif words[:1] == ["add"]:
            found[where] = " ".join(words[1:3])
    return found


def decoded(path, keys):
    """Every ESP packet of a capture as tshark reads it with the keys, and nothing else."""
    argv = ["tshark", "-r", str(path), "-Y", "esp", "-T", "fields", "-E", "separator=|",
            "-o", "esp.enable_encryption_decode:TRUE",
            "-o", "esp.enable_authentication_check:TRUE"]
    for direction in (d for k in keys for d in (k.out, k.back)):
        argv += ["-o", direction.association()]
    for name in DECODED:
        argv += ["-e", name]
    return [dict(zip(DECODED, line.split("|"))) for line in run_command(*argv).splitlines()]
