# SPDX-License-Identifier: GPL-2.0-or-later
"""A bus of our own, with the rules of the system's and the policy that is installed."""
import subprocess

from .daemon import DMMCTL
from .run import TOP, run_command

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <include>{policy}</include>
</busconfig>
"""


class Bus:
    """A bus daemon with the rules of a system bus and the policy we install."""

    def __init__(self, run, directory):
        self._run, self._log = run, directory / "dbus.log"
        self._config, self._socket = run.directory / "bus.conf", run.directory / "bus"
        self._config.write_text(BUS_CONFIG.format(socket=self._socket,
                                                  policy=TOP / "systemd/org.dmmd1.conf"))
        self.address = f"unix:path={self._socket}"
        self.start()

    def start(self):
        self._socket.unlink(missing_ok=True)
        self.process = self._run.start("dbus", [
            "dbus-daemon", f"--config-file={self._config}", "--nofork", "--nosyslog",
            "--print-address"], self._log)
        self.process.wait_output(self.address)

    def busctl(self, *argv):
        return run_command("busctl", f"--address={self.address}", *argv)

    def has_name(self):
        return '"org.dmmd1"' in self.busctl(
            "call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "ListNames")

    def ctl(self, *argv, user=None):
        """Run dmmctl: exit code and standard output."""
        done = self._run_ctl(argv, user)
        return done.returncode, done.stdout

    def complaint(self, *argv, user=None):
        """The same of a call that fails: exit code and what it says."""
        done = self._run_ctl(argv, user)
        return done.returncode, done.stderr.strip()

    def _run_ctl(self, argv, user):
        as_user = ["setpriv", f"--reuid={user}", "--clear-groups"] if user else []
        return subprocess.run([*as_user, DMMCTL, "--bus", self.address, *argv],
                              capture_output=True, text=True, check=False)
