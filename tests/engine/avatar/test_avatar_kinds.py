"""Any kind of avatar goes through a file and is rendered: here one that the engine does not know."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import numpy as np
import pytest
import torch
from launcher import network
from made_avatars import ROWS, linear_head

from dgtalker_engine import avatar
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import render
from dgtalker_engine.performance import Performance
from dgtalker_engine.rendering import frame
from dgtalker_engine.rendering.talking_shot import talking_shot

FIELDS = ("means", "quats", "scales", "opacities", "sh")
WEIGHTS = np.array([0.3, -1.2, 0.8], "f4")


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setitem(avatar.KINDS, network.NAME, network.KIND)


@pytest.fixture
def head():
    return network.made()


def shot_of(head, size=64):
    performance = Performance(25.0, head.rig.names, WEIGHTS[None])
    return talking_shot(head, "head", performance, size)


def test_what_is_saved_is_loaded_as_the_same_avatar(known, head, tmp_path):
    avatar.save(head, tmp_path / "head.dgt")
    again = avatar.load(tmp_path / "head.dgt")
    assert replace(again.metadata, hash="") == head.metadata
    assert len(again.metadata.hash) == 64
    first, second = head.pose(WEIGHTS), again.pose(WEIGHTS)
    for name in FIELDS:
        assert torch.equal(getattr(first, name), getattr(second, name)), name
    np.testing.assert_allclose(again.proxy.deltas, head.proxy.deltas, atol=2e-4)


def test_an_avatar_of_a_kind_that_is_not_known_is_neither_saved_nor_loaded(head, monkeypatch):
    with pytest.raises(DGTalkerError, match="unknown kind 'network'") as caught:
        avatar.pack(head)
    assert "linear" in caught.value.hint
    monkeypatch.setitem(avatar.KINDS, network.NAME, network.KIND)
    file = avatar.pack(head)
    monkeypatch.delitem(avatar.KINDS, network.NAME)
    with pytest.raises(DGTalkerError, match="unknown kind 'network'"):
        avatar.load(file)


def test_a_damaged_file_is_noticed(known, head):
    file = bytearray(avatar.pack(head))
    for length in (7, 100, len(file) - 1):
        with pytest.raises(DGTalkerError, match=r"truncated|header"):
            avatar.load(bytes(file[:length]))
    file[-50] ^= 1
    with pytest.raises(DGTalkerError, match="does not match its hash"):
        avatar.load(bytes(file))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda head: {"hidden.weight": torch.zeros(network.HIDDEN, 2)}, "hidden.weight is F32 16×2; .* 16×3"),
        (lambda head: {"output.bias": head.layers["output.bias"][1:]}, "output.bias is F32 1199; .* 1200"),
        (lambda head: {"output.bias": head.layers["output.bias"] * torch.inf}, "output.bias holds .* not finite"),
    ],
)
def test_layers_that_do_not_fit_are_refused(known, head, change, message):
    with pytest.raises(DGTalkerError, match=message):
        avatar.load(avatar.pack(replace(head, layers={**head.layers, **change(head)})))


def test_shapes_are_refused_before_anything_is_read(known, head):
    file = avatar.pack(head)
    (length,) = struct.unpack_from("<Q", file)
    header = json.loads(file[8 : 8 + length])
    header["means"]["shape"] = [3_000_000_000, 3]
    packed = json.dumps(header).encode()
    with pytest.raises(DGTalkerError, match="means does not lie"):
        avatar.load(struct.pack("<Q", len(packed)) + packed + file[8 + length :])


def test_it_is_rendered_as_it_is_posed(head):
    shot = shot_of(head)
    rgba, depth = frame.render_frame(shot, shot.frames[0], [head])
    assert rgba[..., 3].max() > 0.9
    assert depth.min() < 10
    still = replace(shot, frames=(replace(shot.frames[0], heads=(replace(shot.frames[0].heads[0], weights={}),)),))
    assert np.abs(frame.render_frame(still, still.frames[0], [head])[0] - rgba).max() > 0.1


def test_a_network_that_is_still_trained_is_rendered_without_its_graph(head):
    shot = shot_of(head)
    trained = replace(head, layers={name: layer.clone().requires_grad_() for name, layer in head.layers.items()})
    pictures = [frame.render_frame(shot, shot.frames[0], [each]) for each in (trained, head)]
    for one, other in zip(*pictures, strict=True):
        assert isinstance(one, np.ndarray)
        np.testing.assert_array_equal(one, other)


def posed(shot, avatars):
    return frame.pose_moment(shot, shot.frames[0], shot.frames[0], avatars)


def beside_a_linear_head(shot):
    """The same shot with a linear head, as the second avatar, before the network."""
    linear = replace(shot.frames[0].heads[0], avatar=1, weights={})
    return replace(shot, avatars=("a", "b"), frames=(replace(shot.frames[0], heads=(linear, shot.frames[0].heads[0])),))


def test_what_is_posed_on_another_device_stays_there(head):
    """PyTorch's device without memory stands for a GPU: whoever brings tensors from there to the processor fails."""
    shot = shot_of(head)
    cloud = posed(shot, [head.to("meta")]).cloud
    assert {getattr(cloud, name).device.type for name in FIELDS} == {"meta"}
    both = beside_a_linear_head(shot)
    cloud = posed(both, [head.to("meta"), linear_head()]).cloud
    assert len(cloud) == len(head.means) + ROWS
    assert {getattr(cloud, name).device.type for name in FIELDS} == {"meta"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_draws_what_the_network_poses_there(head, decibels):
    both = beside_a_linear_head(shot_of(head, 128))
    pictures = []
    for device, backend in (("cuda", "cuda"), ("cpu", "cpu")):
        moment = posed(both, [head.to(device), linear_head()])
        assert moment.cloud.means.device.type == device
        pictures.append(render(moment.cloud, moment.camera, backend=backend))
    assert min(decibels(*pictures)) > 75


def test_gradients_of_what_it_poses_reach_its_weights(head):
    weights = torch.from_numpy(WEIGHTS).requires_grad_()
    head.pose(weights).means.sum().backward()
    assert weights.grad is not None
    assert weights.grad.abs().min() > 0
