#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may include whom, and what the engine must not do.

base <- proto, loop, conf <- mobility <- net <- sock <- bus, obs <- main.  The engine (mobility) makes
no system call and reads no clock; only net knows netlink.
"""
import re

from sources import Report, lines_of, project_files

LOWER = {"base", "loop", "conf", "proto", "mobility"}
MAY_INCLUDE = {
    "base": set(),
    "proto": {"base"},
    "loop": {"base"},
    "conf": {"base"},
    "mobility": {"base", "proto", "conf"},
    "net": LOWER,
    "sock": LOWER | {"net", "libsock-ext"},  # what it shares with the library, and no code of it
    "bus": LOWER | {"net", "sock"},
    "obs": LOWER | {"net", "sock"},
    "main.c": LOWER | {"net", "sock", "bus", "obs"},
    "daemon.h": LOWER | {"net", "sock", "bus", "obs"},
    "ops.c": LOWER | {"net", "sock", "bus", "obs"},
    "view.c": LOWER | {"net", "sock", "bus", "obs"},
    "loader.c": {"base", "net"},
    "hooks.c": {"base", "libsock-ext"},
    "attach.c": {"base"},
    "attach.h": {"base"},
    "pin.c": {"base"},
    "pin.h": {"base"},
    "fetch.c": {"base"},
}
CLI_MAY_INCLUDE = {"base"}

INCLUDE = re.compile(r'\s*#\s*include\s+(?:"(?P<own>[^"]+)"|<(?P<system>[^>]+)>)')
NETLINK = re.compile(r"(libmnl/|netlink/|linux/(rtnetlink|netlink|if_link|if_addr|neighbour|"
                     r"fib_rules|pkt_cls|pkt_sched|xfrm|inet_diag|sock_diag)\b)")
# The engine may use types and memory, and nothing that reaches outside.
ENGINE_HEADERS = {"errno.h", "fnmatch.h", "inttypes.h", "limits.h", "net/if.h", "netinet/in.h",
                  "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h",
                  "strings.h", "sys/types.h"}
ENGINE_FORBIDDEN = re.compile(
    r"\b(clock_\w+|time|gettimeofday|nanosleep|sleep|usleep|socket|sendto|sendmsg|send|recv\w*|bind|"
    r"connect|open|openat|close|read|write|ioctl|fopen|popen|system|fork|exec\w+|syscall|getrandom|"
    r"rand|random|srand|getenv|secure_getenv|getpid|if_nametoindex|if_indextoname|printf|puts|"
    r"sd_\w+|loop_now|abort|exit)\s*\(")
STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//.*|/\*.*?\*/')


def strip_comments(lines):
    """The lines without strings and comments, numbered from 1."""
    inside = False
    for number, line in enumerate(lines, 1):
        if inside:
            if "*/" not in line:
                continue
            line = line.split("*/", 1)[1]
            inside = False
        line = STRING_OR_COMMENT.sub("", line)
        if "/*" in line:
            line = line.split("/*", 1)[0]
            inside = True
        yield number, line


def check_includes(report, path, layer, allowed, lines):
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        own, system = match["own"], match["system"]
        if own and "/" in own:
            target = own.split("/")[0]
            if target != layer and target not in allowed:
                report.add(path, number, f"{layer} may not include {own}")
        if system and layer != "net" and NETLINK.match(system):
            report.add(path, number, f"only net may include <{system}>")
        if system and layer == "mobility" and system not in ENGINE_HEADERS:
            report.add(path, number, f"the engine may not include <{system}>")


def check_engine(report, path, lines):
    for number, line in strip_comments(lines):
        # What it calls through its table of operations is what it may do.
        for match in ENGINE_FORBIDDEN.finditer(line):
            if not re.search(r"(->|\.)\s*$", line[:match.start()]):
                report.add(path, number, f"the engine may not call {match[1]}()")


def main():
    report = Report("layers")
    for path in project_files():
        if path.suffix not in (".c", ".h"):
            continue
        parts = path.parts
        if parts[0] == "daemon":
            layer = parts[1]
            if layer not in MAY_INCLUDE:
                report.add(path, 1, f"{layer} is in no layer: add it to tests/lint/layers.py")
                continue
            check_includes(report, path, layer, MAY_INCLUDE[layer], lines_of(path))
            if layer == "mobility":
                check_engine(report, path, lines_of(path))
        elif parts[0] == "cli":
            check_includes(report, path, "cli", CLI_MAY_INCLUDE, lines_of(path))
    report.finish()


main()
