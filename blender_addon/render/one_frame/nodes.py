"""The nodes that put heads into the picture of a scene.

With M the picture of the meshes, H that of the heads, A what heads cover of it (its alpha, and what heads that are
holdouts cover), and F the part of a pixel in which meshes stand before a head:

    picture = H + (1 − A) · (M + t · (front − M)),    t = A F / ((1 − F) (1 − A))

Without t a pixel on the edge of a mesh before a face would show a part of what lies behind the face. `front` is the
colour of the meshes before the head alone: the mean of M round about, where F is nearly 1. t follows from the alpha
a = A / (1 − F) that the heads had if nothing stood before them: of what they leave uncovered, 1 − A, the part a F is
certainly before the head.
"""

from __future__ import annotations

import hashlib
from typing import Any

import bpy

GROUP = "Heads in the Scene"
_MARK = "dgtalker_heads"
_SHARP = 24.0
"""Exponent: how much more a pixel that is covered whole says about the colour of what is in front than one in part."""
_REACH = 2.0
"""Pixels of the blur that looks for that colour."""
_NOTHING = 1e10
"""Depth where nothing is, metres."""
_PLAIN = ("CompositorNodeRLayers", "CompositorNodeComposite")
_CHANNELS = ("Red", "Green", "Blue", "Alpha")


def insert(main: bpy.types.Scene, heads: bpy.types.Scene) -> bool:
    """Lead every picture of the main scene through the heads' nodes; whether there was one."""
    tree = tree_of(main)
    group = _group()
    found = False
    for node in list(tree.nodes):
        if node.bl_idname == "CompositorNodeRLayers" and node.scene == main and not node.get(_MARK):
            _insert_after(tree, node, heads, group)
            found = True
    return found


def follow(tree: Any) -> None:
    """Let each picture have the heads of its own view layer, which may be another by now, or have another name."""
    for group in [node for node in tree.nodes if node.get(_MARK) == "group"]:
        picture, source = (_source(group.inputs[name]) for name in ("Image", "Heads"))
        if picture is None or source is None or picture.bl_idname != source.bl_idname:
            continue
        if source.layer != picture.layer and picture.layer in source.scene.view_layers:
            source.layer = picture.layer


def _source(socket: Any) -> Any:
    return socket.links[0].from_node if socket.links else None


def remove(tree: Any) -> None:
    """Take the heads' nodes out again: what they led to is linked to the pictures as it was."""
    for node in [node for node in tree.nodes if node.get(_MARK) == "group"]:
        for output in node.outputs:
            source = node.inputs.get(output.name)
            if source is not None and source.links:
                for link in list(output.links):
                    tree.links.new(source.links[0].from_socket, link.to_socket)
    for node in [node for node in tree.nodes if node.get(_MARK)]:
        tree.nodes.remove(node)
    group = bpy.data.node_groups.get(GROUP)
    if group is not None and not group.users:
        bpy.data.node_groups.remove(group)


def is_in(tree: Any) -> bool:
    return tree is not None and any(node.get(_MARK) for node in tree.nodes)


def is_plain(tree: Any) -> bool:
    """Whether nodes are no more than those with which Blender begins: nobody's work."""
    return all(node.bl_idname in _PLAIN for node in tree.nodes)


def digest(tree: Any) -> str:
    """Differs where nodes, what is set in them, or their links do."""
    lines = [
        repr([each.name for each in (link.from_node, link.from_socket, link.to_node, link.to_socket)])
        for link in tree.links
    ]
    for node in tree.nodes:
        lines += [f"{node.name} {i} {_settings(each)}" for i, each in enumerate((node, *node.inputs))]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _settings(owner: Any) -> list[str]:
    kinds = ("BOOLEAN", "INT", "FLOAT", "STRING", "ENUM")
    names = [each.identifier for each in owner.bl_rna.properties if each.type in kinds and not each.is_readonly]
    values = [getattr(owner, name) for name in names if name != "select"]
    return [repr(value if isinstance(value, bool | int | float | str | set) else value[:]) for value in values]


def tree_of(scene: bpy.types.Scene) -> Any:
    """The compositor's nodes of a scene; None where there are none."""
    owner: Any = scene
    return owner.compositing_node_group if bpy.app.version >= (5, 0) else owner.node_tree


def make_tree(scene: bpy.types.Scene, layer: str) -> Any:
    """Nodes that give the picture of a view layer as it is, for a scene without nodes."""
    owner: Any = scene
    if bpy.app.version >= (5, 0):
        tree: Any = bpy.data.node_groups.new(f"{scene.name} Compositing", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        owner.compositing_node_group = tree
        result = tree.nodes.new("NodeGroupOutput")
    else:
        owner.use_nodes = True
        tree = owner.node_tree
        tree.nodes.clear()
        result = tree.nodes.new("CompositorNodeComposite")
    picture = tree.nodes.new("CompositorNodeRLayers")
    picture.scene, picture.layer = scene, layer
    result.location = 700, 0
    tree.links.new(picture.outputs["Image"], result.inputs[0])
    return tree


def _insert_after(tree: Any, picture: Any, heads: bpy.types.Scene, group: Any) -> None:
    led_to = {
        name: [link.to_socket for link in picture.outputs[name].links]
        for name in ("Image", "Alpha", "Depth")
        if name in picture.outputs and picture.outputs[name].enabled
    }
    source = tree.nodes.new("CompositorNodeRLayers")
    source.scene, source.layer, source.label = heads, picture.layer, "Heads"
    source[_MARK] = "source"
    merge = tree.nodes.new("CompositorNodeGroup")
    merge.node_tree = group
    merge[_MARK] = "group"
    x, y = picture.location
    source.location, merge.location = (x, y - 420), (x + 320, y - 60)
    for name in led_to:
        tree.links.new(picture.outputs[name], merge.inputs[name])
    for theirs, ours in (("Image", "Heads"), ("Depth", "Heads Depth"), ("Hidden",) * 2, ("Held Out",) * 2):
        tree.links.new(source.outputs[theirs], merge.inputs[ours])
    for name, targets in led_to.items():
        for target in targets:
            tree.links.new(merge.outputs[name], target)


def _group() -> Any:
    """The group of nodes that all pictures share."""
    group: Any = bpy.data.node_groups.get(GROUP)
    if group is not None:
        return group
    group = bpy.data.node_groups.new(GROUP, "CompositorNodeTree")
    for name, kind in (
        ("Image", "Color"),
        ("Alpha", "Float"),
        ("Depth", "Float"),
        ("Heads", "Color"),
        ("Heads Depth", "Float"),
        ("Hidden", "Float"),
        ("Held Out", "Float"),
    ):
        group.interface.new_socket(name, in_out="INPUT", socket_type=f"NodeSocket{kind}")
    for name, kind in (("Image", "Color"), ("Alpha", "Float"), ("Depth", "Float")):
        group.interface.new_socket(name, in_out="OUTPUT", socket_type=f"NodeSocket{kind}")
    _Formula(group).build()
    return group


class _Formula:
    """Builds the nodes of this module's formula."""

    def __init__(self, group: Any) -> None:
        self._group = group

    def build(self) -> None:
        inputs = self._node("NodeGroupInput").outputs
        meshes, heads = self._split(inputs["Image"]), self._split(inputs["Heads"])
        hidden, held_out = inputs["Hidden"], inputs["Held Out"]
        alpha = self._math("ADD", heads[3], held_out)
        clear = self._math("SUBTRACT", 1.0, alpha)
        uncovered = self._math("MULTIPLY", self._math("SUBTRACT", 1.0, hidden), clear)
        certain = self._math("DIVIDE", self._math("MULTIPLY", alpha, hidden), uncovered)
        certain.node.use_clamp = True
        weight = self._math("POWER", hidden, _SHARP)
        weighted = self._join([self._math("MULTIPLY", channel, weight) for channel in meshes])
        sums, weights = self._split(self._blur(weighted)), self._blur(weight)
        pixels = []
        for mesh, head, total in zip(meshes, heads, sums, strict=True):
            front = self._math("DIVIDE", total, weights)
            behind = self._math("MULTIPLY_ADD", self._math("SUBTRACT", front, mesh), certain, mesh)
            pixels.append(self._math("MULTIPLY_ADD", behind, clear, head))
        out = self._node("NodeGroupOutput").inputs
        self._link(self._join(pixels), out["Image"])
        self._link(pixels[3], out["Alpha"])
        away = self._math("MULTIPLY", self._math("LESS_THAN", heads[3], 0.5), _NOTHING)
        depth = self._math("MINIMUM", inputs["Depth"], self._math("ADD", inputs["Heads Depth"], away))
        hole = self._math("MULTIPLY", self._math("GREATER_THAN", held_out, 0.5), _NOTHING)
        self._link(self._math("MAXIMUM", depth, hole), out["Depth"])
        for place, node in enumerate(self._group.nodes):
            node.location = 220 * (place // 6), -180 * (place % 6)

    def _node(self, kind: str) -> Any:
        return self._group.nodes.new(kind)

    def _link(self, source: Any, target: Any) -> None:
        self._group.links.new(source, target)

    def _math(self, operation: str, *values: Any) -> Any:
        node = self._node("ShaderNodeMath")
        node.operation = operation
        for socket, value in zip(node.inputs, values, strict=False):
            if isinstance(value, float):
                socket.default_value = value
            else:
                self._link(value, socket)
        return node.outputs[0]

    def _split(self, colour: Any) -> list[Any]:
        node = self._node("CompositorNodeSeparateColor")
        self._link(colour, node.inputs[0])
        return [node.outputs[name] for name in _CHANNELS]

    def _join(self, channels: list[Any]) -> Any:
        node = self._node("CompositorNodeCombineColor")
        for name, channel in zip(_CHANNELS, channels, strict=True):
            self._link(channel, node.inputs[name])
        return node.outputs[0]

    def _blur(self, picture: Any) -> Any:
        node = self._node("CompositorNodeBlur")
        node.inputs["Size"].default_value[:2] = (_REACH, _REACH)
        self._link(picture, node.inputs[0])
        return node.outputs[0]
