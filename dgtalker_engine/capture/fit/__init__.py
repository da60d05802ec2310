"""A face model fitted to landmarks: one person and one focal length, and pose and expression of each frame."""

from .fit import Fit, fit_landmarks

__all__ = ["Fit", "fit_landmarks"]
