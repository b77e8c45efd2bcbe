# SPDX-License-Identifier: GPL-2.0-or-later
"""tcpdump beside a scenario: started before it, stopped behind it, the file kept."""
import signal

from .packets import FrameReader, parsed
from .run import wait_until

SNAP_OCTETS = 0  # whole packets
BUFFER_KIB = 8192  # for some hundred packets: each has room for the largest
STREAM_KIB = 65536  # not one of a stream is to be missed


class Capture:
    def __init__(self, node, device, path, expression="", buffer=BUFFER_KIB):
        self.node, self.device, self.path = node, device, path
        log = path.with_suffix(".tcpdump")
        log.unlink(missing_ok=True)
        self.process = node.start(
            f"tcpdump {device}",
            ["tcpdump", "-i", device, "-U", "-n", "-s", SNAP_OCTETS, "-B", buffer,
             "--immediate-mode", "-Z", "root", "-w", path, *([expression] if expression else [])],
            log)
        self.process.wait_output("listening on")
        self._reader, self._packets = FrameReader(path), []

    def _caught_up(self):
        """Whether all that was seen is written: tcpdump sleeps only when there is no more."""
        return not self.process.running() or self.process.state() == "S"

    def stop(self):
        if self.process.running():
            wait_until(self._caught_up, "tcpdump to have written all")
            self.process.stop(signal.SIGINT)

    def packets(self):
        """All packets so far, or of the whole capture once it is stopped."""
        wait_until(self._caught_up, "tcpdump to have written all", interval=0.001)
        self._packets += parsed(self._reader.frames())
        return self._packets
