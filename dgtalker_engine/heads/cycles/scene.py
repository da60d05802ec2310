"""Renders the pictures of a head with Cycles. Blender's own Python runs this file: `python scene.py JOB`.

A job is a folder with `job.json` (settings and cameras) and meshes as `.npz`; for each view a `.npy` of scene-linear
premultiplied RGBA, float16, is left in it.
"""

# The stubs of bpy say of nearly everything that it may be None.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIndexIssue=false
# pyright: reportOptionalIterable=false, reportArgumentType=false

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

# Directions are those of sculpture/light.py; power is that of an area light at `DISTANCE` for the radiance of white.
DISTANCE = 1.3
LIGHTS = (
    ("key", (0.50, -0.78, 0.62), 0.55, (1.0, 0.90, 0.78), 0.98),
    ("fill", (-0.75, -0.60, 0.10), 1.1, (1.0, 0.92, 0.90), 0.22),
    ("rim", (-0.55, 0.72, 0.45), 0.7, (1.0, 0.94, 0.86), 0.65),
    ("kicker", (0.85, 0.50, 0.25), 0.7, (0.80, 0.90, 1.0), 0.25),
)
SKY = (0.26, 0.29, 0.33)
GROUND = (0.19, 0.145, 0.125)


class Nodes:
    """A material's nodes, made one by one."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.tree = self.material.node_tree
        self.tree.nodes.clear()
        self.output = self.node("ShaderNodeOutputMaterial")

    def node(self, kind: str, inputs: dict[str, Any] | None = None, **properties: Any) -> Any:
        node = self.tree.nodes.new(kind)
        for name, value in properties.items():
            setattr(node, name, value)
        for name, value in (inputs or {}).items():
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, node.inputs[name])
            else:
                node.inputs[name].default_value = value
        return node

    def attribute(self, name: str) -> Any:
        return self.node("ShaderNodeAttribute", attribute_name=name)

    def maths(self, operation: str, a: Any, b: Any) -> Any:
        node = self.node("ShaderNodeMath", operation=operation)
        for socket, value in zip(node.inputs, (a, b), strict=False):
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, socket)
            else:
                socket.default_value = value
        return node.outputs[0]

    def finish(self, shader: Any) -> Any:
        self.tree.links.new(shader.outputs[0], self.output.inputs["Surface"])
        return self.material


def skin_material(look: dict[str, float]) -> Any:
    """Skin that light enters, with pores, mottled, wet where the lips are."""
    nodes = Nodes("skin")
    albedo = nodes.attribute("albedo").outputs["Color"]
    wet = nodes.attribute("wet").outputs["Fac"]
    place = nodes.node("ShaderNodeTexCoord").outputs["Object"]
    mottle = nodes.node("ShaderNodeTexNoise", {"Vector": place, "Scale": 95.0, "Detail": 3.0}).outputs["Fac"]
    value = nodes.maths("ADD", nodes.maths("MULTIPLY", mottle, 0.16), 0.92)
    colour = nodes.node("ShaderNodeHueSaturation", {"Color": albedo, "Value": value}).outputs["Color"]
    pores = nodes.node("ShaderNodeTexVoronoi", {"Vector": place, "Scale": 620.0}).outputs["Distance"]
    creases = nodes.node("ShaderNodeTexNoise", {"Vector": place, "Scale": 380.0, "Detail": 2.0}).outputs["Fac"]
    height = nodes.maths("ADD", pores, creases)
    bump = nodes.node("ShaderNodeBump", {"Height": height, "Strength": look["pores"], "Distance": 0.00025})
    rough = nodes.maths("SUBTRACT", look["roughness"], nodes.maths("MULTIPLY", wet, 0.14))
    shader = nodes.node(
        "ShaderNodeBsdfPrincipled",
        {
            "Base Color": colour,
            "Roughness": rough,
            "Specular IOR Level": 0.42,
            "Subsurface Weight": 0.85,
            "Subsurface Radius": (1.0, 0.36, 0.20),
            "Subsurface Scale": look["scatter"],
            "Coat Weight": nodes.maths("MULTIPLY", wet, look["lip_gloss"]),
            "Coat Roughness": 0.22,
            "Normal": bump.outputs["Normal"],
        },
        subsurface_method="BURLEY",
    )
    return nodes.finish(shader)


def plain_material(name: str, *, glow: float = 0.0, **inputs: Any) -> Any:
    """One principled shader, coloured by the mesh; `glow` is for the dark of the mouth, as film makers light it."""
    nodes = Nodes(name)
    albedo = nodes.attribute("albedo").outputs["Color"]
    inputs |= {"Base Color": albedo, "Emission Color": albedo, "Emission Strength": glow}
    return nodes.finish(nodes.node("ShaderNodeBsdfPrincipled", inputs))


def glow_material() -> Any:
    nodes = Nodes("glow")
    albedo = nodes.attribute("albedo").outputs["Color"]
    return nodes.finish(nodes.node("ShaderNodeEmission", {"Color": albedo, "Strength": 1.0}))


def materials(look: dict[str, float]) -> dict[str, Any]:
    """The material of each name that sheets and strands carry."""
    flesh = {"Subsurface Weight": 0.6, "Subsurface Radius": (1.0, 0.3, 0.2), "Subsurface Scale": 0.002}
    return {
        "skin": skin_material(look),
        "lid": plain_material("lid", Roughness=0.35, **flesh),
        "wet": plain_material(
            "wet", glow=0.08, Roughness=0.28, **{"Coat Weight": 0.5, "Coat Roughness": 0.12}, **flesh
        ),
        "teeth": plain_material("teeth", glow=0.12, Roughness=0.22, **{"Coat Weight": 0.4, "Coat Roughness": 0.08}),
        "cavity": plain_material("cavity", glow=0.3, Roughness=0.6),
        "eye": plain_material("eye", Roughness=0.25, **{"Coat Weight": 1.0, "Coat Roughness": 0.06}),
        "cloth": plain_material("cloth", Roughness=0.85, **{"Sheen Weight": 0.25, "Specular IOR Level": 0.2}),
        "hair_cap": plain_material("hair_cap", Roughness=0.7, **{"Specular IOR Level": 0.1}),
        "hair": plain_material("hair", Roughness=0.6, **{"Specular IOR Level": 0.12}),
        "lash": plain_material("lash", Roughness=0.5),
        "glow": glow_material(),
    }


def add_attribute(datablock: Any, name: str, values: np.ndarray) -> None:
    kind = "FLOAT_COLOR" if values.ndim == 2 else "FLOAT"
    attribute = datablock.attributes.new(name, kind, "POINT")
    if values.ndim == 2:
        values = np.concatenate([values, np.ones((len(values), 1))], axis=1)
    attribute.data.foreach_set("color" if values.ndim == 2 else "value", values.astype(np.float32).ravel())


def add_mesh(name: str, arrays: Any, material: Any) -> None:
    """A smooth mesh from `vertices`, `faces` with -1 for the last corner of triangles, `albedo` and `wet`."""
    faces = arrays["faces"]
    corners = faces.ravel()
    corners = corners[corners >= 0].astype(np.int32)
    totals = np.where(faces[:, 3] < 0, 3, 4).astype(np.int32)
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(arrays["vertices"]))
    mesh.vertices.foreach_set("co", arrays["vertices"].astype(np.float32).ravel())
    mesh.loops.add(len(corners))
    mesh.loops.foreach_set("vertex_index", corners)
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.concatenate([[0], np.cumsum(totals)[:-1]]).astype(np.int32))
    mesh.update(calc_edges=True)
    mesh.shade_smooth()
    add_attribute(mesh, "albedo", arrays["albedo"])
    add_attribute(mesh, "wet", arrays["wet"])
    mesh.materials.append(material)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new(name, mesh))


def add_hairs(name: str, arrays: Any, material: Any) -> None:
    """Curves from `vertices`, `radius`, `albedo`, and the number of points of each, `steps`."""
    count = len(arrays["vertices"]) // int(arrays["steps"])
    curves = bpy.data.hair_curves.new(name)
    curves.add_curves([int(arrays["steps"])] * count)
    curves.points.foreach_set("position", arrays["vertices"].astype(np.float32).ravel())
    curves.points.foreach_set("radius", arrays["radius"].astype(np.float32))
    add_attribute(curves, "albedo", arrays["albedo"])
    curves.materials.append(material)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new(name, curves))


def add_lights() -> None:
    for name, direction, size, colour, radiance in LIGHTS:
        light = bpy.data.lights.new(name, "AREA")
        light.shape, light.size, light.color = "DISK", size, colour
        light.energy = radiance * math.pi**2 * DISTANCE**2
        ob = bpy.data.objects.new(name, light)
        towards = Vector(direction).normalized()
        ob.matrix_world = Matrix.Translation(towards * DISTANCE) @ towards.to_track_quat("Z", "Y").to_matrix().to_4x4()
        bpy.context.scene.collection.objects.link(ob)
    world = bpy.data.worlds.new("sky")
    nodes, links = world.node_tree.nodes, world.node_tree.links
    place = nodes.new("ShaderNodeTexCoord")
    split = nodes.new("ShaderNodeSeparateXYZ")
    ramp = nodes.new("ShaderNodeMapRange")
    ramp.inputs["From Min"].default_value = -1.0
    mix = nodes.new("ShaderNodeMix")
    mix.data_type = "RGBA"
    colours = [socket for socket in mix.inputs if socket.type == "RGBA"]
    colours[0].default_value, colours[1].default_value = (*GROUND, 1), (*SKY, 1)
    links.new(place.outputs["Generated"], split.inputs[0])
    links.new(split.outputs["Z"], ramp.inputs["Value"])
    links.new(ramp.outputs[0], mix.inputs["Factor"])
    result = next(socket for socket in mix.outputs if socket.type == "RGBA")
    links.new(result, nodes["Background"].inputs["Color"])
    bpy.context.scene.world = world


def set_up(samples: int) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = samples
    scene.cycles.seed = 7
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = True
    scene.cycles.denoiser = "OPENIMAGEDENOISE"
    scene.cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    scene.cycles.denoising_prefilter = "FAST"
    scene.cycles.debug_bvh_type = "DYNAMIC_BVH"
    scene.cycles.max_bounces = 4
    scene.cycles.diffuse_bounces = 2
    scene.cycles.transparent_max_bounces = 6
    scene.cycles.sample_clamp_indirect = 3.0
    scene.cycles.caustics_reflective = scene.cycles.caustics_refractive = False
    scene.cycles.film_exposure = 1.0
    scene.render.film_transparent = True
    scene.render.use_persistent_data = True
    scene.view_settings.view_transform = "Standard"
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.image_settings.color_depth = "16"
    camera = bpy.data.cameras.new("camera")
    camera.sensor_fit, camera.sensor_width = "HORIZONTAL", 36.0
    camera.clip_start, camera.clip_end = 0.05, 20
    scene.camera = bpy.data.objects.new("camera", camera)
    scene.collection.objects.link(scene.camera)


def aim(view: dict[str, Any]) -> None:
    """Sets Blender's camera as an OpenCV one whose principal point is the middle."""
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = view["width"], view["height"]
    scene.render.resolution_percentage = 100
    scene.camera.data.lens = view["focal"] * 36.0 / view["width"]
    scene.camera.matrix_world = Matrix(view["world_to_camera"]).inverted() @ Matrix.Diagonal((1, -1, -1, 1))


def picture(path: Path) -> np.ndarray:
    """What was rendered last, scene-linear premultiplied RGBA (H, W, 4), top row first."""
    scene = bpy.context.scene
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path), check_existing=False)
    pixels = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(pixels)
    rgba = pixels.reshape(image.size[1], image.size[0], 4)[::-1].copy()
    bpy.data.images.remove(image)
    path.unlink()
    return rgba


def main(folder: Path) -> None:
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    set_up(job["samples"])
    add_lights()
    by_name = materials(job["look"])
    for pose in job["poses"]:
        show(folder, pose["parts"], by_name)
        for view in pose["views"]:
            aim(view)
            np.save(folder / f"{view['name']}.npy", picture(folder / "picture.exr").astype(np.float16))
            print(f"rendered {view['name']}", flush=True)


def show(folder: Path, parts: list[dict[str, Any]], by_name: dict[str, Any]) -> None:
    """Brings in the parts of a pose; what it shares with the pose before stays as it is, and so does Cycles' tree."""
    files = {part["file"] for part in parts}
    for ob in list(bpy.data.objects):
        if ob.type in ("MESH", "CURVES") and ob.name not in files:
            bpy.data.objects.remove(ob)
    for part in parts:
        if part["file"] not in bpy.data.objects:
            with np.load(folder / part["file"]) as arrays:
                add = add_hairs if part["strands"] else add_mesh
                add(part["file"], arrays, by_name[part["material"]])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
