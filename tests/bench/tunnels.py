# SPDX-License-Identifier: GPL-2.0-or-later
"""What the same host can have instead: tunnels of wireguard-go and OpenVPN, MPTCP.

The tunnels, dmmd's too, begin at the mobile node and end at ha2 (see lib/topology.py), with an
address of ha2's prefix, so that the correspondent's packets to it always come by ha2.  The endpoint
at ha2 is fixed and the mobile node moves, as their users have it.  MPTCP needs no node under way:
the correspondent has it too.
"""
import pathlib
import shutil

from lib import topology as net
from lib.daemon import anchor2
from lib.run import run_command, wait_until

WIREGUARD_PORT, OPENVPN_PORT = 51820, 1194
WIREGUARD_KEEPALIVE = 25  # seconds, what its documentation tells users behind a NAT
OPENVPN_KEEPALIVE = ("10", "60")  # what its sample configuration has


class NotInstalled(RuntimeError):
    """The program, or what the kernel has to have, is not on this machine."""


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise NotInstalled(f"{program} is not installed")


class Dmmd:
    title = "dmmd"
    kind = "udp"

    def __init__(self, scene):
        self._scene, self.source = scene, net.HOME2

    def start(self):
        self._scene.start_agent()
        self._scene.configure([anchor2()]).start()

    def carriers(self):
        """Programs at both ends, as of the others: those that packets go through or wait for."""
        return [self._scene.ha2.process, self._scene.daemon.process]

    def settled(self, place, device):
        """Whether the tunnel follows the host to a place."""
        return self._scene.ha2.care_of() == net.canonical(net.care_of(place, device))


class Other:
    """What changes only with the addresses and routes of the host."""

    kind = "udp"

    def __init__(self, scene):
        self._scene, self.source = scene, net.HOME2
        self._carriers = []

    def carriers(self):
        """Programs at both ends: packets go through them."""
        return self._carriers

    def settled(self, place, device):
        scene, address = self._scene, net.care_of(place, device)
        return scene.has_address(address, device) and any(
            route.get("dev") == device
            for route in scene.mn.ip_json("-6", "route", "show", "default"))

    def arrived(self, place, device):
        """The host has been plugged into a place."""

    def close(self):
        """Beyond its processes and namespaces, what is left of it."""


class WireGuard(Other):
    title = "wireguard-go"
    programs = ("wireguard-go", "wg")

    def __init__(self, scene):
        super().__init__(scene)
        need(*self.programs)
        # Its control sockets have the names of the devices, for all namespaces of a machine.
        self.device, self._far = f"wg{scene.run.id}m", f"wg{scene.run.id}h"

    def start(self):
        mn, ha2 = self._scene.mn, self._scene.nodes.ha2
        near, far = self._start_one(mn, self.device), self._start_one(ha2, self._far)
        ha2.command("wg", "set", self._far, "listen-port", WIREGUARD_PORT,
                    "peer", near, "allowed-ips", f"{net.HOME2}/128")
        mn.command("wg", "set", self.device, "peer", far, "allowed-ips", f"{net.CN}/128",
                   "persistent-keepalive", WIREGUARD_KEEPALIVE,
                   "endpoint", f"[{net.HA2}]:{WIREGUARD_PORT}")
        ha2.ip(f"link set {self._far} up", f"route add {net.HOME2}/128 dev {self._far}")
        mn.ip(f"link set {self.device} up", f"addr add {net.HOME2}/128 dev {self.device} nodad",
              f"route add {net.CN}/128 dev {self.device} src {net.HOME2}")

    def _start_one(self, node, device):
        """The public key of one end."""
        secret = run_command("wg", "genkey")
        key = self._scene.run.directory / f"{device}.key"
        key.touch(mode=0o600)
        key.write_text(secret)
        self._add_device(node, device)
        node.command("wg", "set", device, "private-key", key)
        return run_command("wg", "pubkey", stdin=secret).strip()

    def _add_device(self, node, device):
        self._carriers.append(node.start(device, ["wireguard-go", "-f", device],
                                         self._scene.directory / f"{device}.log"))
        wait_until(self._socket(device).exists, f"{device} to listen")

    @staticmethod
    def _socket(device):
        return pathlib.Path(f"/run/wireguard/{device}.sock")

    def close(self):
        for device in (self.device, self._far):
            self._socket(device).unlink(missing_ok=True)


class KernelWireGuard(WireGuard):
    """The same by the kernel itself, where it can."""

    title = "WireGuard"
    programs = ("wg",)

    def _add_device(self, node, device):
        node.ip(f"link add {device} type wireguard")


class OpenVpn(Other):
    title = "OpenVPN"
    device = "tun0"

    def __init__(self, scene):
        super().__init__(scene)
        need("openvpn", "openssl")
        self.source = None

    def start(self):
        mn, ha2 = self._scene.mn, self._scene.nodes.ha2
        prints = {node: self._certificate(node) for node in (mn, ha2)}
        self._start_one(ha2, prints[mn], "--mode", "server", "--tls-server", "--dh", "none",
                        "--topology", "subnet", "--server-ipv6", net.HOME2_PREFIX,
                        "--lport", OPENVPN_PORT, "--keepalive", *OPENVPN_KEEPALIVE,
                        "--push", f"route-ipv6 {net.CN}/128")
        self._start_one(mn, prints[ha2], "--client", "--nobind", "--remote", net.HA2,
                        OPENVPN_PORT, "--persist-tun")

    def _files(self, node):
        return [self._scene.run.directory / f"openvpn-{node.node}.{end}" for end in ("key", "crt")]

    def _certificate(self, node):
        """A new one, signed by itself: its fingerprint."""
        key, certificate = self._files(node)
        run_command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    f"/CN={node.node}", "-keyout", str(key), "-out", str(certificate))
        return run_command("openssl", "x509", "-in", str(certificate), "-noout", "-fingerprint",
                           "-sha256").strip().partition("=")[2]

    def _start_one(self, node, fingerprint, *options):
        key, certificate = self._files(node)
        name = f"openvpn-{node.node}"
        argv = ["openvpn", "--dev", self.device, "--dev-type", "tun", "--proto", "udp6", "--key",
                key, "--cert", certificate, "--peer-fingerprint", fingerprint, *options]
        self._carriers.append(node.start(name, argv, self._scene.directory / f"{name}.log"))

    def wait_up(self):
        """Its own address is given by the server, some seconds after the first network."""
        def address():
            return next((a["local"] for a in self._scene.mn.addresses(self.device)), None)
        self.source = wait_until(address, "OpenVPN to be connected", 30, interval=0.1)


class MpTcp(Other):
    """A program beside it, mptcpd or a script, tells the kernel each new address."""

    title = "MPTCP"
    kind = "mptcp"
    NUMBER = 9

    def __init__(self, scene):
        super().__init__(scene)
        try:
            if scene.mn.sysctl("mptcp/enabled") != "1":
                raise NotInstalled("MPTCP is switched off")
        except FileNotFoundError as e:
            raise NotInstalled("the kernel has no MPTCP") from e
        self.source = None

    def start(self):
        for node in (self._scene.mn, self._scene.cn):
            node.command("ip", "mptcp", "limits", "set", "subflow", "8", "add_addr_accepted", "8")

    def arrived(self, place, device):
        scene, address = self._scene, net.canonical(net.care_of(place, device))
        scene.mn.command("ip", "mptcp", "endpoint", "delete", "id", self.NUMBER, check=False)
        wait_until(lambda: scene.has_address(address, device), f"an address in {place}", 10)
        wait_until(lambda: self._added(address, device), "the kernel to take the endpoint")

    def _added(self, address, device):
        argv = ("ip", "mptcp", "endpoint", "add", address, "dev", device, "id", self.NUMBER,
                "subflow")
        try:
            self._scene.mn.command(*argv)
            return True
        except RuntimeError:
            return False


TUNNELS = {"dmmd": Dmmd, "wireguard": WireGuard, "openvpn": OpenVpn, "mptcp": MpTcp}
