"""What can be read from what fields say: who somebody is, by linear probes, and what somebody looks like."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...capture.regions import NOTHING
from ...training.clip_frames import ClipFrames
from .fields import COLOURS, MEANS
from .model import Fields

_RIDGE = 1e-2


def identity_accuracy(learned: Tensor, learned_who: Tensor, tested: Tensor, tested_who: Tensor) -> float:
    """How often a linear classifier names the right person of samples that it has not seen; chance is one of them.

    A classifier by ridge regression on one-of-n, as few samples allow.

    Args:
        learned: deformations that it learns from, one row a sample (S, D).
        learned_who: who it is, int64 (S,).
        tested, tested_who: those that it is asked about.
    """
    count = int(learned_who.max()) + 1
    mean = learned.double().mean(dim=0)
    rows, asked = learned.double() - mean, tested.double() - mean
    # by dual ridge regression, since rows are long
    square = rows @ rows.T
    ridge = _RIDGE * square.diagonal().mean() + 1e-12
    wanted = torch.nn.functional.one_hot(learned_who, count).double()
    solved = torch.linalg.solve(square + ridge * torch.eye(len(square), dtype=torch.float64), wanted - 1 / count)
    named = (asked @ rows.T @ solved).argmax(dim=1)
    return float((named == tested_who).double().mean())


def looks(frames: Sequence[ClipFrames]) -> tuple[Tensor, Tensor]:
    """What people look like at the vertices of the face model that are seen of all of them.

    Args:
        frames: of each, with the same face model.

    Returns:
        the vertices, int64 (P,), and people about their mean (N, P, 6): shape in metres and colour, sRGB from 0 to 1.
    """
    each = [_look(person) for person in frames]
    seen = torch.stack([seen for _, seen in each]).all(dim=0).nonzero()[:, 0]
    people = torch.stack([look[seen] for look, _ in each])
    return seen, people - people.mean(dim=0)


def _look(frames: ClipFrames) -> tuple[Tensor, Tensor]:
    """(V, 6), and which vertices the frame with the least turn shows, bool (V,)."""
    index = min(frames.spread(len(frames)), key=lambda index: float(frames.turn(index).norm()))
    camera = frames.camera(index)
    vertices = frames.vertices(index)
    placed = torch.from_numpy(camera.world_to_camera).float()
    seen = vertices @ placed[:3, :3].T + placed[:3, 3]
    pixels = seen @ torch.from_numpy(camera.K).float().T
    columns, rows = (pixels[:, :2] / pixels[:, 2:]).long().clamp(0, frames.size - 1).T
    faces = frames.face_model.faces
    corners = seen[faces]
    normals = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    towards = (normals * corners.mean(dim=1)).sum(dim=1) < 0
    front = torch.zeros(len(vertices), dtype=torch.bool)
    front[faces[towards]] = True
    labels = torch.from_numpy(frames.labels(index).astype(int))
    shape = frames.face_model.neutral - frames.template
    return torch.cat([shape, frames.frame(index)[rows, columns]], dim=1), front & (labels[rows, columns] != NOTHING)


@torch.no_grad()
def recovered(general: Fields, places: Tensor, people: Tensor, code: int) -> tuple[Tensor, Tensor]:
    """How much of people's shape and of their colours a general field can say at best, by any code: 0 to 1, (N,) each.

    A field that keeps faces which it was trained with says more of them than of faces that it has never seen.

    Args:
        general: of several people.
        places: which of its places (P,).
        people: of `looks` (N, P, 6).
        code: numbers of its code.
    """
    codes = torch.cat([torch.zeros(1, code), torch.eye(code)])
    said = torch.stack([general(each)[places] for each in codes])
    return _explained(said[..., MEANS], people[..., :3]), _explained(said[..., COLOURS], people[..., 3:])


def _explained(said: Tensor, wanted: Tensor) -> Tensor:
    """The share of the squares of each of `wanted` (N, …) in the span of `said` (K, …): (N,)."""
    axes, spread, _ = torch.linalg.svd(said.flatten(1).double().T, full_matrices=False)
    axes = axes[:, spread > 1e-9 * spread.max().clamp_min(1e-30)]
    rows = wanted.flatten(1).double()
    return (rows @ axes).square().sum(dim=1) / rows.square().sum(dim=1)
