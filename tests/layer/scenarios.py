# SPDX-License-Identifier: GPL-2.0-or-later
"""Which tests of tests/net are run on which data plane in guests, and why the others are not."""
import fnmatch
import os
import pathlib
import subprocess
import sys

from .report import TOP

DIRECTORY = TOP / "tests/net"
WALK = "walk/walk_through_two_places"

# In real time each takes many seconds: one for each thing that a plane does.
FEW = (
    "test_walk.py::test_walk_through_two_places",
    "test_moves.py::test_E06_home_again",
    "test_moves.py::test_E10_make_before_break_loses_nothing",
    "test_native.py::test_E03_R2_two_sessions_of_one_process_have_different_fates",
    "test_forged.py::test_E11_anchor_delivers_only_to_its_own_home_address[other home]",
    "test_forged.py::test_E11_routing_header_from_a_stranger_is_not_obeyed",
    "test_faults.py::test_N11_path_mtu_shrinks_in_the_middle_of_a_transfer",
    "test_restart.py::test_E14_kill_in_the_middle_of_a_stream_loses_nothing",
    "test_restart.py::test_R6_3_stop_leaves_nothing[B]",
)
# With KERNEL_SHORT, as for `make check`, without what the others show as well.
NOT_SHORT = ("E06_home_again", "E11_routing_header", "E14_kill")

SOCKET_HOOKS = "programs in the kernel for sockets, which no data plane knows of"
APPLICATIONS = "programs of others, whose sockets no data plane knows of"
ANSWERS = "what the engine makes of each status, whichever plane it is"
SERVICE = "the socket for applications, which has no packets"
JUDGE = "judges captures of other tests"
# KERNEL_FULL runs these too.
HOST = "check-net has it on this plane, and neither an older kernel nor its time changes anything"
# Files, or names within them, as they are reported, and why they are not run.
ELSEWHERE = {
    "acknowledgements/R7_refusal*": ANSWERS,
    "acknowledgements/R7_acceptance*": ANSWERS,
    "acknowledgements/*_spoilt_*": ANSWERS,
    "bus/*": "the D-Bus interface, which has no packets",
    "esp/R7_a_kernel_without_esp_*": "needs a kernel whose ESP is a module",
    "faults/E14_it_starts_while_*": "somebody who is never idle, for whom virtual time stands still",
    "fallback/*": "what happens where a plane cannot be had, by what is missing on the host",
    "hooks/*": SOCKET_HOOKS,
    "hooks_loader/*": SOCKET_HOOKS,
    "hooks_policy/*": SOCKET_HOOKS,
    "sock/[!E]*": SERVICE,
    "sock_hooks/*": SOCKET_HOOKS,
    "library/*": "the library with services of its own, without the daemon",
    "judge/*": JUDGE,
    "wire/*": JUDGE,
    "withdrawal/E04_no_session_is_lost_*": "a race, for which computing has to take time",
    "matrix/*": APPLICATIONS,
    "programs/*": APPLICATIONS,
    "properties/*": "told by advertisements and servers before any packet is tunnelled",
    "run/*": APPLICATIONS,
}
# The same for one plane.
NOT_ON = {
    "kernel": {
        "plane/counters_begin_anew_*": "reads the counters in maps of the programs",
        "plane/pins_of_another_shape_*": "the maps of the programs",
        "plane/prefix_advertisement_is_known_by_*": "the mark that the programs give",
        "plane/without_the_device_*": "takes away the device of the programs",
    },
    "bpf": {
        **dict.fromkeys((f"{name}/*" for name in (
            "acknowledgements", "anchors", "coexistence", "discovery", "failover", "liveness",
            "need", "obstacle", "policy_route", "request", "scale", "sessions", "sock", "switch",
            "timers", "withdrawal")), HOST),
    },
}


def short(node):
    """file/test as it is reported."""
    path, _, name = node.partition("::")
    return f"{pathlib.Path(path).stem.removeprefix('test_')}/{name.removeprefix('test_')}"


def _matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, p) for p in patterns)


def whole(planes):
    """{plane: tests} of the whole suite, in the order of the files."""
    text = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--collect-only",
         str(DIRECTORY)], cwd=TOP, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}).stdout
    full = bool(os.environ.get("KERNEL_FULL"))
    nodes = [line.removeprefix("tests/net/") for line in text.splitlines() if "::" in line]
    left_out = {plane: [*ELSEWHERE, *(p for p, why in NOT_ON[plane].items()
                                      if not (full and why == HOST))] for plane in planes}
    return {plane: [n for n in nodes if not _matches(short(n), left_out[plane])]
            for plane in planes}


def few(planes, less):
    """The same of the few that are run in real time; less: without some of them."""
    kept = [n for n in FEW if not (less and any(part in n for part in NOT_SHORT))]
    return {plane: kept for plane in planes}
