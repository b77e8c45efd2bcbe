# SPDX-License-Identifier: GPL-2.0-or-later
"""What the daemon costs while nothing happens, and to start."""
import os
import pathlib
import socket
import statistics
import subprocess
import time

from figure import Figure, single
from lib import judge, packets as pk
from lib.daemon import DMMD, anchor2
from lib.scene import Scene

REST_SECONDS = int(os.environ.get("BENCH_REST_SECONDS") or 60)
ADVERTISEMENTS, ADVERTISEMENT_INTERVAL = 20, 0.3
STARTS = 12
READY_TIMEOUT = 10


def proc_status(pid, key):
    """A number from /proc/PID/status."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0])
    raise KeyError(key)


def proportional(pid):
    """KiB of memory, of what it shares with other processes its share."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise KeyError("Pss")


class Rest:
    """At rest: wake-ups in a minute, by advertisements that bring nothing new, memory"""

    NAMES = ["idle_wakeups", "wakeups_per_advertisement", "packets_for_advertisements",
             "memory_rss", "memory_pss"]

    def __init__(self, run, directory):
        self._scene = Scene(run, directory)

    def figures(self):
        scene = self._scene
        try:
            scene.standard([anchor2()])
            scene.plug("w0", "B")
            scene.wait_care_of(scene.ha2, "B")
            time.sleep(12)  # the last timers of the attachment are over by then
            pids = {"daemon": scene.daemon.process.pid, "listener": scene.monitor.process.pid}
            woken = self._woken(pids, lambda: time.sleep(REST_SECONDS))
            begin = scene.now()
            told = self._woken(pids, self._advertise)
            sent = self._sent(begin)
            memory = {n: proc_status(p, "VmRSS") for n, p in pids.items()}
            share = {n: proportional(p) for n, p in pids.items()}
        finally:
            scene.close()
        beside = "`ip monitor` beside it"
        return [single("idle_wakeups", woken["daemon"], f"in {REST_SECONDS} s", beside,
                       woken["listener"]),
                single("wakeups_per_advertisement", told["daemon"] / ADVERTISEMENTS, "times",
                       beside, told["listener"] / ADVERTISEMENTS),
                single("packets_for_advertisements", sent, "packets",
                       f"of {ADVERTISEMENTS} advertisements", ADVERTISEMENTS),
                single("memory_rss", memory["daemon"], "KiB", beside, memory["listener"]),
                single("memory_pss", share["daemon"], "KiB", beside, share["listener"])]

    @staticmethod
    def _woken(pids, function):
        """How often each process slept and was woken meanwhile."""
        def counts():
            return {n: proc_status(p, "voluntary_ctxt_switches") for n, p in pids.items()}
        before = counts()
        function()
        return {n: after - before[n] for n, after in counts().items()}

    def _advertise(self):
        for _ in range(ADVERTISEMENTS):
            self._scene.routers["B"].command("advertise")
            time.sleep(ADVERTISEMENT_INTERVAL)

    def _sent(self, begin):
        """What the host sends while advertisements come, but for answers to its neighbours."""
        return sum(1 for p in judge.sent_by_mn(self._scene.packets())
                   if p.time >= begin and p.icmp_type not in (pk.NS, pk.NA))


class Start:
    """Time to ready, as told to the service manager"""

    NAMES = ["ready_first", "ready_after_crash"]

    def __init__(self, run, directory):
        self._scene = Scene(run, directory)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._path = run.directory / "notify"
        self._socket.bind(str(self._path))
        self._socket.settimeout(READY_TIMEOUT)

    def _start(self):
        """(milliseconds until it says that it is ready, the process)"""
        daemon = self._scene.daemon
        begin = time.perf_counter()
        process = self._scene.mn.start("dmmd", daemon.argv(), daemon.log,
                                       env={"NOTIFY_SOCKET": str(self._path)})
        while b"READY=1" not in self._socket.recv(4096):
            pass
        return (time.perf_counter() - begin) * 1e3, process

    def _bare(self):
        """A start that does nothing: the floor."""
        begin = time.perf_counter()
        subprocess.run(self._scene.mn.argv(DMMD, "--version"), stdout=subprocess.DEVNULL,
                       check=True)
        return (time.perf_counter() - begin) * 1e3

    def figures(self):
        scene, first, again = self._scene, [], []
        try:
            scene.start_routers()
            scene.start_agents()
            scene.configure()
            scene.plug("w0", "B")
            for _ in range(STARTS):
                taken, process = self._start()
                first.append(taken)
                scene.wait_bound("B")
                process.kill()
                taken, process = self._start()
                again.append(taken)
                process.stop()
            bare = [self._bare() for _ in range(STARTS)]
        finally:
            scene.close()
            self._socket.close()
        return [Figure(name, statistics.median(samples), "ms", len(samples), min(samples),
                       max(samples), "`dmmd --version`", statistics.median(bare))
                for name, samples in (("ready_first", first), ("ready_after_crash", again))]
