"""Pictures as files: read back by others' readers, they hold what was rendered, and say what they are."""

from __future__ import annotations

import argparse
import io
import struct
import zlib
from xml.etree import ElementTree

import numpy as np
import OpenEXR
import pytest
from PIL import Image

from dgtalker_engine.cli.main import parser
from dgtalker_engine.rendering.formats import FORMATS, Format, LayerPicture, pixels
from dgtalker_engine.wire import FileFormat, ShotPass
from dgtalker_engine.wire.provenance import xmp

SIZES = [(1, 1), (7, 3), (16, 16), (33, 17), (130, 50)]  # width, height; an EXR block has 16 lines


def picture(width, height, noisy=False):
    """A head-like disc with soft edges on nothing, or noise that nothing makes smaller."""
    dice = np.random.default_rng(width)
    y, x = np.mgrid[0:height, 0:width]
    distance = np.hypot(x - width / 2, y - height / 2) / max(width, height)
    alpha = dice.random((height, width)) if noisy else np.clip(2 - 5 * distance, 0, 1)
    colours = dice.random((height, width, 3)) if noisy else np.stack([x / width, y / height, distance], axis=-1)
    depth = np.where(alpha > 0, 1 + distance, 1e10)
    return np.concatenate([colours * alpha[..., None], alpha[..., None]], -1).astype("f4"), depth.astype("f4")


def png_chunks(data):
    """The kinds and data of a PNG's chunks, whose checksums are right."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, chunks = 8, []
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        content = data[place + 8 : place + 8 + length]
        assert struct.unpack(">I", data[place + 8 + length : place + 12 + length])[0] == zlib.crc32(kind + content)
        chunks.append((kind, content))
        place += 12 + length
    return chunks


def read_png16(data):
    """A second reader: Pillow reduces 16 bit RGBA to 8."""
    chunks = dict(png_chunks(data))
    width, height, depth, kind, *_ = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, kind) == (16, 6)
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), "u1").reshape(height, 1 + 8 * width)
    assert (lines[:, 0] == 2).all()  # each line is the difference to the one above
    return np.cumsum(lines[:, 1:], axis=0, dtype="u1").view(">u2").reshape(height, width, 4)


def read_exr(data, tmp_path):
    path = tmp_path / "picture.exr"
    path.write_bytes(data)
    file = OpenEXR.File(str(path))
    channels = file.channels()
    return file.header(), channels["RGBA"].pixels, channels["Z"].pixels


@pytest.mark.parametrize("noisy", [False, True], ids=["disc", "noise"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_png_of_8_bit_is_read_back(width, height, noisy):
    rgba, depth = picture(width, height, noisy)
    image = Image.open(io.BytesIO(FORMATS["png"].encode(rgba, depth, "")))
    assert (image.mode, image.size, image.format) == ("RGBA", (width, height), "PNG")
    difference = np.asarray(image).astype(int) - pixels.reference(rgba, 255)
    assert np.abs(difference).max() <= 1
    assert (difference != 0).mean() < 0.01


@pytest.mark.parametrize("noisy", [False, True], ids=["disc", "noise"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_png_of_16_bit_is_read_back_by_two_readers(width, height, noisy):
    rgba, depth = picture(width, height, noisy)
    data = FORMATS["png16"].encode(rgba, depth, "")
    fine = read_png16(data).astype(int)
    assert np.abs(fine - pixels.reference(rgba, 65535)).max() <= 1
    coarse = np.asarray(Image.open(io.BytesIO(data))).astype(int)
    assert np.abs(coarse - fine / 257).max() <= 1


@pytest.mark.parametrize("noisy", [False, True], ids=["disc", "noise"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_an_exr_is_read_back_exactly(width, height, noisy, tmp_path):
    rgba, depth = picture(width, height, noisy)
    header, colours, z = read_exr(FORMATS["exr"].encode(rgba, depth, ""), tmp_path)
    assert colours.dtype == np.float16
    np.testing.assert_array_equal(colours, rgba.astype(np.float16))
    assert z.dtype == np.float32
    np.testing.assert_array_equal(z, depth)
    assert header["compression"] == OpenEXR.ZIP_COMPRESSION


@pytest.mark.parametrize("bits", [16, 32])
def test_layers_and_their_passes_are_read_back(bits, tmp_path):
    """Colours as the file has them, what is no colour as it is; channels lie in the order of their bytes."""
    rgba, depth = picture(33, 17)
    passes = (
        ShotPass("Depth", "Z", "depth"),
        ShotPass("CryptoObject00", "rgba", "cryptomatte"),
        ShotPass("Alpha Rätsel", "X", "alpha"),
        ShotPass("Normal", "XYZ", "normal"),
    )
    dice = np.random.default_rng(1)
    shapes = {"CryptoObject00": (4,), "Normal": (3,), "Alpha Rätsel": ()}
    planes = {name: dice.normal(0, 1e9, (17, 33, *shape)).astype("f4") for name, shape in shapes.items()}
    layers = [
        LayerPicture(rgba, passes, {**planes, "Depth": depth}),
        LayerPicture(rgba / 2, passes[:1], {"Depth": depth}),
    ]
    kind = Format(FileFormat(kind="exr", bits=bits, layers=("View Layer", "Ärger.Combined")))
    path = tmp_path / "layers.exr"
    path.write_bytes(kind.encode_layers(layers, "x", "digest", {"cryptomatte/1234567/manifest": '{"ä":"12"}'}))
    file = OpenEXR.File(str(path), separate_channels=True)
    channels = {name: channel.pixels for name, channel in file.channels().items()}
    colours = np.float16 if bits == 16 else np.float32
    for layer, drawn in zip(kind.settings.layers, layers, strict=True):
        for i, letter in enumerate("RGBA"):
            np.testing.assert_array_equal(
                channels.pop(f"{layer}.Combined.{letter}"), drawn.rgba[..., i].astype(colours)
            )
        for each in drawn.passes:
            values = drawn.planes[each.name].reshape(17, 33, -1)
            for i, letter in enumerate(each.letters):
                np.testing.assert_array_equal(channels.pop(f"{layer}.{each.name}.{letter}"), values[..., i])
    assert not channels
    assert file.header()["BlenderMultiChannel"].startswith("Blender")
    assert file.header()["cryptomatte/1234567/manifest"] == '{"ä":"12"}'
    assert kind.digest_of(path) == "digest"


def test_halves_are_the_nearest_whatever_the_float(tmp_path):
    """Of all magnitudes, with denormals, ties, and what is too large for a half."""
    dice = np.random.default_rng(5)
    floats = np.ldexp(dice.uniform(-2, 2, (64, 64, 4)), dice.integers(-30, 16, (64, 64, 4))).astype("f4")
    floats[:8] = dice.integers(0, 31 << 10, (8, 64, 4)).astype("u2").view("f2")  # halves themselves
    floats[8:16] = floats[:8] + np.spacing(floats[:8].astype("f2")).astype("f4") / 2  # halfway to the next
    floats[0, 0] = 0.0, -0.0, 65519.0, -65504.0
    _, halves, _ = read_exr(FORMATS["exr"].encode(floats, floats[..., 0], ""), tmp_path)
    np.testing.assert_array_equal(halves, np.clip(floats, -65504, 65504).astype("f2"))
    floats[:] = 1e30, -1e30, 65520.0, np.inf
    _, halves, _ = read_exr(FORMATS["exr"].encode(floats, floats[..., 0], ""), tmp_path)
    assert halves[0, 0].tolist() == [65504, -65504, 65504, 65504]


def test_a_png_has_straight_srgb():
    linear = np.array(
        [[[0.0, 0.0, 0.0, 0.0], [1.0, 0.5, 0.0, 1.0], [0.25, 0.25, 0.25, 0.5], [4.0, 0.0, -1.0, 1.0]]], "f4"
    )
    image = Image.open(io.BytesIO(FORMATS["png"].encode(linear, linear[..., 0], "")))
    assert np.asarray(image)[0].tolist() == [[0, 0, 0, 0], [255, 188, 0, 255], [188, 188, 188, 128], [255, 0, 0, 255]]
    kinds = [kind for kind, _ in png_chunks(FORMATS["png"].encode(linear, linear[..., 0], ""))]
    assert kinds == [b"IHDR", b"sRGB", b"iTXt", b"IDAT", b"IEND"]


@pytest.mark.parametrize(("convert", "greatest"), [(pixels.to_8_bit, 255), (pixels.to_16_bit, 65535)])
def test_the_fast_conversion_is_that_of_the_reference(convert, greatest):
    """At every step of the curve, for every alpha, on odd sizes, and on pixels that nothing covers."""
    ramp = np.linspace(-0.1, 1.1, 12_007)
    alpha = np.repeat(np.array([0.0, 1e-6, 1 / 255, 0.3, 1.0, 1.2]), len(ramp)).reshape(6, -1, 1)
    rgba = np.concatenate([ramp[None, :, None] * alpha * [1.0, 0.5, 0.01], alpha], axis=-1).astype("f4")
    result = convert(rgba).astype(int)
    expected = pixels.reference(rgba, greatest).astype(int)
    assert np.abs(result - expected).max() <= 1
    assert (result != expected).mean() < 0.01
    assert not result[0].any()


def test_light_without_cover_is_not_seen_in_a_png():
    rgba = np.full((3, 20, 4), 0.5, "f4")
    rgba[..., 3] = 0
    assert not pixels.to_8_bit(rgba).any()


@pytest.mark.parametrize("name", FORMATS)
def test_every_file_says_that_it_is_synthetic_and_whose(name, tmp_path):
    rgba, depth = picture(20, 20)
    data = FORMATS[name].encode(rgba, depth, xmp(["abc123"]))
    if name == "exr":
        mark = read_exr(data, tmp_path)[0]["XML:com.adobe.xmp"]
    else:
        mark = Image.open(io.BytesIO(data)).text["XML:com.adobe.xmp"]
    assert "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia" in mark
    assert "urn:dgtalker:avatar:abc123" in mark
    assert "DGTalker 0" in mark


def test_the_mark_is_well_formed_whatever_the_hash_holds():
    packet = xmp(["<&>"])
    assert ElementTree.fromstring(packet[packet.index("?>") + 2 : packet.rindex("<?")].strip()) is not None
    assert len(packet) < 1024


@pytest.mark.parametrize("name", FORMATS)
def test_a_picture_makes_the_same_file_every_time(name):
    rgba, depth = picture(130, 50)
    assert FORMATS[name].encode(rgba, depth, "x") == FORMATS[name].encode(rgba.copy(), depth.copy(), "x")


@pytest.mark.parametrize("name", FORMATS)
def test_a_head_on_nothing_makes_a_small_file(name):
    rgba, depth = picture(512, 512)
    assert len(FORMATS[name].encode(rgba, depth, "")) < rgba.nbytes / 4


def test_the_command_line_offers_every_format():
    options = parser().parse_args(["render", "shot.json", "-o", "out"])
    assert isinstance(options, argparse.Namespace)
    assert options.format == "png"
    for name in FORMATS:
        assert parser().parse_args(["render", "s.json", "-o", "out", "--format", name]).format == name
