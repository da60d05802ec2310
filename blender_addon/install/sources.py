"""Where files come from: a folder, an index of packages or its mirror, a URL; the one place that uses the network.

No Blender.
"""

from __future__ import annotations

import contextlib
import html.parser
import http.client
import importlib.util
import json
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from dgtalker_engine.errors import DGTalkerError

from .packages import File

PYPI = "https://pypi.org/simple"
PYTORCH = "https://download.pytorch.org/whl/cpu"

OFFLINE = (
    "Blender may not use the internet. Allow it in Edit ▸ Preferences ▸ System ▸ Network ▸ Allow Online Access, or "
    "choose a folder with the engine's packages in the extension's preferences."
)

_LARGEST_PAGE = 64 * 2**20
_JSON = "application/vnd.pypi.simple.v1+json"


class BrokenLine(Exception):
    """The connection failed; the same may work in a moment."""


class _NothingLeft(Exception):
    """A server has no byte there: what was downloaded before is the whole file, or of another one."""


@dataclass(frozen=True)
class Opened:
    """A file that is being read.

    Attributes:
        read: some of the next bytes, none at its end; BrokenLine where the connection fails.
        start: the byte that it begins with: what was asked for, or 0 where the server cannot begin elsewhere.
        total: bytes of the whole file; 0 where the server does not say.
    """

    read: Callable[[], bytes]
    start: int
    total: int


@dataclass(frozen=True)
class Sources:
    """The user's settings.

    Args:
        folder: of files that were brought along; looked into first.
        pypi: an index of packages as pip takes it (PEP 503 or 691): a URL, also of a folder (``file:///…``).
        pytorch: the index of PyTorch without CUDA.
        online: whether Blender may use the internet.
        timeout: seconds that a server may be silent.
    """

    folder: Path | None = None
    pypi: str = PYPI
    pytorch: str = PYTORCH
    online: bool = True
    timeout: float = 30.0
    _links: dict[str, dict[str, str]] = field(default_factory=dict, compare=False, repr=False)

    def local(self, file: File) -> Path | None:
        """The file where it lies in the folder."""
        path = self.folder / file.name if self.folder else None
        return path if path is not None and path.is_file() else None

    @contextlib.contextmanager
    def open(self, file: File, start: int) -> Iterator[Opened]:
        """Reads a file from a byte on.

        Raises:
            DGTalkerError: it is nowhere, or may not be had.
            BrokenLine: the connection failed.
        """
        path = self.local(file)
        if path is not None:
            with path.open("rb") as stream:
                size = path.stat().st_size
                stream.seek(min(start, size))
                yield Opened(lambda: stream.read(2**18), min(start, size), size)
            return
        try:
            with self._request(self._url(file), start) as response:
                begins, total = _range(response)
                yield Opened(lambda: _read(response), begins, total)
        except _NothingLeft:
            yield Opened(bytes, start, start)

    def _url(self, file: File) -> str:
        if file.url:
            return file.url
        links = self._page(file)
        if file.name not in links:
            raise DGTalkerError(
                f"The index {self._index(file)} has no file {file.name}.",
                "Choose another index in the extension's preferences.",
            )
        return links[file.name]

    def _index(self, file: File) -> str:
        return (self.pytorch if file.index == "pytorch" else self.pypi).rstrip("/")

    def _page(self, file: File) -> dict[str, str]:
        """The URLs of all files of a project, by name."""
        page = f"{self._index(file)}/{file.project}/"
        if page not in self._links:
            with self._request(_listing(page)) as response:
                text = b""
                while part := _read(response):
                    text += part
                    if len(text) > _LARGEST_PAGE:
                        raise DGTalkerError(f"{page} is no page of an index of packages.", "Check the index.")
                self._links[page] = _links(text, response.headers.get("Content-Type", ""), response.geturl())
        return self._links[page]

    @contextlib.contextmanager
    def _request(self, url: str, start: int = 0) -> Iterator[Any]:
        scheme = urllib.parse.urlparse(url).scheme
        if scheme not in ("http", "https", "file"):
            raise DGTalkerError(f"{url} is no address of the web.", "Check the index in the extension's preferences.")
        if scheme != "file" and not self.online:
            raise DGTalkerError(OFFLINE, code="offline")
        headers = {"Accept": f"{_JSON}, text/html;q=0.5, */*;q=0.1", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        try:
            response = urllib.request.urlopen(
                urllib.request.Request(url, headers=headers), timeout=self.timeout, context=_certificates()
            )
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 416:
                    raise _NothingLeft from error
                if error.code >= 500 or error.code in (408, 429):
                    raise BrokenLine(f"the server of {url} answers {error.code} {error.reason}") from error
            raise DGTalkerError(
                f"{url} cannot be downloaded: the server answers {error.code} {error.reason}.",
                "Choose another index in the extension's preferences, or a folder with the engine's packages.",
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise BrokenLine(f"{urllib.parse.urlparse(url).netloc or url} cannot be reached: {error}") from error
        with response:
            yield response


class _Anchors(html.parser.HTMLParser):
    """The addresses that a page links to."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.addresses += [value for name, value in attrs if name == "href" and value]


def _links(page: bytes, kind: str, base: str) -> dict[str, str]:
    if kind.startswith(_JSON):
        try:
            addresses = [str(file["url"]) for file in json.loads(page)["files"]]
        except (ValueError, KeyError, TypeError) as error:
            raise DGTalkerError(f"{base} is no page of an index of packages.", "Check the index.") from error
    else:
        anchors = _Anchors()
        anchors.feed(page.decode("utf-8", "replace"))
        addresses = anchors.addresses
    links = {}
    for address in addresses:
        url = urllib.parse.urldefrag(urllib.parse.urljoin(base, address)).url
        links[urllib.parse.unquote(urllib.parse.urlparse(url).path.rsplit("/", 1)[-1])] = url
    return links


def _listing(page: str) -> str:
    """A folder in place of a server has its pages in files."""
    return f"{page}index.html" if page.startswith("file:") else page


def _read(response: Any) -> bytes:
    stream: IO[bytes] = response
    try:
        return stream.read(2**16)
    except (OSError, http.client.HTTPException) as error:
        raise BrokenLine(f"the connection broke: {error}") from error


def _range(response: Any) -> tuple[int, int]:
    """The first byte of an answer, and the bytes of the whole file."""
    length = response.headers.get("Content-Length") or "0"
    span = response.headers.get("Content-Range", "")  # bytes 100-199/200
    if getattr(response, "status", 200) != 206 or not span:
        span = "bytes 0-"
    begins = re.match(r"bytes\s+([0-9]{1,15})-", span.strip(), re.IGNORECASE)
    if begins is None or re.fullmatch(r"[0-9]{1,15}", length.strip()) is None:
        raise BrokenLine(f"its server's answer has no range that can be read ({span[:40]!r}, length {length[:40]!r})")
    return int(begins[1]), int(begins[1]) + int(length)


def _certificates() -> ssl.SSLContext:
    """Of the system; where Python knows none, those that Blender brings."""
    known = ssl.get_default_verify_paths()
    if known.cafile is None and known.capath is None and importlib.util.find_spec("certifi"):
        import certifi

        return ssl.create_default_context(cafile=certifi.where())
    return ssl.create_default_context()
