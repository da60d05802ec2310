"""A head whose sliders are all there, sound files, and strips that play them."""

from __future__ import annotations

import json
import wave
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

RATE = 16000


@pytest.fixture
def make_head():
    """`make_head(name)`: a head with the 52 ARKit controls on a small mesh; no engine is needed for it."""

    from dgtalker_engine.rig import arkit_rig  # the installed extension brings it

    def make(name: str = "Ada") -> bpy.types.Object:
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata([(0, 0, 0), (0.1, 0, 0), (0, 0, 0.1)], [], [(0, 1, 2)])
        head = bpy.data.objects.new(name, mesh)
        bpy.context.scene.collection.objects.link(head)
        head.dgtalker.rig = json.dumps(arkit_rig().to_json())
        head.shape_key_add(name="Basis")
        for control in arkit_rig().names:
            head.shape_key_add(name=control).value = 0.0
        return head

    return make


@pytest.fixture
def make_necked(make_head):
    """`make_necked(name)`: a head with the controls of the built-in ones."""
    from dgtalker_engine.rig import POSE_NAMES, head_rig

    def make(name: str = "Ada") -> bpy.types.Object:
        head = make_head(name)
        head.dgtalker.rig = json.dumps(head_rig().to_json())
        for control in POSE_NAMES:
            block = head.shape_key_add(name=control)
            block.value, block.slider_min = 0.0, -1.0
        return head

    return make


@pytest.fixture
def tone(tmp_path):
    """`tone(name, seconds, ...)`: a WAV file of 16 bits with a sine, louder and louder where `ramp`."""

    def make(
        name: str = "tone",
        seconds: float = 2.0,
        *,
        rate: int = RATE,
        channels: int = 1,
        level: float = 0.5,
        ramp: bool = False,
    ) -> Path:
        time = np.arange(round(seconds * rate)) / rate
        sound = level * np.sin(2 * np.pi * 440 * time) * (time / seconds if ramp else 1)
        path = tmp_path / f"{name}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(np.repeat((sound * 32767).astype("<i2"), channels).tobytes())
        return path

    return make


@pytest.fixture
def add_strip():
    """`add_strip(path, frame, head)`: a sound strip on a channel of its own, in a scene of 24 frames per second."""

    def add(path: Path, frame: int = 1, head: bpy.types.Object | None = None, name: str = "") -> bpy.types.Strip:
        editor = bpy.context.scene.sequence_editor_create()
        channel = 1 + len(editor.strips_all)
        strip = editor.strips.new_sound(name or path.stem, str(path), channel, frame)
        strip.dgtalker.speaker = head
        return strip

    return add


@pytest.fixture
def trim():
    """`trim(strip, start, end)`: moves a strip's ends."""

    def move(strip: bpy.types.Strip, start: float, end: float) -> None:
        names = ("left_handle", "right_handle")
        if bpy.app.version < (5, 2):
            names = ("frame_final_start", "frame_final_end")
        setattr(strip, names[1], end)
        setattr(strip, names[0], start)

    return move


@pytest.fixture
def voice(sample, tmp_path):
    """The first two seconds of the bundled recording: "Hello! My favorite movie"."""
    path = tmp_path / "voice.wav"
    with wave.open(str(sample)) as source, wave.open(str(path), "wb") as part:
        part.setparams(source.getparams())
        part.writeframes(source.readframes(2 * source.getframerate()))
    return path


@pytest.fixture
def animated(make_head, add_strip, voice):
    """`animated(name, frame)`: a head that speaks a strip of its own, and the strip."""

    def animate(name: str = "Ada", frame: int = 30) -> tuple[bpy.types.Object, bpy.types.Strip]:
        head = make_head(name)
        strip = add_strip(voice, frame=frame, head=head, name=f"{name}'s line")
        bpy.context.scene.sequence_editor.active_strip = strip
        bpy.ops.dgtalker.animate()
        return head, strip

    return animate


@pytest.fixture
def spoken_frames(room):
    """`spoken_frames(ob)`: the frames over which an object speaks."""
    return lambda ob: room("speech.keys.keyframes").span(ob)


@pytest.fixture
def behind(room):
    """`behind(ob)`: whether an object's keys are those of other settings than there are now."""
    return lambda ob: room("speech.stepwise").finished(room("speech.takes.retarget").behind_steps(ob))


@pytest.fixture
def curve(spoken_frames):
    """`curve(ob, name)`: a shape key as it plays, on every frame that the object speaks."""

    def play(ob: bpy.types.Object, name: str) -> np.ndarray:
        values = []
        for frame in spoken_frames(ob):
            bpy.context.scene.frame_set(frame)
            values.append(ob.data.shape_keys.key_blocks[name].value)
        return np.array(values)

    return play


@pytest.fixture
def keys(room):
    return room("speech.keys.keyframes")


@pytest.fixture
def make_performance():
    """`make_performance(frames)`: the jaw opens from 0 to 1, the tongue stays, the head nods and turns."""
    from dgtalker_engine.performance import Performance
    from dgtalker_engine.rig import ARKIT_NAMES, HEAD_NAMES

    def make(frames: int = 50, jaw: float = 1.0, **moves: float) -> Performance:
        ramp = np.linspace(0, 1, frames, dtype=np.float32)
        names = ARKIT_NAMES + HEAD_NAMES
        weights = np.zeros((frames, len(names)), np.float32)
        moves = {"jawOpen": jaw, "headPitch": 0.2, "headYaw": 0.1, "headRoll": -0.05, **moves}
        for name, value in moves.items():
            weights[:, names.index(name)] = ramp * value
        return Performance(24.0, names, weights)

    return make


@pytest.fixture
def rest(room, monkeypatch):
    """Sliders follow as in a window; `rest()` is a moment in which nothing changes."""
    live = room("speech.takes.live")
    app = SimpleNamespace(background=False, is_job_running=bpy.app.is_job_running, timers=bpy.app.timers)
    monkeypatch.setattr(live, "bpy", SimpleNamespace(app=app, context=bpy.context, data=bpy.data, types=bpy.types))

    def pass_by() -> None:
        live._due.update(dict.fromkeys(live._due, 0.0))
        live._tick()

    yield pass_by
    live._forget()
