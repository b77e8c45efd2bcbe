# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel holds in the mobile node's namespace, and what of it is dmmd's."""
import os

from .daemon import DEVICE, PROTOCOL, ROUTE_TABLES, RULE_PRIORITIES

VOLATILE = ("valid_life_time", "preferred_life_time", "expires", "cache", "ifindex")
FLAGS_THAT_PASS = ("tentative", "optimistic")


def _plain(entry):
    return {k: v for k, v in sorted(entry.items())
            if k not in VOLATILE and k not in FLAGS_THAT_PASS}


def addresses(node):
    return [_plain(a) for a in node.addresses(scope=None)]


def routes(node):
    return [_plain(r) for r in node.ip_json("-6", "-details", "route", "show", "table", "all")]


def rules(node):
    return [_plain(r) for r in node.ip_json("-6", "-details", "rule", "show")]


def links(node):
    return sorted(f"{link['ifname']} {link['address']} mtu {link['mtu']}"
                  for link in node.ip_json("link", "show"))


def filters(node, devices=("w0", "w1")):
    """Queueing disciplines, filters and tcx programs of the interfaces."""
    found = []
    for device in devices:
        for what in (("qdisc", "show", "dev", device),
                     ("filter", "show", "dev", device, "ingress"),
                     ("filter", "show", "dev", device, "egress")):
            found += node.command("tc", *what, check=False).splitlines()
    found += node.command("bpftool", "net", "show", check=False).splitlines()
    return [line for line in found if line.strip()]


def sysctls(node):
    """All IPv6 settings that an administrator could have made."""
    def read():
        found = {}
        for base, _, names in os.walk("/proc/sys/net/ipv6"):
            for name in names:
                path = os.path.join(base, name)
                if name == "stable_secret" or "/neigh/" in path:
                    continue
                try:
                    with open(path) as f:
                        found[path] = f.read().strip()
                except OSError:
                    pass
        return found
    return node.inside(read)


def snapshot(node):
    """All that a program could leave behind; two of them compare equal when nothing is left."""
    return {
        "addresses": sorted(map(str, addresses(node))),
        "routes": sorted(map(str, routes(node))),
        "rules": sorted(map(str, rules(node))),
        "links": links(node),
        "filters": filters(node),
        "sysctls": sysctls(node),
        "nft": node.command("nft", "list", "ruleset"),
        "xfrm": node.command("ip", "xfrm", "policy") + node.command("ip", "xfrm", "state"),
    }


def difference(before, after):
    """What is new and what is gone, in words."""
    faults = []
    for part, old in before.items():
        new = after[part]
        if isinstance(old, dict):
            old, new = ([f"{k} = {v}" for k, v in part_of.items()] for part_of in (old, new))
        elif isinstance(old, str):
            old, new = old.splitlines(), new.splitlines()
        faults += [f"{part}: left behind: {line}" for line in new if line not in old]
        faults += [f"{part}: gone: {line}" for line in old if line not in new]
    return faults


def owned(node):
    """What in the namespace is dmmd's by its marks: device, protocol, tables, priorities."""
    own = [f"rule {r['priority']}" for r in rules(node) if r["priority"] in RULE_PRIORITIES]
    own += [f"route {r['dst']} table {r.get('table')}" for r in routes(node)
            if str(r.get("protocol")) in (str(PROTOCOL), "dmmd") or _number(r.get("table"))
            in ROUTE_TABLES]
    own += [f"device {link}" for link in links(node) if link.startswith(DEVICE)]
    own += [f"filter {line}" for line in filters(node) if "dmm" in line]
    return own


def _number(text):
    return int(text) if str(text).isdigit() else None
