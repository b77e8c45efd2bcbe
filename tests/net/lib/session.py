# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP and UDP sessions whose fate is known: what is sent must come back."""
import os
import socket
import threading
import time

ECHO_PORT = 7


class EchoServer:
    """Sends back whatever comes, TCP and UDP, at all addresses of a node."""

    def __init__(self, node, port=ECHO_PORT, family=socket.AF_INET6):
        self._sockets = []
        for kind, serve in ((socket.SOCK_STREAM, self._accept), (socket.SOCK_DGRAM, self._echo)):
            s = node.socket(family, kind)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("", port))
            if kind == socket.SOCK_STREAM:
                s.listen()
            self._serve(serve, s)

    def _serve(self, function, s):
        self._sockets.append(s)
        threading.Thread(target=function, args=(s,), daemon=True).start()

    def _accept(self, listener):
        try:
            while True:
                self._serve(self._stream, listener.accept()[0])
        except OSError:
            pass  # closed: the end

    @staticmethod
    def _stream(s):
        try:
            while data := s.recv(65536):
                s.sendall(data)
        except OSError:
            pass
        s.close()

    @staticmethod
    def _echo(s):
        try:
            while True:
                data, peer = s.recvfrom(65536)
                if peer is None:
                    return  # woken by close()
                try:
                    s.sendto(data, peer)
                except OSError:
                    pass  # no way back at this moment: as if lost under way
        except OSError:
            pass

    def close(self):
        """Wake every thread from whatever it waits for."""
        for s in self._sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()


class Dead(AssertionError):
    """The session did not carry what was sent."""


class TcpSession:
    """One connection; source None leaves the choice to the kernel."""

    def __init__(self, node, to, source=None, port=ECHO_PORT, timeout=5.0,
                 family=socket.AF_INET6):
        self.socket = node.socket(family, socket.SOCK_STREAM)
        if source:
            self.socket.bind((source, 0))
        self.socket.settimeout(timeout)
        self.socket.connect((to, port))
        self.source, self.port = self.socket.getsockname()[:2]

    def exchange(self, octets=100, timeout=5.0):
        """Send, and wait for all of it to come back: the seconds that took."""
        data = os.urandom(octets)
        self.socket.settimeout(timeout)
        begin, got = time.monotonic(), b""
        sender = threading.Thread(target=self._send, args=(data,))
        sender.start()
        try:
            while len(got) < len(data):
                piece = self.socket.recv(65536)
                if not piece:
                    raise Dead(f"connection from {self.source} closed")
                got += piece
        except OSError as e:
            raise Dead(f"connection from {self.source}: {e}, {len(got)} of {octets} back") from e
        finally:
            sender.join()
        if got != data:
            raise Dead(f"connection from {self.source}: other octets came back")
        return time.monotonic() - begin

    def _send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # the receiving side tells

    def close(self):
        self.socket.close()


class UdpSession:
    def __init__(self, node, to, source=None, port=ECHO_PORT):
        self.socket = node.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect((to, port))
        self.source, self.port = self.socket.getsockname()[:2]

    def exchange(self, octets=100, timeout=5.0, interval=0.05):
        """Send until an answer comes: whether one came in time."""
        data, deadline = os.urandom(octets), time.monotonic() + timeout
        self.socket.settimeout(interval)
        while time.monotonic() < deadline:
            try:
                self.socket.send(data)
                if self.socket.recv(65536) == data:
                    return True
            except OSError:
                time.sleep(0.005)
        return False

    def close(self):
        self.socket.close()


def unreachable(node, to, source):
    """Whether nothing gets from an address to another, one way or the other."""
    try:
        session = UdpSession(node, to, source)
    except OSError:
        return True  # the kernel says so at once
    try:
        return not session.exchange(timeout=0.2)
    finally:
        session.close()
