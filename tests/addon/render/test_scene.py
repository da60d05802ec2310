"""Which heads are seen, where and how they are posed: instances, layers, visibility, animation."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

SIZE = 128


def middle(picture: np.ndarray) -> float:
    """The column of the picture's centre of gravity."""
    return float(np.average(np.arange(picture.shape[1]) + 0.5, weights=picture[..., 3].sum(axis=0)))


def test_two_heads_and_every_kind_of_instance_are_seen(
    scene, add_head, lamps_file, lamps, render, spots, project, put_in
):
    add_head(lamps_file, (0.2, 0, 0.2))
    source = add_head(lamps_file)
    source.delta_rotation_euler = (0, 0.3, 0)
    bpy.context.view_layer.update()
    turned = np.array(source.matrix_world)
    family = put_in(source, "Family", linked=False)
    places = [(-0.25, 0.1, 0.2), (-0.2, 0, -0.2)]
    for place in places:
        empty = bpy.data.objects.new("Instance", None)
        empty.instance_type, empty.instance_collection, empty.location = "COLLECTION", family, place
        scene.collection.objects.link(empty)
    plane = bpy.data.objects.new("Points", instancing_mesh((0.2, 0, -0.2)))
    scene.collection.objects.link(plane)
    plane.modifiers.new("Instances", "NODES").node_group = instancing_nodes(source)
    scene.camera.data.lens = 35
    found = spots(render())
    local = (turned[:3, :3] @ lamps.T).T
    expected = [lamps + np.array((0.2, 0, 0.2)), *(local + np.array(place) for place in places)]
    expected.append(lamps + np.array((0.2, 0, -0.2)))
    pixels = project(np.concatenate(expected), scene.camera, SIZE, SIZE)
    assert len(found) == 12
    assert max(np.abs(found - pixel).max(axis=1).min() for pixel in pixels) < 0.1


def instancing_mesh(place) -> bpy.types.Mesh:
    mesh = bpy.data.meshes.new("Points")
    mesh.from_pydata([place], [], [])
    return mesh


def instancing_nodes(source: bpy.types.Object) -> bpy.types.NodeTree:
    tree = bpy.data.node_groups.new("Instances", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    start, end = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    info = tree.nodes.new("GeometryNodeObjectInfo")
    info.inputs["Object"].default_value = source
    info.inputs["As Instance"].default_value = True
    onto = tree.nodes.new("GeometryNodeInstanceOnPoints")
    tree.links.new(start.outputs[0], onto.inputs["Points"])
    tree.links.new(info.outputs["Geometry"], onto.inputs["Instance"])
    tree.links.new(onto.outputs[0], end.inputs[0])
    return tree


def test_each_view_layer_shows_its_own_heads(scene, add_head, ball_file, render_pass, put_in):
    for name, x in (("Left", -0.2), ("Right", 0.2)):
        put_in(add_head(ball_file, (x, 0, 0)), name)
    first, second = scene.view_layers["ViewLayer"], scene.view_layers.new("Second")
    first.layer_collection.children["Left"].exclude = True
    second.layer_collection.children["Right"].exclude = True
    for layer, right in (("ViewLayer", True), ("Second", False)):
        alpha = render_pass(layer, "Alpha").sum(axis=0)
        assert alpha[SIZE // 2 :].any() == right
        assert alpha[: SIZE // 2].any() != right


@pytest.mark.parametrize("way", ["hide_render", "excluded", "collection hidden", "indirect only"])
def test_hidden_heads_are_not_rendered(scene, add_head, ball_file, render, put_in, way):
    head = add_head(ball_file)
    collection = put_in(head, "Hidden")
    layered = bpy.context.view_layer.layer_collection.children["Hidden"]
    assert render().any()
    if way == "hide_render":
        head.hide_render = True
    elif way == "excluded":
        layered.exclude = True
    elif way == "collection hidden":
        collection.hide_render = True
    else:
        layered.indirect_only = True
    assert not render().any()


def test_a_linked_head_is_rendered_as_in_its_own_file(scene, add_head, lamps_file, render, tmp_path):
    head = add_head(lamps_file)
    head.data.shape_keys.key_blocks["slide"].value = 0.5
    own = render()
    library = str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library, copy=True)
    bpy.data.objects.remove(head)
    assert not render().any()
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.objects = ["Lamps"]
    scene.collection.objects.link(wanted.objects[0])
    np.testing.assert_array_equal(render(), own)


def test_a_head_scaled_to_nothing_is_not_seen(scene, add_head, ball_file, render):
    add_head(ball_file).scale = (0, 0, 0)
    assert not render().any()


def test_a_head_that_only_cycles_may_not_see_is_rendered(scene, add_head, ball_file, render):
    add_head(ball_file).visible_camera = False
    assert render().any()


def test_a_holdout_takes_alpha_from_what_is_behind_it_and_may_be_keyed(scene, add_head, ball_file, render):
    far, near = add_head(ball_file, (0.05, 0.4, 0)), add_head(ball_file, (-0.02, -0.2, 0))
    alphas = []
    for hidden in (near, far):
        hidden.hide_render = True
        alphas.append(render()[..., 3])
        hidden.hide_render = False
    for frame, is_holdout in ((1, False), (2, True)):
        near.is_holdout = is_holdout
        near.keyframe_insert("is_holdout", frame=frame)
    scene.frame_set(1)
    whole = render()[..., 3]
    scene.frame_set(2)
    picture = render()
    behind, before = alphas
    np.testing.assert_allclose(picture[..., 3], behind * (1 - before), atol=0.02)
    np.testing.assert_allclose(whole, 1 - (1 - behind) * (1 - before), atol=0.02)
    assert ((before > 0.1) & (before < 0.9) & (behind > 0.5)).sum() > 20
    shown = picture[..., 3] > 0.1
    np.testing.assert_allclose(picture[shown][:, :3], [(0.8, 0.4, 0.2)] * shown.sum(), atol=0.02)


def test_what_instances_a_head_says_whether_it_is_a_holdout(scene, add_head, ball_file, render, put_in):
    head = add_head(ball_file)
    instances = bpy.data.objects.new("Instances", None)
    instances.instance_type, instances.instance_collection = "COLLECTION", put_in(head, "Group", linked=False)
    scene.collection.objects.link(instances)
    head.is_holdout = True
    assert render()[64, 64, 3] > 0.9
    head.is_holdout, instances.is_holdout = False, True
    assert not render()[..., 3].any()


def test_weights_of_hand_keys_drivers_and_nla_move_the_gaussians(
    scene, add_head, lamps_file, lamps, render, spots, project
):
    """`slide` and `slip` each move the lamps by 0.2 m along +X per unit."""
    key = add_head(lamps_file).data.shape_keys
    slide, slip = key.key_blocks["slide"], key.key_blocks["slip"]

    def moved(metres: float) -> bool:
        expected = project(lamps + np.array([metres, 0, 0]), scene.camera, SIZE, SIZE)
        return np.abs(spots(render()) - expected[expected[:, 0].argsort()]).max() < 0.1

    scene.camera.data.lens = 35
    slide.value = 0.5
    assert moved(0.1)
    for frame, value in ((1, 0.0), (11, 1.0)):
        slide.value = value
        slide.keyframe_insert("value", frame=frame)
    for point in (
        key.animation_data.action.fcurves[0].keyframe_points if bpy.app.version < (5, 0) else curve_points(key)
    ):
        point.interpolation = "LINEAR"
    scene.frame_set(4)
    assert moved(0.06)
    slip.driver_add("value").driver.expression = "-0.5 + 0.9"
    assert moved(0.14)
    action = key.animation_data.action
    track = key.animation_data.nla_tracks.new()
    strip = track.strips.new("hand", 1, action)
    if strip.action_slot is None:
        strip.action_slot = action.slots[0]
    strip.use_animated_influence = False
    key.animation_data.action = None
    strip.frame_start, strip.frame_end = 5, 15
    scene.frame_set(10)
    assert moved(0.1 + 0.08)


def curve_points(key: bpy.types.Key) -> list:
    (layer,) = key.animation_data.action.layers
    (strip,) = layer.strips
    return [point for bag in strip.channelbags for curve in bag.fcurves for point in curve.keyframe_points]


def test_missing_shape_keys_stay_at_rest_and_are_named(scene, add_head, lamps_file, render, capfd):
    head = add_head(lamps_file)
    rest = render()
    keys = head.data.shape_keys.key_blocks
    keys["slip"].value = 1
    head.shape_key_remove(keys["slip"])
    keys["slide"].name = "glide"
    capfd.readouterr()
    np.testing.assert_array_equal(render(), rest)
    said = "".join(capfd.readouterr())
    assert "no shape keys for slide, slip" in said
    head.shape_key_clear()
    np.testing.assert_array_equal(render(), rest)


def test_frame_n_is_the_same_alone_and_in_a_range(scene, add_head, ball_file, render, read, tmp_path):
    head = add_head(ball_file)
    for frame, x in ((1, -0.2), (5, 0.2)):
        head.location.x = x
        head.keyframe_insert("location", frame=frame)
    scene.frame_start, scene.frame_end = 2, 4
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.filepath = str(tmp_path / "range_")
    assert bpy.ops.render.render(animation=True) == {"FINISHED"}
    frames = [read(path) for path in sorted(tmp_path.glob("range_*.png"))]
    scene.frame_set(3)
    assert len(frames) == 3
    np.testing.assert_array_equal(render(), frames[1])
    assert middle(frames[0]) < middle(frames[1]) < middle(frames[2])


def test_the_camera_of_a_timeline_marker_is_used(scene, add_head, ball_file, render):
    add_head(ball_file)
    other = scene.camera.copy()
    scene.collection.objects.link(other)
    other.location.x = 0.2
    scene.timeline_markers.new("first", frame=1).camera = scene.camera
    scene.timeline_markers.new("other", frame=5).camera = other
    assert middle(render()) == pytest.approx(SIZE / 2, abs=1)
    scene.frame_set(5)
    assert middle(render()) < SIZE / 2 - 10


def test_animators_find_camera_film_world_and_passes(room):
    for name in ("RENDER_PT_opengl_film", "EEVEE_WORLD_PT_surface", "VIEWLAYER_PT_workbench_layer_passes_data"):
        assert "DGTALKER" in getattr(bpy.types, name).COMPAT_ENGINES
    assert "DGTALKER" in bpy.types.RENDER_PT_output.COMPAT_ENGINES
    assert "DGTALKER" in bpy.types.DATA_PT_lens.COMPAT_ENGINES
