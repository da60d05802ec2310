"""How much of who somebody is can be read from what a field says: linear probes."""

from __future__ import annotations

import torch
from torch import Tensor

_RIDGE = 1e-2


def identity_accuracy(deformations: Tensor, identities: Tensor) -> float:
    """How often a linear classifier names the right person, from every other sample, of those between.

    The people's number is what chance is one of. A classifier by ridge regression on one-of-n, as few samples allow.

    Args:
        deformations: one row a sample, in the order of time for each person (S, D).
        identities: who it is, int64 (S,).
    """
    count = int(identities.max()) + 1
    learned = torch.zeros(len(identities), dtype=torch.bool)
    for each in range(count):
        learned[(identities == each).nonzero()[::2, 0]] = True
    rows = deformations.double()
    rows = rows - rows[learned].mean(dim=0)
    # by dual ridge regression, since rows are long
    kernel = rows @ rows[learned].T
    square = kernel[learned]
    ridge = _RIDGE * square.diagonal().mean() + 1e-12
    wanted = torch.nn.functional.one_hot(identities[learned], count).double()
    solved = torch.linalg.solve(square + ridge * torch.eye(len(square), dtype=torch.float64), wanted - 1 / count)
    named = (kernel[~learned] @ solved).argmax(dim=1)
    return float((named == identities[~learned]).double().mean())
