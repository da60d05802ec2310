"""The similarity contrastive loss of the pre-training."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def similarity_contrastive_loss(general: Tensor, individual: Sequence[Tensor], own: int, temperature: float) -> Tensor:
    """L_SC = −log[exp(sim(Δμ_G, Δμ_I^k) / τ) / Σ_i exp(sim(Δμ_G, Δμ_I^i) / τ)], the cosine of whole deformations.

    What places hardly move counts as little as it is seen: a deformation is one vector of all its places.

    Args:
        general: Δμ_G of a frame (P, 3).
        individual: Δμ_I^i that each person's individual field makes of that frame's sound, (P, 3) each.
        own: k, whose frame it is.
        temperature: τ.
    """
    similar = torch.stack([F.cosine_similarity(general.flatten(), each.flatten(), dim=0) for each in individual])
    return F.cross_entropy(similar[None] / temperature, torch.tensor([own], device=general.device))
