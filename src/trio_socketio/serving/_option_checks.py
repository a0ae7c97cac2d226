"""Checks of single options. Each raises an error that names the option and its allowed values."""

from __future__ import annotations

import inspect
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from os import PathLike

from trio_socketio.engineio import check_list, check_text, is_token

__all__ = [
    "check_application",
    "check_client_folder",
    "check_files",
    "check_function",
    "check_health_path",
    "check_initial_packet",
    "check_kind",
    "check_networks",
    "check_one_of",
    "check_path",
    "check_root_path",
    "check_subprotocols",
    "check_transports",
]


def check_function(name: str, value: object) -> None:
    """Check that an option is a function, or None."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be a function, not {value!r}")


def check_application(name: str, value: object) -> None:
    """Check that an option is an ASGI 3 application, or None: a callable with three arguments."""
    if value is None:
        return
    wrong = TypeError(
        f"{name} must be an ASGI 3 application, called with (scope, receive, send), not {value!r}"
    )
    if not callable(value) or inspect.isclass(value):
        raise wrong
    try:
        inspect.signature(value).bind(None, None, None)
    except TypeError:
        raise wrong from None
    except ValueError:  # it has no signature
        pass


def check_kind(kind: type) -> Callable[[str, object], None]:
    """Make a check that an option is an object of this class."""

    def check(name: str, value: object) -> None:
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be {kind.__name__}(...), not {value!r}")

    return check


def check_one_of(*values: str) -> Callable[[str, object], None]:
    """Make a check that an option is one of these texts."""
    choices = " or ".join(map(repr, values))

    def check(name: str, value: object) -> None:
        if value not in values:
            raise ValueError(f"{name} must be {choices}, not {value!r}")

    return check


def check_path(name: str, path: str) -> None:
    """Check the path of the engine."""
    check_text(name, path)
    if not (path.startswith("/") and path.endswith("/")):
        raise ValueError(f"{name} must begin and end with a slash, not {path!r}")


def check_health_path(name: str, path: str | None) -> None:
    """Check the path of the health check, without comparing it with other options."""
    if path is not None:
        check_text(name, path)
        if not path.startswith("/"):
            raise ValueError(f"{name} must begin with a slash, not {path!r}")


def check_root_path(name: str, path: str) -> None:
    """Check the path below which a proxy publishes an ASGI application; blank: there is none."""
    check_text(name, path)
    if path and (not path.startswith("/") or path.endswith("/") or not _is_plain_path(path)):
        raise ValueError(
            f"{name} must begin with a slash, not end with one, and have no escapes, not {path!r}"
        )


def _is_plain_path(path: str) -> bool:
    return path.isascii() and path.isprintable() and not set(path) & set(" ?#%")


def check_transports(name: str, transports: Sequence[str]) -> None:
    """Check a list of transports. It must not be empty."""
    check_list(name, transports)
    if not transports or not {"polling", "websocket"}.issuperset(transports):
        raise ValueError(f"{name} must be a list of 'polling', 'websocket' or both, not {transports!r}")


def check_subprotocols(name: str, subprotocols: Sequence[str] | None) -> None:
    """Check a list of WebSocket subprotocols, or None."""
    if subprotocols is not None:
        check_list(name, subprotocols)
        for subprotocol in subprotocols:
            if not is_token(subprotocol):
                raise ValueError(
                    f"{name} must be tokens (RFC 9110 section 5.6.2), but {subprotocol!r} is not"
                )


def check_initial_packet(name: str, packet: object) -> None:
    """Check that a message can be sent on each transport, or is None."""
    if packet is not None and not isinstance(packet, str | bytes):
        raise TypeError(f"{name} must be a str or bytes, not {packet!r}")
    if isinstance(packet, str) and "\x1e" in packet:
        raise ValueError(f"{name} must not contain U+001E, which separates packets")
    if isinstance(packet, str) and any("\ud800" <= character <= "\udfff" for character in packet):
        raise ValueError(f"{name} must not contain a lone surrogate, which UTF-8 cannot encode")


def check_networks(name: str, networks: Sequence[str]) -> None:
    """Check a list of the networks of proxies."""
    check_list(name, networks)
    for network in networks:
        if network != "unix":
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ValueError(
                    f"{name} must be networks such as '10.0.0.0/8', or 'unix': {error}"
                ) from None


def check_client_folder(name: str, folder: object) -> None:
    """Check the folder of the client bundle, or None."""
    if folder is not None and not isinstance(folder, str | PathLike):
        raise TypeError(
            f"{name} must be the path of the 'dist' folder of the npm package socket.io-client, or None, "
            f"not {folder!r}"
        )


def check_files(name: str, files: object) -> None:
    """Check a mapping of request paths to files or folders."""
    if not isinstance(files, Mapping) or not all(
        isinstance(path, str) and isinstance(source, str | PathLike) for path, source in files.items()
    ):
        raise TypeError(
            f"{name} must be a dict of request paths and the files or folders for them, "
            f"such as {{'/': 'public'}}, not {files!r}"
        )
