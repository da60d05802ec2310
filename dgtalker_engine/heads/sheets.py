"""`python -m dgtalker_engine.heads.sheets`: pictures of the built-in heads for the documentation.

Pillow, which writes the letters and the files, comes with the environment of the tests; the engine does without it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..avatar import BUILTIN_NAMES, Avatar, builtin, load
from ..errors import DGTalkerError
from ..gaussians import render
from ..gaussians.camera import Camera
from ..rig import ARKIT_NAMES
from .cycles.views import both, orbit
from .expression_presets import EMOTIONS, VISEMES

Cell = tuple[str, np.ndarray]
Size = tuple[int, int]

FOLDER = Path("docs") / "images" / "character"
MOST_BYTES = 700_000
BACKDROP = np.array([0.37, 0.41, 0.46])
HEAD, HEAD_HEIGHT = np.array([0.0, 0.0, -0.012]), 0.43
FACE, FACE_HEIGHT = np.array([0.0, -0.055, -0.014]), 0.235
EYE, EYE_HEIGHT = np.array([0.033, -0.080, 0.003]), 0.070
MOUTH, MOUTH_HEIGHT = np.array([0.0, -0.095, -0.066]), 0.085
TURNS = (-90, -60, -30, 0, 30, 60, 90)
TALKING = {"jawOpen": 0.32} | both(mouthSmile=0.35, mouthUpperUp=0.2, mouthLowerDown=0.2)


def draw(avatar: Avatar, weights: dict[str, float], camera: Camera) -> np.ndarray:
    """The head before a backdrop, sRGB uint8 (H, W, 3)."""
    picture = render(avatar.pose(avatar.rig.weights(weights)), camera)
    light = np.linspace(1.15, 0.75, camera.height)[:, None, None]
    over = np.asarray(picture.rgb) + (1 - np.asarray(picture.alpha)[..., None]) * light * BACKDROP
    return (np.clip(over, 0, 1) * 255 + 0.5).astype(np.uint8)


def face(avatar: Avatar, weights: dict[str, float], size: Size) -> np.ndarray:
    """The face from the front, and a little from its left."""
    return _fine(avatar, weights, orbit(FACE, 14, 2, FACE_HEIGHT, (2 * size[0], 2 * size[1])))


def head(avatar: Avatar, azimuth: float, size: Size) -> np.ndarray:
    """The whole head."""
    return _fine(avatar, {}, orbit(HEAD, azimuth, 3, HEAD_HEIGHT, (2 * size[0], 2 * size[1])))


def _fine(avatar: Avatar, weights: dict[str, float], camera: Camera) -> np.ndarray:
    """Drawn at twice the size: small pictures stay clear."""
    large = draw(avatar, weights, camera).astype(np.uint16)
    return ((large[::2, ::2] + large[1::2, ::2] + large[::2, 1::2] + large[1::2, 1::2] + 2) // 4).astype(np.uint8)


def shapes(avatar: Avatar, size: Size = (200, 224)) -> Image.Image:
    """Every ARKit blendshape at full strength; each row begins with the face at rest."""
    rest = ("rest", face(avatar, {}, size))
    per_row = 8
    cells: list[Cell] = []
    for index, name in enumerate(ARKIT_NAMES):
        if index % per_row == 0:
            cells.append(rest)
        cells.append((name, face(avatar, {name: 1.0}, size)))
    return arranged(cells, 1 + per_row)


def visemes(avatar: Avatar, size: Size = (300, 320)) -> Image.Image:
    """The 15 visemes of Oculus LipSync."""
    return arranged([(name, face(avatar, weights, size)) for name, weights in VISEMES.items()], 5)


def emotions(avatar: Avatar, size: Size = (340, 372)) -> Image.Image:
    """Twelve emotions."""
    return arranged([(name, face(avatar, weights, size)) for name, weights in EMOTIONS.items()], 4)


def turntable(avatars: list[Avatar], size: Size = (250, 330)) -> Image.Image:
    """A row for each head, from its right side to its left."""
    views = [(f"{turn}°", head(avatar, turn, size)) for avatar in avatars for turn in TURNS]
    return arranged(views, len(TURNS))


def characters(avatars: list[Avatar], size: Size = (560, 720)) -> Image.Image:
    """The heads side by side, turned towards each other."""
    turns = np.linspace(24, -24, len(avatars))
    return arranged(
        [(avatar.metadata.name, head(avatar, turn, size)) for avatar, turn in zip(avatars, turns, strict=True)],
        len(avatars),
    )


def eye(avatar: Avatar, size: Size = (1920, 1080)) -> Image.Image:
    """The left eye, close."""
    return Image.fromarray(draw(avatar, {}, orbit(EYE, 12, 0, EYE_HEIGHT, size)))


def mouth(avatar: Avatar, size: Size = (1920, 1080)) -> Image.Image:
    """The mouth, close, in the middle of a word."""
    return Image.fromarray(draw(avatar, TALKING, orbit(MOUTH, 12, 0, MOUTH_HEIGHT, size)))


def arranged(cells: list[Cell], columns: int) -> Image.Image:
    """Pictures in rows, each with its name in the lower left corner."""
    height, width = cells[0][1].shape[:2]
    rows = -(-len(cells) // columns)
    ground = tuple(int(255 * 0.75 * value) for value in BACKDROP)
    sheet = Image.new("RGB", (columns * width, rows * height), ground)
    pen, letters = ImageDraw.Draw(sheet), ImageFont.load_default(max(9, width // 15))
    for index, (name, picture) in enumerate(cells):
        x, y = index % columns * width, index // columns * height
        sheet.paste(Image.fromarray(picture), (x, y))
        pen.text((x + 8, y + height - 6), name, fill="white", font=letters, anchor="ls")
    return sheet


def save(sheet: Image.Image, path: Path) -> None:
    """Writes a JPEG, as good as its size may be.

    Raises:
        DGTalkerError: it is too large at any quality worth looking at.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for quality in (92, 88, 84, 80, 75):
        sheet.save(path, quality=quality, subsampling=0 if quality > 85 else 2)
        if path.stat().st_size <= MOST_BYTES:
            return
    path.unlink()
    raise DGTalkerError(f"{path.name} has more than {MOST_BYTES:,} bytes.", "Draw it smaller.")


def write_all(avatars: dict[str, Avatar], folder: Path) -> list[Path]:
    """Every sheet; the first head stands for all where they differ little."""
    everyone = list(avatars.values())
    sheets = {"characters": characters(everyone), "turntable": turntable(everyone)}
    sheets |= {"shapes": shapes(everyone[0]), "visemes": visemes(everyone[0])}
    for name, avatar in avatars.items():
        sheets |= {f"{name}_emotions": emotions(avatar), f"{name}_eye": eye(avatar), f"{name}_mouth": mouth(avatar)}
    paths = []
    for name, sheet in sheets.items():
        paths.append(folder / f"{name}.jpg")
        save(sheet, paths[-1])
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description="Pictures of the built-in heads.")
    parser.add_argument("-o", "--output", type=Path, default=FOLDER, metavar="DIR")
    for path in write_all({name: load(builtin(name)) for name in BUILTIN_NAMES}, parser.parse_args().output):
        print(path)


if __name__ == "__main__":
    main()
