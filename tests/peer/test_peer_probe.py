# SPDX-License-Identifier: GPL-2.0-or-later
"""The traffic probe counts what the network does to it."""

import json
import signal
import sys
import time

import pytest

from peer_network import CN, COA, COA2, PROGRAMS
from lab import wait_for

PORT = 7000
PROBE = PROGRAMS / "probe"


@pytest.fixture
def server(lab):
    p = lab.start("cn", PROBE, "server", CN, PORT)
    wait_for(lambda: f":{PORT}" in lab.run("cn", "ss", "-Hltn").stdout, "the server")
    yield p
    assert lab.stop(p) == 0, p.errors


def probe(lab, kind, *options, check=True):
    done = lab.run("mn", PROBE, kind, *options, "--to", CN, PORT, check=check)
    return json.loads(done.stdout)


def start(lab, kind, *options):
    return lab.start("mn", PROBE, kind, *options, "--to", CN, PORT)


def result(lab, program):
    out, _ = program.communicate(timeout=40)
    lab.programs.remove(program)
    return json.loads(out)


def drop(lab, rule):
    """Losses on the way, by nft in the router."""
    lab.run("net", "nft", "add table inet loss")
    lab.run("net", "nft", "add chain inet loss f { type filter hook forward priority 0; }")
    lab.run("net", "nft", f"add rule inet loss f {rule} drop")


def no_drop(lab):
    lab.run("net", "nft", "delete table inet loss", check=False)


@pytest.fixture
def losses(lab):
    yield lambda rule: drop(lab, rule)
    no_drop(lab)


def test_udp_without_losses(lab, server, tmp_path):
    s = probe(lab, "udp", "--source", COA, "--seconds", 1, "--name", "one", "--log",
              tmp_path / "log")
    assert (s["name"], s["source"], s["ok"]) == ("one", COA, True)
    assert s["sent_up"] == s["received_up"] == s["sent_down"] == s["received_down"] == 1000
    assert s["lost_up"] == s["lost_down"] == s["duplicates"] == 0
    assert json.loads((tmp_path / "log").read_text()) == s


@pytest.mark.parametrize("direction, rule", [("up", f"ip6 daddr {CN} udp dport {PORT}"),
                                             ("down", f"ip6 saddr {CN} udp sport {PORT}")])
def test_udp_losses_have_a_direction(lab, server, losses, direction, rule):
    p = start(lab, "udp", "--seconds", 2)
    time.sleep(0.8)
    begin = time.monotonic()
    losses(rule)
    time.sleep(0.3)
    no_drop(lab)
    duration = time.monotonic() - begin
    s = result(lab, p)
    other = "down" if direction == "up" else "up"
    assert s[f"lost_{other}"] == 0
    assert 250 <= s[f"lost_{direction}"] <= 1000 * duration + 50
    gap = max((g for g in s["gaps"] if g["direction"] == direction), key=lambda g: g["lost"])
    assert gap["lost"] == s[f"lost_{direction}"]
    assert abs((gap["end_us"] - gap["start_us"]) / 1000 - gap["lost"]) < 30
    assert begin * 1e6 - 1e5 < gap["start_us"] < gap["end_us"] < (begin + duration) * 1e6 + 1e5
    assert s["longest_gap_ms"] >= 250


def test_udp_loss_to_the_end(lab, server, losses):
    """The account comes through when the path is back, later than the stream's end."""
    p = start(lab, "udp", "--seconds", 1)
    time.sleep(0.6)
    losses("meta l4proto udp")
    time.sleep(2)
    no_drop(lab)
    s = result(lab, p)
    assert s["ok"] and s["sent_up"] == s["sent_down"] == 1000
    for direction in ("up", "down"):
        assert 300 < s[f"lost_{direction}"] < 500
        last = [g for g in s["gaps"] if g["direction"] == direction][-1]
        assert last["lost"] == s[f"lost_{direction}"]


def test_udp_unbound_source_follows_the_route(lab, server):
    p = start(lab, "udp", "--seconds", 1.5, "--source", "any")
    time.sleep(0.7)
    lab.ip("mn", f"route replace {CN} via 2001:db8:4::1 src {COA2}")
    s = result(lab, p)
    lab.ip("mn", f"route del {CN}")
    assert s["source"] == COA2 and s["lost_up"] == s["lost_down"] == 0


def test_udp_many_clients(lab, server):
    programs = [start(lab, "udp", "--seconds", 1, "--interval-us", 5000, "--name", n)
                for n in range(8)]
    for s in [result(lab, p) for p in programs]:
        assert s["received_up"] == s["received_down"] == 200


def test_udp_nobody_there(lab):
    lab.ip("mn", "route add blackhole 2001:db8:33::/64")
    p = lab.start("mn", PROBE, "udp", "--to", "2001:db8:33::1", PORT, "--seconds", "0.2",
                  "--linger-ms", 10, "--patience-ms", 500)
    s = result(lab, p)
    lab.ip("mn", "route del blackhole 2001:db8:33::/64")
    assert p.returncode == 1
    assert not s["ok"] and s["received_up"] is None and s["send_errors"] >= 200


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_sigterm_writes_the_summary(lab, server, kind):
    p = start(lab, kind, "--seconds", 60)
    time.sleep(0.5)
    p.send_signal(signal.SIGTERM)
    begin = time.monotonic()
    assert result(lab, p)["ok"] and time.monotonic() - begin < 3


def test_bind_device(lab, server):
    s = probe(lab, "udp", "--seconds", 0.3, "--source", COA2, "--bind-device", "v2")
    assert s["source"] == COA2 and s["lost_up"] == 0


def test_tcp(lab, server, tmp_path):
    s = probe(lab, "tcp", "--source", COA, "--seconds", 1, "--rate", 500000, "--log",
              tmp_path / "log")
    assert s["ok"] and s["verified"] and s["source"] == COA and s["error"] is None
    assert s["sent_up"] == s["received_up"] and s["sent_down"] == s["received_down"]
    assert 450000 < s["received_up"] < 550000 and 450000 < s["received_down"] < 550000
    assert s["stalls"] == [] and 1200 < s["mss"] < 1500
    assert json.loads((tmp_path / "log").read_text()) == s


def test_tcp_as_fast_as_it_goes(lab, server):
    s = probe(lab, "tcp", "--seconds", 1)
    assert s["ok"] and s["received_up"] > 10_000_000 and s["received_down"] > 10_000_000


def test_tcp_stall(lab, server, losses):
    p = start(lab, "tcp", "--seconds", 3, "--rate", 200000)
    time.sleep(0.7)
    begin = time.monotonic()
    losses("meta l4proto tcp")
    time.sleep(0.4)
    no_drop(lab)
    s = result(lab, p)
    assert s["ok"] and s["verified"]
    for direction in ("up", "down"):
        stalls = [x for x in s["stalls"] if x["direction"] == direction]
        assert any(x["end_us"] - x["start_us"] > 350_000 and
                   x["start_us"] > begin * 1e6 - 1e5 for x in stalls), s["stalls"]
    assert s["longest_stall_ms"] > 350


def test_tcp_reset(lab, server):
    p = start(lab, "tcp", "--seconds", 10, "--rate", 200000)
    time.sleep(0.5)
    lab.run("cn", "ss", "-K", "dst", f"[{COA}]")
    s = result(lab, p)
    assert not s["ok"] and "reset" in s["error"].lower() and p.returncode == 1


def test_tcp_refused(lab):
    p = start(lab, "tcp", "--seconds", 1)
    s = result(lab, p)
    assert not s["ok"] and "refused" in s["error"].lower()


@pytest.mark.parametrize("words", [
    (), ("server",), ("server", "::1"), ("server", "::1", "0"), ("udp",), ("udp", "7000"),
    ("fly", "7000"), ("udp", "--to", "x", "7000"), ("udp", "--to", "::1", "7000", "--size", "1"),
    ("udp", "--to", "::1", "7000", "--seconds", "0"), ("tcp", "--to", "::1", "7000", "--rate", "x"),
])
def test_bad_command_line(lab, words):
    done = lab.run("mn", PROBE, *words, check=False)
    assert done.returncode == 2 and done.stderr


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
