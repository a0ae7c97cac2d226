"""Serves a few files beside the engine: the client bundle at its usual path, and a page for demonstrations.

The files are read once, when the server starts. For anything more, put a web server in front. Each file is also sent
in gzip and deflate, and in Brotli if there is a file of its name and ``.br`` beside it. A file with ``.gz`` replaces
the gzip that is made here.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import mimetypes
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from trio_socketio.engineio import EngineResponse
from trio_socketio.net._encoding import choose_coding

__all__ = ["Files"]

#: Content codings, and the suffixes of files that are encoded in them.
SUFFIXES = {"br": ".br", "gzip": ".gz"}

#: The file names under which Node's server serves the client.
CLIENT_FILES = ("socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js")


@dataclass(frozen=True, slots=True)
class _File:
    content_type: str
    etag: str
    encodings: dict[str, bytes]  #: bodies by content coding, the preferred first; "": the file itself


def _load(path: Path, content_type: str | None = None, etag: str | None = None) -> _File:
    body = path.read_bytes()
    guessed = content_type or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if content_type is None and guessed.startswith("text/"):
        guessed += "; charset=utf-8"
    etag = etag or hashlib.sha256(body).hexdigest()[:20]
    encodings = {coding: encoded.read_bytes() for coding, encoded in _beside(path)}
    encodings.setdefault("gzip", gzip.compress(body, mtime=0))
    return _File(guessed, f'"{etag}"', {**encodings, "deflate": zlib.compress(body), "": body})


def _beside(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the encoded versions in the same folder, except symbolic links that lead out of it."""
    folder = path.resolve().parent
    for coding, suffix in SUFFIXES.items():
        encoded = path.with_name(path.name + suffix)
        if encoded.is_file() and encoded.resolve().parent == folder:
            yield coding, encoded


def _sought(path: Path) -> str:
    """Return the name of a path and its folder, for an error message."""
    return f"{path.name!r} in {str(path.parent.resolve())!r}"


class Files:
    """The files that a server serves beside the engine.

    Args:
        path: the engine's path, ``"/socket.io/"``.
        client: the ``dist`` folder of the npm package socket.io-client, or None.
        static: request paths to files or folders; a folder's files are found below its path. The longest path that fits
            a request decides, even if its folder does not have the file.

    Raises:
        ValueError: a file or folder is not there.
    """

    def __init__(self, path: str, client: Path | None, static: Mapping[str, Path]) -> None:
        self._files: dict[str, _File] = {}
        for prefix in sorted(static, key=len, reverse=True):
            self._add(prefix, static[prefix], [other for other in static if len(other) > len(prefix)])
        if client is not None:
            self._add_client(path, client)

    def _add(self, prefix: str, source: Path, longer: list[str]) -> None:
        if not prefix.startswith("/"):
            raise ValueError(f"static_files: the path {prefix!r} must begin with a slash")
        if source.is_file():
            self._files[prefix] = _load(source)
            return
        if not source.is_dir():
            raise ValueError(f"static_files: there is no file or folder {_sought(source)}")
        root = source.resolve()
        others = tuple(f"{other.rstrip('/')}/" for other in longer)
        for file in sorted(root.rglob("*")):
            path = f"{prefix.rstrip('/')}/{file.relative_to(root).as_posix()}"
            if file.is_file() and file.resolve().is_relative_to(root) and not path.startswith(others):
                self._files.setdefault(path, _load(file))

    def _add_client(self, path: str, client: Path) -> None:
        manifest = client.parent / "package.json"
        version = json.loads(manifest.read_text())["version"] if manifest.is_file() else None
        found = False
        for name in CLIENT_FILES:
            for file, kind in ((client / name, "application/javascript; charset=utf-8"),
                               (client / f"{name}.map", "application/json")):  # fmt: skip
                if file.is_file():
                    found = True
                    self._files[path + file.name] = _load(file, kind, version)
        if not found:
            raise ValueError(f"serve_client: {_sought(client)} contains none of {', '.join(CLIENT_FILES)}")

    def response(self, method: str, path: str, headers: Mapping[str, str]) -> EngineResponse | None:
        """Return the response to a request; None: there is no such file."""
        file = self._files.get(path)
        if file is None:
            return None
        if method not in ("GET", "HEAD"):
            return EngineResponse(405, [("Allow", "GET, HEAD"), ("Content-Length", "0")], close=True)
        common = [("Cache-Control", "public, max-age=0"), ("ETag", file.etag), ("Vary", "Accept-Encoding")]
        matches = {tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")}
        if matches & {file.etag, "*"}:
            return EngineResponse(304, common)
        codings = [name for name in file.encodings if name]
        coding = choose_coding(headers.get("accept-encoding", ""), codings)
        body = file.encodings[coding]
        content = [("Content-Type", file.content_type), ("Content-Length", str(len(body)))]
        if coding:
            content.append(("Content-Encoding", coding))
        return EngineResponse(200, common + content, body)
