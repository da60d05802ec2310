"""Milliseconds and bytes to encode a picture of the built-in head, beside other libraries in the same run.

Run by `python build.py bench writers [--sizes WxH …] [--repeats N]`; prints JSON. "head" is the head on nothing,
"noise" an opaque picture whose last bits are noise. Pillow, zlib and OpenEXR are always there; opencv-python-headless
and zlib-ng are measured where they are installed. One thread; processor milliseconds, the median. EXR is half RGBA and
float depth, and for the OpenEXR package includes NumPy's conversion to halves and the file that it insists on.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from isal import isal_zlib
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent))
from sequence import hardware, size, speaking

from dgtalker_engine import avatar
from dgtalker_engine.rendering.formats import FORMATS, pixels, png
from dgtalker_engine.rendering.frame import render_frame

Encoder = Callable[[Any], bytes]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=size, nargs="+", default=[(512, 512), (1920, 1080)])
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args(argv)

    rows = []
    for width, height in options.sizes:
        head, depth = head_picture(width, height)
        noise = noisy(head)
        for picture, rgba in (("head", head), ("noise", noise)):
            about = {"picture": picture, "width": width, "height": height}
            for name, encode in png8_writers():
                rows.append({"format": "png", "writer": name, **about, **row(encode, pixels.to_8_bit(rgba), options)})
            for name, encode in png16_writers():
                rows.append(
                    {"format": "png16", "writer": name, **about, **row(encode, pixels.to_16_bit(rgba), options)}
                )
            for name, encode in exr_writers():
                rows.append({"format": "exr", "writer": name, **about, **row(encode, (rgba, depth), options)})
            for name, convert in (("to 8 bit", pixels.to_8_bit), ("to 16 bit", pixels.to_16_bit)):
                rows.append({"format": "convert", "writer": name, **about, **row(convert, rgba, options)})
    print(json.dumps({"hardware": hardware(), "rows": rows}, indent=1))
    return 0


def head_picture(width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    head = avatar.load(avatar.builtin(avatar.BUILTIN_NAMES[0]))
    shot = speaking(head, width, height, 20)
    return render_frame(shot, shot.frames[-1], [head])


def noisy(rgba: np.ndarray) -> np.ndarray:
    result = rgba + np.random.default_rng(0).uniform(0, 0.02, rgba.shape).astype("f4")
    result[..., 3] = 1
    return result


def png8_writers() -> Iterator[tuple[str, Encoder]]:
    yield "ours", lambda values: png.encode(values, "")
    for level in (0, 1, 2, 3):
        yield f"up filter, isal {level}", lambda values, level=level: isal_zlib.compress(png._lines(values).data, level)
    yield "up filter, zlib 1", lambda values: zlib.compress(png._lines(values).data, 1)
    if (zlib_ng := installed("zlib_ng.zlib_ng")) is not None:
        for level in (1, 2):
            yield (
                f"up filter, zlib-ng {level}",
                lambda values, level=level: zlib_ng.compress(png._lines(values).data, level),
            )
    for level in (1, 6):
        yield f"Pillow {level}", lambda values, level=level: pillow(values, level)
    if (cv2 := installed("cv2")) is not None:
        cv2.setNumThreads(1)
        flags = [cv2.IMWRITE_PNG_COMPRESSION, 1]
        yield "OpenCV 1", lambda values: cv2.imencode(".png", values, flags)[1].tobytes()


def png16_writers() -> Iterator[tuple[str, Encoder]]:
    yield "ours", lambda values: png.encode(values, "")
    yield "up filter, zlib 1", lambda values: zlib.compress(png._lines(values).data, 1)
    if (cv2 := installed("cv2")) is not None:
        flags = [cv2.IMWRITE_PNG_COMPRESSION, 1]
        yield "OpenCV 1", lambda values: cv2.imencode(".png", values.astype("u2"), flags)[1].tobytes()


def exr_writers() -> Iterator[tuple[str, Encoder]]:
    yield "ours", lambda picture: FORMATS["exr"].encode(picture[0], picture[1], "")
    for name in ("NO", "RLE", "ZIPS", "ZIP", "PXR24"):
        yield f"OpenEXR {name}", lambda picture, name=name: openexr(picture[0], picture[1], name)


def pillow(values: np.ndarray, level: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values, "RGBA").save(file, "PNG", compress_level=level)
    return file.getvalue()


def openexr(rgba: np.ndarray, depth: np.ndarray, compression: str) -> bytes:
    header = {"compression": getattr(OpenEXR, f"{compression}_COMPRESSION"), "type": OpenEXR.scanlineimage}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.exr"
        OpenEXR.File(header, {"RGBA": rgba.astype(np.float16), "Z": depth}).write(str(path))
        return path.read_bytes()


def installed(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def row(encode: Callable[[Any], Any], values: Any, options: argparse.Namespace) -> dict[str, float]:
    data = encode(values)
    times = []
    for _ in range(options.repeats):
        started = time.thread_time()
        encode(values)
        times.append(1000 * (time.thread_time() - started))
    bytes_ = data.nbytes if isinstance(data, np.ndarray) else len(data)
    return {"ms": round(statistics.median(times), 2), "kib": round(bytes_ / 1024)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
