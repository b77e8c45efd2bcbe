# SPDX-License-Identifier: GPL-2.0-or-later
"""The other side: home agents, routers and probes as processes, with their control sockets."""
import json
import os
import signal
import socket

from . import topology as net
from .run import BUILD, wait_until

PEER = BUILD / "peer"
PROBE_PORT = 7000
PROBE_OPTIONS = os.environ.get("NET_PROBE_OPTIONS", "").split()  # for slow machines
KEY = {"home": "000102030405060708090a0b0c0d0e0f", "second": "f0e0d0c0b0a090807060504030201000"}
SPI = {"home": 256, "second": 512}


class ControlError(RuntimeError):
    """The peer did not obey."""


class Peer:
    """A process with a control socket: one command a line, one JSON object as answer."""

    def __init__(self, node, name, argv, directory):
        self.control_path = node.run.directory / f"{name}.control"
        self.process = node.start(name, [*argv, "--control", self.control_path],
                                  directory / f"{name}.log")
        self.name = name
        wait_until(self._listens, f"{name} to listen")

    def _listens(self):
        if not self.process.running():
            raise RuntimeError(f"{self.name} ended early: {self.process.output()}")
        try:
            return self.command("counters") is not None
        except OSError:
            return False

    def command(self, *words):
        """Send a command: the answer, or ControlError."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(3)
            s.connect(str(self.control_path))
            s.sendall((" ".join(map(str, words)) + "\n").encode())
            answer = json.loads(s.makefile().readline())
        if not answer.pop("ok"):
            raise ControlError(f"{self.name}: {' '.join(map(str, words))}: {answer['error']}")
        return answer

    def stop(self):
        return self.process.stop()


def write_key(path, key):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(key + "\n")


class HomeAgent(Peer):
    """Serves one home address of its prefix, or, with `prefixes`, every address of those."""

    def __init__(self, node, name, directory, address, home, *options, key=None, spi=None,
                 algorithm="hmac-sha1-96", home_link=None, prefixes=()):
        association = ""
        if key:
            key_path = node.run.directory / f"{name}.key"
            write_key(key_path, key)
            association = f",spi={spi},alg={algorithm},keyfile={key_path}"
        argv = [PEER / "home-agent", "--address", address]
        for prefix in prefixes or [net.PREFIX["A"] if home_link else net.HOME2_PREFIX]:
            argv += ["--home-prefix", prefix]
        for served in prefixes or [home]:
            argv += ["--mn", served + association]
        if home_link:
            argv += ["--home-link", home_link]
        self.home, self.address = home, net.canonical(address)
        super().__init__(node, name, [*argv, *options], directory)

    def bindings(self):
        return {net.canonical(b["home"]): b for b in self.command("dump")["bindings"]}

    def care_of(self, home=None):
        """Where packets to the home address go now, or None."""
        binding = self.bindings().get(net.canonical(home or self.home))
        return net.canonical(binding["coa"]) if binding and binding["state"] == "bound" else None

    def counters(self):
        return self.command("counters")["counters"]


def start_ha1(nodes, directory, *options, key=KEY["home"], **settings):
    """The home agent on access network A."""
    return HomeAgent(nodes.ha1, "ha1", directory, net.HA1, net.HOME1, *options, key=key,
                     spi=SPI["home"], home_link="lan", **settings)


def start_ha_on_router(nodes, directory, *options, **settings):
    """The home agent of network A on its access router instead of beside it."""
    return HomeAgent(nodes.ara, "ha-ara", directory, net.router_address("A"), net.HOME1, *options,
                     key=KEY["home"], spi=SPI["home"], home_link="lan", **settings)


def start_ha2(nodes, directory, *options, key=KEY["second"], **settings):
    """The home agent whose prefix is routed to it: its mobile node is never at home."""
    return HomeAgent(nodes.ha2, "ha2", directory, net.HA2, net.HOME2, *options, key=key,
                     spi=SPI["second"], **settings)


class Router(Peer):
    """Router advertisements that answer a solicitation at once; prefix: one or a list, each as the
    program takes it; node: who sends them, when it is not the access router."""

    def __init__(self, nodes, place, directory, *options, prefix=None, interval=0, node=None,
                 name=None):
        prefixes = [prefix or net.PREFIX[place]] if not isinstance(prefix, list) else prefix
        argv = [PEER / "router", "--interface", "lan", "--interval", interval]
        for one in prefixes:
            argv += ["--prefix", one]
        super().__init__(node or nodes.routers[place], name or f"router-{place}",
                         [*argv, *options], directory)


class Radvd:
    """Router advertisements by radvd, with its random delays."""

    TEXT = """interface lan {{
        AdvSendAdvert on;
        MinRtrAdvInterval 3;
        MaxRtrAdvInterval 4;
        MinDelayBetweenRAs 3;
        prefix {prefix} {{ AdvOnLink on; AdvAutonomous on; }};
    }};
    """

    def __init__(self, nodes, place, directory):
        node = nodes.routers[place]
        config = node.run.directory / f"radvd-{place}.conf"
        config.write_text(self.TEXT.format(prefix=net.PREFIX[place]))
        self.process = node.start(
            f"radvd-{place}", ["radvd", "--nodaemon", "--config", config, "--logmethod", "stderr",
                               "--debug", "1", "--pidfile", node.run.directory / f"{place}.pid"],
            directory / f"radvd-{place}.log")

    def stop(self):
        return self.process.stop()


class ProbeServer:
    """Answers UDP and TCP probes at an address of a node."""

    def __init__(self, node, address, directory, port=PROBE_PORT):
        self.address, self.port = address, port
        self.process = node.start(f"probe-server-{port}", [PEER / "probe", "server", address, port],
                                  directory / f"probe-server-{port}.log")
        wait_until(lambda: f":{port}" in node.command("ss", "-Hltn6", f"sport = {port}"),
                   "the probe server to listen")


class Probe:
    """A probe as client, and its summary when it has ended."""

    def __init__(self, node, kind, name, directory, source, *options, to=net.CN, port=PROBE_PORT,
                 wrapper=()):
        self.summary_path = directory / f"{name}.json"
        self.summary_path.unlink(missing_ok=True)
        argv = [*wrapper, PEER / "probe", kind, "--name", name, "--source", source, "--to", to,
                "--log", self.summary_path, *PROBE_OPTIONS, *options, port]
        self.name, self.source, self.kind = name, source, kind
        self.process = node.start(name, argv, directory / f"{name}.log")

    def finish(self, timeout=25.0):
        """Ask it to end and give its summary."""
        self.process.send_signal(signal.SIGTERM)
        return self.result(timeout)

    def result(self, timeout=25.0):
        """Wait for its end and give its summary."""
        self.process.wait(timeout)
        if not self.summary_path.exists():
            raise RuntimeError(f"{self.name}: no summary: {self.process.output()}")
        return json.loads(self.summary_path.read_text())
