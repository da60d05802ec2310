"""What of a person in the latent space goes into their head's file."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ...capture.face_model import Region
from ...gaussians import Gaussians
from ...training.export import HeadPose, LatentMap, TrainedHead
from ...training.latent_pose import latent_map
from .navigation.controls import own_controls
from .navigation.drive import latent_drive
from .navigation.halves import Steps
from .navigation.manner import Manner
from .navigation.navigate import Moved, Navigation
from .person import Person
from .train import Trained

PoseWith = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], Gaussians]
"""`TrainedHead.pose_with`."""


def trained_head(trained: Trained, check: Callable[[], None] = lambda: None) -> TrainedHead:
    """The head for `training.export`: what lies on the scalp is hair, and bound to nothing.

    Joints have no pose of their own: those of the prior's face model follow from the expression. `check` raises
    `Cancelled` to stop.
    """
    person, navigation = trained.person, trained.navigation
    generator = person.generator
    assert generator.face_model is not None
    triangles = generator.triangles.cpu().numpy()
    regions = generator.face_model.regions.cpu().numpy()[triangles]
    if navigation is None:
        pose, pose_with, latents = _still(person)
        extras, controls = {}, {}
    else:
        pose, pose_with, latents = _navigated(person, navigation, trained.expressions)
        manner = Manner.of(navigation)
        extras = {} if manner is None else manner.extras()
        controls = own_controls(person, navigation, trained.expressions, check)
    return TrainedHead(
        pose=pose,
        pose_with=pose_with,
        latents=latents,
        triangles=np.where(regions == Region.SCALP, -1, triangles),
        barycentrics=generator.barycentrics.cpu().numpy(),
        neck=regions == Region.NECK,
        extras=extras,
        controls=controls,
    )


def _still(person: Person) -> tuple[HeadPose, PoseWith, LatentMap | None]:
    """Of a person as they were tuned."""
    assert person.generator.face_model is not None
    expressions = len(person.generator.face_model.expression_names)

    def pose(expression: torch.Tensor, joint_pose: torch.Tensor, turn: torch.Tensor | None = None, /) -> Gaussians:
        step = None if person.own is None else person.own(expression, joint_pose, turn)
        return person.heads(person.latents(expression[None], step)).cloud(0)

    def pose_with(expression: torch.Tensor, joint_pose: torch.Tensor, latent: torch.Tensor) -> Gaussians:
        if person.own is None:
            return pose(expression, joint_pose)
        at_mean_turn = torch.cat([latent, torch.zeros_like(person.own.latent.turn_spread)])
        return person.heads(person.latents(expression[None], person.own.at(at_mean_turn))).cloud(0)

    return pose, pose_with, None if person.own is None else latent_map(person.own.latent, expressions)


def _navigated(
    person: Person, navigation: Navigation, expressions: torch.Tensor
) -> tuple[HeadPose, PoseWith, LatentMap | None]:
    """Of a person whom blendshapes move."""
    drive = latent_drive(person, navigation, expressions)

    def pose(expression: torch.Tensor, joint_pose: torch.Tensor, turn: torch.Tensor | None = None, /) -> Gaussians:
        return navigation.tracked(person, expression[None], Moved(joint_pose, turn)).cloud(0)

    def pose_with(expression: torch.Tensor, joint_pose: torch.Tensor, latent: torch.Tensor) -> Gaussians:
        steps = Steps(*[torch.zeros_like(person.canonical)] * 3)
        if drive is not None:
            steps = Steps(*(torch.tensordot(latent, step, 1)[None] for step in drive.steps))
        return navigation.heads(person, expression[None], steps).cloud(0)

    return pose, pose_with, None if drive is None else drive.latents
