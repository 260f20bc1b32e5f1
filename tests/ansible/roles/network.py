"""What a guest can reach, all of it on its own loopback: Debian's mirror through a cache, named sites, the emulated AWS."""
import hashlib
import http.server
import json
import os
import pathlib
import socketserver
import ssl
import subprocess
import threading
import time
import urllib.request

from machine import enter_network

MIRROR, SITES, TLS, AWS = 3142, 80, 443, 4566


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True


class Mirror(http.server.BaseHTTPRequestHandler):
    """A proxy for apt: fetched once from outside, kept, and answered from then on."""
    protocol_version = "HTTP/1.1"
    cache = None
    lock = threading.Lock()

    def do_GET(self):
        kept = self.cache / hashlib.sha256(self.path.encode()).hexdigest()
        with self.lock:
            if not kept.exists():
                try:
                    kept.write_bytes(self.fetched())
                except urllib.error.HTTPError as error:
                    return self.send_error(error.code)
                except OSError as error:
                    return self.send_error(502, str(error))
        body = kept.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fetched(self):
        enter_network(os.getpid())
        try:
            with urllib.request.urlopen(self.path, timeout=120) as answer:
                return answer.read()
        finally:
            enter_network(self.server.leader)

    def log_message(self, *_):
        pass


class Site(http.server.SimpleHTTPRequestHandler):
    """Files by host name: `sites/HOST/PATH`."""
    protocol_version = "HTTP/1.1"
    sites = None

    def translate_path(self, path):
        path = pathlib.PurePosixPath(path.split("?")[0].lstrip("/"))
        host = self.headers.get("Host", "").split(":")[0]
        return str(self.sites / host / pathlib.PurePosixPath(*[part for part in path.parts if part != ".."]))

    def log_message(self, *_):
        pass


def listen(machine, sites, cache, authority):
    """Starts the servers of one guest; without sites, the ports of the web are the role's own."""
    mirror = type("Mirror", (Mirror,), {"cache": cache})
    site = type("Site", (Site,), {"sites": sites})
    wanted = [("127.0.0.1", MIRROR, mirror, False)]
    if sites:
        wanted += [("127.0.0.1", SITES, site, False), ("127.0.0.1", TLS, site, True)]

    def work():
        for host, port, handler, tls in wanted:
            server = Server((host, port), handler)
            server.leader = machine.leader
            if tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(authority / "site.pem", authority / "site.key")
                server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            threading.Thread(target=server.serve_forever, daemon=True).start()
    machine.inside(work)


def aws(machine, emulator, account, work):
    """The emulated AWS in the guest's network: services on a port of loopback, metadata at its real address."""
    state = work / f"{machine.name}.aws.json"
    state.write_text(json.dumps(account))
    # A session of its own, so that it answers in time where a low priority is set for the rest.
    process = subprocess.Popen(["nsenter", "-t", machine.leader, "-n", emulator, "--account", state, "--services",
                                f"127.0.0.1:{AWS}", "--metadata", "169.254.169.254:80"], stdout=subprocess.PIPE, text=True, start_new_session=True)
    if "ready" not in process.stdout.readline():
        raise RuntimeError("the emulated AWS did not start")
    time.sleep(0.05)
    return process
