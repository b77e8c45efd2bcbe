# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel tells listeners of links, addresses and routes, with times: ip monitor."""
import datetime
import re
from dataclasses import dataclass

STAMP = re.compile(r"^\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+)\]\s*(.*)")
LINK = re.compile(r"^(Deleted )?\d+: (\S+?)(?:@\S+)?: <([A-Z_,0-9-]*)>")
ADDRESS = re.compile(r"^(Deleted )?\d+: (\S+)\s+inet6 ([0-9a-f:]+)/\d+ (.*)")


@dataclass
class Event:
    time: float
    kind: str  # "link" or "address"
    device: str
    removed: bool
    up: bool = False  # link: with carrier
    address: str = ""
    flags: str = ""

    @property
    def usable(self):
        """An address that may be a source (RFC 4429)."""
        words = self.flags.split()
        return not self.removed and "dadfailed" not in words and (
            "tentative" not in words or "optimistic" in words)


class Monitor:
    """A listener like any other, in a process of its own so that its times are exact."""

    def __init__(self, node, path):
        path.unlink(missing_ok=True)
        self.path = path
        self.process = node.start("monitor", ["ip", "-tshort", "monitor", "link", "address"],
                                  path, env={"TZ": "UTC"})

    def stop(self):
        self.process.stop()

    def events(self):
        found = []
        for line in self.path.read_text(errors="replace").splitlines():
            stamped = STAMP.match(line)
            if not stamped:
                continue
            time = datetime.datetime.fromisoformat(stamped[1]).replace(
                tzinfo=datetime.timezone.utc).timestamp()
            found += _event(time, stamped[2])
        return found

    def link_up(self, device, after):
        """When listeners heard of the carrier, first after a time; None if they did not."""
        return next((e.time for e in self.events() if e.kind == "link" and e.device == device and
                     e.up and e.time >= after), None)

    def address_usable(self, address, after):
        return next((e.time for e in self.events() if e.kind == "address" and e.usable and
                     e.address == address and e.time >= after), None)


def _event(time, rest):
    link = LINK.match(rest)
    if link:
        yield Event(time, "link", link[2], bool(link[1]), up="LOWER_UP" in link[3].split(","))
        return
    address = ADDRESS.match(rest)
    if address:
        yield Event(time, "address", address[2], bool(address[1]), address=address[3],
                    flags=address[4])
