#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A connection that outlasts moves: plain setsockopt(), no module.

It works where dmmd-hooks(8) attaches the option, and everywhere by

    dmm-run -b preload -t local python3 client.py ADDRESS PORT

which asks for nothing itself but makes the option known.
"""
import errno
import socket
import sys

IPV6_DMM_SERVICE = 0x444D
SESSION_LASTING = 2


def connect(address, port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    try:
        s.setsockopt(socket.IPPROTO_IPV6, IPV6_DMM_SERVICE, SESSION_LASTING)
    except OSError as e:
        if e.errno != errno.ENOPROTOOPT:
            raise
        print("the option is not there: an ordinary connection", file=sys.stderr)
    s.connect((address, port))
    return s


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: client.py ADDRESS PORT")
    with connect(sys.argv[1], int(sys.argv[2])) as s:
        print("from", s.getsockname()[0])
        s.sendall(b"hello\n")
        print(s.recv(1000).decode(errors="replace"), end="")


main()
