"""What is served beside the engine: the client bundle, and static files."""

from __future__ import annotations

import gzip
import re
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
        assert response.own_headers == {
            "content-type": "application/javascript; charset=utf-8", "content-length": str(len(response.body)),
            "cache-control": "public, max-age=0", "etag": '"4.8.3"', "vary": "Accept-Encoding",
        }  # fmt: skip
        response = await http.request("GET", f"/socket.io/{name}.map")
        assert (response.body, response.headers["content-type"]) == (b'{"version":3}', "application/json")


@pytest.mark.rows("A7")
@pytest.mark.parametrize("tag", ['"4.8.3"', 'W/"4.8.3"', '"other", W/"4.8.3"', "*"])
async def test_unchanged_file_is_answered_with_304(
    autojump_clock: Any, running: Any, bundle: Path, tag: str
) -> None:
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


@pytest.mark.rows("A7")
@pytest.mark.parametrize(
    ("accepts", "coding", "body"),
    [("gzip, deflate, br", "br", b"as br"), ("br;q=0.5, gzip;q=0.9", "gzip", b"as gzip"), ("gzip", "gzip", b"as gzip"),
     ("br;q=0", "", SCRIPT), ("", "", SCRIPT)],
)  # fmt: skip
async def test_codings_in_files_beside_the_file(
    autojump_clock: Any, running: Any, bundle: Path, accepts: str, coding: str, body: bytes
) -> None:
    """Those of the client and of others alike; with the tag of the file itself."""
    script = bundle / "socket.io.js"
    script.write_bytes(SCRIPT)
    (bundle / "socket.io.js.br").write_bytes(b"as br")
    (bundle / "socket.io.js.gz").write_bytes(b"as gzip")
    async with running(Server(serve_client=bundle, static_files={"/a.js": script, "/b/": bundle})) as wire:
        http = wire.http()
        for path in ("/socket.io/socket.io.js", "/a.js", "/b/socket.io.js"):
            response = await http.request("GET", path, headers={"Accept-Encoding": accepts})
            assert (response.body, response.headers.get("content-encoding", "")) == (body, coding)
            assert response.headers["vary"] == "Accept-Encoding"
            assert "javascript" in response.headers["content-type"]
            tag = {"Accept-Encoding": accepts, "If-None-Match": response.headers["etag"]}
            assert (await http.request("GET", path, headers=tag)).status == 304


@pytest.mark.rows("A8")
async def test_codings_do_not_lead_out_of_the_folder(
    autojump_clock: Any, running: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "assets"
    folder.mkdir()
    (folder / "page.txt").write_text("page")
    (tmp_path / "outside").write_text("outside")
    (folder / "page.txt.br").symlink_to(tmp_path / "outside")
    (folder / "page.txt.gz").mkdir()
    async with running(Server(static_files={"/": folder})) as wire:
        http = wire.http()
        for accepts, coding in (("br", None), ("gzip", "gzip")):
            response = await http.request("GET", "/page.txt", headers={"Accept-Encoding": accepts})
            assert response.headers.get("content-encoding") == coding
            assert (gzip.decompress(response.body) if coding else response.body) == b"page"
        assert (await http.request("GET", "/page.txt.br")).status == 404


@pytest.mark.rows("A8")
@pytest.mark.parametrize("order", [1, -1])
async def test_the_longest_path_decides(
    autojump_clock: Any, running: Any, tmp_path: Path, order: int
) -> None:
    """Whatever comes first in the options; what its folder does not have is not there."""
    for name in ("all/docs/page.txt", "all/docs/only.txt", "all/docsy.txt", "docs/page.txt", "one.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    paths = [("/", "all"), ("/docs", "docs"), ("/docs/page.txt/one", "one.txt"), ("/docsy.txt", "one.txt")]
    static = {path: tmp_path / name for path, name in paths[::order]}
    async with running(Server(static_files=static)) as wire:
        http = wire.http()
        found = {
            path: (await http.request("GET", path)).text
            for path in ("/docs/page.txt", "/docs/only.txt", "/docs/page.txt/one", "/docsy.txt")
        }
        assert found == {
            "/docs/page.txt": "docs/page.txt",
            "/docs/only.txt": "",
            "/docs/page.txt/one": "one.txt",
            "/docsy.txt": "one.txt",
        }


@pytest.mark.rows("A8")
@pytest.mark.parametrize("path", [
    "/assets/leak", "/assets/out/secret.txt", "/assets/../secret.txt", "/assets/%2e%2e/secret.txt",
    "/assets/..%2fsecret.txt", "/assets/..\\secret.txt", "/assets//secret.txt", "//assets/style.css",
    "/assets/./style.css", "/assets/%73tyle.css/..", "http://test/assets/../secret.txt",
])  # fmt: skip
async def test_files_outside_a_folder_are_not_served(
    autojump_clock: Any, running: Any, tmp_path: Path, path: str
) -> None:
    folder, outside = tmp_path / "assets", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "style.css").write_text("p {}")
    (outside / "secret.txt").write_text("secret")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "leak").symlink_to(tmp_path / "secret.txt")
    (folder / "out").symlink_to(outside)
    async with running(Server(static_files={"/assets/": folder})) as wire:
        http = wire.http()
        assert (await http.request("GET", "/assets/style.css")).status == 200
        response = await http.request("GET", path)
        assert (response.status, response.body) == (404, b"")


@pytest.mark.rows("A8")
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


@pytest.mark.rows("P38")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"serve_client": "nowhere"}, "'nowhere' in 'HERE' contains none of"),
        ({"static_files": {"/": "nowhere"}}, "no file or folder 'nowhere' in 'HERE'"),
        ({"static_files": {"/": "some/page.html"}}, "no file or folder 'page.html' in 'HERE/some'"),
        ({"static_files": {"/": "/nowhere/page.html"}}, "no file or folder 'page.html' in '/nowhere'"),
        ({"static_files": {"page": "."}}, "must begin with a slash"),
    ],
)
async def test_missing_files_are_reported_at_the_start(options: dict[str, Any], message: str, tmp_path: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message.replace("HERE", re.escape(str(tmp_path)))):
        async with Server(**options):
            pass
