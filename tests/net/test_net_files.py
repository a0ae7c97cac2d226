"""What is served beside the engine: the client bundle, and static files."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import pytest

from trio_socketio import Server

NAMES = ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"]
SCRIPT = b"/* the client */" * 100


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A folder like that of the npm package."""
    (tmp_path / "package.json").write_text('{"name":"socket.io-client","version":"4.8.3"}')
    folder = tmp_path / "dist"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(SCRIPT + name.encode())
        (folder / f"{name}.map").write_bytes(b'{"version":3}')
    (folder / "secret.txt").write_text("not part of the client")
    return folder


@pytest.mark.rows("A7")
@pytest.mark.parametrize("name", NAMES)
async def test_client_files_and_their_maps(
    autojump_clock: Any, running: Any, bundle: Path, name: str
) -> None:
    async with running(Server(serve_client=bundle)) as wire:
        http = wire.http()
        response = await http.request("GET", f"/socket.io/{name}")
        assert (response.status, response.body) == (200, SCRIPT + name.encode())
        assert response.headers == {
            "content-type": "application/javascript; charset=utf-8", "content-length": str(len(response.body)),
            "cache-control": "public, max-age=0", "etag": '"4.8.3"', "vary": "Accept-Encoding",
        }  # fmt: skip
        response = await http.request("GET", f"/socket.io/{name}.map")
        assert (response.body, response.headers["content-type"]) == (b'{"version":3}', "application/json")


@pytest.mark.rows("A7")
@pytest.mark.parametrize("tag", ['"4.8.3"', 'W/"4.8.3"', '"other", W/"4.8.3"'])
async def test_client_that_has_the_file(autojump_clock: Any, running: Any, bundle: Path, tag: str) -> None:
    async with running(Server(serve_client=bundle)) as wire:
        http = wire.http()
        response = await http.request("GET", "/socket.io/socket.io.js", headers={"If-None-Match": tag})
        assert (response.status, response.body, response.headers["etag"]) == (304, b"", '"4.8.3"')
        response = await http.request("GET", "/socket.io/socket.io.js", headers={"If-None-Match": '"4.8.2"'})
        assert response.status == 200


@pytest.mark.rows("A7")
@pytest.mark.parametrize(
    ("accepts", "coding"),
    [("gzip, deflate, br", "gzip"), ("deflate", "deflate"), ("gzip;q=0.1, deflate;q=0.5", "deflate"), ("gzip;q=0", ""),
     ("GZIP; q=1", "gzip"), ("br", ""), ("gzip;q=x", ""), ("", "")],
)  # fmt: skip
async def test_content_codings(
    autojump_clock: Any, running: Any, bundle: Path, accepts: str, coding: str
) -> None:
    decode = {"gzip": gzip.decompress, "deflate": zlib.decompress, "": bytes}
    async with running(Server(serve_client=bundle)) as wire:
        headers = {"Accept-Encoding": accepts}
        response = await wire.http().request("GET", "/socket.io/socket.io.js", headers=headers)
        assert response.headers.get("content-encoding", "") == coding
        assert decode[coding](response.body) == SCRIPT + b"socket.io.js"


@pytest.mark.rows("A7")
async def test_client_is_not_served_unless_its_folder_is_named(autojump_clock: Any, running: Any) -> None:
    async with running(Server()) as wire:
        response = await wire.http().request("GET", "/socket.io/socket.io.js")
        assert (response.status, response.body) == (404, b"")


@pytest.mark.rows("A7")
@pytest.mark.parametrize("path", ["/socket.io/secret.txt", "/socket.io/../package.json", "/socket.io/package.json",
                                  "/socket.io/%2e%2e/package.json", "/socket.io/dist/socket.io.js"])  # fmt: skip
async def test_nothing_else_of_the_folder_is_served(
    autojump_clock: Any, running: Any, bundle: Path, path: str
) -> None:
    async with running(Server(serve_client=bundle)) as wire:
        assert (await wire.http().request("GET", path)).status == 404


async def test_static_files_and_folders(autojump_clock: Any, running: Any, tmp_path: Path) -> None:
    page, folder = tmp_path / "page.html", tmp_path / "assets"
    (folder / "deep").mkdir(parents=True)
    page.write_text("<p>€")
    (folder / "deep" / "style.css").write_text("p {}")
    (folder / "data.unknown").write_bytes(b"\0")
    (folder / "leak").symlink_to(tmp_path / "outside")
    (tmp_path / "outside").write_text("outside")
    async with running(Server(static_files={"/": page, "/assets/": folder})) as wire:
        http = wire.http()
        response = await http.request("GET", "/")
        assert (response.body.decode(), response.headers["content-type"]) == (
            "<p>€",
            "text/html; charset=utf-8",
        )
        response = await http.request("GET", "/assets/deep/style.css?v=1")
        assert (response.body, response.headers["content-type"]) == (b"p {}", "text/css; charset=utf-8")
        response = await http.request("GET", "/assets/data.unknown")
        assert response.headers["content-type"] == "application/octet-stream"
        response = await http.request("HEAD", "/")
        assert (response.status, response.body, response.headers["content-length"]) == (200, b"", "6")
        for path in (
            "/assets/leak",
            "/assets",
            "/assets/",
            "/assets/deep",
            "/assets/../page.html",
            "/page.html",
        ):
            assert (await http.request("GET", path)).status == 404
        response = await http.request("POST", "/", b"x")
        assert (response.status, response.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"serve_client": "nowhere"}, "holds none of"),
        ({"static_files": {"/": "nowhere"}}, "no file or folder"),
        ({"static_files": {"page": "."}}, "begins with a slash"),
    ],
)
async def test_files_that_are_not_there(options: dict[str, Any], message: str, tmp_path: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        async with Server(**options):
            pass
