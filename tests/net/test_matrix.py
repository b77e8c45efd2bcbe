# SPDX-License-Identifier: GPL-2.0-or-later
"""The functional matrix: which source each kind of socket and program gets, by each way to it.

    asks    the program sets the option itself        given   who started it has asked for it
    asked   the address that was asked for            local   the one that the kernel chooses
    alone   left alone: an address that neither is     -       not of this way,
                                                            or not the same everywhere
    fails   the kernel cannot undo that a socket was bound to an IPv6 address, and an IPv4 address
            by the same socket is unreachable from then on

preload: libdmmsock-preload.so.  hooks: programs in the kernel.  both: one above the other.
seccomp: a supervisor, which sees connect(2) alone.
"""
import pytest
from lib import matrix, programs

#                       preload        hooks         both    seccomp
MATRIX = """
case                    asks   given   asks   given   asks   given
tcp                     asked  asked   asked  asked   asked  asked
tcp-nonblock            asked  asked   asked  asked   asked  asked
fastopen                asked  asked   asked  asked   asked  local
fastopen-connect        asked  asked   asked  asked   asked  asked
refused                 asked  asked   asked  asked   asked  asked
udp-connect             asked  asked   asked  asked   asked  asked
udp-sendto              asked  asked   asked  asked   asked  local
udp-sendmsg             asked  asked   asked  asked   asked  local
udp-sendmmsg            asked  asked   asked  asked   asked  local
udp-bound-port          asked  asked   asked  asked   asked  local
threads                 asked  asked   asked  asked   asked  asked
fork                    asked  asked   asked  asked   asked  asked
dup                     asked  asked   asked  asked   asked  asked
scm-same                asked  asked   asked  asked   asked  asked
scm-other               local  asked   asked  asked   asked  asked
exec                    local  asked   asked  asked   asked  asked
setuid                  local  local   asked  asked   asked  asked
raw-connect             local  local   asked  asked   asked  asked
uring-connect           local  local   asked  asked   asked  local
uring-sendmsg           local  local   asked  asked   asked  local
listen                  asked  alone   asked  alone   asked  alone
bind-any                asked  local   asked  local   asked  local
bound                   local  local   local  local   local  local
bound-port              local  local   local  local   local  local
connected               local  asked   local  asked   local  asked
udp-pktinfo             local  local   local  local   local  local
loopback                alone  alone   alone  alone   alone  alone
v4-mapped               alone  alone   fails  fails   fails  alone
af-inet                 alone  alone   alone  alone   alone  alone
udp-disconnect          alone  alone   fails  fails   fails  alone
other-netns             alone  alone   alone  alone   alone  alone
glibc tcp               local  local   asked  asked   asked  asked
glibc udp-sendto        local  local   asked  asked   asked  local
musl tcp                local  local   asked  asked   asked  asked
musl udp-connect        local  local   asked  asked   asked  asked
go                      local  local   asked  asked   asked  asked
python3                 asked  asked   asked  asked   asked  asked
asyncio                 asked  asked   asked  asked   asked  asked
mptcp                   asked  asked   local  -       asked  asked
happy-eyeballs          -      asked   -      asked   -      asked
curl                    -      asked   -      asked   -      asked
ssh                     -      asked   -      asked   -      asked
iperf3                  -      asked   -      asked   -      asked
"""
WAYS = ("preload asks", "preload given", "hooks asks", "hooks given", "both asks", "seccomp given")
ROWS = {row[:24].strip(): dict(zip(WAYS, row[24:].split())) for row in MATRIX.splitlines()[2:]}


@pytest.fixture(scope="module")
def host(run):
    if missing := programs.missing(programs.DMM_RUN, programs.OBJECT, matrix.APPTEST,
                                   matrix.STATIC, programs.SSHD, "curl", "ssh", "iperf3"):
        pytest.skip(f"not there: {', '.join(missing)}")
    one = matrix.Host(run)
    try:
        one.prepare()
        yield one
    finally:
        one.close()


@pytest.mark.parametrize("case", ROWS)
def test_matrix(host, case):
    if lacking := host.lacks(case):
        pytest.skip(f"no {lacking}")
    expected = {way: what for way, what in ROWS[case].items() if what != "-" and way in host.ways}
    assert {way: host.ways[way].source(case) for way in expected} == expected


def test_bare(host):
    """Without anything no case gets what nobody has asked for."""
    cases = [c for c, ways in ROWS.items() if "asked" in ways.values() and not host.lacks(c)]
    assert {case: host.ways["bare"].source(case) for case in cases} == {
        case: "alone" if case == "listen" else "local" for case in cases}
