"""What decides how a D³-Talker head is trained."""

from __future__ import annotations

from dataclasses import dataclass

from ...training import setting
from ...training.bound_gaussians.config import BoundGaussiansConfig


@dataclass(frozen=True, kw_only=True)
class D3TalkerConfig(BoundGaussiansConfig):
    """The static field, the two deformation fields, and their training.

    The paper publishes no weights but those that it shares with InsTaG; what is not said there is ours.
    """

    levels: int = setting(8, "resolutions of each plane of the hash encoding", least=1)
    coarsest: int = setting(16, "cells along a side of the coarsest", least=1)
    finest: int = setting(256, "cells along a side of the finest", least=1)
    table_entries: int = setting(4096, "of a hash table", least=16)
    table_features: int = setting(2, "numbers of an entry", least=1)
    code: int = setting(32, "numbers of the general and of the individual code", least=1)
    regions: int = setting(128, "that places of a field attend to", least=1)

    pretrained: bool = setting(True, "whether a head begins with what people share; else all is learned from the clip")
    prior: str = setting("", "file of what people share; none: the engine's own")
    individual: bool = setting(True, "whether the sound drives a field of its own; else motion drives the only one")
    motion_weight: float = setting(1e-5, "of the L1 of the deformations", least=0)
    decay: float = setting(1e-3, "of the squares of what the fields say, against learning few frames by heart", least=0)
    sound_dropout: float = setting(0.3, "share of what is heard that a step leaves out", least=0, most=0.9)
    said_weight: float = setting(0.1, "of what codes say of the tracked mouth", least=0)
    coarse_to_fine: bool = setting(
        False, "whether final pictures are refined, where that helps on frames held out for it"
    )
    refiner_steps: int = setting(400, "of the refiner, after the head's", least=1)
    field_rate: float = setting(8e-3, "learning rate of the fields, hash tables included", least=0)
