"""Normal equations of a head's pose from one rendered picture: Lucas–Kanade in six dimensions.

Where the head moves a little, each pixel's colour is that of the picture beside it: the picture's gradient times the
flow of the pixel's point, whose depth the renderer gives (Lucas and Kanade, "An iterative image registration technique
with an application to stereo vision", 1981; with depth, Kerl et al., "Robust odometry estimation for RGB-D cameras",
2013). The background stays where it is, so colour and alpha move, and what shines through does not.
"""

from __future__ import annotations

import numpy as np

from ...kernels.compilation import kernel

ROBUST = 0.08
"""Difference of colours from which an error counts linearly."""

_LEAST_ALPHA = 0.02


def pose_equations(
    rgb: np.ndarray,
    alpha: np.ndarray,
    depth: np.ndarray,
    wanted: np.ndarray,
    behind: np.ndarray,
    weights: np.ndarray,
    camera: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Gauss–Newton's equations H x = −g for a head that turns by x₁…₃ in the camera's axes and moves by x₄…₆.

    Args:
        rgb, alpha, depth: of `gaussians.render` over black, float32 (H, W, 3), (H, W), (H, W).
        wanted: the frame, float32 (H, W, 3), 0 to 1.
        behind: what is behind the head, float32 (H, W, 3).
        weights: of the pixels, float32 (H, W).
        camera: focal length, its principal point x and y in this picture's pixels, and the place about which the head
            turns in the camera's space, metres: float64 (6,).

    Returns:
        H (6, 6), g (6,), and the mean absolute error weighted.
    """
    hessian, gradient = np.zeros((6, 6)), np.zeros(6)
    error = _accumulate(rgb, alpha, depth, wanted, behind, weights, camera, hessian, gradient)
    return hessian, gradient, float(error)


def pose_equations_reference(
    rgb: np.ndarray,
    alpha: np.ndarray,
    depth: np.ndarray,
    wanted: np.ndarray,
    behind: np.ndarray,
    weights: np.ndarray,
    camera: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, float]:
    """`pose_equations` in NumPy, readable, in double precision."""
    focal, middle_x, middle_y, *pivot = camera
    rgb, alpha, behind = (array.astype(np.float64) for array in (rgb, alpha, behind))
    difference = wanted - (rgb + (1 - alpha)[..., None] * behind)
    inner = (slice(1, -1), slice(1, -1))

    def slope(axis: int) -> np.ndarray:
        """Half the difference of the two neighbours, of what moves."""
        return 0.5 * (np.roll(rgb, -1, axis) - np.roll(rgb, 1, axis)) - 0.5 * behind * (
            np.roll(alpha, -1, axis) - np.roll(alpha, 1, axis)
        )[..., None]  # fmt: skip

    where = np.where(alpha >= _LEAST_ALPHA, depth, np.inf).astype(np.float64)
    near = np.minimum.reduce([np.roll(where, shift, axis) for shift in (-1, 1) for axis in (0, 1)])
    z = np.where(np.isfinite(where), where, near)[inner]
    used = np.isfinite(z)
    z = np.where(used, z, 1.0)
    y, x = np.mgrid[1 : alpha.shape[0] - 1, 1 : alpha.shape[1] - 1] + 0.5
    point = np.stack([(x - middle_x) / focal * z, (y - middle_y) / focal * z, z], -1)
    arm = point - pivot
    turns = np.stack([np.cross(axis, arm) for axis in np.eye(3)], -1)
    motion = np.concatenate([turns, np.broadcast_to(np.eye(3), turns.shape)], -1)  # of the point (…, 3, 6)
    flow = (
        focal
        / z[..., None, None]
        * (motion[..., :2, :] - (point[..., :2] / z[..., None])[..., None] * motion[..., 2:, :])
    )
    jacobian = -(
        slope(1)[inner][..., None] * flow[..., None, 0, :] + slope(0)[inner][..., None] * flow[..., None, 1, :]
    )
    error = difference[inner]
    weight = weights[inner][..., None] * used[..., None] / np.sqrt(1 + (error / ROBUST) ** 2)
    hessian = np.einsum("hwc,hwci,hwcj->ij", weight, jacobian, jacobian)
    gradient = -np.einsum("hwc,hwci,hwc->i", weight, jacobian, error)
    counted = weights[inner] * used
    return hessian, gradient, float((np.abs(error).mean(-1) * counted).sum() / max(counted.sum(), 1e-9))


@kernel
def _accumulate(rgb, alpha, depth, wanted, behind, weights, camera, hessian, gradient):
    height, width = alpha.shape
    focal, middle_x, middle_y = camera[0], camera[1], camera[2]
    px, py, pz = camera[3], camera[4], camera[5]
    total, counted = 0.0, 0.0
    du, dv, row = np.zeros(6), np.zeros(6), np.zeros(6)
    for i in range(1, height - 1):
        for j in range(1, width - 1):
            z = np.inf
            if alpha[i, j] >= _LEAST_ALPHA:
                z = depth[i, j]
            else:
                if alpha[i, j - 1] >= _LEAST_ALPHA:
                    z = min(z, depth[i, j - 1])
                if alpha[i, j + 1] >= _LEAST_ALPHA:
                    z = min(z, depth[i, j + 1])
                if alpha[i - 1, j] >= _LEAST_ALPHA:
                    z = min(z, depth[i - 1, j])
                if alpha[i + 1, j] >= _LEAST_ALPHA:
                    z = min(z, depth[i + 1, j])
            weight = weights[i, j]
            if z == np.inf or weight == 0:
                continue
            u, v = (j + 0.5 - middle_x) / focal, (i + 0.5 - middle_y) / focal
            x, y = u * z, v * z
            ax, ay, az = x - px, y - py, z - pz
            scale = focal / z
            du[0], dv[0] = scale * (-u * ay), scale * (-az - v * ay)
            du[1], dv[1] = scale * (az + u * ax), scale * (v * ax)
            du[2], dv[2] = scale * -ay, scale * ax
            du[3], dv[3] = scale, 0.0
            du[4], dv[4] = 0.0, scale
            du[5], dv[5] = -scale * u, -scale * v
            by_alpha_x = 0.5 * (alpha[i, j + 1] - alpha[i, j - 1])
            by_alpha_y = 0.5 * (alpha[i + 1, j] - alpha[i - 1, j])
            missed = 0.0
            for c in range(3):
                back = behind[i, j, c]
                error = wanted[i, j, c] - (rgb[i, j, c] + (1 - alpha[i, j]) * back)
                gx = 0.5 * (rgb[i, j + 1, c] - rgb[i, j - 1, c]) - back * by_alpha_x
                gy = 0.5 * (rgb[i + 1, j, c] - rgb[i - 1, j, c]) - back * by_alpha_y
                robust = weight / np.sqrt(1 + (error / ROBUST) ** 2)
                missed += abs(error)
                for k in range(6):
                    row[k] = -(gx * du[k] + gy * dv[k])
                for k in range(6):
                    gradient[k] -= robust * row[k] * error
                    for m in range(k + 1):
                        hessian[k, m] += robust * row[k] * row[m]
            total += weight * missed / 3
            counted += weight
    for k in range(6):
        for m in range(k):
            hessian[m, k] = hessian[k, m]
    return total / max(counted, 1e-9)
