"""A picture of the engine drawn into a 3D view: each pixel at its own depth, wherever the view looks from meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from .feed import Picture
from .view import View

_VIEW = """
struct HeadsView {
  mat4 to_clip;
  vec4 lens;
  vec4 rectangle;
  vec4 depths;
  vec4 options;
  vec4 frame;
  vec4 planes[6];
};
"""
"""Lengths are pixels of the picture, but the frame's.

lens: fx, fy, cx, cy. rectangle: x, y, width, height. depths: nearest, farthest, whether the view is parallel, how many
planes there are. options: opacity, whether pixels are those of the view, how dark it is outside the frame. frame: x, y
of its lower left and upper right corner in the view. planes: in camera space; what lies before each of them is seen."""

_VERTEX = "void main() { place = pixel; gl_Position = heads.to_clip * vec4(point, 1.0); }"

_FRAGMENT = """
vec4 texel(ivec2 at, out float steps) {
  steps = 0.0;
  if (any(lessThan(at, ivec2(0))) || any(greaterThanEqual(at, ivec2(heads.rectangle.zw)))) return vec4(0.0);
  vec2 pair = texelFetch(pixels, at, 0).rg;
  float alpha = floor(pair.y / 65536.0);
  if (alpha < 0.5) return vec4(0.0);
  steps = pair.y - alpha * 65536.0;
  float red = floor(pair.x / 65536.0);
  float green = floor((pair.x - red * 65536.0) / 256.0);
  vec3 straight = min(vec3(red, green, pair.x - red * 65536.0 - green * 256.0) / alpha, vec3(1.0));
  vec3 curved = pow((straight + 0.055) / 1.055, vec3(2.4));
  vec3 linear = mix(straight / 12.92, curved, step(vec3(0.04045), straight));
  return vec4(linear, 1.0) * (alpha / 255.0);
}

void main() {
  vec2 at = place - heads.rectangle.xy;
  float steps;
  vec4 colour;
  if (heads.options.y > 0.5) {
    colour = texel(ivec2(floor(at)), steps);
  }
  else {
    vec2 first = floor(at - 0.5);
    vec2 part = at - 0.5 - first;
    colour = vec4(0.0);
    float sum = 0.0;
    for (int i = 0; i < 4; i++) {
      ivec2 corner = ivec2(i & 1, i >> 1);
      float here;
      vec2 weight = mix(1.0 - part, part, vec2(corner));
      vec4 tap = texel(ivec2(first) + corner, here) * weight.x * weight.y;
      colour += tap;
      sum += tap.a * here;
    }
    steps = sum / max(colour.a, 1e-6);
  }
  if (colour.a < 1.0 / 512.0) discard;
  float z = mix(heads.depths.x, heads.depths.y, steps / 65535.0);
  vec2 ray = (place - heads.lens.zw) / heads.lens.xy;
  vec4 point = vec4(heads.depths.z > 0.5 ? ray : ray * z, z, 1.0);
  for (int i = 0; i < int(heads.depths.w); i++) {
    if (dot(heads.planes[i], point) < 0.0) discard;
  }
  vec4 clip = heads.to_clip * point;
  gl_FragDepth = clamp(clip.z / clip.w * 0.5 + 0.5, 0.0, 1.0);
  vec2 here = gl_FragCoord.xy;
  bool outside = any(lessThan(here, heads.frame.xy)) || any(greaterThan(here, heads.frame.zw));
  colour.rgb *= outside ? 1.0 - heads.options.z : 1.0;
  seen = colour * heads.options.x;
}
"""

_shader: gpu.types.GPUShader | None = None


@dataclass(frozen=True)
class Look:
    """How a view shows heads.

    Attributes:
        opacity: of all of them.
        planes: (N, 4), N up to 6, in the world: what lies before each of them is seen.
        frame: x and y of the lower left and the upper right corner of the camera's picture, pixels of the region.
        darkened: how dark it is outside the frame, 0 to 1.
        depth: whether what Blender has drawn may hide them.
    """

    opacity: float = 1.0
    planes: tuple[tuple[float, ...], ...] = ()
    frame: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    darkened: float = 0.0
    depth: bool = True


def upload(picture: Picture) -> gpu.types.GPUTexture | None:
    """The picture's pixels; None where it is empty. Needs the context of a region that is drawn."""
    height, width = picture.pixels.shape[:2]
    if not width or not height:
        return None
    pixels: Any = np.ascontiguousarray(picture.pixels, np.float32).ravel()
    data = gpu.types.Buffer("FLOAT", pixels.size, pixels)
    return gpu.types.GPUTexture((width, height), format="RG32F", data=data)


def draw(picture: Picture, texture: gpu.types.GPUTexture, view: View, matrix: np.ndarray, look: Look) -> None:
    """Draws a picture into the region that is being drawn, in linear colours, premultiplied.

    Args:
        texture: of `upload`.
        view: that the region shows now: the picture may be of an earlier one.
        matrix: (4, 4) from the world to the region's clip space.
    """
    was = picture.wanted.view
    across, down = picture.scale
    to_world = np.linalg.inv(np.reshape(was.world_to_view, (4, 4)))
    fx, _, cx, _, fy, cy, *_ = was.camera.K
    lens = np.array([fx * across, fy * down, cx * across, cy * down])
    x, y, width, height = picture.rectangle
    corners = np.array([[x, y], [x + width, y], [x, y + height], [x + width, y + height]], np.float64)
    middle = sum(picture.depths) / 2
    rays = (corners - lens[2:]) / lens[:2]
    points = np.column_stack([rays if was.camera.orthographic else rays * middle, np.full(4, middle)])
    planes = np.zeros((6, 4))
    planes[: len(look.planes)] = np.reshape(look.planes, (-1, 4)) @ to_world
    exact = picture.scale == (1.0, 1.0) and was == view
    rows = [
        (np.asarray(matrix, np.float64) @ to_world).T,
        lens,
        picture.rectangle,
        (*picture.depths, was.camera.orthographic, len(look.planes)),
        (look.opacity, exact, look.darkened, 0.0),
        look.frame,
        planes,
    ]
    block: Any = np.concatenate([np.asarray(row, np.float32).ravel() for row in rows]).tobytes()
    shader = _compiled()
    gpu.state.depth_test_set("LESS_EQUAL" if look.depth else "NONE")
    gpu.state.depth_mask_set(False)
    gpu.state.blend_set("ALPHA_PREMULT")
    shader.bind()
    shader.uniform_sampler("pixels", texture)
    buffer = gpu.types.GPUUniformBuf(block)  # has to live until it has been drawn with
    shader.uniform_block("heads", buffer)
    attributes: Any = {"point": points.tolist(), "pixel": corners.tolist()}
    batch_for_shader(shader, "TRI_STRIP", attributes).draw(shader)
    gpu.state.depth_test_set("NONE")
    gpu.state.blend_set("NONE")


def forget() -> None:
    """Lets go of the shader."""
    global _shader
    _shader = None


def _compiled() -> gpu.types.GPUShader:
    global _shader
    if _shader is None:
        passed = gpu.types.GPUStageInterfaceInfo("dgtalker_heads")
        passed.smooth("VEC2", "place")
        info = gpu.types.GPUShaderCreateInfo()
        info.typedef_source(_VIEW)
        info.uniform_buf(0, "HeadsView", "heads")
        info.vertex_in(0, "VEC3", "point")
        info.vertex_in(1, "VEC2", "pixel")
        info.vertex_out(passed)
        info.sampler(0, "FLOAT_2D", "pixels")
        info.fragment_out(0, "VEC4", "seen")
        info.depth_write("ANY")
        info.vertex_source(_VERTEX)
        info.fragment_source(_FRAGMENT)
        _shader = gpu.shader.create_from_info(info)
    return _shader
