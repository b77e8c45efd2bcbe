# SPDX-License-Identifier: GPL-2.0-or-later
"""IKEv2 with MOBIKE (RFC 4555) by strongSwan, between the mobile node and ha2 as the other tunnels.

Packets between the home address and the correspondent are in the tunnel: ESP, the kernel's own.
"""
import os
import pathlib

from lib import topology as net
from lib.run import run_command, wait_until
from tunnels import NotInstalled, Other, need

CHARON = pathlib.Path("/usr/sbin/charon-systemd")
PLUGINS = ("random nonce pem pkcs1 pubkey hmac sha1 sha2 aes kdf gmp "
           "kernel-netlink socket-default vici")
DAEMON = """charon-systemd {{
    load_modular = no
    load = {plugins}
    plugins {{
        vici {{
            socket = {socket}
        }}
    }}
}}
swanctl {{
    load = random nonce pem pkcs1 pubkey hmac sha1 sha2 aes
}}
"""
CONNECTION = """connections {{
    move {{
        version = 2
        mobike = yes
        {addresses}
        proposals = aes128-sha256-modp2048
        local {{
            auth = psk
            id = {own}
        }}
        remote {{
            auth = psk
            id = {other}
        }}
        children {{
            flow {{
                local_ts = {own_side}/128
                remote_ts = {other_side}/128
                esp_proposals = aes128gcm16
            }}
        }}
    }}
}}
secrets {{
    ike-one {{
        id-1 = mn
        id-2 = ha2
        secret = {secret}
    }}
}}
"""


class Mobike(Other):
    title = "strongSwan MOBIKE"

    def __init__(self, scene):
        super().__init__(scene)
        need("swanctl")
        if not CHARON.exists():
            raise NotInstalled("charon-systemd is not installed")

    def start(self):
        mn, ha2 = self._scene.mn, self._scene.nodes.ha2
        mn.ip(f"addr add {net.HOME2}/128 dev lo")
        secret = os.urandom(16).hex()
        self._start_one(mn, f"remote_addrs = {net.HA2}", "mn", "ha2", net.HOME2, net.CN, secret)
        self._start_one(ha2, f"local_addrs = {net.HA2}", "ha2", "mn", net.CN, net.HOME2, secret)

    def wait_up(self):
        """The exchange begins when there is a network."""
        self._control(self._scene.mn.node, "--initiate", "--child", "flow")

    def _files(self, name):
        directory = self._scene.run.directory / f"strongswan-{name}"
        return directory / "daemon.conf", directory / "swanctl.conf", directory / "vici"

    def _start_one(self, node, addresses, own, other, own_side, other_side, secret):
        daemon, connection, control = self._files(node.node)
        daemon.parent.mkdir(mode=0o700)
        daemon.write_text(DAEMON.format(plugins=PLUGINS, socket=f"unix://{control}"))
        connection.write_text(CONNECTION.format(
            addresses=addresses, own=own, other=other, own_side=own_side, other_side=other_side,
            secret=secret))
        name = f"charon-{node.node}"
        node.start(name, [CHARON], self._scene.directory / f"{name}.log",
                   {"STRONGSWAN_CONF": str(daemon)})
        wait_until(control.exists, f"{name} to listen", 15)
        self._control(node.node, "--load-all")

    def _control(self, name, *words):
        daemon, connection, control = self._files(name)
        run_command("env", f"STRONGSWAN_CONF={daemon}", f"SWANCTL_DIR={connection.parent}",
                    "swanctl", *words, "--uri", f"unix://{control}")
