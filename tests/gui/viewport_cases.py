"""Cases of `modal.py`: live heads in the 3D view of a real window, looked at on the screen itself."""

from __future__ import annotations

import os
import signal
import struct
import sys
import time
from collections.abc import Generator
from pathlib import Path
from types import ModuleType

import bpy
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from mathutils import Vector
from steps import ADDON, Steps, heads, running, start, until

SKIN, BESIDE_FACE, ON_FACE = (0.02, -0.1, 0.03), (0.13, 0.0, 0.1), (-0.04, -0.1, -0.02)
"""Of Robin: the brow, a place beside the head, a cheek; metres."""


def room(name: str) -> ModuleType:
    return sys.modules[f"{ADDON}.render.viewport.{name}"]


def view() -> tuple[bpy.types.Area, bpy.types.Region, bpy.types.SpaceView3D]:
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    return area, next(region for region in area.regions if region.type == "WINDOW"), area.spaces.active


def in_view():
    area, region, _ = view()
    return bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area, region=region)


def is_at_rest() -> bool:
    """Whether each view shows what it should, and was drawn since: on the screen, all is as it stays."""
    live = room("live")
    views = list(live._regions.values())
    now = time.monotonic()
    return bool(views) and all(
        each.picture is not None
        and each.picture.wanted == each.wanted
        and each.feed.settled(now)
        and each._drawn is each.feed.picture
        for each in views
    )


def rest(redraws: int = 12) -> Steps:
    """Goes on until each view shows what it should, and Blender's own antialiasing has had some redraws."""
    yield
    view()[0].tag_redraw()
    yield from until(is_at_rest)
    for _ in range(redraws):
        view()[0].tag_redraw()
        yield


def screen() -> np.ndarray:
    """The 3D view on the screen: sRGB, 0 to 1, (H, W, 3), lowest row first."""
    data = Path(os.environ["DGTALKER_SCREEN"]).read_bytes()
    numbers = struct.unpack(">25I", data[:100])
    header, width, height, stride, colours = (numbers[i] for i in (0, 4, 5, 12, 19))
    rows = np.frombuffer(data, np.uint8, height * stride, header + 12 * colours).reshape(height, stride)
    pixels = rows[::-1, : 4 * width].reshape(height, width, 4)[..., 2::-1] / 255
    _, region, _ = view()
    return pixels[region.y : region.y + region.height, region.x : region.x + region.width]


def colour_at(picture: np.ndarray, point: tuple[float, float, float]) -> np.ndarray:
    """Where a point of the world is seen."""
    _, region, space = view()
    place = location_3d_to_region_2d(region, space.region_3d, Vector(point))
    return picture[int(place.y), int(place.x)]


def plain_view(shading: str = "SOLID") -> None:
    """From the front, nothing drawn but surfaces, in their flat colours."""
    _, _, space = view()
    space.shading.type, space.shading.light, space.shading.color_type = shading, "FLAT", "OBJECT"
    space.overlay.show_overlays = space.show_gizmo = False
    with in_view():
        bpy.ops.view3d.view_axis(type="FRONT")
    space.region_3d.view_perspective = "PERSP"
    space.region_3d.view_location, space.region_3d.view_distance, space.lens = (0, 0, 0), 1.0, 70


def live_head() -> Generator[None, None, bpy.types.Object]:
    plain_view()
    start("add_head")
    yield from until(lambda: not running())
    (head,) = heads()
    head.select_set(False)
    plain_view()
    yield from rest()
    return head


def cube(place: tuple[float, float, float], size: float, colour: tuple[float, float, float]) -> bpy.types.Object:
    bpy.ops.mesh.primitive_cube_add(size=size, location=place)
    ob = bpy.context.object
    ob.color = (*colour, 1.0)
    ob.select_set(False)
    return ob


def close(colour: np.ndarray, expected: tuple[float, float, float], within: float = 0.05) -> bool:
    return bool(np.abs(colour - np.array(expected)).max() < within)


def live_heads_hide_meshes_and_are_hidden_by_them() -> Steps:
    yield from live_head()
    cube((0, 0.5, 0), 0.6, (0, 1, 0))
    near = cube((-0.05, -0.25, -0.03), 0.06, (1, 0, 0))
    yield from rest()
    picture = screen()
    assert close(colour_at(picture, (-0.05, -0.28, -0.03)), (1, 0, 0)), "a mesh before the head hides it"
    assert close(colour_at(picture, BESIDE_FACE), (0, 1, 0)), "beside the head the mesh behind it is seen"
    skin = colour_at(picture, SKIN)
    assert skin[0] > skin[1] > skin[2] > 0.2, f"the head hides the mesh behind it: {skin}"
    near.location.y = 0.1
    yield from rest()
    cheek = colour_at(screen(), ON_FACE)
    assert cheek[0] > cheek[1] > 0.2, f"the head hides what went behind it: {cheek}"
    near.hide_set(True)
    heads()[0].hide_set(True)
    yield from until(lambda: room("standins")._hidden == frozenset())
    view()[0].tag_redraw()
    yield from (None for _ in range(12))
    assert close(colour_at(screen(), SKIN), (0, 1, 0)), "a hidden head is not drawn"


def a_camera_view_agrees_with_f12() -> Steps:
    head = yield from live_head()
    head.data.shape_keys.key_blocks["jawOpen"].value = 0.5
    scene, (_, region, space) = bpy.context.scene, view()
    scene.camera.location, scene.camera.rotation_euler = (0.1, -0.9, 0.05), (1.53, 0.02, 0.12)
    scene.camera.data.lens, scene.camera.data.shift_x = 60, 0.03
    scene.render.engine, scene.view_settings.view_transform = "DGTALKER", "Standard"
    # An odd region has its middle in a pixel's middle: so has the camera's picture, then.
    width, height = 500 + region.width % 2, 420 + region.height % 2
    scene.render.resolution_x, scene.render.resolution_y, scene.render.dither_intensity = width, height, 0
    scene.render.film_transparent = True
    with in_view():
        bpy.ops.view3d.view_camera()
        bpy.ops.view3d.zoom_camera_1_to_1()
    yield from rest()
    seen = screen()
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode = "PNG", "RGBA"
    scene.render.filepath = str(Path(bpy.app.tempdir) / "f12.png")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(scene.render.filepath)
    image.colorspace_settings.name, image.alpha_mode = "Non-Color", "CHANNEL_PACKED"
    rendered = np.array(image.pixels[:]).reshape(height, width, 4)
    frame = room("regions").camera_frame(space, space.region_3d, scene, region.width, region.height)
    x, y = round(frame[0]), round(frame[1])
    np.testing.assert_allclose((frame[2] - frame[0], frame[3] - frame[1]), (width, height), atol=0.1)

    def off(dx: int, dy: int) -> float:
        """Mean difference where the head is opaque, of the window moved by whole pixels."""
        inside = rendered[20:-20, 20:-20]
        part = seen[y + 20 + dy : y + height - 20 + dy, x + 20 + dx : x + width - 20 + dx]
        return float(np.abs(part - inside[..., :3])[inside[..., 3] > 0.99].mean())

    moved = {(dx, dy): off(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)}
    assert min(moved, key=moved.get) == (0, 0), moved
    assert moved[0, 0] < 0.01, f"colours differ from F12's by {moved[0, 0]:.4f}"


def an_engine_that_ends_brings_the_meshes_back_until_it_is_there_again() -> Steps:
    head = yield from live_head()
    live, standins = room("live"), room("standins")
    assert standins._hidden == {(head.name, None)}
    os.kill(sys.modules[f"{ADDON}.bridge.engine"].state().pid, signal.SIGKILL)
    late, live.LATE = live.LATE, -1.0
    head.data.shape_keys.key_blocks["jawOpen"].value = 1.0
    yield from until(lambda: standins._hidden == frozenset())
    live.LATE = late
    yield from rest()
    yield from until(lambda: standins._hidden == {(head.name, None)})
    assert live.problem == ""


def another_file_and_the_switch_end_live_heads() -> Steps:
    head = yield from live_head()
    live = room("live")
    bpy.context.window_manager.dgtalker_live = False
    assert not live._regions
    assert head.evaluated_get(bpy.context.evaluated_depsgraph_get()).display_type == head.display_type
    bpy.context.window_manager.dgtalker_live = True
    yield from rest()
    path = str(Path(bpy.app.tempdir) / "saved.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    yield
    (again,) = heads()
    assert again.display_type == "TEXTURED", "nothing of what hides meshes is saved"
    assert not live.is_on(), "a file that is opened asks the engine for nothing"
    assert not live._regions
    bpy.context.window_manager.dgtalker_live = True
    yield from rest()
