"""nginx and HAProxy with the configurations of docs/deployment: other ports and paths, nothing else."""

from __future__ import annotations

import os
import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

import trio
import trustme

from tools import ROOT, require_tool

CONFIGURATIONS = ROOT / "docs" / "deployment"

#: What nginx has in its main file on every system; this one needs no privileges and no folder but its own.
#: `user` is for root alone: the worker reads what this process has written.
NGINX_MAIN = """\
daemon off;
user root;
pid {folder}/pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {site};
}}
"""


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """The text with all these changes, of which none may be in vain."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


class Proxy(ABC):
    """A program that terminates TLS in front of our server.

    It inherits a listening socket, so the test need not wait for its start or guess a port.

    Args:
        folder: where its files go.
        authority: the authority that has signed its certificate.

    Attributes:
        debian: the Debian package.
        silence: changes of the configuration that make the proxy give up silent connections after a second.
        appending: changes that make it pass on the addresses that it is told, with its own client's behind them.
        single: the line that names our server, in whose place several may be.
    """

    name: str
    debian: str
    silence: ClassVar[Mapping[str, str]]
    appending: ClassVar[Mapping[str, str]]
    single: str

    def __init__(self, folder: Path, authority: trustme.CA) -> None:
        self.program = require_tool(self.name, debian=self.debian)
        self.folder = folder
        self.authority = authority
        self.certificate = authority.issue_cert("127.0.0.1")

    @asynccontextmanager
    async def before(self, *servers: str, changed: Mapping[str, str] | None = None) -> AsyncIterator[str]:
        """``async with proxy.before(url) as public:`` the proxy runs and passes on what is sent to ``public``.

        Args:
            *servers: the URLs of our servers, which the configuration calls 127.0.0.1:3000, :3001 and so on.
            changed: what is replaced in the configuration before that.
        """
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            address = "{}:{}".format(*listener.getsockname())
            changes = dict(changed or {})
            for number, server in enumerate(servers):
                changes[f"127.0.0.1:{3000 + number}"] = server.removeprefix("http://")
            command, environment = self._command(changes, address, listener.fileno())
            process = await trio.lowlevel.open_process(
                command, pass_fds=[listener.fileno()], env={**os.environ, **environment}
            )
        try:
            yield f"https://{address}"
        finally:
            process.terminate()  # at once, and nginx takes its worker along
            with trio.CancelScope(shield=True):
                await process.wait()

    @abstractmethod
    def _command(
        self, changes: dict[str, str], address: str, descriptor: int
    ) -> tuple[list[str], dict[str, str]]:
        """Write the configuration; how the program is started with it, and its environment."""

    def _write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, "utf-8")
        return path


class Nginx(Proxy):
    name = "nginx"
    debian = "nginx-light"
    silence: ClassVar = {"proxy_read_timeout   60s": "proxy_read_timeout 1s"}
    appending: ClassVar = {"X-Forwarded-For   $remote_addr": "X-Forwarded-For $proxy_add_x_forwarded_for"}
    single = "    server 127.0.0.1:3000;\n"

    def _command(
        self, changes: dict[str, str], address: str, descriptor: int
    ) -> tuple[list[str], dict[str, str]]:
        chain, key = self.folder / "chain.pem", self.folder / "key.pem"
        for number, part in enumerate(self.certificate.cert_chain_pems):
            part.write_to_path(chain, append=number > 0)
        self.certificate.private_key_pem.write_to_path(key)
        changes |= {
            "listen 443 ": f"listen {address} ",
            "/etc/ssl/certs/example.org.pem": str(chain),
            "/etc/ssl/private/example.org.key": str(key),
        }
        text = (CONFIGURATIONS / "nginx.conf").read_text("utf-8")
        site = self._write("site.conf", replaced(text, changes))
        main = self._write("nginx.conf", NGINX_MAIN.format(folder=self.folder, site=site))
        command = [self.program, "-e", "stderr", "-p", str(self.folder), "-c", str(main)]
        return command, {"NGINX": f"{descriptor};"}  # how it inherits from itself when it is replaced


class HAProxy(Proxy):
    name = "haproxy"
    debian = "haproxy"
    silence: ClassVar = {
        f"timeout {side:<12} 60s": f"timeout {side} 1s" for side in ("client", "server", "tunnel")
    }
    appending: ClassVar = {"http-request set-header X-Forwarded-For %[src]": "option forwardfor"}
    single = "    server socketio 127.0.0.1:3000\n"

    def _command(
        self, changes: dict[str, str], address: str, descriptor: int
    ) -> tuple[list[str], dict[str, str]]:
        everything = self.folder / "example.org.pem"
        self.certificate.private_key_and_cert_chain_pem.write_to_path(everything)
        changes |= {
            "bind :443 ": f"bind fd@{descriptor} ",
            "/etc/haproxy/example.org.pem": str(everything),
        }
        text = (CONFIGURATIONS / "haproxy.cfg").read_text("utf-8")
        return [
            self.program,
            "-db",
            "-dW",
            "-f",
            str(self._write("haproxy.cfg", replaced(text, changes))),
        ], {}


PROXIES: list[type[Proxy]] = [Nginx, HAProxy]
