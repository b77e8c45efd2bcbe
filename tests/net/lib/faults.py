# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests of faults need: streams that know their silences, the daemon asleep, the kernel's
state before and after, uplinks that go and come, maps that are full."""
import contextlib
import json
import os
import signal
import subprocess
import time

from . import state, topology as net
from .capture import Capture
from .daemon import DEVICE, DMMCTL, PLANE
from .run import run_command, wait_until

BOUND = float(os.environ.get("NET_CLOCK_TOLERANCE") or 1.0)  # seconds; guests are slow
TUNNELS = PLANE == "kernel"              # the plane has an interface for each tunnel
RATE = 400_000                           # octets a second of a transfer


class Stream:
    """Packets both ways all the time; tells how long it was silent."""

    def __init__(self, scene, device="w0"):
        scene.probe_server()
        self.probe = scene.probe("udp", "stream", net.HOME2, "--seconds", 100)
        scene.wait_stream(net.HOME2, device)

    def silence(self, *spans):
        """End it: the longest silence, in seconds, that reaches into these spans of time."""
        summary = self.probe.finish()
        assert summary["ok"], summary
        return max([min(end, g["end_us"] / 1e6) - max(begin, g["start_us"] / 1e6)
                    for g in summary["gaps"]
                    for begin, end in spans], default=0.0)


def tunnelled(scene, begin, source=net.HOME2, target=net.CN):
    return [p for p in scene.packets() if p.time >= begin and p.inner and
            (p.inner.src, p.inner.dst) == (net.canonical(source), net.canonical(target))]


def largest(scene, begin):
    return max(p.size for p in tunnelled(scene, begin))


class Transfer:
    """A checked octet stream both ways, as fast as it goes."""

    def __init__(self, scene, source=net.HOME2):
        scene.probe_server()
        self.scene, self.begin = scene, time.monotonic()
        self.probe = scene.probe("tcp", "transfer", source, "--seconds", 100, "--rate", RATE)
        self.proceed()

    def proceed(self):
        """Until half a second's worth has gone up and come down once more."""
        begin = self.scene.now()
        for source, target in ((net.HOME2, net.CN), (net.CN, net.HOME2)):
            wait_until(lambda: sum(p.inner.size for p in tunnelled(
                self.scene, begin, source, target)) > RATE / 2,
                       f"octets from {source}", 10 * BOUND, interval=0.1)

    def stall(self):
        summary = self.probe.finish()
        assert summary["ok"], summary
        assert min(summary["received_down"], summary["received_up"]) > RATE, summary
        return summary["longest_stall_ms"] / 1e3


def own_devices(scene):
    return [link["ifname"] for link in scene.mn.ip_json("link", "show")
            if link["ifname"].startswith(DEVICE)]


def own_tunnels(scene):
    return [name for name in own_devices(scene) if name.startswith(f"{DEVICE}t")]


def carriers(scene):
    """(interface, side) of all that our programs or filters hang on."""
    if TUNNELS:
        return [(name, "ingress") for name in own_tunnels(scene)]
    return [("w0", "ingress"), (DEVICE, "egress"), (f"{DEVICE}p", "ingress")]


def kernel(scene):
    """What is in the kernel, as far as it is the same again after a repair."""
    links = {link["ifname"]: (link["mtu"], "UP" in link["flags"],
                              link.get("linkinfo", {}).get("info_data") if TUNNELS else None)
             for link in scene.mn.ip_json("-details", "link", "show")}
    filters = [line for device, side in carriers(scene)
               for line in scene.mn.command("tc", "filter", "show", "dev", device, side,
                                            check=False).splitlines()]
    return {"addresses": sorted(map(str, state.addresses(scene.mn))),
            "routes": sorted(map(str, state.routes(scene.mn))),
            "rules": sorted(map(str, state.rules(scene.mn))),
            "links": sorted(map(str, links.items())), "filters": filters}


@contextlib.contextmanager
def asleep(process):
    """It finds what was done meanwhile when it wakes up."""
    process.send_signal(signal.SIGSTOP)
    wait_until(lambda: process.state() == "T", "a process to sleep")
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def findings(scene):
    """What `dmmctl test` complains of."""
    done = subprocess.run([DMMCTL, "--bus", scene.daemon.bus, "--json=short", "test"],
                          capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return [f"{f['what']}: {f['words']}" for f in json.loads(done.stdout) if not f["ok"]]


def remove_uplink(scene, device):
    """As when a modem is pulled out; what was captured is kept."""
    scene.mn.ip(f"link del {device}")
    scene.captures["mn", f"{device} until {time.time()}"] = scene.captures.pop(("mn", device))
    return time.monotonic()


def restore_uplink(scene, device, index):
    scene.nodes.wire(scene.mn, device, scene.nodes.air, net.MN_PORT[device], mac=net.MN_MAC[device],
                     index=index, plugged=False)
    scene.nodes.segment_before_wire(device)
    scene.captures["mn", device] = Capture(scene.mn, device,
                                           scene.directory / f"mn-{device}-{index}.pcap")


def fill(scene, name, first, rest):
    """A map of the plane, with keys of nobody's that begin with some octets."""
    pin = str(scene.daemon.pins / name)
    shape = json.loads(run_command("bpftool", "-j", "map", "show", "pinned", pin))
    path = scene.directory / f"fill-{name}"
    path.write_text("".join(
        "map update pinned {} key hex {} value hex {}\n".format(
            pin, (first + n.to_bytes(rest, "big")).hex(" "), bytes(shape["bytes_value"]).hex(" "))
        for n in range(shape["max_entries"])))
    run_command("bpftool", "batch", "file", str(path), check=False)
    assert len(scene.daemon.plane(name)) == shape["max_entries"]


def storm(scene, count=4000):
    """More events than the daemon can be told of while it sleeps."""
    lines = [f"route {what} unreachable 2001:db8:f:{n:x}::/64 proto 99"
             for n in range(count) for what in ("add", "del")]
    scene.mn.ip(*lines)


def detection_time(scene):
    """Seconds of duplicate detection for the two addresses of a new place, if it is waited for."""
    try:
        return 0.0 if scene.mn.sysctl("ipv6/conf/w0/optimistic_dad") == "1" else 2.0
    except FileNotFoundError:
        return 2.0
