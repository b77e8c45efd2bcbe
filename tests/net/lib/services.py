# SPDX-License-Identifier: GPL-2.0-or-later
"""Services of the network that a host asks: names, and documents by HTTPS.

    dns = scene.name_server({"pvd.example": [services.WEB]})
    web = scene.web_server("pvd.example")
    web.serve("/.well-known/pvd", json.dumps(services.domain("pvd.example", [net.PREFIX["A"]])))
    scene.standard(resolver=dns.address, environment=web.trust, FetchProvisioningDomains="yes")
    assert web.requests == ["/.well-known/pvd"]
"""
import datetime
import http.server
import socket
import ssl
import threading
import time

from .run import run_command, wait_until

DNS, WEB = "2001:db8:d::53", "2001:db8:d::443"  # on the correspondent's network
MIP6 = "_mip6._ipv6"  # RFC 5026
PVD_TYPE = "application/pvd+json"


def _own_address(node, address):
    node.ip(f"addr replace {address}/64 dev wan nodad")


class NameServer:
    """dnsmasq with nothing but what it is told.  hosts: {name: [addresses]}; srv: (name, target,
    port, priority, weight), where a higher priority is tried later."""

    def __init__(self, node, directory, hosts=None, srv=(), address=DNS):
        self.address = address
        self._node, self._log, self._runs = node, directory / "dnsmasq.log", 0
        _own_address(node, address)
        self.start(hosts or {}, srv)

    def start(self, hosts, srv=()):
        argv = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
                "--no-hosts", "--user=root", "--pid-file=", "--log-queries", "--log-facility=-",
                "--bind-interfaces", f"--listen-address={self.address}", "--local=/#/"]
        argv += [f"--host-record={name},{a}" for name, all_of in hosts.items() for a in all_of]
        argv += ["--srv-host=" + ",".join(map(str, record)) for record in srv]
        self.process = self._node.start("dnsmasq", argv, self._log)
        wait_until(lambda: f"[{self.address}]:53" in self._node.command("ss", "-Hlun6"),
                   "dnsmasq to listen")

    def change(self, hosts, srv=()):
        self.process.stop()
        self.start(hosts, srv)

    def stop(self):
        return self.process.stop()

    def queries(self):
        """(type, name) of each question so far."""
        lines = [line.split() for line in self.process.output().splitlines() if "query[" in line]
        return [(words[at][6:-1], words[at + 1]) for words in lines
                for at, word in enumerate(words) if word.startswith("query[")]


def home_agents(domain, *targets):
    """SRV records of home agents; targets: (name, priority, weight)."""
    return [(f"{MIP6}.{domain}", name, 1, priority, weight) for name, priority, weight in targets]


def domain(identifier, prefixes, seconds=3600, **more):
    """Additional information of a provisioning domain (RFC 8801 section 4.3), for json.dumps()."""
    expires = datetime.datetime.fromtimestamp(time.time() + seconds, datetime.timezone.utc)
    return {"identifier": identifier, "expires": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "prefixes": list(prefixes), **more}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):  # the name is the library's
        web = self.server.web
        web.requests.append(self.path)
        web.peers.append(self.client_address[0])
        status, kind, body, delay = web.documents.get(self.path, (404, "text/plain", b"", 0))
        time.sleep(delay)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class _Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True

    def handle_error(self, *_):
        """A client that goes away, or does not trust us, is the client's affair."""


class WebServer:
    """HTTPS with a certificate for `names` by an authority of its own: `trust` is the environment
    that makes a program believe it.  Requests are noted in `requests`, their sources in `peers`."""

    def __init__(self, node, directory, names, address=WEB, port=443):
        self.documents, self.requests, self.peers = {}, [], []
        self.address = address
        _own_address(node, address)
        self._make_certificates(directory, names)
        self.trust = {"SSL_CERT_FILE": str(directory / "ca.pem")}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / "server.pem", directory / "server.key")
        self._server = _Server((address, port), _Handler, bind_and_activate=False)
        self._server.web = self
        self._server.socket.close()
        listener = node.socket(socket.AF_INET6, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        # The handshake belongs to the thread of the connection.
        self._server.socket = context.wrap_socket(listener, server_side=True,
                                                  do_handshake_on_connect=False)
        self._server.server_activate()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @staticmethod
    def _make_certificates(directory, names):
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        run_command("openssl", "req", "-x509", *key, "-keyout", directory / "ca.key", "-out",
                    directory / "ca.pem", "-days", "2", "-subj", "/CN=test authority")
        run_command("openssl", "req", "-x509", *key, "-keyout", directory / "server.key", "-out",
                    directory / "server.pem", "-days", "2", "-subj", f"/CN={names[0]}",
                    "-addext", "subjectAltName=" + ",".join(f"DNS:{n}" for n in names),
                    "-addext", "basicConstraints=critical,CA:FALSE",
                    "-CA", directory / "ca.pem", "-CAkey", directory / "ca.key")

    def serve(self, path, body, status=200, kind=PVD_TYPE, delay=0):
        self.documents[path] = (status, kind, body.encode(), delay)

    def close(self):
        self._server.shutdown()
        self._server.server_close()
