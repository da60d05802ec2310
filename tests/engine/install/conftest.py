"""A server of the tests' own, with faults."""

from __future__ import annotations

import hashlib
import re
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Server:
    """Pages of an index and files below it, over HTTP.

    Attributes:
        files: what is served, by name.
        asked: the first byte of every answer with a file's bytes, in their order.
        cuts: after how many bytes each of the next answers breaks off.
        ranges: whether it can begin in the middle.
        spans: what the next answers say instead of which bytes they are.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[int] = []
        self.cuts: list[int] = []
        self.ranges = True
        self.spans: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = urllib.parse.unquote(request.path)
        if path.startswith("/simple/"):
            links = [f'<a href="../../files/{urllib.parse.quote(name)}#sha256=0">{name}</a>' for name in self.files]
            return self._send(request, 200, f"<html>{''.join(links)}</html>".encode(), {"Content-Type": "text/html"})
        data = self.files.get(path.rsplit("/", 1)[1])
        if data is None:
            return self._send(request, 404, b"")
        span = re.match(r"bytes=(\d+)-", request.headers.get("Range", ""))
        start = int(span[1]) if span and self.ranges else 0
        if start and start >= len(data):
            return self._send(request, 416, b"")
        self.asked.append(start)
        span = self.spans.pop(0) if self.spans else f"bytes {start}-{len(data) - 1}/{len(data)}"
        headers = {"Content-Range": span} if start else {}
        return self._send(request, 206 if start else 200, data[start:], headers)

    def _send(self, request: BaseHTTPRequestHandler, status: int, data: bytes, headers: dict | None = None) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            request.send_header(name, value)
        request.end_headers()
        file = "/files/" in request.path
        request.wfile.write(data[: self.cuts.pop(0)] if file and self.cuts else data)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(addon, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    served = Server()
    yield served
    served.close()


@pytest.fixture
def home(monkeypatch, tmp_path):
    """Where engines are installed: a path with spaces and umlauts."""
    if sys.platform != "linux":
        pytest.skip("the folder is set by a variable on Linux only")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "Jörg's Büro ✓"))
    return tmp_path / "Jörg's Büro ✓" / "dgtalker"


@pytest.fixture
def listed():
    """``listed(name, data) -> File``: as the catalogue would list it."""
    from blender_addon.install.packages import File

    def of(name: str, data: bytes, **more) -> File:
        return File(
            name=name,
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
            project=name.split("-")[0].replace("_", "-"),
            **more,
        )

    return of
