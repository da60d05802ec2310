"""The losses of the motion translator: equations 2, 3 and 5 to 7."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def contrast(anchor: Tensor, positive: Tensor, *, segments: int, temperature: float) -> Tensor:
    """InfoNCE (eq. 2) with the positive in the denominator, too: as it is published the loss has no lower bound.

    Each segment is the anchor once; its positive is the same segment in another timbre, its negatives are the other
    segments of its own sound.

    Args:
        anchor: features of sounds (batch, T, width).
        positive: those of the same sounds in other timbres, likewise.
        segments: k + 1, into which each sound is cut.
        temperature: τ.
    """
    length = anchor.shape[1] // segments
    cut = [x[:, : length * segments].reshape(len(x), segments, -1) for x in (anchor, positive)]
    a, b = (F.normalize(x, dim=-1) for x in cut)
    others = torch.einsum("bid,bjd->bij", a, a)
    same = (a * b).sum(-1)
    itself = torch.eye(segments, dtype=torch.bool, device=a.device)
    # In place of the anchor's likeness with itself stands that with its positive.
    logits = torch.where(itself, same[:, :, None], others) / temperature
    return F.cross_entropy(logits.flatten(0, 1), torch.arange(segments, device=a.device).repeat(len(a)))


def text(logits: Tensor, wanted: Tensor) -> Tensor:
    """Eq. 3 without the paper's recogniser: the encoder's phones against those that our sound encoder hears.

    These are known moment by moment, so what is left of CTC is the cross entropy.

    Args:
        logits: (batch, T, classes).
        wanted: probabilities, likewise; all 0 where nothing is known.
    """
    return -(wanted * logits.log_softmax(-1)).sum(-1).mean()


def ctc(logits: Tensor, words: Tensor, blank: int) -> Tensor:
    """Eq. 3: CTC of the encoder's letters against the text that the frozen recogniser reads in the same sound.

    Args:
        logits: D_asr(f) (batch, T, classes).
        words: the recogniser's probabilities, likewise; its text is the likeliest letters, joined as CTC joins them.
        blank: the class that is no letter.
    """
    best = words.argmax(-1)
    changes = torch.cat([torch.ones_like(best[:, :1], dtype=torch.bool), best[:, 1:] != best[:, :-1]], dim=1)
    texts = [row[new & (row != blank)] for row, new in zip(best, changes, strict=True)]
    lengths = torch.tensor([len(text) for text in texts])
    moments = torch.full((len(logits),), logits.shape[1])
    chances = logits.log_softmax(-1).transpose(0, 1)
    return F.ctc_loss(chances, torch.cat(texts), moments, lengths, blank=blank, zero_infinity=True)


def reconstruction(motion: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Either half of eq. 5, the mean squared error: of curves (batch, T, N) or of vertices (batch, T, K, 3).

    Args:
        motion: what is predicted.
        wanted: what was tracked.
        weight: of each moment (batch, T); 0 where nothing was tracked.
    """
    error = (motion - wanted).square().flatten(2).mean(-1)
    return (error * weight).sum() / weight.sum().clamp(min=1e-6)


def smoothness(motion: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Eq. 6: squared errors of the changes from moment to moment, as `reconstruction` takes them."""
    both = weight[:, 1:] * weight[:, :-1]
    return reconstruction(motion.diff(dim=1), wanted.diff(dim=1), both)
