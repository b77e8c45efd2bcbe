# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures of the peers' tests: the network, home agents at work, mobile nodes."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from lab import Control, Lab, wait_for  # noqa: E402
from mobile_node import MobileNode  # noqa: E402
from peer_network import (CN, COA, HA, HA2, HOME, KEY, PREFIX, PROGRAMS,  # noqa: E402
                          build_network)


@pytest.fixture(scope="session")
def lab():
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    lab = Lab(f"peer{os.getpid()}")
    try:
        build_network(lab)
        wait_for(lambda: lab.run("mn", "ping", "-c1", "-W1", CN, check=False).returncode == 0,
                 "the network")
        yield lab
    finally:
        lab.close()


class Agent:
    """A home agent at work, with its control socket."""

    def __init__(self, lab, directory, *options, wrapper=(), ns="ha"):
        self.lab = lab
        self.socket = directory / f"{ns}.sock"
        self.log = directory / f"{ns}.log"
        self.program = lab.start(ns, *wrapper, PROGRAMS / "home-agent", "--control",
                                 self.socket, "--log", self.log, *options)
        try:
            self.control = Control(self.socket)
        except AssertionError:
            lab.stop(self.program)
            raise AssertionError(self.program.errors)

    def __call__(self, line):
        return self.control(line)

    def bindings(self):
        return self("dump")["bindings"]

    def counters(self):
        return self("counters")["counters"]

    def stop(self):
        self.control.close()
        code = self.lab.stop(self.program)
        assert code == 0, self.program.errors


@pytest.fixture
def start_agent(lab, tmp_path):
    agents = []

    def start(*options, wrapper=(), ns="ha"):
        agents.append(Agent(lab, tmp_path, *options, wrapper=wrapper, ns=ns))
        return agents[-1]
    yield start
    for agent in agents:
        agent.stop()


@pytest.fixture
def agent(start_agent):
    """An agent on its home link that believes its mobile node as it comes."""
    return start_agent("--address", HA, "--address", HA2, "--home-prefix", PREFIX, "--home-link",
                       "home", "--mn", HOME)


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key"
    path.write_text(KEY.key.hex() + "\n")
    return path


@pytest.fixture
def keyed_agent(start_agent, key_file):
    """An agent that shares a security association with its mobile node."""
    return start_agent("--address", HA, "--home-prefix", PREFIX, "--home-link", "home", "--mn",
                       f"{HOME},spi=256,alg=hmac-sha1-96,keyfile={key_file},nai=mn@example.net")


@pytest.fixture
def make_mn(lab):
    nodes = []

    def make(ifname="v1", home=HOME, coa=COA, agent=HA, **more):
        nodes.append(MobileNode(lab, "mn", ifname, home, coa, agent, **more))
        return nodes[-1]
    yield make
    for node in nodes:
        node.close()


@pytest.fixture
def mn(make_mn):
    return make_mn()


@pytest.fixture
def keyed_mn(make_mn):
    return make_mn(key=KEY, nai="mn@example.net")
