"""Whether a picture's file is whole, told by its structure without decoding it. No Blender."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_EXR_LINES = (1, 1, 1, 16, 32, 16, 32, 32, 32, 256, 256, 32)
"""Lines of a chunk, by the number of the compression."""

_BEGINNING = 16
"""Bytes that tell a kind, and that no picture is without."""

_STRIP_OFFSETS, _STRIP_LENGTHS = 273, 279
"""Tags of a TIFF directory."""


def is_whole(path: Path) -> bool:
    """Whether a picture was written to its end; of a kind that is not known here, whether anything was.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        beginning = file.read(_BEGINNING)
        for magic, ends_well in _KINDS:
            if beginning[4:8] == b"ftyp" if magic == b"ftyp" else beginning.startswith(magic):
                try:
                    return ends_well(file, size)
                except (struct.error, ValueError, LookupError, OverflowError):
                    return False
    return size >= _BEGINNING


def _ends_with(end: bytes) -> Callable[[BinaryIO, int], bool]:
    def ends_well(file: BinaryIO, size: int) -> bool:
        file.seek(max(0, size - len(end)))
        return file.read() == end

    return ends_well


def _says_its_size(place: int, code: str, more: int = 0) -> Callable[[BinaryIO, int], bool]:
    def ends_well(file: BinaryIO, size: int) -> bool:
        return 0 < _unpack(file, place, code)[0] + more <= size

    return ends_well


def _unpack(file: BinaryIO, place: int, code: str) -> tuple[int, ...]:
    file.seek(place)
    return struct.unpack(code, file.read(struct.calcsize(code)))


def _tiff(order: str) -> Callable[[BinaryIO, int], bool]:
    def ends_well(file: BinaryIO, size: int) -> bool:
        """The strips lie in the file, as its directory says."""
        (place,) = _unpack(file, 4, f"{order}I")
        (count,) = _unpack(file, place, f"{order}H")
        numbers: dict[int, tuple[int, ...]] = {}
        for entry in range(place + 2, place + 2 + 12 * count, 12):
            tag, kind, length, value = _unpack(file, entry, f"{order}HHII")
            if tag in (_STRIP_OFFSETS, _STRIP_LENGTHS):
                code = f"{order}{length}{'H' if kind == 3 else 'I'}"
                numbers[tag] = _unpack(file, entry + 8 if struct.calcsize(code) <= 4 else value, code)
        strips = list(zip(numbers[_STRIP_OFFSETS], numbers[_STRIP_LENGTHS], strict=True))
        return all(start > 0 and start + length <= size for start, length in strips)

    return ends_well


def _boxes(file: BinaryIO, size: int) -> bool:
    """Boxes after each other, each of which says its length (ISO/IEC 14496-12)."""
    place = 0
    while place < size:
        (length,) = _unpack(file, place, ">I")
        if length == 1:
            (length,) = _unpack(file, place + 8, ">Q")
        if length == 0:  # to the file's end
            return True
        if length < 8:
            return False
        place += length
    return place == size


def _iris(file: BinaryIO, size: int) -> bool:
    """Lines lie where a table says (run lengths), or one after the other."""
    packed, depth, _, width, height, channels = _unpack(file, 2, ">BBHHHH")
    if not packed:
        return 512 + depth * width * height * channels <= size
    lines = height * channels
    numbers = _unpack(file, 512, f">{2 * lines}I")
    return all(start + length <= size for start, length in zip(numbers[:lines], numbers[lines:], strict=True))


def _radiance(file: BinaryIO, size: int) -> bool:
    """All lines, each of four channels in runs."""
    file.seek(0)
    while file.readline().strip():
        pass
    _, height, _, width = file.readline().split()
    data, place = file.read(), 0
    for _ in range(int(height)):
        if not 8 <= int(width) < 32768 or data[place : place + 2] != b"\2\2":  # lines that are not packed
            return len(data) >= 4 * int(width) * int(height)
        place += 4
        for _ in range(4):
            wanted = int(width)
            while wanted > 0:
                run = data[place]
                place += 2 if run > 128 else 1 + run
                wanted -= run - 128 if run > 128 else run
    return place <= len(data)


def _exr(file: BinaryIO, size: int) -> bool:
    """All chunks of all parts lie in the file; a table of their places is filled in last (openexr.com)."""
    (flags,) = _unpack(file, 4, "<I")
    many = bool(flags & 0x1000)
    counts = [_exr_chunks(file)]
    while many and counts[-1]:
        counts.append(_exr_chunks(file))
    total = sum(counts)
    places = struct.unpack(f"<{total}Q", file.read(8 * total))
    # part (where there are many), first line, length, data
    before = 12 if many else 8
    return all(0 < place <= size - before for place in places) and all(
        place + before + _unpack(file, place + before - 4, "<I")[0] <= size for place in places
    )


def _exr_chunks(file: BinaryIO) -> int:
    """How many chunks the header says that begins here, of a part of lines; 0 where none begins."""
    found: dict[bytes, bytes] = {}
    while name := _text(file):
        _text(file)
        (length,) = struct.unpack("<I", file.read(4))
        found[name] = file.read(length)
    if not found:
        return 0
    if b"chunkCount" in found:
        return struct.unpack("<I", found[b"chunkCount"])[0]
    _, top, _, bottom = struct.unpack("<4i", found[b"dataWindow"])
    lines = _EXR_LINES[found[b"compression"][0]]
    return -(-(bottom - top + 1) // lines)


def _text(file: BinaryIO) -> bytes:
    text = b""
    while (letter := file.read(1)) not in (b"\0", b""):
        text += letter
    if not letter:
        raise ValueError("the file ends within its header")
    return text


_KINDS: tuple[tuple[bytes, Callable[[BinaryIO, int], bool]], ...] = (
    (b"\x89PNG\r\n\x1a\n", _ends_with(b"\0\0\0\0IEND\xaeB`\x82")),
    (b"\xff\xd8", _ends_with(b"\xff\xd9")),  # JPEG
    (b"\0\0\0\x0cjP  ", _ends_with(b"\xff\xd9")),  # JPEG 2000, and its bare stream
    (b"\xff\x4f\xff\x51", _ends_with(b"\xff\xd9")),
    (b"\x76\x2f\x31\x01", _exr),
    (b"II*\0", _tiff("<")),
    (b"MM\0*", _tiff(">")),
    (b"RIFF", _says_its_size(4, "<I", 8)),  # WebP
    (b"ftyp", _boxes),  # AVIF
    (b"BM", _says_its_size(2, "<I")),
    (b"SDPX", _says_its_size(16, ">I")),  # DPX
    (b"XPDS", _says_its_size(16, "<I")),
    (b"\x80\x2a\x5f\xd7", _says_its_size(20, ">I")),  # Cineon
    (b"\x01\xda", _iris),
    (b"#?RADIANCE", _radiance),
    *((b"\0\0" + kind, _ends_with(b"TRUEVISION-XFILE.\0")) for kind in (b"\2", b"\3", b"\12", b"\13")),  # TARGA
)
