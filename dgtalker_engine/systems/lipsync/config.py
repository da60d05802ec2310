"""What decides how the speech model is trained."""

from __future__ import annotations

from dataclasses import dataclass

from ...training import Config, setting


@dataclass(frozen=True, kw_only=True)
class LipsyncConfig(Config):
    """The sound encoder's data and training, and the fits of the lip and expression encoders."""

    steps: int = setting(5000, "how many steps to train the sound encoder", least=1)
    seed: int = setting(2, "of the sound encoder's first weights, its batches and its dropout", least=0)
    data_seed: int = setting(1, "of what synthetic voices say and how sounds are varied", least=0)
    espeak_seconds: float = setting(900.0, "sound of espeak-ng to make, seconds", least=0)
    flite_seconds: float = setting(300.0, "sound of flite to make, seconds", least=0)
    prompt_seconds: float = setting(240.0, "sound of telephone prompts to use in each language, seconds", least=0)
    shortest: float = setting(0.8, "sounds shorter than that are left out, seconds", least=0)
    real_variants: int = setting(2, "varied copies of each sound of a person", least=0)
    synthetic_variants: int = setting(1, "varied copies of each sound of a machine", least=0)
    batch: int = setting(16, "sounds in a step", least=1)
    crop: int = setting(400, "how much of a sound a step sees, frames of 10 ms", least=2)
    real_share: float = setting(0.65, "the share of a batch that people speak, where there are both", least=0, most=1)
    learning_rate: float = setting(2e-3, "AdamW's highest learning rate", least=0)
    weight_decay: float = setting(1e-3, "AdamW's decay of weights", least=0)
    warm_up: float = setting(0.05, "the share of the steps in which the learning rate rises", least=0, most=1)
    phone_weight: float = setting(0.5, "of the phones' cross entropy beside the movement's squared error", least=0)
    label_smoothing: float = setting(0.05, "of the phones' cross entropy", least=0, most=1)
    gradient_norm: float = setting(1.0, "gradients are scaled down to that norm", least=0)
    lip_components: int = setting(128, "principal components of Whisper's numbers that the lips learn from", least=1)
    lip_stiffness: float = setting(3.0, "penalty on the lip encoder's weights, in mean squares of its inputs", least=0)
    expression_stiffness: float = setting(1.0, "the same of the expression encoder", least=0)
