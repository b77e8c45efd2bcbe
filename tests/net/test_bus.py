# SPDX-License-Identifier: GPL-2.0-or-later
"""What users see: D-Bus (by busctl) and dmmctl, of a daemon that moves; on a bus of our own."""
import json
import os
import signal
import subprocess
import xml.etree.ElementTree as ET

import pytest
from lib import protection, topology as net
from lib.bus import Bus
from lib.daemon import DMMCTL, PLANE, Daemon, anchor2
from lib.run import TOP, run_command, wait_until

PHASES = ("link_up", "ra", "address", "bu", "ba")


@pytest.fixture
def bus(scene):
    one = Bus(scene.run, scene.directory)
    yield one
    one.process.stop()


@pytest.fixture
def shown(scene, bus):
    """A scene whose daemon is on the bus."""
    scene.standard(bus=bus.address)
    wait_until(bus.has_name, "dmmd to be on the bus")
    return scene


def status_of(scene, place):
    return wait_until(lambda: (s := scene.daemon.ctl("status"))["place"] == place and s,
                      f"the status to be {place}")


def settled_handover(scene, mode):
    def last():
        h = scene.daemon.ctl("status")["last_handover"]
        return h and h["mode"] == mode and h["result"] == "done" and h
    return wait_until(last, f"a finished handover ({mode})")


def test_status_follows_the_host(shown, bus):
    status = status_of(shown, "offline")
    assert status["uplink"] is None and status["waiting_for"]
    assert status["plane"] in ("bpf", "kernel")

    shown.attach("B")
    status = status_of(shown, "away")
    assert status["uplink"] == "w0" and status["next_hop"]
    assert status["care_of_address"] == net.canonical(net.care_of("B"))
    settled_handover(shown, "start")
    bindings = {b["home_address"]: b for b in shown.daemon.ctl("bindings")}
    assert bindings[net.HOME1]["state"] == bindings[net.HOME2]["state"] == "registered"
    assert bindings[net.HOME1]["anchor"] == "home" and bindings[net.HOME1]["link"] == "w0"
    assert all(b["registered"] and b["path_mode"] == "tunnel" for b in bindings.values())

    shown.move("C")
    shown.wait_bound("C")
    handover = settled_handover(shown, "break")
    reached = [handover["phases_usec"][p] for p in PHASES]
    assert reached == sorted(reached) and handover["acknowledged"] == 2
    assert handover["total_usec"] == handover["phases_usec"]["ba"]
    assert shown.daemon.ctl("handovers", str(handover["id"])) == handover

    shown.move("A")
    shown.wait_bound("A")
    wait_until(lambda: shown.daemon.ctl("bindings", net.HOME1)[0]["state"] == "home",
               "the first home address to be at home")
    states = {p["prefix"]: p["state"] for p in shown.daemon.ctl("prefixes")}
    assert states[net.PREFIX["A"]] == "native" and states[net.HOME2_PREFIX] == "remote"
    anchors = {a["name"]: a for a in shown.daemon.ctl("anchors")}
    assert anchors["home"]["health"] == anchors["second"]["health"] == "reachable"
    assert anchors["second"]["counters"]["acknowledgements_accepted"] >= 3
    code, text = bus.ctl("--colour=never")
    assert code == 0 and "away" in text and net.HOME1 in text
    shown.unplug("w0")
    status = status_of(shown, "offline")
    assert not (status["care_of_address"] or status["next_hop"] or status["uplink"])


def test_events_are_followed_over_a_restart(shown, bus):
    """Also what the new daemon did before it was on the bus."""
    shown.attach("B")
    follower = shown.run.start(
        "dmmctl", [DMMCTL, "--bus", bus.address, "--json=short", "events", "--follow"],
        shown.directory / "follow.log")
    follower.wait_output("care-of address")
    shown.daemon.stop()
    follower.wait_output("dmmd stopped")
    shown.daemon.start()
    shown.wait_bound("B")

    def told():
        kinds = [json.loads(line) for line in follower.output().splitlines()]
        at = next((i for i, e in enumerate(kinds) if e["text"] == "dmmd started"), None)
        numbers = [e["number"] for e in kinds[at + 1:]] if at is not None else []
        return len(numbers) > 3 and numbers
    numbers = wait_until(told, "the events of the new daemon")
    assert numbers == list(range(1, len(numbers) + 1))
    follower.stop(signal.SIGINT)


def test_monitor_tells_a_move_in_order(shown, bus):
    shown.attach("B")
    monitor = shown.run.start("dmmctl", [DMMCTL, "--bus", bus.address, "--json=short", "monitor"],
                              shown.directory / "events.json")
    # Its match is in force once the bus has answered, which a signal of its own shows.
    wait_until(lambda: "NameOwnerChanged" in bus.busctl(
        "call", "org.freedesktop.DBus", "/org/freedesktop/DBus",
        "org.freedesktop.DBus.Debug.Stats", "GetAllMatchRules"), "the monitor to listen")
    shown.move("C")
    shown.wait_bound("C")
    settled_handover(shown, "break")

    def events():
        """From the loss of the carrier on."""
        told = [json.loads(line) for line in monitor.output().splitlines()]
        while told and (told[0]["kind"], told[0]["new_state"]) != ("link", "down"):
            told.pop(0)
        return told
    wait_until(lambda: any(e["kind"] == "handover" and e["new_state"] == "done"
                           for e in events()), "the end of the handover to be told")
    told = [(e["kind"], e["new_state"]) for e in events()]
    wanted = [("link", "down"), ("place", "offline"), ("link", "attached"),
              ("handover", "running"), ("binding", "updating"), ("binding", "registered"),
              ("handover", "done")]
    assert [told.index(w) for w in wanted] == sorted(told.index(w) for w in wanted)
    assert ("place", "away") in told
    times = [e["time_usec"] for e in events()]
    assert times == sorted(times)


def test_objects_come_and_go_with_what_they_show(shown, bus):
    def paths():
        return bus.busctl("tree", "--list", "org.dmmd1").split()
    assert {f"/org/dmmd1/{p}" for p in ("anchor/home", "binding/0", "binding/1")} <= set(paths())
    shown.mn.ip("link add x0 type veth peer name x1")
    index = shown.mn.ip_json("link", "show", "dev", "x0")[0]["ifindex"]
    wait_until(lambda: f"/org/dmmd1/link/{index}" in paths(), "the new link to appear")
    shown.mn.ip("link del x0")
    wait_until(lambda: f"/org/dmmd1/link/{index}" not in paths(), "the link to vanish")


def interfaces_of(text):
    """Interface, member, arguments and annotations, without the order and the comments."""
    return {i.get("name"): sorted((m.tag, m.get("name"), m.get("type"), m.get("access"),
                                   *(tuple(sorted(c.attrib.items())) for c in m)) for m in i)
            for i in ET.fromstring(text).iter("interface")}


def test_introspection_is_what_we_install(shown, bus):
    shown.attach("B")
    settled_handover(shown, "start")
    live = {}
    for path in bus.busctl("tree", "--list", "org.dmmd1").split():
        live.update(interfaces_of(bus.busctl("introspect", "--xml-interface", "org.dmmd1", path)))
    installed = sorted(TOP.glob("systemd/org.dmmd1.*.xml"))
    assert len(installed) == 6
    for file in installed:
        for name, members in interfaces_of(file.read_text()).items():
            assert live[name] == members


def test_exit_codes(scene, bus):
    assert bus.ctl("status")[0] == 8
    scene.configure(bus=bus.address).start()
    wait_until(bus.has_name, "dmmd to be on the bus")
    assert bus.ctl("status")[0] == 0
    assert bus.ctl("nonsense")[0] == bus.ctl("--json=nonsense")[0] == 2
    assert bus.ctl("links", "nonsense")[0] == bus.ctl("handovers", "99")[0] == 10
    assert bus.ctl("links", user=65534)[0] == 0
    assert bus.ctl("reload", user=65534)[0] == 5
    assert bus.ctl("reload")[0] == 0
    scene.daemon.config.write_text("[Daemon]\nNonsense=yes\n")
    assert bus.ctl("reload")[0] == 4
    scene.daemon.process.send_signal(signal.SIGSTOP)
    assert bus.ctl("status")[0] == 3
    scene.daemon.process.send_signal(signal.SIGCONT)
    assert bus.ctl("status")[0] == 0


def test_what_explain_does_not_take(shown, bus):
    for text, code, says in [
            ("[2001:db8:d::2]:99999", 2, '"99999" is no port: a number from 1 to 65535'),
            ("[2001:db8:d::2]:65536", 2, "is no port"), ("[2001:db8:d::2]:0", 2, "is no port"),
            ("[2001:db8:d::2]:nosuch", 2, "there is no service nosuch"),
            ("[2001:db8:d::2", 2, "is no destination"),
            ("192.0.2.1:22", 1, "explain is for IPv6"), ("192.0.2.1", 1, "explain is for IPv6"),
            ("::ffff:192.0.2.1", 1, "explain is for IPv6")]:
        got, words = bus.complaint("explain", text)
        assert got == code and says in words, f"{text}: {got} {words}"
    for text, port in [("[2001:db8:d::2]:65535", 65535), ("[2001:db8:d::2]:ssh", 22),
                       ("2001:db8:d::2:22", None)]:
        assert shown.daemon.ctl("explain", text)["port"] == port


def test_complaints_are_alike(shown, bus):
    """In small letters behind the name of the program, whoever says it."""
    assert bus.complaint("reload", user=65534)[1] == (
        "dmmctl: the D-Bus policy denied it; changes are for root")
    assert bus.complaint("events", "x") == (2, "dmmctl: usage: dmmctl events [--follow]")
    assert bus.complaint("handovers", "x") == (
        2, 'dmmctl: "x" is no handover: they have numbers')
    assert bus.complaint("-1", "events") == (2, "dmmctl: invalid option -- '1'")
    shown.daemon.config.write_text("[Daemon]\nNonsense=yes\n")
    assert bus.complaint("reload")[1].startswith("dmmctl: the configuration has errors")


@pytest.mark.skipif(PLANE != "auto", reason="with Plane= given there is no other plane to choose")
def test_a_reload_that_the_plane_cannot_do_says_why(shown, bus):
    if status_of(shown, "offline")["plane"] != "bpf":
        pytest.skip("the plane that runs can protect")
    keys = protection.make_keys(2)
    shown.daemon.anchors[1] = anchor2(**keys.settings(shown.run, "second"))
    shown.daemon.configure()
    assert bus.complaint("reload") == (
        4, "dmmctl: the old configuration is kept: PayloadProtection=esp needs the tunnels of the "
        "kernel, and the data plane that runs is bpf: restart dmmd (systemctl restart dmmd)")


def test_a_reload_names_what_takes_effect_later(shown, bus):
    assert bus.complaint("reload") == (0, "")
    shown.configure(bus=bus.address, Device="other0", RouteTable=7777)
    assert bus.complaint("reload") == (
        0, "dmmctl: at the next start, not before, this takes effect: Device=, RouteTable=")


def test_a_link_in_detail(shown, bus):
    shown.attach("B")
    settled_handover(shown, "start")
    code, text = bus.ctl("--colour=never", "links", "w0")
    assert code == 0
    for words in ("Attachment: ", "ADDRESS", net.canonical(net.care_of("B")), "ROUTER", "fe80::"):
        assert words in text


def test_metrics_in_both_formats(shown, bus):
    parser = pytest.importorskip("prometheus_client.parser")
    openmetrics = pytest.importorskip("prometheus_client.openmetrics.parser")
    shown.attach("B")
    settled_handover(shown, "start")

    def samples(parse, *argv):
        code, text = bus.ctl("metrics", *argv)
        assert code == 0
        families = list(parse(text))
        return text, families, {(s.name, tuple(sorted(s.labels.items())))
                                for f in families for s in f.samples}
    text, old, both = samples(parser.text_string_to_metric_families, "--format=prometheus")
    assert not {f.type for f in old} - {"counter", "gauge", "summary"}
    assert "# EOF" not in text and "# UNIT" not in text
    assert "# TYPE dmmd_handovers_total counter" in text
    assert both == samples(openmetrics.text_string_to_metric_families)[2]


def test_completion_asks_the_daemon_on_that_bus(shown, bus):
    script = """
        source <(dmmctl --completion=bash)
        COMP_LINE=$1; shift
        COMP_POINT=${#COMP_LINE}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _dmmctl
        echo "${COMPREPLY[@]}"
    """

    def complete(line, *words):
        return run_command("env", f"PATH={DMMCTL.parent}:{os.environ['PATH']}", "bash", "-c",
                           script, "bash", line, *words)
    _, _, path = bus.address.partition("=")
    assert "home" in complete(f"dmmctl --bus={bus.address} anchors ", "dmmctl", "--bus", "=",
                              "unix", ":", "path", "=", path, "anchors", "").split()
    assert "-f" in complete("dmmctl events -", "dmmctl", "events", "-").split()


def test_the_bus_may_die(shown, bus):
    """Without a bus the daemon goes on; asked to look again, it comes back."""
    shown.attach("B")
    bus.process.kill()
    shown.move("C")
    shown.wait_bound("C")
    assert shown.daemon.running()
    bus.start()

    def back():
        shown.daemon.process.send_signal(signal.SIGHUP)
        return bus.has_name()
    wait_until(back, "dmmd to return to the bus", interval=0.1)
    assert shown.daemon.ctl("status")["care_of_address"] == net.canonical(net.care_of("C"))
    assert len(shown.daemon.ctl("handovers")) == 2


def test_a_second_daemon_is_told(shown, bus):
    second = Daemon(shown.cn, shown.directory, [], name="second", bus=bus.address)
    second.start(wait=False)
    second.process.wait_output("belongs to another daemon")
    assert second.running()
    assert second.stop() == 0
