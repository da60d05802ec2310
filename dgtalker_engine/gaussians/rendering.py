"""Gaussians and a camera → a picture: one function, whatever renders it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..errors import DGTalkerError
from .arrays import array_of, arrays_of, needs_gradients, tensors_of
from .backend import Name, named
from .camera import Camera
from .checks import Background, check_background, checked_region
from .cloud import Gaussians
from .colour import to_scene_linear
from .cpu.autograd import attached
from .cpu.raster import rasterize
from .cpu.view import Framebuffer, view_of
from .image import Image

_BLACK = (0.0, 0.0, 0.0)


def render(
    gaussians: Gaussians,
    camera: Camera,
    *,
    region: Sequence[int] | None = None,
    background: Background = _BLACK,
    backend: str | None = None,
) -> Image:
    """Renders a cloud of Gaussians by splatting, 3D Gaussian Splatting with gsplat's conventions.

    Gaussians smaller than a pixel keep the amount of their light (Mip-Splatting, Yu et al. 2024, eq. 10; gsplat's
    `rasterize_mode="antialiased"`): grown to a pixel's size alone, as in 3D Gaussian Splatting, the lashes of a small
    head would be black bars.

    Args:
        gaussians: N may be 0. The sign of a scale means nothing; a scale of 0 makes a disc. Needles and points have
            no area, and so no light.
        camera: an orthographic camera sees every Gaussian from its own direction of view.
        region: x, y, width, height in pixels from the top left corner. The result is that part of the whole picture:
            on the processor to the last bit, on a GPU but for rounding.
        background: RGB in the Gaussians' colour space, seen where they are transparent.
        backend: `cpu` or `cuda`. For None a cloud that is on a GPU is rendered by `cuda`, one on the processor by what
            `gaussians.backend` has chosen, or by `cpu` where gradients are asked for.

    Returns:
        What `cuda` renders of a cloud on a GPU stays there, as tensors. Everything else comes back to the processor:
        as arrays, or as tensors where gradients are asked for.

        Gradients are asked for where a tensor of the cloud or the background requires one and `torch.no_grad` is not in
        force; the tensors are then attached to the graph, whichever renders. An α that is cut by the clip, or left out
        below the threshold (see `gaussians.constants`), has a gradient of 0.

    Raises:
        DGTalkerError: for a region outside the picture, a background that is not finite, too little memory, Gaussians
            with values that are not finite, and a GPU that cannot be used or has failed.
    """
    (image,) = render_many([gaussians], [camera], region=region, background=background, backend=backend)
    return image


def render_many(
    gaussians: Sequence[Gaussians],
    cameras: Sequence[Camera],
    *,
    region: Sequence[int] | None = None,
    background: Background = _BLACK,
    backend: str | None = None,
) -> list[Image]:
    """`render` of several frames, one cloud and one camera each. A GPU draws frames that are alike at once.

    What draws, and whether arrays or tensors come back, is decided for all of them together. The images of a batch keep
    each other's memory: let go of them together.
    """
    check_background(background)
    graph = needs_gradients(background, *(tensor for cloud in gaussians for tensor in tensors_of(cloud)))
    if _checked(gaussians, cameras, backend, graph=graph) == "cuda":
        from .cuda import raster

        stays = any(cloud.means.is_cuda for cloud in gaussians)
        options = raster.Options(background=background, scene_linear=False, as_tensors=stays or graph)
        images = [Image(*pictures) for pictures in raster.render(gaussians, cameras, region, options)]
        return images if stays or not graph else [_on_processor(image) for image in images]
    return [
        _rendered(cloud, camera, region, background, graph) for cloud, camera in zip(gaussians, cameras, strict=True)
    ]


@torch.no_grad()
def render_scene_linear(
    gaussians: Sequence[Gaussians],
    cameras: Sequence[Camera],
    *,
    region: Sequence[int] | None = None,
    backend: str | None = None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """`render_many` and `colour.to_scene_linear`, both on the GPU where there is one: what leaves the engine.

    Returns:
        For each frame premultiplied scene-linear RGBA float32 (H, W, 4), and depth as in `Image`: arrays, wherever the
        clouds are, and without gradients.
    """
    if _checked(gaussians, cameras, backend, graph=False) == "cuda":
        from .cuda import raster

        options = raster.Options(background=_BLACK, scene_linear=True, as_tensors=False)
        return [(rgba, depth) for rgba, depth in raster.render(gaussians, cameras, region, options)]
    images = (
        _rendered(cloud, camera, region, _BLACK, graph=False) for cloud, camera in zip(gaussians, cameras, strict=True)
    )
    return [(to_scene_linear(image.rgb, image.alpha), image.depth) for image in images]


def _checked(gaussians: Sequence[Gaussians], cameras: Sequence[Camera], backend: str | None, *, graph: bool) -> Name:
    """The renderer to use, once the frames have been found to have a cloud and a camera each."""
    if len(gaussians) != len(cameras):
        raise DGTalkerError(f"{len(gaussians)} clouds cannot be seen by {len(cameras)} cameras, one each.")
    if backend is None and any(cloud.means.is_cuda for cloud in gaussians):
        return named("cuda")
    return "cpu" if backend is None and graph else named(backend)


def _rendered(
    gaussians: Gaussians,
    camera: Camera,
    region: Sequence[int] | None,
    background: Background,
    graph: bool,
) -> Image:
    """One frame, rendered by the processor."""
    here = checked_region(camera, region)
    cloud, view = arrays_of(gaussians), view_of(camera, here)
    image = _empty_image(*here[2:])
    behind = torch.as_tensor(background, dtype=torch.float32)
    frame = Framebuffer(rgb=image.rgb, alpha=image.alpha, depth=image.depth, background=array_of(behind))
    state = rasterize(view, cloud, frame, keep=graph)
    if state is None:
        gaussians.check_values()
    elif graph:
        return Image(*attached(tensors_of(gaussians), behind, view, frame, state))
    return image


def _on_processor(image: Image) -> Image:
    return Image(rgb=image.rgb.cpu(), alpha=image.alpha.cpu(), depth=image.depth.cpu())


def _empty_image(width: int, height: int) -> Image:
    try:
        return Image(
            rgb=np.zeros((height, width, 3), np.float32),
            alpha=np.zeros((height, width), np.float32),
            depth=np.empty((height, width), np.float32),
        )
    except MemoryError as error:
        raise DGTalkerError(
            f"There is not enough memory for a picture of {width} × {height} pixels ({width * height * 20 >> 20} MB).",
            "Render a smaller picture, or a border.",
        ) from error
