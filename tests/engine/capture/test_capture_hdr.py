"""HDR, as phones film by default: a head has the colours that an ordinary recording would have given it."""

from __future__ import annotations

import itertools
from fractions import Fraction

import av
import numpy as np
import pytest

from dgtalker_engine.capture import hdr
from dgtalker_engine.capture.video import Video

BT2020, RATE = 9, 25
BT709_TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])  # BT.2087


def decoded(srgb):
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def pq(light):
    """BT.2100's inverse EOTF, cd/m² → 0 to 1."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    power = (light / 10000) ** m1
    return ((c1 + c2 * power) / (1 + c3 * power)) ** m2


def hlg(light):
    """BT.2100's inverse OOTF of a screen of 1000 cd/m², then its OETF."""
    luminance = np.maximum(light @ (0.2627, 0.6780, 0.0593) / 1000, 1e-9)[..., None]
    scene = np.clip(light / 1000 * luminance ** (1 / 1.2 - 1), 0, 1)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c)


CURVES = {hdr.PQ: pq, hdr.HLG: hlg}


def as_filmed(srgb, transfer, brighter=1.0):
    """An sRGB picture (H, W, 3), 0 to 1, as an HDR file encodes it."""
    return CURVES[transfer](hdr.WHITE * brighter * decoded(srgb) @ BT709_TO_BT2020.T)


def write(path, signal, transfer, codec, pixels):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.height, stream.width, stream.pix_fmt = *signal.shape[:2], pixels
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = BT2020, transfer, BT2020
        if codec == "libx265":
            stream.options = {"crf": "8", "preset": "ultrafast", "x265-params": "log-level=none:bframes=0"}
        filmed = av.VideoFrame.from_ndarray(np.rint(65535 * signal).astype(np.uint16), "rgb48le")
        for number in range(3):
            frame = filmed.reformat(format=pixels, dst_colorspace=BT2020)
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def patches():
    """Skin, lips, hair, eyes, grey and colours of clothes: 32 pixels each."""
    colours = [(224, 172, 140), (112, 70, 48), (190, 96, 96), (30, 22, 18), (228, 228, 222), (128, 128, 128)]
    colours += [(40, 90, 180), (60, 150, 70), (170, 40, 40), (8, 8, 8)]
    return np.repeat(np.repeat(np.array([colours], float) / 255, 32, axis=0), 32, axis=1)


def middle_of_patches(picture):
    return picture[16, 16::32].astype(float)


@pytest.mark.parametrize("transfer", [hdr.PQ, hdr.HLG])
@pytest.mark.parametrize(
    ("name", "codec", "pixels"), [("a.mov", "libx265", "yuv420p10le"), ("a.mkv", "ffv1", "yuv444p10le")]
)
def test_its_colours_are_those_of_an_ordinary_recording(tmp_path, transfer, name, codec, pixels):
    video = Video.open(write(tmp_path / name, as_filmed(patches(), transfer), transfer, codec, pixels))
    assert video.hdr
    (_, picture), *_ = video.frames()
    assert np.abs(middle_of_patches(picture) - 255 * middle_of_patches(patches())).max() < 4


@pytest.mark.parametrize("transfer", [hdr.PQ, hdr.HLG])
def test_what_is_brighter_than_white_keeps_its_order_and_its_hue(transfer):
    orange = np.array([[[1.0, 0.7, 0.4]]])
    seen = [
        hdr.to_srgb(np.rint(65535 * as_filmed(orange, transfer, times)).astype(np.uint16), transfer)[0, 0]
        for times in (0.5, 0.75, 1.0, 1.5, 2.5)
    ]
    assert all(np.all(low <= high) and low.sum() < high.sum() for low, high in itertools.pairwise(seen))
    shares = [decoded(colour / 255) / decoded(colour / 255).max() for colour in seen]
    assert np.ptp(shares, axis=0).max() < 0.02
