"""What decides how a person is navigated."""

from __future__ import annotations

from dataclasses import dataclass

from ....training import Config, setting


@dataclass(frozen=True, kw_only=True)
class NavigationConfig(Config):
    """The training of the blendshapes and of the encoders. The four switches are the ablations of the poster."""

    steps: int = setting(800, "how many steps to train", least=1)
    disentangled: bool = setting(True, "whether lips and expressions have blendshapes apart; else one set for both")
    dual_encoders: bool = setting(True, "whether lips and expressions have an encoder each; else one for both")
    blendshapes: bool = setting(True, "whether encoders answer with weights of blendshapes; else with steps in W+")
    cross_view: bool = setting(True, "whether sounds are exchanged between two frames, each supervising its half")

    expressions: int = setting(12, "blendshapes of the upper face, k_e", least=1, most=23)
    lips: int = setting(24, "blendshapes of the lower face, k_l", least=1, most=29)
    width: int = setting(32, "numbers a moment inside the encoders", least=1)
    dropout: float = setting(0.3, "share of what is heard that a step leaves out", least=0.0, most=0.9)
    windows: int = setting(32, "frames whose sound a step compares with what was tracked", least=1)
    down: int = setting(2, "views are that much smaller than the clip's frames: 1, 2 or 4", least=1, most=4)
    feather: float = setting(8.0, "pixels of a frame over which the halves of a face pass into each other", least=1.0)
    warm_up: float = setting(0.25, "the share of the steps in which blendshapes learn from tracked expressions alone",
                             least=0.0, most=1.0)  # fmt: skip
    blendshape_rate: float = setting(2e-4, "Adam's learning rate of the blendshapes", least=0.0)
    encoder_rate: float = setting(2e-3, "Adam's learning rate of the encoders", least=0.0)
    ssim_weight: float = setting(0.2, "of D-SSIM beside L1", least=0.0)
    mouth_weight: float = setting(1.0, "how much more L1 counts around the mouth", least=0.0)
    mask_weight: float = setting(0.1, "of opacity beside the head and transparency inside it", least=0.0)
    perceptual: float = setting(0.05, "weight of the perceptual loss, where there are weights", least=0.0)
    vgg_weights: str = setting("", "file of the user's VGG weights for the perceptual loss; empty: there is none")
    tracked: float = setting(0.1, "weight of the encoders' error against the tracked expressions", least=0.0)
    doubt: float = setting(500.0, "penalty on the squares of the encoders' weights beside that error, by frames of "
                           "speech: what is learned from few of them is believed less", least=0.0)  # fmt: skip
    small: float = setting(1e-3, "weight of |α|²", least=0.0)
    smooth: float = setting(0.1, "weight of |Δ²α|", least=0.0)
    ridge: float = setting(0.01, "weight of the squares of what the blendshapes learn", least=0.0)
