"""Heads and scene in one picture: what hides what, what follows by itself, and that all of it can be undone."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

RED, BLUE = (0.7, 0.05, 0.03), (0.05, 0.1, 0.6)


def flat(name: str, colour) -> bpy.types.Material:
    """A material that looks the same under any light."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    glow, output = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
    glow.inputs["Color"].default_value = (*colour, 1)
    tree.links.new(glow.outputs[0], output.inputs["Surface"])
    return material


def add_cube(location, size=0.06, material=None, name="Cube") -> bpy.types.Object:
    bpy.ops.mesh.primitive_cube_add(size=size, location=location, rotation=(0.3, 0.4, 0.2))
    bpy.context.object.name = name
    bpy.context.object.data.materials.append(material or flat(name, RED))
    return bpy.context.object


def state() -> dict:
    """Everything that the operators may touch, and that must be as it was."""
    scene = bpy.context.scene
    old = bpy.app.version < (5, 0)
    tree = scene.node_tree if old else scene.compositing_node_group
    links = [(each.from_node.name, each.from_socket.name, each.to_node.name) for each in tree.links] if tree else []
    return {
        "scenes": sorted(bpy.data.scenes.keys()),
        "groups": sorted(bpy.data.node_groups.keys()),
        "nodes": sorted(tree.nodes.keys()) if tree else [],
        "links": sorted(links),
        "used": scene.use_nodes if old else tree is not None,
        "engine": scene.render.engine,
        "compositing": scene.render.use_compositing,
        "seen": {ob.name: ob.visible_camera for ob in scene.objects},
        "note": (scene.render.use_stamp_note, scene.render.stamp_note_text),
    }


def tree_of(scene):
    return scene.node_tree if bpy.app.version < (5, 0) else scene.compositing_node_group


def own_nodes(scene):
    """An animator's compositor: her picture, half as bright."""
    if bpy.app.version < (5, 0):
        scene.use_nodes = True
        tree = scene.node_tree
        tree.nodes.clear()
        output = tree.nodes.new("CompositorNodeComposite")
    else:
        tree = scene.compositing_node_group = bpy.data.node_groups.new("Mine", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        output = tree.nodes.new("NodeGroupOutput")
    layers, darker = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("CompositorNodeExposure")
    darker.inputs["Exposure"].default_value = -1.0
    tree.links.new(layers.outputs["Image"], darker.inputs["Image"])
    tree.links.new(darker.outputs["Image"], output.inputs[0])
    return tree


@pytest.fixture
def cycles(scene):
    """The scene, to be rendered by Cycles in a moment; its sun and world are gone, so that only what glows is seen."""
    for ob in list(bpy.data.objects):
        if ob.type == "LIGHT":
            bpy.data.objects.remove(ob)
    scene.world = None
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", 1, False
    scene.render.image_settings.color_depth = "16"
    return scene


@pytest.fixture
def with_cycles(cycles, render):
    """Renders the scene as it is, by Cycles alone."""

    def go(**settings):
        cycles.render.engine = "CYCLES"
        return render(**settings)

    return go


def straight(picture: np.ndarray) -> np.ndarray:
    """sRGB with straight alpha, as in a file, to premultiplied scene-linear."""
    colours = picture[..., :3]
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return np.concatenate([linear * picture[..., 3:], picture[..., 3:]], -1)


def test_a_mesh_before_a_head_cuts_it_where_cycles_draws_the_mesh(cycles, add_head, ball_file, render, with_cycles):
    head, cube = add_head(ball_file), add_cube((0.03, -0.2, 0.01))
    cut = render()[..., 3]
    cube.hide_render = True
    whole = render()[..., 3]
    cube.hide_render, head.hide_render = False, True
    cycles.cycles.samples = 128
    covered = with_cycles()[..., 3]
    inside = whole > 0.98
    hidden = 1 - cut[inside] / whole[inside]
    edge = (covered[inside] > 0.05) & (covered[inside] < 0.95)
    assert edge.sum() > 20
    assert abs((hidden - covered[inside])[edge].mean()) < 0.02  # a fiftieth of a pixel
    assert np.abs(hidden - covered[inside]).max() < 0.25
    assert np.abs(hidden - covered[inside])[~edge].max() < 0.06


def test_one_f12_gives_head_and_meshes_without_what_is_behind_at_their_edges(
    cycles, add_head, ball_file, render, with_cycles
):
    head, cube = add_head(ball_file), add_cube((0.03, -0.2, 0.01))
    wall = add_cube((0, 2, 0), 3, flat("Wall", BLUE), "Wall")
    wall.hide_render = cube.hide_render = True
    alone = straight(render())
    cycles.cycles.samples = 64
    cube.hide_render, head.hide_render = False, True
    before = straight(with_cycles())
    wall.hide_render, cube.hide_render = False, True
    behind = straight(with_cycles())
    cube.hide_render = head.hide_render = False
    assert bpy.ops.dgtalker.heads_with_cycles() == {"FINISHED"}
    picture = straight(render())
    inner = alone + (1 - alone[..., 3:]) * behind
    truth = before + (1 - before[..., 3:]) * inner
    assert np.abs(picture - truth).mean() < 0.002
    edge = (before[..., 3] > 0.05) & (before[..., 3] < 0.95) & (alone[..., 3] > 0.98)
    assert np.abs(picture - truth)[edge].mean() < 0.015
    silhouette = (alone[..., 3] > 0.05) & (alone[..., 3] < 0.95) & (before[..., 3] == 0)
    assert np.abs(picture - truth)[silhouette].mean() < 0.01
    head.is_holdout = True
    picture = straight(render())
    truth = before + (1 - before[..., 3:]) * (1 - alone[..., 3:]) * behind
    assert np.abs(picture - truth).mean() < 0.002
    assert np.abs(picture - truth)[edge].mean() < 0.015
    assert np.abs(picture - truth)[silhouette].mean() < 0.01
    assert picture[(alone[..., 3] > 0.98) & (before[..., 3] == 0)].max() < 0.06


@pytest.mark.parametrize("own", [False, True])
def test_heads_alone_puts_everything_back(scene, add_head, ball_file, own):
    add_head(ball_file)
    if own:
        own_nodes(scene)
    before = state()
    assert bpy.ops.dgtalker.heads_with_cycles() == {"FINISHED"}
    assert state() != before
    assert bpy.ops.dgtalker.heads_with_eevee() == {"FINISHED"}
    assert bpy.ops.dgtalker.heads_alone() == {"FINISHED"}
    assert state() == before


def test_the_animators_own_nodes_are_kept(cycles, add_head, ball_file, render):
    add_head(ball_file)
    once = straight(render())
    own_nodes(cycles)
    bpy.ops.dgtalker.heads_with_cycles()
    half = straight(render())
    middle = once[..., 3] > 0.98
    np.testing.assert_allclose(half[middle][:, :3], 0.5 * once[middle][:, :3], atol=0.01)


def test_camera_border_aspect_and_size_follow_after_the_setting_up(cycles, add_head, ball_file, render):
    add_head(ball_file, (0.02, 0, 0.03))
    bpy.ops.dgtalker.heads_with_cycles()
    cycles.timeline_markers.new("cut", frame=1).camera = cycles.camera
    other = cycles.camera.copy()
    other.data = other.data.copy()
    other.location, other.data.lens = (0.05, -0.8, 0.02), 50
    cycles.collection.objects.link(other)
    cycles.timeline_markers.new("cut", frame=5).camera = other
    render_settings = cycles.render
    render_settings.resolution_x, render_settings.resolution_y = 200, 120
    render_settings.resolution_percentage = 60
    render_settings.pixel_aspect_x = 1.4
    render_settings.use_border, render_settings.border_min_x, render_settings.border_max_y = True, 0.2, 0.8
    for frame in (1, 7):
        cycles.frame_set(frame)
        for crop in (False, True):
            together = render(use_crop_to_border=crop, engine="CYCLES", use_compositing=True)
            alone = render(engine="DGTALKER", use_compositing=False)
            assert together.shape == alone.shape
            assert alone[..., 3].max() > 0.9
            np.testing.assert_allclose(together[..., 3], alone[..., 3], atol=0.01)


def test_heads_that_are_added_later_and_hidden_collections_follow(cycles, add_head, ball_file, render, put_in):
    add_head(ball_file, (-0.12, 0, 0))
    bpy.ops.dgtalker.heads_with_cycles()
    late = add_head(ball_file, (0.12, 0, 0))
    picture = render()
    assert picture[64, 38, 3] > 0.9
    assert picture[64, 90, 3] > 0.9
    assert not late.visible_camera
    put_in(late, "Late")
    cycles.view_layers[0].layer_collection.children["Late"].exclude = True
    picture = render()
    assert picture[64, 38, 3] > 0.9
    assert picture[64, 90, 3] == 0
    bpy.ops.dgtalker.heads_alone()
    assert late.visible_camera


def test_one_can_see_heads_through_glass_and_is_told_so(scene, add_head, ball_file, render, capfd):
    add_head(ball_file)
    clear = render()
    glass = bpy.data.materials.new("Glass")
    glass.use_nodes = True
    glass.node_tree.nodes["Principled BSDF"].inputs["Transmission Weight"].default_value = 1
    add_cube((0, -0.2, 0), material=glass, name="Pane")
    np.testing.assert_array_equal(render(), clear)
    assert "Heads are not hidden by Pane" in "".join(capfd.readouterr())


def test_heads_that_cannot_be_rendered_stop_the_job_before_it_begins(cycles, add_head, ball_file, tmp_path):
    head = add_head(ball_file)
    bpy.ops.dgtalker.heads_with_cycles()
    bpy.data.images.remove(head.dgtalker.avatar)
    cycles.render.filepath = str(tmp_path / "frame.png")
    with pytest.raises(RuntimeError, match="has lost its avatar"):
        bpy.ops.render.render(write_still=True)
    cycles.frame_end = 2
    with pytest.raises(RuntimeError, match="has lost its avatar"):
        bpy.ops.render.render(animation=True)
    assert not list(tmp_path.iterdir())
    assert cycles.render.engine == "CYCLES"


def test_a_frame_that_fails_in_the_middle_leaves_no_picture_without_heads(
    room, cycles, add_head, ball_file, tmp_path, monkeypatch, capfd
):
    add_head(ball_file)
    bpy.ops.dgtalker.heads_with_cycles()
    picture = room("render.picture")
    render, error = picture.render, room("render.engine").DGTalkerError

    def fail_once(shot, *arguments):
        if shot.frames[0].number == 2:
            raise error("A cable is loose.")
        return render(shot, *arguments)

    monkeypatch.setattr(picture, "render", fail_once)
    cycles.frame_end, cycles.render.filepath = 3, str(tmp_path / "frame_")
    bpy.ops.render.render(animation=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frame_0001.png", "frame_0003.png"]
    assert "lacked its heads, and is removed. A cable is loose." in capfd.readouterr().err


def test_pictures_say_that_they_show_a_synthetic_face(cycles, add_head, ball_file, tmp_path):
    head = add_head(ball_file)
    cycles.render.use_stamp_note, cycles.render.stamp_note_text = True, "Take 7"
    bpy.ops.dgtalker.heads_with_cycles()
    cycles.render.filepath = str(tmp_path / "frame.png")
    bpy.ops.render.render(write_still=True)
    written = (tmp_path / "frame.png").read_bytes()
    for text in ("Take 7", "digitalsourcetype/trainedAlgorithmicMedia", head.dgtalker.avatar_hash):
        assert text.encode() in written
    bpy.ops.dgtalker.heads_alone()
    assert cycles.render.stamp_note_text == "Take 7"


@pytest.mark.parametrize("together", [False, True])
def test_each_eye_sees_the_heads_from_its_own_place(cycles, add_head, ball_file, render, together):
    add_head(ball_file, (0, 0.2, 0))
    stereo = cycles.camera.data.stereo
    stereo.convergence_mode, stereo.interocular_distance, stereo.pivot = "PARALLEL", 0.1, "CENTER"
    cycles.render.engine = "DGTALKER"
    expected = []
    for x in (-0.05, 0.05):
        cycles.camera.location.x = x
        expected.append(render())
    cycles.camera.location.x = 0
    if together:
        bpy.ops.dgtalker.heads_with_cycles()
    cycles.render.use_multiview = True
    settings = cycles.render.image_settings
    settings.views_format, settings.stereo_3d_format.display_mode = "STEREO_3D", "SIDEBYSIDE"
    settings.stereo_3d_format.use_sidebyside_crosseyed = False
    both = render()
    np.testing.assert_allclose(both, np.concatenate(expected, 1), atol=0.01)
    assert np.abs(expected[0] - expected[1]).max() > 0.5


def test_the_picture_s_depth_is_that_of_what_is_nearer(cycles, add_head, ball_file, tmp_path, read):
    head = add_head(ball_file)
    add_cube((0.03, -0.2, 0.01))
    add_cube((0, 2, 0), 3, name="Wall")
    cycles.view_layers[0].use_pass_z = True
    tree = own_nodes(cycles)
    layers = next(node for node in tree.nodes if node.bl_idname == "CompositorNodeRLayers")
    new = bpy.app.version >= (5, 0)
    output = tree.nodes.new("CompositorNodeOutputFile")
    if new:
        output.directory, output.file_name, output.format.media_type = str(tmp_path), "depth", "IMAGE"
        target = output.inputs[output.file_output_items.new("FLOAT", "Depth").name]
    else:
        output.base_path, output.file_slots[0].path = str(tmp_path), "depth"
        target = output.inputs[0]
    output.format.file_format, output.format.color_depth = "OPEN_EXR", "32"
    tree.links.new(layers.outputs["Depth"], target)
    bpy.ops.dgtalker.heads_with_cycles()
    bpy.ops.render.render()
    depth = read(next(tmp_path.glob("depth*.exr")))[..., 0]
    assert depth[64, 76] == pytest.approx(0.77, abs=0.04)  # the cube
    assert depth[60, 50] == pytest.approx(0.95, abs=0.05)  # the head
    assert depth[5, 5] > 1.2  # the wall
    head.is_holdout = True
    bpy.ops.render.render()
    depth = read(next(tmp_path.glob("depth*.exr")))[..., 0]
    assert depth[64, 76] == pytest.approx(0.77, abs=0.04)
    assert depth[60, 50] > 1e9
    assert depth[5, 5] < 1e9


@pytest.mark.skipif(bpy.app.version >= (5, 0), reason="nodes are a scene's own, and turned off, before Blender 5")
def test_nodes_that_are_turned_off_are_not_touched(cycles, add_head, ball_file):
    add_head(ball_file)
    own_nodes(cycles)
    cycles.use_nodes = False
    before = state()
    with pytest.raises(RuntimeError, match="Use Nodes"):
        bpy.ops.dgtalker.heads_with_cycles()
    assert state() == before
    cycles.node_tree.nodes.remove(cycles.node_tree.nodes["Exposure"])  # what Blender itself begins with is no work
    assert bpy.ops.dgtalker.heads_with_cycles() == {"FINISHED"}


@pytest.mark.skipif(bpy.app.version < (5, 0), reason="scenes share nodes since Blender 5")
@pytest.mark.parametrize("edited", [False, True])
def test_work_on_nodes_that_scenes_share_is_kept(cycles, add_head, ball_file, edited):
    add_head(ball_file)
    shared = own_nodes(cycles)
    other = bpy.data.scenes.new("Other")
    other.compositing_node_group = shared
    bpy.ops.dgtalker.heads_with_cycles()
    if edited:
        tree_of(cycles).nodes["Exposure"].inputs["Exposure"].default_value = -2.0
    bpy.ops.dgtalker.heads_alone()
    assert (tree_of(cycles) == shared) != edited
    assert tree_of(cycles).nodes["Exposure"].inputs["Exposure"].default_value == (-2.0 if edited else -1.0)
    assert [node for node in tree_of(cycles).nodes if node.get("dgtalker_heads")] == []
    assert tree_of(other) == shared


@pytest.mark.parametrize("again", [False, True])
def test_everything_comes_back_also_where_the_scene_of_the_heads_was_deleted(cycles, add_head, ball_file, again):
    add_head(ball_file)
    own_nodes(cycles)
    before = state()
    bpy.ops.dgtalker.heads_with_cycles()
    bpy.data.scenes.remove(bpy.data.scenes[f"{cycles.name} Heads"])
    if again:
        bpy.ops.dgtalker.heads_with_eevee()
    assert bpy.ops.dgtalker.heads_alone() == {"FINISHED"}
    assert state() == before


def test_a_picture_of_another_view_layer_has_that_layer_s_heads(cycles, add_head, ball_file, put_in, render):
    add_head(ball_file)
    collection = put_in(bpy.context.object, "Away")
    tree = own_nodes(cycles)
    bpy.ops.dgtalker.heads_with_cycles()
    second = cycles.view_layers.new("Second")
    second.layer_collection.children[collection.name].exclude = True
    picture = next(node for node in tree_of(cycles).nodes if node.bl_idname == "CompositorNodeRLayers")
    assert render()[64, 64, 3] > 0.9
    picture.layer = "Second"
    assert render()[64, 64, 3] == 0
    second.name = "Renamed"
    assert picture.layer == "Renamed"
    assert render()[64, 64, 3] == 0
    assert tree == tree_of(cycles)


def test_several_scenes_have_their_own_heads_and_cameras(cycles, add_head, ball_file, render):
    add_head(ball_file, (-0.12, 0, 0))
    tree = own_nodes(cycles)
    bpy.ops.scene.new(type="EMPTY")
    other = bpy.context.scene
    for name in ("resolution_x", "resolution_y", "film_transparent", "dither_intensity"):
        setattr(other.render, name, getattr(cycles.render, name))
    other.cycles.device, other.cycles.samples = "CPU", 1
    other.camera = cycles.camera.copy()
    other.collection.objects.link(other.camera)
    if bpy.app.version >= (5, 0):
        other.compositing_node_group = tree
        layers = tree.nodes.new("CompositorNodeRLayers")
        layers.scene = other
    add_head(ball_file, (0.12, 0, 0))
    pictures = {}
    for scene in (other, cycles):
        bpy.context.window.scene = scene
        assert bpy.ops.dgtalker.heads_with_cycles() == {"FINISHED"}
    for scene in (other, cycles):
        bpy.context.window.scene = scene
        pictures[scene] = render()[64, :, 3]
    assert pictures[cycles][38] > 0.9
    assert pictures[cycles][90] == 0
    if bpy.app.version < (5, 0):
        assert pictures[other][90] > 0.9
        assert pictures[other][38] == 0
    for scene in (other, cycles):
        bpy.context.window.scene = scene
        assert bpy.ops.dgtalker.heads_alone() == {"FINISHED"}
    assert tree_of(cycles) == tree
    assert sorted(bpy.data.scenes.keys()) == sorted([cycles.name, other.name])
    assert all(ob.visible_camera for ob in bpy.data.objects)
