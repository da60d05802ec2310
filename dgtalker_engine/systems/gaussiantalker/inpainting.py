"""The Inpainting Generator: a rendered face put back into the footage that it was learned from (eq. 19).

A new mouth has another chin. Where the face of the footage was and the new one is not, or the other way round, F fills
in what belongs there, and it makes the render look like the footage. It is trained for one clip on the clip's own
frames: there everything is known, so masks are made too large as new mouths would make them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...capture import packages
from ...capture.face_model import Region
from ...errors import DGTalkerError
from ...training import Config, Run, one_torch_thread, run_loop, seed_all, setting
from ...training.losses import d_ssim, l1

FACE = (Region.SKIN, Region.UPPER_FACE, Region.LIPS, Region.MOUTH_INSIDE, Region.TEETH, Region.EYES)
"""Where M may be: the face without hair, scalp and neck."""

_CHANNELS = 5
_FEATHER = 0.004
"""Of the picture's side: how softly M ends."""


@dataclass(frozen=True, kw_only=True)
class InpaintingConfig(Config):
    """The training of F for one clip."""

    steps: int = setting(300, "how many steps to train", least=1)
    batch: int = setting(4, "patches in a step", least=1)
    patch: int = setting(128, "a patch's side, pixels; a multiple of 8", least=16)
    width: int = setting(16, "channels of the first level", least=4)
    frames: int = setting(48, "of the clip, evenly spread", least=1)
    learning_rate: float = setting(2e-3, "Adam's highest learning rate", least=0.0)
    structure: float = setting(0.2, "weight of D-SSIM beside L1", least=0.0, most=1.0)
    reach: float = setting(0.035, "how far masks reach beyond the face, of the picture's side", least=0.0, most=0.2)
    bare: float = setting(0.5, "how often nothing is rendered there", least=0.0, most=1.0)


@dataclass(frozen=True)
class Footage:
    """A frame of a clip and the head rendered as it is in it.

    Attributes:
        original: I_ori, uint8 (H, W, 3) sRGB.
        rendered: I_gau, premultiplied, uint8 (H, W, 3).
        alpha: how far it covers what is behind, uint8 (H, W).
        face: `face_mask`, uint8 (H, W).
    """

    original: np.ndarray
    rendered: np.ndarray
    alpha: np.ndarray
    face: np.ndarray


def face_mask(labels: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """M of a frame, 0 to 255, without holes, uint8 (H, W).

    The paper's is the whole face. Ours fades where a mouth moves nothing: eyes and brow, ears and the hair before them
    are the footage's own, and M ends nowhere but beside the jaw.

    Args:
        labels: the frame's, `capture.regions`.
        shares: how far each pixel's part of the face goes with the mouth, 0 to 1 (H, W).
    """
    cv2 = packages.load("cv2")
    inside = np.isin(labels, [int(region) for region in FACE])
    face = np.rint(255 * inside * shares).astype(np.uint8)
    side = max(3, round(0.02 * face.shape[0])) | 1
    return cv2.morphologyEx(face, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))


def softened(mask: np.ndarray, grow: float = 0.0) -> np.ndarray:
    """A mask of bytes (H, W) grown by a share of its side and with soft edges, float32 from 0 to 1."""
    cv2 = packages.load("cv2")
    reach = round(grow * mask.shape[0])
    if reach:
        mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2))
    return cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), max(_FEATHER * mask.shape[0], 0.5))


class InpaintingGenerator(nn.Module):
    """F: a small U-Net that says how its input must change."""

    def __init__(self, width: int) -> None:
        super().__init__()
        sizes = (width, 2 * width, 3 * width, 4 * width)
        inputs = (_CHANNELS, *sizes[:-1])
        self.down = nn.ModuleList(_convolutions(a, b) for a, b in zip(inputs, sizes, strict=True))
        self.up = nn.ModuleList(_convolutions(a + b, b) for a, b in zip(sizes[:0:-1], sizes[-2::-1], strict=True))
        self.exit = nn.Conv2d(width, 3, 1)
        for parameter in self.exit.parameters():
            nn.init.zeros_(parameter)

    def forward(self, composite: Tensor, mask: Tensor, alpha: Tensor) -> Tensor:
        """The picture, sRGB (B, 3, H, W), sides multiples of 8.

        Args:
            composite: I_gau + (1 − M) I_ori (B, 3, H, W).
            mask: M (B, 1, H, W).
            alpha: of I_gau (B, 1, H, W), by which it knows where nothing is yet.
        """
        x = torch.cat([composite, mask, alpha], dim=1)
        levels = []
        for i, block in enumerate(self.down):
            x = block(F.avg_pool2d(x, 2) if i else x)
            levels.append(x)
        for block, level in zip(self.up, levels[-2::-1], strict=True):
            x = block(torch.cat([F.interpolate(x, scale_factor=2.0, mode="bilinear"), level], dim=1))
        return composite + self.exit(x)


def _convolutions(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.SiLU(), nn.Conv2d(outputs, outputs, 3, padding=1), nn.SiLU()
    )


def inpaint(
    generator: InpaintingGenerator | None, original: Tensor, rendered: Tensor, alpha: Tensor, mask: Tensor
) -> Tensor:
    """I = (1 − M) · I_ori + M · F(I_gau + (1 − M) I_ori) (eq. 19).

    Args:
        generator: F; None leaves its input as it is, with the original seen through where nothing is rendered.
        original: I_ori, sRGB (B, 3, H, W), sides multiples of 8.
        rendered: I_gau, premultiplied, likewise.
        alpha: of I_gau (B, 1, H, W).
        mask: M, 0 to 1, likewise.
    """
    if generator is None:
        return (1 - mask) * original + mask * (rendered + (1 - alpha) * original)
    composite = mask * rendered + (1 - mask) * original
    known = mask * alpha + (1 - mask)
    return (1 - mask) * original + mask * generator(_pulled(composite, known), mask, mask * alpha)


def _pulled(composite: Tensor, known: Tensor) -> Tensor:
    """F's input with blurred surroundings where nothing is rendered, by a pyramid: less is left for F to learn.

    Args:
        composite: premultiplied by `known` (B, 3, H, W).
        known: 0 to 1 (B, 1, H, W).
    """
    if min(composite.shape[-2:]) < 2:
        return composite / known.clamp(min=1e-4)
    coarse = _pulled(F.avg_pool2d(composite, 2), F.avg_pool2d(known, 2))
    wide = F.interpolate(coarse, size=composite.shape[-2:], mode="bilinear")
    return composite + (1 - known) * wide


def train(footage: Sequence[Footage], config: InpaintingConfig, run: Run | None = None) -> InpaintingGenerator:
    """F for a clip, or that of the checkpoint in `run.folder`, trained to the last step.

    Args:
        footage: frames of one size; where that is less than a patch's, patches are as large as they.
        config: of the training.
        run: where the checkpoint is kept, and who is told what.

    Raises:
        DGTalkerError: there are no frames or no faces in them, the checkpoint cannot be used, or the training diverged.
        Cancelled, Interrupted: as `training.run_loop`.
    """
    if not footage or not any(each.face.any() for each in footage):
        raise DGTalkerError("No frame shows a face to put into the footage.", "Capture the video again.")
    random = seed_all(config.seed)
    generator = InpaintingGenerator(config.width).train()
    optimiser = torch.optim.Adam(generator.parameters(), config.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, total_steps=config.steps)

    def step(number: int) -> Mapping[str, Tensor]:
        drawn = [_patch(footage[int(random.integers(len(footage)))], config, random) for _ in range(config.batch)]
        original, rendered, alpha, mask = (torch.stack(column) for column in zip(*drawn, strict=True))
        result = inpaint(generator, original, rendered, alpha, mask)
        terms = {"l1": l1(result, original)}
        if config.structure:
            pictures = (x.permute(0, 2, 3, 1).contiguous() for x in (result, original))
            terms["structure"] = config.structure * d_ssim(*pictures)
        optimiser.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        optimiser.step()
        schedule.step()
        return {name: term.detach() for name, term in terms.items()}

    parts = {"generator": generator, "optimiser": optimiser, "schedule": schedule, "random": random}
    with one_torch_thread():  # the kernels of D-SSIM bring their own
        run_loop(config, step, parts, run or Run())
    return generator.eval()


def gather(count: int, frame: Callable[[int], Footage], config: InpaintingConfig, run: Run) -> list[Footage]:
    """Footage of `config.frames` of a clip's `count` frames, evenly spread."""
    chosen = np.unique(np.linspace(0, count - 1, min(config.frames, count)).astype(int))
    result = []
    for index in chosen:
        run.check()
        result.append(frame(int(index)))
    return result


def _patch(
    footage: Footage, config: InpaintingConfig, random: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """I_ori, I_gau, its alpha, and M as another mouth would have it, of a square around an edge of the face."""
    height, width = footage.face.shape
    reach = config.reach * height
    # Chins go down and up more than to the sides.
    down, right = random.normal(0.0, reach / 2), random.normal(0.0, reach / 6)
    moved = np.roll(footage.face, (round(abs(down)), round(right)), axis=(0, 1))
    mask = softened(np.maximum(footage.face, moved), float(random.uniform(0.0, config.reach / 2)))
    alpha = footage.alpha / np.float32(255)
    rendered = footage.rendered / np.float32(255)
    if random.random() < config.bare:
        # A head without a neck, whose chin is higher: up to all of the ring between the face and M is empty.
        there = softened(np.roll(footage.face, -round(random.uniform(0.0, 0.3) * reach), axis=0))
        alpha, rendered = alpha * there, rendered * there[..., None]
    rows, columns = np.nonzero(footage.face != moved if random.random() < 0.5 else footage.face)
    if len(rows) == 0:
        rows, columns = np.nonzero(footage.face) if footage.face.any() else np.indices((height, width)).reshape(2, -1)
    side = min(config.patch, height // 8 * 8, width // 8 * 8)
    place, half = int(random.integers(len(rows))), side // 2
    top = int(np.clip(rows[place] - half, 0, height - side))
    left = int(np.clip(columns[place] - half, 0, width - side))
    window = (slice(top, top + side), slice(left, left + side))
    original = footage.original[window] / np.float32(255)
    pictures = (original, rendered[window], alpha[window][..., None], mask[window][..., None])
    tensors = [torch.from_numpy(np.ascontiguousarray(x, np.float32)).permute(2, 0, 1) for x in pictures]
    return tensors[0], tensors[1], tensors[2], tensors[3]
