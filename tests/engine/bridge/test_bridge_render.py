"""Avatars and pictures through `bridge.engine`, with engines that are killed meanwhile."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from launcher import engine_python

from dgtalker_engine import avatar as avatars_room
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Performance
from dgtalker_engine.rendering.frame import render_frame
from dgtalker_engine.rendering.talking_shot import talking_shot
from dgtalker_engine.rig import Rig
from dgtalker_engine.wire import unpack


@pytest.fixture(scope="module")
def file():
    return avatars_room.builtin("robin")


@pytest.fixture(scope="module")
def avatar(file):
    return avatars_room.load(file)


@pytest.fixture(scope="module")
def shot(avatar):
    performance = Performance(25.0, ("jawOpen",), np.array([[0.4]], "f4"))
    return talking_shot(avatar, avatar.metadata.hash, performance, 96)


def picture(reply):
    height, width = reply.header["height"], reply.header["width"]
    rgba = np.frombuffer(reply.body, "f4", width * height * 4).reshape(height, width, 4)
    depth = np.frombuffer(reply.body, "f4", width * height, rgba.nbytes).reshape(height, width)
    return rgba, depth


def large(shot):
    """A picture that takes a while."""
    camera = shot.frames[0].camera
    scale = 1536 / shot.width
    K = tuple(value * scale if i < 6 else value for i, value in enumerate(camera.K))
    heads = shot.frames[0].heads * 6
    frame = replace(shot.frames[0], camera=replace(camera, K=K), heads=heads)
    return replace(shot, width=1536, height=1536, frames=(frame,))


def test_opening_a_built_in_head_brings_its_rig_its_proxy_and_its_file(shared_bridge, file, avatar):
    reply = shared_bridge.request("open_avatar", {"builtin": "robin"})
    assert reply.header["avatar"] == avatar.metadata.hash
    assert reply.header["metadata"]["name"] == "Robin"
    assert Rig.from_json(reply.header["rig"]) == avatar.rig
    arrays = unpack(reply.header["proxy"], reply.body)
    assert bytes(arrays["file"].data) == file
    for name in ("vertices", "faces", "uv", "colours", "deltas"):
        np.testing.assert_array_equal(np.asarray(arrays[name]), getattr(avatar.proxy, name))


def test_a_picture_over_the_wire_is_the_engines_own(shared_bridge, file, avatar, shot):
    shared_bridge.request("open_avatar", {}, file)
    part = replace(shot, region=(10, 20, 50, 40), background=(0.1, 0.2, 0.3))
    rgba, depth = picture(shared_bridge.request("render", {}, part.to_json().encode()))
    expected, expected_depth = render_frame(part, part.frames[0], [avatar])
    np.testing.assert_array_equal(rgba, expected)
    np.testing.assert_array_equal(depth, expected_depth)


def test_a_picture_that_cannot_be_sent_is_refused_before_it_is_rendered(shared_bridge, file, shot):
    shared_bridge.request("open_avatar", {}, file)
    endless = replace(shot, width=16384, height=16384)  # to render it would take minutes
    with pytest.raises(DGTalkerError, match="too large"):
        shared_bridge.request("render", {}, endless.to_json().encode())


def test_an_avatar_that_nobody_knows_is_an_error(shared_bridge, shot):
    with pytest.raises(DGTalkerError) as caught:
        shared_bridge.request("render", {}, replace(shot, avatars=("0" * 64,)).to_json().encode())
    assert caught.value.code == "unknown_avatar"


def test_a_file_that_became_another_avatar_is_not_asked_for_for_ever(shared_bridge, avatar, shot, file):
    shared_bridge.register_avatar("0" * 64, lambda: file)
    with pytest.raises(DGTalkerError) as caught:
        shared_bridge.request("render", {}, replace(shot, avatars=("0" * 64,)).to_json().encode())
    assert caught.value.code == "unknown_avatar"


def test_an_engine_killed_while_it_renders_is_replaced_and_its_avatars_opened_again(bridge, file, avatar, shot):
    read = []

    def read_file():
        read.append(threading.current_thread())
        return file

    bridge.register_avatar(avatar.metadata.hash, read_file)
    whole = large(shot)
    expected = picture(bridge.request("render", {}, whole.to_json().encode()))
    for delay in (0.0, 0.15, 0.05, 0.02, 0.0):
        if len(read) >= 3:  # a fast machine has its picture before a late kill: then an earlier one
            break
        with pytest.raises(DGTalkerError, match="No microphone"):
            bridge.request("live_read")  # the engine runs again
        pending = bridge.submit("render", {}, whole.to_json().encode())
        time.sleep(delay)
        os.kill(bridge.state().pid, signal.SIGKILL)
        found = picture(pending.result())
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])
    assert len(read) >= 3
    assert set(read) == {threading.current_thread()}


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for the engine's Python is a shell script")
def test_avatars_that_a_small_engine_has_dropped_are_rendered_again_and_nobody_notices(bridge, tmp_path, shot):
    """No bound holds two heads: each picture of another head drops the one before."""
    program = """
import runpy, sys
from dgtalker_engine.server import open_avatars
open_avatars.OpenAvatars.__init__.__defaults__ = (1,)
sys.argv = sys.argv[3:]
runpy.run_module("dgtalker_engine", run_name="__main__", alter_sys=True)
"""
    bridge.configure(python=engine_python(tmp_path, program), log=tmp_path / "log" / "engine.log")
    reads: list[str] = []
    expected, shots = {}, {}
    for name in ("robin", "wren"):
        file = avatars_room.builtin(name)
        head = avatars_room.load(file)
        bridge.request("open_avatar", {}, file)
        bridge.register_avatar(head.metadata.hash, lambda name=name, file=file: reads.append(name) or file)
        shots[name] = replace(shot, avatars=(head.metadata.hash,))
        expected[name] = render_frame(shots[name], shots[name].frames[0], [head])
    for name in ("robin", "wren", "robin", "robin", "wren"):
        rgba, depth = picture(bridge.request("render", {}, shots[name].to_json().encode()))
        np.testing.assert_array_equal(rgba, expected[name][0])
        np.testing.assert_array_equal(depth, expected[name][1])
    assert reads == ["robin", "wren", "robin", "wren"]
    both = replace(shot, avatars=tuple(each.avatars[0] for each in shots.values()))
    frame = replace(both.frames[0], heads=(both.frames[0].heads[0], replace(both.frames[0].heads[0], avatar=1)))
    both = replace(both, frames=(frame,))
    assert picture(bridge.request("render", {}, both.to_json().encode()))[0].any()
    assert "is dropped" in bridge.state().log.read_text()


def test_a_file_that_vanished_meanwhile_is_the_users_error(bridge, avatar, shot):
    def vanished():
        raise DGTalkerError("The head's avatar is gone.", "Add it again.")

    bridge.register_avatar(avatar.metadata.hash, vanished)
    for ask in (bridge.request, lambda *arguments: bridge.submit(*arguments).result()):
        with pytest.raises(DGTalkerError, match="avatar is gone"):
            ask("render", {}, shot.to_json().encode())
