# SPDX-License-Identifier: GPL-2.0-or-later
"""Options of router advertisements, written octet by octet: what the router peer takes with
--option, or by its command "options lan HEX..."."""
import struct

from .packets import octets

PVD, CAPTIVE_PORTAL, ROUTE = 21, 37, 24
PREFIX_PROPERTY = 253  # RFC 4727: for experiments
PVD_HTTP, PVD_LEGACY, PVD_RA = 0x8000, 0x4000, 0x2000
PUBLISHED, NO_INTERNET, DEPRECATED_SOON = 0x80, 0x40, 0x20
NOT_STATED = 255  # a cost
SERVICE = {None: 0, "non-persistent": 1, "session-lasting": 2, "fixed": 3,
           "graceful-replacement": 4}
ANCHORING = {None: 0, "local": 1, "anchored": 2}
MOBILITY = {None: 0, "none": 1, "host": 2, "network": 3}


def _option(kind, body):
    body += bytes(-(len(body) + 2) % 8)
    return bytes([kind, (len(body) + 2) // 8]) + body


def _domain_name(name):
    labels = name.rstrip(".").split(".")
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def provisioning_domain(name, http=False, legacy=False, delay=0, sequence=1, inner=b""):
    """RFC 8801 section 3.1; inner: options that stand inside."""
    flags = (PVD_HTTP if http else 0) | (PVD_LEGACY if legacy else 0) | delay
    name = _domain_name(name)
    name += bytes(-(6 + len(name)) % 8)
    return _option(PVD, struct.pack("!HH", flags, sequence) + name + inner)


def captive_portal(uri):
    """RFC 8910 section 2.3."""
    return _option(CAPTIVE_PORTAL, uri.encode())


def route(prefix, lifetime=1800, preference=0):
    """RFC 4191 section 2.3; preference: 1 high, 0 medium, -1 low."""
    address, _, length = prefix.partition("/")
    size = 0 if int(length) == 0 else 8 if int(length) <= 64 else 16
    return _option(ROUTE, struct.pack("!BBI", int(length), (preference & 3) << 3, lifetime) +
                   octets(address)[:size])


def prefix_property(prefix, service=None, anchoring=None, mobility=None, cost=NOT_STATED, flags=0,
                    version=1, kind=PREFIX_PROPERTY):
    """The experimental option: what a router says of one of its prefixes."""
    address, _, length = prefix.partition("/")
    return _option(kind, struct.pack("!BBBBBBBBHI", version, flags, SERVICE[service],
                                     ANCHORING[anchoring], MOBILITY[mobility], cost, int(length),
                                     0, 0, 0) + octets(address))
