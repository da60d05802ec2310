"""Gaussians and a camera → a picture: one function, whatever renders it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from ..errors import DGTalkerError
from .backend import named
from .camera import Camera
from .cloud import Gaussians
from .colour import to_scene_linear
from .cpu.autograd import attached, needs_gradients
from .cpu.raster import rasterize
from .cpu.view import Cloud, Target, view_of
from .image import Image

Region = tuple[int, int, int, int]


def render(
    gaussians: Gaussians,
    camera: Camera,
    *,
    region: Sequence[int] | None = None,
    background: Sequence[float] | torch.Tensor = (0.0, 0.0, 0.0),
    antialiased: bool = False,
    alpha_clip: float = 0.999,
    backend: str | None = None,
) -> Image:
    """Renders a cloud of Gaussians by splatting, 3D Gaussian Splatting with gsplat's conventions.

    Args:
        gaussians: N may be 0. The sign of a scale means nothing; a scale of 0 makes a disc, a needle or a point.
        camera: an orthographic camera sees every Gaussian from its own direction of view.
        region: x, y, width, height in pixels from the top left corner. The result is that part of the whole picture:
            on the processor to the last bit, on a GPU but for rounding.
        background: RGB in the Gaussians' colour space, seen where they are transparent.
        antialiased: keep the amount of light of Gaussians smaller than a pixel (Mip-Splatting's 2D filter); without it
            they grow to a pixel's size.
        alpha_clip: the largest opacity of one Gaussian in one pixel; 0.999 as in gsplat 1.5.3, where it is fixed.
        backend: `cpu` or `cuda`; the one that `gaussians.backend` has chosen for None.

    Returns:
        Arrays; or tensors on the processor, attached to the graph, where a tensor of the cloud or the background
        requires a gradient and `torch.no_grad` is not in force. Such pictures are rendered by the processor. An α that
        is cut by the clip, or left out below 1/255, has a gradient of 0.

    Raises:
        DGTalkerError: for a region outside the picture, a background or clip out of range, too little memory,
            Gaussians with values that are not finite, and a GPU that cannot be used or has failed.
    """
    (image,) = render_many(
        [gaussians],
        [camera],
        region=region,
        background=background,
        antialiased=antialiased,
        alpha_clip=alpha_clip,
        backend=backend,
    )
    return image


def render_many(
    gaussians: Sequence[Gaussians],
    cameras: Sequence[Camera],
    *,
    region: Sequence[int] | None = None,
    background: Sequence[float] | torch.Tensor = (0.0, 0.0, 0.0),
    antialiased: bool = False,
    alpha_clip: float = 0.999,
    backend: str | None = None,
) -> list[Image]:
    """`render` of several frames, one cloud and one camera each. A GPU draws frames that are alike at once.

    The images of such a batch keep each other's memory: let go of them together.
    """
    name = _checked(gaussians, cameras, background, alpha_clip, backend)
    if name == "cuda":
        from .cuda import raster

        options = raster.Options([float(value) for value in background], antialiased, scene_linear=False)
        return [Image(*arrays) for arrays in raster.render(gaussians, cameras, region, options, alpha_clip)]
    frames = zip(gaussians, cameras, strict=True)
    return [_on_the_processor(cloud, each, region, background, antialiased, alpha_clip) for cloud, each in frames]


def render_scene_linear(
    gaussians: Sequence[Gaussians],
    cameras: Sequence[Camera],
    *,
    region: Sequence[int] | None = None,
    antialiased: bool = False,
    backend: str | None = None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """`render_many` and `colour.to_scene_linear`, both on the GPU where there is one.

    Returns:
        For each frame premultiplied scene-linear RGBA float32 (H, W, 4), and depth as in `Image`.
    """
    black, alpha_clip = (0.0, 0.0, 0.0), 0.999
    if _checked(gaussians, cameras, black, alpha_clip, backend) == "cuda":
        from .cuda import raster

        options = raster.Options(black, antialiased, scene_linear=True)
        return [(rgba, depth) for rgba, depth in raster.render(gaussians, cameras, region, options, alpha_clip)]
    images = (
        _on_the_processor(cloud, each, region, black, antialiased, alpha_clip)
        for cloud, each in zip(gaussians, cameras, strict=True)
    )
    return [(to_scene_linear(image.rgb, image.alpha), image.depth) for image in images]


def _checked(
    gaussians: Sequence[Gaussians],
    cameras: Sequence[Camera],
    background: Sequence[float] | torch.Tensor,
    alpha_clip: float,
    backend: str | None,
) -> str:
    """The renderer to use, once what does not depend on it has been found to be usable."""
    if len(gaussians) != len(cameras):
        raise DGTalkerError(f"{len(gaussians)} clouds cannot be seen by {len(cameras)} cameras, one each.")
    check_options(background, alpha_clip)
    if needs_gradients(background, *(getattr(cloud, field) for cloud in gaussians for field in Cloud._fields)):
        if backend == "cuda":
            raise DGTalkerError(
                "Pictures rendered on the GPU have no gradients.", "Ask for the renderer `cpu`, or use torch.no_grad."
            )
        return "cpu"
    return named(backend)


def _on_the_processor(
    gaussians: Gaussians,
    camera: Camera,
    region: Sequence[int] | None,
    background: Sequence[float] | torch.Tensor,
    antialiased: bool,
    alpha_clip: float,
) -> Image:
    region = checked_region(camera, region)
    tensors = tuple(getattr(gaussians, name) for name in Cloud._fields)
    cloud, view = Cloud(*map(array_of, tensors)), view_of(camera, region, antialiased)
    image = _empty_image(*region[2:])
    behind = torch.as_tensor(background, dtype=torch.float32)
    target = Target(image.rgb, image.alpha, image.depth, array_of(behind), np.float32(alpha_clip))
    keep = needs_gradients(*tensors, background)
    trace = rasterize(view, cloud, target, keep=keep)
    if trace is None:
        gaussians.check_values()
    elif keep:
        return Image(*attached(tensors, behind, view, target, trace))
    return image


def checked_region(camera: Camera, region: Sequence[int] | None) -> Region:
    """The region as four whole numbers; the whole picture for None."""
    if region is None:
        return 0, 0, camera.width, camera.height
    x, y, width, height = (int(value) for value in region)
    if x < 0 or y < 0 or width < 1 or height < 1 or x + width > camera.width or y + height > camera.height:
        raise DGTalkerError(
            f"The region of {width} × {height} pixels at ({x}, {y}) is not inside the picture of "
            f"{camera.width} × {camera.height} pixels."
        )
    return x, y, width, height


def check_options(background: Sequence[float] | torch.Tensor, alpha_clip: float) -> None:
    """Raises DGTalkerError for a background or an alpha clip that `render` cannot use."""
    values = background.tolist() if isinstance(background, torch.Tensor) else tuple(background)
    if len(values) != 3 or not all(math.isfinite(value) for value in values):
        raise DGTalkerError(f"A background has three finite numbers, not {values}.")
    if not 0.0 < alpha_clip < 1.0:
        raise DGTalkerError(f"The largest opacity in a pixel lies between 0 and 1; it cannot be {alpha_clip}.")


def array_of(tensor: torch.Tensor) -> np.ndarray:
    """A view of the tensor's memory, where it is float32, contiguous and the processor's; a copy otherwise."""
    return tensor.detach().to("cpu", torch.float32).contiguous().numpy()


def _empty_image(width: int, height: int) -> Image:
    try:
        return Image(
            np.empty((height, width, 3), np.float32),
            np.empty((height, width), np.float32),
            np.empty((height, width), np.float32),
        )
    except MemoryError as error:
        raise DGTalkerError(
            f"There is not enough memory for a picture of {width} × {height} pixels ({width * height * 20 >> 20} MB).",
            "Render a smaller picture, or a border.",
        ) from error
