"""Coarse to fine: what a network says of a head's picture, carried back to its Gaussians' colours.

D³-Talker's coarse-to-fine module corrects rendered pictures. Here the network sees the coarse head in a portrait
(`portrait`), and each Gaussian takes the correction of the place where its centre is there. So whatever is then
rendered is refined alike: a part of a picture as the whole, any size, sharp or blurred, among other heads and behind
meshes. Alpha and depth are the coarse head's to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...gaussians import Camera, Gaussians, render
from ...gaussians.constants import SH_C0
from ...gaussians.torch_threads import one_torch_thread
from .network import RefinerNetwork
from .portrait import Sight, Window
from .reach import Reach

_BESIDE = 2.0
"""Where nothing is corrected, in halves of a picture from its middle."""


@dataclass(frozen=True, kw_only=True)
class Refiner:
    """An optional part of an avatar.

    Attributes:
        network: in its `eval` mode.
        window: what it sees of the head.
        reach: where it counts.
    """

    network: RefinerNetwork
    window: Window
    reach: Reach

    @property
    def nbytes(self) -> int:
        return sum(each.nbytes for each in self.network.parameters()) + self.reach.directions.nbytes

    @torch.no_grad()
    def correction(self, cloud: Gaussians, weights: Mapping[str, float], sight: Sight) -> Tensor | None:
        """What is to be added to the colours of a posed head, as it is seen from somewhere, for `recoloured`.

        Args:
            cloud: N Gaussians in head space.
            weights: by control, that posed it.
            sight: from where it is seen.

        Returns:
            sRGB (N, 3); None where the refiner has nothing to say.
        """
        strength = self.reach.at(weights, sight, self.window)
        camera = sight.portrait(self.window) if strength > 0 else None
        if camera is None:
            return None
        picture = seen(cloud, camera)
        with one_torch_thread():  # frames are drawn side by side, a thread each
            found = self.network.to(picture.device)(picture[None])[0]
            return carried(strength * found, cloud.means, camera)

    def refined(self, cloud: Gaussians, weights: Mapping[str, float], sight: Sight) -> Gaussians:
        """The head with its colours corrected: the cloud itself where there is nothing to say."""
        change = self.correction(cloud, weights, sight)
        return cloud if change is None else recoloured(cloud, change)


def seen(cloud: Gaussians, camera: Camera) -> Tensor:
    """What the network is given (CHANNELS, H, W): the head over black, and its alpha."""
    image = render(cloud, camera)
    rgb, alpha = torch.as_tensor(image.rgb), torch.as_tensor(image.alpha)
    return torch.cat([rgb, alpha[..., None]], dim=-1).permute(2, 0, 1).contiguous()


def carried(correction: Tensor, means: Tensor, camera: Camera) -> Tensor:
    """A correction (3, H, W) of a camera's picture at the centres of Gaussians (N, 3), between pixels bilinearly."""
    pose, K = (torch.as_tensor(np.asarray(each), dtype=means.dtype, device=means.device)
               for each in (camera.world_to_camera, camera.K))  # fmt: skip
    points = means @ pose[:3, :3].T + pose[:3, 3]
    depth = 1 if camera.orthographic else points[:, 2:].clamp_min(camera.near)
    places = points[:, :2] / depth * K.diagonal()[:2] + K[:2, 2]
    size = torch.tensor([camera.width, camera.height], dtype=means.dtype, device=means.device)
    grid = (2 * places / size - 1).nan_to_num(_BESIDE, _BESIDE, -_BESIDE)[None, :, None]
    return F.grid_sample(correction[None], grid, padding_mode="zeros", align_corners=False)[0, :, :, 0].T


def recoloured(cloud: Gaussians, change: Tensor) -> Gaussians:
    """The cloud with colours changed by sRGB (N, 3), from whatever side they are seen."""
    sh = torch.cat([cloud.sh[:, :1] + change[:, None] / SH_C0, cloud.sh[:, 1:]], dim=1)
    return replace(cloud, sh=sh)
