# SPDX-License-Identifier: GPL-2.0-or-later
"""Ten thousand programs that ask for an address at once."""
import os
import resource
import time

from cpu import spent
from figure import single
from lib.applications import EVENT, REQUEST, SUBSCRIBE, Client, Reply, request
from lib.places import Places
from lib.run import wait_until

MANY, ALONE = 10000, 200
ACQUIRE = 1
USERS = (0, 65534)


def client_of(scene, user):
    """A connection with the credentials of a user, which are those of the moment."""
    os.setegid(user)
    os.seteuid(user)
    try:
        return Client(scene.daemon.runtime / "sock", timeout=20.0)
    finally:
        os.seteuid(0)
        os.setegid(0)


class Clients:
    """Ten thousand clients subscribe and ask at once"""

    NAMES = ["clients_cpu", "clients_time"]

    def __init__(self, run, directory):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard < 2 * MANY:
            raise RuntimeError(f"no more than {hard} files can be opened here")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self._scene = Places(run, directory, "AB", anchored="AB")

    def figures(self):
        scene, clients = self._scene, []
        try:
            scene.standard()
            scene.attach("A")
            pid = scene.daemon.process.pid
            with client_of(scene, 0) as one:
                one.acquire("session-lasting")
                lone_cpu, lone_time = self._timed(pid, lambda: [one.acquire("session-lasting")
                                                                for _ in range(ALONE)])
            clients += [client_of(scene, user) for user in USERS for _ in range(MANY // len(USERS))]
            cpu, taken = self._timed(pid, lambda: self._all_at_once(clients))
        finally:
            for one in clients:
                one.close()
            if clients:
                wait_until(lambda: scene.daemon.ctl("status")["applications"] == 0, "all to go", 20)
            scene.close()
        told = f"{ALONE} requests of one client one after the other, times {MANY // ALONE}"
        return [single("clients_cpu", cpu, "ms", told, lone_cpu * MANY / ALONE),
                single("clients_time", taken, "ms", told, lone_time * MANY / ALONE)]

    @staticmethod
    def _timed(pid, function):
        """(milliseconds of CPU of the daemon, milliseconds of the clock)"""
        before, begin = spent(pid), time.perf_counter()
        function()
        return spent(pid) - before, (time.perf_counter() - begin) * 1e3

    @staticmethod
    def _all_at_once(clients):
        data = request(SUBSCRIBE, 1) + request(ACQUIRE, 2, "session-lasting", timeout_ms=20000)
        for one in clients:
            one.socket.send(data[:REQUEST.size])
            one.socket.send(data[REQUEST.size:])
        for one in clients:
            while (reply := Reply(one.socket.recv(64))).op != ACQUIRE:
                if reply.op != EVENT:
                    raise RuntimeError(f"a client got {reply}")
            if reply.error:
                raise RuntimeError(f"a client got {reply}")
