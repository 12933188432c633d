"""TLS with the real binary: pages, API and stream by https and wss, certificates that are renewed, and
what is wrong with them."""
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess

import rig
from rig import Daemon, Directory, Skip, contains, equal, until


def certificate(directory, name):
    """A self-signed certificate; skips where there is nothing to make one with."""
    openssl = shutil.which("openssl")
    if not openssl:
        raise Skip("needs the command openssl")
    cert, key = pathlib.Path(directory, "cert.pem"), pathlib.Path(directory, "key.pem")
    subprocess.run([openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
                    "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key, "-out", cert],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return {"NETSONDE_SERVE_TLS_CERT": str(cert), "NETSONDE_SERVE_TLS_KEY": str(key)}


class Secure(Daemon):
    """A daemon that is asked by TLS. Its certificate is the one that is trusted."""

    def __init__(self, data, environment, *arguments, cert=None, **kwargs):
        self.cert = cert or environment["NETSONDE_SERVE_TLS_CERT"]
        super().__init__(data, *arguments, environment=environment, **kwargs)

    def trust(self):
        return ssl.create_default_context(cafile=self.cert)

    def connect(self, context=None):
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=rig.WAIT_S)
        try:
            return (context or self.trust()).wrap_socket(raw, server_hostname="localhost")
        except BaseException:
            raw.close()
            raise

    def request(self, path, headers=None, method="GET", body=None):
        return self.ask(f"https://localhost:{self.port}{path}", headers, method, body,
                        context=self.trust())

    def watch(self):
        return self.stream("metrics", tls=self.trust(), host=f"localhost:{self.port}")

    def name(self):
        """Whose certificate it shows."""
        with self.connect() as s:
            return dict(pair[0] for pair in s.getpeercert()["subject"])["commonName"]


def test_everything():
    """Page, API and stream by TLS; the address that is printed says https"""
    with Directory() as data, Directory() as files:
        with Secure(data, certificate(files, "one")) as d:
            contains(d.output(), f"https://127.0.0.1:{d.port}/")
            status, headers, page = d.request("/")
            equal(status, 200, "page")
            contains(page, "<html")
            equal(d.json("/api/v1/info")["host"] != "", True, "info")
            with d.watch() as s:
                first = s.wait_for("metrics")["seq"]
                while s.wait_for("metrics")["seq"] < first + 5:
                    pass
                s.send(op="ping", id=1)
                equal(s.wait_for("pong")["id"], 1, "pong")
            with d.watch() as s:
                s.wait_for("metrics")
                d.stop()
                equal(s.goodbye(), 1001, "close code")


def test_plain_is_told():
    """Who speaks HTTP without TLS is told; who speaks an old TLS is refused; others do not notice"""
    with Directory() as data, Directory() as files:
        with Secure(data, certificate(files, "one")) as d, \
                d.watch() as s:
            with socket.create_connection(("127.0.0.1", d.port)) as plain:
                plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answer = plain.makefile("rb").read().decode()
            contains(answer, "HTTP/1.1 400", "https://")
            with socket.create_connection(("127.0.0.1", d.port)) as silent:
                silent.sendall(b"\x16\x03\x01\x40\x00\x01")  # the head of a record, and no more
                s.wait_for("metrics")
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
            old.set_ciphers("ALL:@SECLEVEL=0")
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
            try:
                d.connect(old).close()
                raise AssertionError("TLS 1.1 was accepted")
            except (ssl.SSLError, ConnectionError):
                pass
            s.wait_for("metrics")
            until("it is counted", lambda: d.metric("netsonde_server_tls_errors_total") >= 2)


def test_renewal():
    """SIGHUP: newcomers get the new certificate, who is there stays; a bad one changes nothing"""
    with Directory() as data, Directory() as files:
        with Secure(data, certificate(files, "one")) as d, \
                d.watch() as s:
            equal(d.name(), "one", "certificate")
            certificate(files, "two")
            equal_until = lambda name: until(f"the certificate of {name}", lambda: shows(d, name))
            d.process.send_signal(signal.SIGHUP)
            equal_until("two")
            s.wait_for("metrics")
            pathlib.Path(d.cert).write_text("nonsense", encoding="ascii")
            d.process.send_signal(signal.SIGHUP)
            d.logged("the old certificate stays in force")
            d.cert = str(pathlib.Path(files, "copy.pem"))
            certificate(files, "three")
            shutil.copy(pathlib.Path(files, "cert.pem"), d.cert)
            d.process.send_signal(signal.SIGHUP)
            equal_until("three")
            s.wait_for("metrics")


def test_other_files():
    """SIGHUP: other files than at the start wait for the next start, and the log says so"""
    with Directory() as data, Directory() as files, Directory() as others:
        environment = certificate(files, "one")
        certificate(others, "two")
        conf = pathlib.Path(files, "netsonde.yaml")

        def name(directory):
            conf.write_text(f"serve:\n  tls_cert: {directory}/cert.pem\n"
                            f"  tls_key: {directory}/key.pem\n", encoding="ascii")
        name(files)
        with Secure(data, {}, "--config", str(conf),
                    cert=environment["NETSONDE_SERVE_TLS_CERT"]) as d:
            name(others)
            d.process.send_signal(signal.SIGHUP)
            d.logged("serve.tls_cert and serve.tls_key name other files than at the start")
            equal(d.name(), "one", "certificate")


def shows(d, name):
    try:
        return d.name() == name
    except (ssl.SSLError, OSError):
        return False  # not the one that is trusted now


def test_login():
    """A login by TLS: its cookie is Secure, and no token is left in memory"""
    with Directory() as data, Directory() as files:
        environment = {**certificate(files, "one"), "NETSONDE_AUTH_MODE": "token"}
        _, token = rig.new_token(data)
        _, address, secret = rig.new_login(data, env={**os.environ, **environment})
        equal(address.split(":")[0], "https", address)
        with Secure(data, environment) as d:
            for one in (token, secret):
                status, headers, text = d.request(
                    "/api/v1/login", {"Content-Type": "application/json"}, "POST",
                    json.dumps({"token": one}).encode())
                equal(status, 200, text)
                contains(headers["Set-Cookie"], "; Secure", "; HttpOnly")
                cookie = headers["Set-Cookie"].split(";")[0]
                equal(d.request("/metrics", {"Cookie": cookie})[0], 200, "session")
            equal(d.request("/metrics", {"Authorization": f"Bearer {token}"})[0], 200, "token")
            equal(rig.in_memory(d.pid, token, secret, data), {data}, "secrets in memory")


def test_bad_files():
    """A certificate that cannot be used: no start, and which file is wrong"""
    with Directory() as data, Directory() as files:
        environment = certificate(files, "one")
        for key, text in (("NETSONDE_SERVE_TLS_CERT", "the certificate /nonexistent"),
                          ("NETSONDE_SERVE_TLS_KEY", "the key /nonexistent")):
            code, output = rig.refused(data, environment={**environment, key: "/nonexistent"})
            equal(code, 1, "exit status")
            contains(output, text, "No such file")
        code, output = rig.refused(data, environment={
            "NETSONDE_SERVE_TLS_CERT": environment["NETSONDE_SERVE_TLS_CERT"]})
        equal(code, 1, "exit status")
        contains(output, "serve.tls_key")


if __name__ == "__main__":
    rig.run([test_everything, test_plain_is_told, test_renewal, test_other_files, test_login,
             test_bad_files])
