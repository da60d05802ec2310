"""Where a generator's Gaussians begin: places on a template, and where the template's pose puts them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ...capture.face_model import FaceModel
from ...gaussians.reference.placing import quaternions, triangle_axes


class Template(NamedTuple):
    """Places on a face, one for each of G Gaussians.

    Attributes:
        uv: on the planes, −1 to 1, first to the right, then down, as `grid_sample` takes them (G, 2).
        points: at rest, metres (G, 3).
        triangles: of the face model, int64 (G,).
        barycentrics: where in them (G, 3).
    """

    uv: Tensor
    points: Tensor
    triangles: Tensor
    barycentrics: Tensor

    @staticmethod
    def empty(gaussians: int) -> Template:
        """To be filled from a file."""
        triangles = torch.zeros(gaussians, dtype=torch.int64)
        return Template(torch.zeros(gaussians, 2), torch.zeros(gaussians, 3), triangles, torch.zeros(gaussians, 3))


def layer_depths(gaussians: int) -> Tensor:
    """How deep in its layer each of G places lies, −1 to 1 (G,): even among places that are near each other.

    Places are in no order, so any sequence that is even does; this is the golden section's.
    """
    index = torch.arange(1, gaussians + 1, dtype=torch.float64)
    return (2 * torch.frac(index * (5**0.5 - 1) / 2) - 1).float()


class PosedTemplate(NamedTuple):
    """Places in B poses.

    Attributes:
        points: metres (B, G, 3).
        turns: how the surface turned since rest, wxyz (B, G, 4).
    """

    points: Tensor
    turns: Tensor


def posed(template: Template, model: FaceModel, identity: Tensor, expression: Tensor) -> PosedTemplate:
    """The places on faces; points are differentiable, turns are constants for gradients.

    A triangle's turn by its corners' tiny moves is as large as the triangle is small: following it would be noise.

    Args:
        template: its places.
        model: the face model that they lie on.
        identity: (B, I).
        expression: (B, E).
    """
    vertices = model.vertices(identity, expression)
    used = model.faces[template.triangles].flatten()
    corners = vertices.index_select(1, used).unflatten(1, (-1, 3))
    points = (template.barycentrics[:, :, None] * corners).sum(dim=2)
    with torch.no_grad():
        turned = triangle_axes(vertices[:, model.faces]) @ triangle_axes(model.neutral[model.faces]).mT
        turns = quaternions(turned.flatten(0, 1)).unflatten(0, turned.shape[:2])
    return PosedTemplate(points, turns.index_select(1, template.triangles))


def at_rest(template: Template, batch: int) -> PosedTemplate:
    """The places of B faces at rest."""
    turns = template.points.new_tensor([1.0, 0.0, 0.0, 0.0])
    return PosedTemplate(template.points.expand(batch, -1, -1), turns.expand(batch, len(template.points), -1))
