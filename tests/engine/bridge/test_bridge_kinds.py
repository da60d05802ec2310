"""An avatar of a kind that only this engine process knows, over the real socket."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from launcher import REGISTERING, engine_python, network

from dgtalker_engine import avatar
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Performance
from dgtalker_engine.rendering.frame import render_frame
from dgtalker_engine.rendering.talking_shot import talking_shot
from dgtalker_engine.rig import Rig
from dgtalker_engine.wire import unpack

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the engine's stand-in is a shell script")


@pytest.fixture
def file(monkeypatch):
    monkeypatch.setitem(avatar.KINDS, network.NAME, network.KIND)
    return avatar.pack(network.made())


def test_it_is_opened_and_rendered_as_any_other(bridge, file, tmp_path):
    bridge.configure(python=engine_python(tmp_path, REGISTERING), log=tmp_path / "log" / "engine.log")
    head = avatar.load(file)
    opened = bridge.request("open_avatar", {}, file)
    assert opened.header["avatar"] == head.metadata.hash
    assert opened.header["metadata"]["kind"] == "network"
    assert Rig.from_json(opened.header["rig"]) == head.rig
    arrays = unpack(opened.header["proxy"], opened.body)
    np.testing.assert_array_equal(np.asarray(arrays["deltas"]), head.proxy.deltas)
    performance = Performance(25.0, head.rig.names, np.array([[0.3, -1.2, 0.8]], "f4"))
    shot = replace(talking_shot(head, "", performance, 96), avatars=(head.metadata.hash,))
    reply = bridge.request("render", {}, shot.to_json().encode())
    rgba, depth = render_frame(shot, shot.frames[0], [head])
    np.testing.assert_array_equal(np.frombuffer(reply.body, "f4", rgba.size).reshape(rgba.shape), rgba)
    np.testing.assert_array_equal(np.frombuffer(reply.body, "f4", depth.size, rgba.nbytes).reshape(depth.shape), depth)
    assert rgba[..., 3].max() > 0.9


def test_an_engine_that_does_not_know_the_kind_says_so(shared_bridge, file):
    with pytest.raises(DGTalkerError, match="unknown kind 'network'"):
        shared_bridge.request("open_avatar", {}, file)
