# SPDX-License-Identifier: GPL-2.0-or-later
"""dmmd itself: its configuration, start, stop and crash."""
import ipaddress
import json
import os
import re
import signal
import time
import zlib

from . import topology as net
from .peers import KEY, SPI, write_key
from .run import BUILD, run_command, wait_until

DMMD, LOADER, DMMCTL = BUILD / "dmmd", BUILD / "dmmd-loader", BUILD / "dmmctl"
FETCH = BUILD / "dmmd-fetch"
DEVICE = "dmm0"
RULE_PRIORITIES = range(5300, 5400)
ROUTE_TABLES = range(25700, 25700 + 64)
PROTOCOL = 77
PLANE = os.environ.get("DMMD_PLANE", "auto")


class Anchor:
    """A section [Anchor NAME]; settings with the names of the configuration file, lists repeated.

    home: a home address that it serves wherever the host is; prefixes: what is native at a place
    and served from there when the host has left.  agents: the addresses that may serve, where they
    are more or others than the one configured.
    """

    def __init__(self, name, address=None, home=None, key=None, spi=None, prefixes=(), agents=(),
                 **settings):
        self.name, self.address, self.home = name, address, home
        self.key, self.spi, self.settings = key, spi, settings
        self.prefixes = [ipaddress.ip_network(p) for p in prefixes]
        self.agents = {net.canonical(a) for a in (agents or filter(None, [address]))}

    def serves(self, address):
        if self.home and address == net.canonical(self.home):
            return True
        return any(ipaddress.ip_address(address) in p for p in self.prefixes)

    def lines(self, directory):
        yield f"[Anchor {self.name}]"
        if self.address:
            yield f"Address={self.address}"
        if self.home:
            yield f"HomeAddress={self.home}/64"
        yield from (f"Prefix={p}" for p in self.prefixes)
        if self.key:
            path = directory / f"{self.name}.mn-key"
            write_key(path, self.key)
            yield from (f"SPI={self.spi}", f"KeyFile={path}")
        else:
            yield "Insecure=yes"
        for name, value in self.settings.items():
            for one in value if isinstance(value, (list, tuple)) else [value]:
                yield f"{name}={one}"


def anchor1(key=KEY["home"], at=net.HA1, **settings):
    return Anchor("home", at, net.HOME1, key, SPI["home"], **settings)


def anchor2(key=KEY["second"], **settings):
    return Anchor("second", net.HA2, net.HOME2, key, SPI["second"], **settings)


class Daemon:
    """One dmmd in the mobile node's namespace; a restart uses the same files.

    sections: more text of the configuration file; resolver: the name server of its resolv.conf;
    environment: more variables.
    """

    def __init__(self, node, directory, anchors, *links, name="dmmd", bus="none", sections=(),
                 resolver=None, environment=None, **daemon):
        run = node.run
        self.node, self.name, self.bus = node, name, bus
        self.pins = run.bpf / name
        self.runtime = run.directory / f"{name}.run"
        self.hooks = run.bpf / f"{name}-hooks"
        self.state_file = run.directory / f"{name}.state"
        self.config = run.directory / f"{name}.conf"
        self.log = directory / f"{name}.log"
        self.anchors = anchors
        self.process = None
        self._named = False  # has answered at the bus since it was started
        self.starts = []
        self._settings = {"StateFile": self.state_file, "PinDirectory": self.pins,
                          "RuntimeDirectory": self.runtime, "HooksDirectory": self.hooks,
                          "Device": DEVICE, "Plane": PLANE, "PolicyRouting": "no", **daemon}
        self._links, self.sections = links, sections
        self._resolver, self._environment = resolver, environment
        self.configure()

    def configure(self):
        lines = ["[Daemon]", *(f"{k}={v}" for k, v in self._settings.items())]
        for link in self._links:
            lines += ["[Link]", *link]
        for anchor in self.anchors:
            lines += anchor.lines(self.node.run.directory)
        lines += self.sections
        self.config.write_text("\n".join(lines) + "\n")
        self.config.chmod(0o600)

    def argv(self):
        programs = self.node.run.keep_programs(*(p for p in (DMMD, LOADER, FETCH) if p.exists()))
        argv = [programs / "dmmd", "--config", self.config, "--bus", self.bus, "--log-level",
                os.environ.get("NET_LOG_LEVEL", "debug")]
        return [*self._own_resolver(), *argv] if self._resolver else argv

    def _own_resolver(self):
        """Words before a command that let it see another resolv.conf."""
        path = self.node.run.directory / "resolv.conf"
        path.write_text(f"nameserver {self._resolver}\noptions timeout:1\n")
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                'mount --bind "$0" /etc/resolv.conf && exec "$@"', path]

    def start(self, wait=True):
        self.starts.append(time.time())
        self._named = False
        self.process = self.node.start(self.name, self.argv(), self.log, self._environment)
        if wait:
            self.process.wait_output("is ready", timeout=10)
        return self

    def running(self):
        return bool(self.process) and self.process.running()

    def stop(self, timeout=6.0):
        """Stop as the service manager does: the exit status."""
        return self.process.stop(signal.SIGTERM, timeout)

    def crash(self):
        self.process.kill()

    def set_saved_sequence(self, number):
        """Write the state file anew with another last sequence number in its only entry."""
        header, entry, _ = self.state_file.read_text().splitlines()
        words = entry.split()
        words[4] = str(number)
        text = f"{header}\n{' '.join(words)}\n"
        self.state_file.write_text(f"{text}checksum {zlib.crc32(text.encode()):08x}\n")

    def ctl(self, *argv):
        """What dmmctl says, as JSON."""
        text = wait_until(lambda: self._ask(argv), "dmmctl", 5)[0]
        return json.loads(text) if text.strip() else None

    def _ask(self, argv):
        """What dmmctl says, in a tuple; None while a daemon that has just started has no name yet."""
        try:
            text = run_command(DMMCTL, "--bus", self.bus, "--json=short", *argv)
        except RuntimeError as e:
            if "dmmd is not running" in str(e) and self.running() and not self._named:
                return None
            raise
        self._named = True
        return (text,)

    def has_maps(self):
        """Whether the data plane is programs with maps."""
        return (self.pins / "dropped").exists()

    def plane(self, map_name):
        """Entries of a map of the data plane; none where it has no maps."""
        if not self.has_maps():
            return []
        text = run_command("bpftool", "-j", "map", "dump", "pinned", str(self.pins / map_name),
                           check=False)
        return json.loads(text) if text.strip() else []

    def refused(self, reason):
        """Packets that the data plane, whichever it is, says to have refused for a reason by name;
        needs a bus."""
        text = run_command(DMMCTL, "--bus", self.bus, "metrics")
        return int(re.search(rf'^dmmd_dropped_packets_total{{reason="{reason}"}} (\d+)$', text,
                             re.MULTILINE)[1])

    def dropped(self):
        """What the maps of the data plane say of that, by reason's number."""
        entries = self.plane("dropped")
        return {_little(e["key"]): sum(_little(v["value"]) for v in e["values"]) for e in entries}


def _little(octets):
    return int.from_bytes(bytes(int(o, 16) for o in octets), "little")
