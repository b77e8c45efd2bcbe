# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks that let only some packets through: rules of nftables on a router."""
import ipaddress

MOBILITY, IPV6_IN_IPV6 = 135, 41


def _rules(node, chain, *rules):
    node.command("nft", "add table ip6 filter")
    node.command("nft", f"add chain ip6 filter {chain} "
                        f"{{ type filter hook {chain} priority 0; policy accept; }}")
    for rule in rules:
        node.command("nft", f"add rule ip6 filter {chain} {rule}")


def block_protocol(node, protocol):
    """Neither way, and nobody is told."""
    _rules(node, "forward", f"meta l4proto {protocol} drop")


def hide_too_big(node):
    """Packets that are too large vanish without a word."""
    _rules(node, "output", "icmpv6 type packet-too-big drop")


def refuse_updates(node, home):
    """On the mobile node itself: to send an update of that home address fails.  The address is
    behind the header, the destination options' header, padding and the option's."""
    address = ipaddress.IPv6Address(home)
    _rules(node, "output", f"ip6 nexthdr 60 @nh,384,128 0x{int(address):032x} drop")


def open_all(node):
    node.command("nft", "flush ruleset")
