# SPDX-License-Identifier: GPL-2.0-or-later
"""Short commands, started by a small process of our own.

Starting one copies what is known of the memory of who starts it, which in User-Mode Linux takes
longer than most commands themselves if that is all of pytest.
"""
import os
import socket
import subprocess
import sys
import threading

# Takes one packet a command, words between NULs, with three files; answers with the status.
HELPER = """
import os, signal, socket
s = socket.socket(fileno=0)
while True:
    words, files, _, _ = socket.recv_fds(s, 1 << 18, 3, socket.MSG_CMSG_CLOEXEC)
    if not words:
        break
    argv = [os.fsdecode(w) for w in words.split(b"\\0")]
    try:
        pid = os.posix_spawnp(argv[0], argv, os.environ, setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
            file_actions=[(os.POSIX_SPAWN_DUP2, f, n) for n, f in enumerate(files)])
        answer = f"status {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}"
    except OSError as e:
        answer = f"errno {e.errno}"
    for f in files:
        os.close(f)
    s.send(answer.encode())
"""


class Spawner:
    """One command at a time; the helper ends when we do."""

    def __init__(self):
        self._lock = threading.Lock()
        self._socket = None

    def _start(self):
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            subprocess.Popen([sys.executable, "-I", "-S", "-c", HELPER], stdin=theirs)

    def _ask(self, words, files):
        if self._socket is None:
            self._start()
        try:
            socket.send_fds(self._socket, [words], files)
            answer = self._socket.recv(100).decode()
        except BaseException:  # a test that is ended in between: nobody waits for the answer
            self._socket.close()
            self._socket = None
            raise
        return answer.split()

    def run(self, argv, stdin=""):
        """Run to the end: the status, or minus the signal's number, and both outputs."""
        words = b"\0".join(os.fsencode(a) for a in argv)
        files = [os.memfd_create(name) for name in ("stdin", "stdout", "stderr")]
        try:
            with os.fdopen(os.dup(files[0]), "wb") as f:
                f.write(stdin.encode())
            os.lseek(files[0], 0, os.SEEK_SET)
            with self._lock:
                what, number = self._ask(words, files)
            if what == "errno":
                raise OSError(int(number), os.strerror(int(number)), argv[0])
            return int(number), *(self._content(f) for f in files[1:])
        finally:
            for f in files:
                os.close(f)

    @staticmethod
    def _content(f):
        with os.fdopen(os.dup(f), "rb") as whole:
            whole.seek(0)
            return whole.read().decode()
