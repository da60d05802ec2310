"""GGHead's checkpoints, against StyleGAN2's equations."""

from __future__ import annotations

import builtins
import pickle
import subprocess

import pytest
import torch
from gghead_file import made_model, write_checkpoint
from stylegan2 import RenderingConfig

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians.reference.spherical_harmonics import basis
from dgtalker_engine.systems.dgtalker.gghead import in_head_space, load_gghead


@pytest.fixture(scope="module")
def theirs():
    return made_model()


@pytest.fixture(scope="module")
def ours(theirs, tmp_path_factory):
    path = tmp_path_factory.mktemp("gghead") / "checkpoint-25000.pkl"
    write_checkpoint(path, G=made_model(seed=1), D=made_model(seed=2), G_ema=theirs)
    return load_gghead(path)


def some_latents(generator, seed=3):
    return torch.randn(generator.config.latents, generator.config.width, generator=torch.Generator().manual_seed(seed))


def near(found, wanted):
    torch.testing.assert_close(found, wanted, atol=2e-4, rtol=1e-4)


def test_a_code_and_a_camera_map_to_the_same_latent(theirs, ours):
    z, c = torch.randn(10), torch.randn(25)
    for truncation in (1.0, 0.7, 0.0):
        near(ours.mapping(z[None], c[None], truncation)[0], theirs.w(z, c, truncation))


def test_every_layer_computes_what_the_equations_say(theirs, ours):
    ws = some_latents(ours)
    x = planes = their_x = their_planes = None
    start = 0
    for resolution in (4, 8, 16):
        convolutions = 1 if resolution == 4 else 2
        own = ws[start : start + convolutions + 1]
        block = ours.synthesis.get_submodule(f"b{resolution}")
        their_block = getattr(theirs.backbone.synthesis, f"b{resolution}")
        if resolution > 4:
            near(block.conv0(x, own[:1])[0], their_block.conv0(their_x, own[0]))
        x, planes = block(x, planes, own[None], "const")
        their_x, their_planes = their_block(their_x, their_planes, own)
        near(x[0], their_x)
        near(planes[0], their_planes)
        start += convolutions


def test_gaussians_are_the_same_and_quaternions_have_their_odd_order(theirs, ours):
    ws = some_latents(ours)
    near(torch.cat(list(ours.raw(ws[None])), dim=-1)[0], theirs.sampled(ws))
    heads = ours(ws[None])
    for name, wanted in theirs.attributes(ws).items():
        near(getattr(heads, name)[0], wanted)
    heads.cloud(0).check_values()


def test_heads_of_a_batch_do_not_depend_on_each_other(theirs, ours):
    ws = torch.stack([some_latents(ours, seed) for seed in (5, 6, 7)])
    near(ours(ws).means[2], theirs.attributes(ws[2])["means"])


@pytest.mark.parametrize("zero", [False, True])
def test_a_picture_behind_the_head_is_left_out_and_a_camera_may_not_matter(tmp_path, zero):
    theirs = made_model(background=3, rendering_config=RenderingConfig(c_gen_conditioning_zero=zero))
    write_checkpoint(tmp_path / "background.pkl", G=theirs)
    ours = load_gghead(tmp_path / "background.pkl")
    ws = some_latents(ours)
    near(ours(ws[None]).sh[0], theirs.attributes(ws)["sh"])
    z, c = torch.randn(10), torch.randn(25)
    near(ours.mapping(z[None], c[None])[0], theirs.w(z, torch.zeros(25) if zero else c))


def test_in_head_space_a_head_looks_along_minus_y_and_shows_the_same_colours(ours):
    heads = ours(some_latents(ours)[None])
    moved = in_head_space(heads)
    turned = torch.stack([heads.means[..., 0], -heads.means[..., 2], heads.means[..., 1]], dim=-1)
    torch.testing.assert_close(moved.means.diff(dim=1) * 2.683, turned.diff(dim=1), atol=1e-5, rtol=1e-5)
    view = torch.nn.functional.normalize(torch.randn(1, 3), dim=1)
    moved_view = torch.stack([view[:, 0], -view[:, 2], view[:, 1]], dim=1)
    seen = torch.einsum("nk,gkc->gc", basis(view, 4), heads.sh[0])
    torch.testing.assert_close(torch.einsum("nk,gkc->gc", basis(moved_view, 4), moved.sh[0]), seen, atol=1e-5, rtol=0)


class Malicious:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("place", ["top", "buffer"])
@pytest.mark.parametrize(
    ("function", "word"),
    [
        (subprocess.check_output, "check_output"),
        (builtins.eval, "eval"),
        (torch.load, "no generator"),
        (builtins.getattr, "no generator"),
    ],
)
def test_a_checkpoint_that_runs_something_does_not(tmp_path, function, word, place, protocol):
    trace = tmp_path / "trace"
    arguments = {
        subprocess.check_output: (["touch", str(trace)],),
        builtins.eval: (f"open({str(trace)!r}, 'w')",),
        torch.load: (str(trace),),
        builtins.getattr: (Malicious(builtins.getattr, "text", "upper"), "__self__"),
    }[function]
    evil = Malicious(function, *arguments)
    module = torch.nn.Linear(2, 2)
    module.register_buffer("hidden", None)
    module._buffers["hidden"] = evil
    content = {"G": evil} if place == "top" else {"D": module}
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(content, protocol))
    with pytest.raises(DGTalkerError, match=word) as refused:
        load_gghead(tmp_path / "evil.pkl")
    assert refused.value.hint
    assert not trace.exists()


def test_numbers_outside_of_what_a_tensor_keeps_are_not_read(tmp_path, theirs):
    shape = theirs.backbone.mapping.w_avg.shape
    whole = torch.zeros(shape)

    class Wide:
        def __reduce__(self):
            function, (storage, *_) = whole.__reduce_ex__(4)
            return function, (storage, 0, (10**6,), (1,), False, {})

    module = torch.nn.Linear(2, 2)
    module.register_buffer("hidden", None)
    module._buffers["hidden"] = Wide()
    (tmp_path / "wide.pkl").write_bytes(pickle.dumps({"G": module}))
    with pytest.raises(DGTalkerError, match=r"wide\.pkl cannot be read"):
        load_gghead(tmp_path / "wide.pkl")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"center_scale_activation": False}, "center_scale_activation"),
        ({"use_zero_conv_position": False}, "use_zero_conv_position"),
        ({"max_scale": 1}, "max_scale"),
    ],
)
def test_variants_that_would_come_out_otherwise_are_refused_by_name(tmp_path, change, word):
    write_checkpoint(tmp_path / "variant.pkl", G_ema=made_model(**change))
    with pytest.raises(DGTalkerError, match=word):
        load_gghead(tmp_path / "variant.pkl")


@pytest.mark.parametrize("content", [b"", b"not a pickle", pickle.dumps([1]), pickle.dumps({"G": 1})])
def test_other_files_are_refused_with_a_word(tmp_path, content):
    (tmp_path / "other.pkl").write_bytes(content)
    with pytest.raises(DGTalkerError, match=r"other\.pkl") as refused:
        load_gghead(tmp_path / "other.pkl")
    assert refused.value.hint
    with pytest.raises(DGTalkerError, match="no file"):
        load_gghead(tmp_path / "missing.pkl")
