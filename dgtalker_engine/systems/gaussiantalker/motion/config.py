"""What decides how the motion translator is trained, and how it is adapted to a person."""

from __future__ import annotations

from dataclasses import dataclass

from ....training import Config, setting


@dataclass(frozen=True, kw_only=True)
class MotionConfig(Config):
    """The training over all clips. A loss of weight 0 is not computed.

    The paper publishes a learning rate of 1e-4 and 100 000 steps of one sequence, and none of the other numbers.
    """

    steps: int = setting(600, "how many steps to train", least=1)
    batch: int = setting(8, "sequences in a step", least=1)
    crop: float = setting(4.0, "how much of a clip a step sees, seconds", least=0.2)
    width: int = setting(32, "numbers a moment inside the networks; a multiple of the heads", least=4)
    layers: int = setting(2, "of the motion decoder", least=1, most=12)
    heads: int = setting(4, "of its attention", least=1, most=16)
    reach: float = setting(0.4, "how far its attention looks back and ahead, seconds", least=0.02, most=5.0)
    dropout: float = setting(0.5, "share of the numbers that a step leaves out", least=0.0, most=0.9)
    learning_rate: float = setting(1e-3, "AdamW's highest learning rate", least=0.0)
    weight_decay: float = setting(1.0, "AdamW's decay of weights", least=0.0)
    warm_up: float = setting(0.1, "the share of the steps in which the learning rate rises", least=0.0, most=1.0)
    gradient_norm: float = setting(1.0, "gradients are scaled down to that norm", least=0.0)
    recognised_phones: bool = setting(True, "whether recognised phones are heard beside the sound")
    phones_unknown: float = setting(0.25, "how often a sequence is heard without them", least=0.0, most=1.0)
    straight: bool = setting(True, "whether what is heard also has a linear way to the curves, past the decoder")
    identity: bool = setting(True, "whether the decoder is told who speaks (the embedding of eq. 4)")
    anyone: float = setting(0.3, "how often a sequence is learned as nobody's, for strangers", least=0.0, most=1.0)
    parameters: float = setting(1.0, "weight of the curves' squared error (eq. 5)", least=0.0)
    vertices: float = setting(1.0, "weight of the lip vertices' squared error (eq. 5)", least=0.0)
    smoothness: float = setting(0.5, "weight of the curves' changes (eq. 6)", least=0.0)
    latent: float = setting(0.02, "weight of what is read from the lips against what is heard (eq. 7)", least=0.0)
    contrast: float = setting(0.1, "weight of the same words in another timbre against others (eq. 2)", least=0.0)
    text: float = setting(0.1, "weight of the words that the encoder must keep (eq. 3)", least=0.0)
    temperature: float = setting(0.1, "of the contrast (eq. 2)", least=1e-3)
    segments: int = setting(8, "into which a sequence is cut for the contrast (k + 1 of eq. 2)", least=2)
    timbres: int = setting(3, "other timbres of each clip", least=0)


@dataclass(frozen=True, kw_only=True)
class AdaptationConfig(Config):
    """The training of one person's manner: their embedding, and the decoder's norms and last layer."""

    steps: int = setting(400, "how many steps to train", least=1)
    batch: int = setting(4, "sequences in a step", least=1)
    crop: float = setting(3.0, "how much of the clip a step sees, seconds", least=0.2)
    learning_rate: float = setting(3e-3, "Adam's highest learning rate", least=0.0)
    stay: float = setting(20.0, "penalty on leaving the base, of the squared changes, by seconds of speech: what is "
                          "learned from few of them is believed less", least=0.0)  # fmt: skip
    smoothness: float = setting(2.0, "weight of the curves' changes (eq. 6)", least=0.0)
    latest: float = setting(0.12, "how far sound and picture of the clip may be apart, seconds", least=0.0, most=0.5)
