"""One layout laid onto another: turned, mirrored, scaled and moved, so that what both show keeps its place.

Procrustes with a similarity: Gower 1975, https://doi.org/10.1007/BF02291478; Schonemann 1966,
https://doi.org/10.1007/BF02289451.
"""

from dataclasses import dataclass

import numpy as np

from tacit.errors import WrongUsage


@dataclass(frozen=True)
class Similarity:
    """x -> scale * x @ turn + shift, of points (N, 2)."""

    scale: float
    turn: np.ndarray  # (2, 2) orthogonal: a rotation, perhaps with a reflection
    shift: np.ndarray  # (2,)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return self.scale * (points @ self.turn) + self.shift


def procrustes(points: np.ndarray, onto: np.ndarray) -> Similarity:
    """The similarity that brings `points` (N, 2) nearest to `onto` (N, 2), by the sum of squared distances.

    That sum never grows. Where the nearest would be a single point (the two have nothing in common, or one of them is
    a point itself) the scale stays 1: a map is moved there, and not made to vanish.
    """
    if points.shape != onto.shape or points.ndim != 2 or points.shape[1] != 2:
        raise WrongUsage(f"points {points.shape} cannot be laid onto {onto.shape}; both are (N, 2)")
    if len(points) == 0:
        return Similarity(1.0, np.eye(2), np.zeros(2))
    a, b = points.astype(np.float64), onto.astype(np.float64)
    middle, target = a.mean(0), b.mean(0)
    a, b = a - middle, b - target
    u, s, v = np.linalg.svd(a.T @ b)
    turn = u @ v
    size = float(np.square(a).sum())
    alike = float(s.sum())
    a_point = size < np.finfo(np.float64).tiny
    vanishes = alike <= 1e-9 * np.sqrt(size * float(np.square(b).sum()))
    scale = 1.0 if a_point or vanishes else alike / size
    return Similarity(scale, turn, target - scale * (middle @ turn))


def within_one(points: np.ndarray) -> Similarity:
    """What brings points (N, 2) into [-1, 1] x [-1, 1], centered, as large as they fit; the shape stays."""
    if len(points) == 0:
        return Similarity(1.0, np.eye(2), np.zeros(2))
    low, high = points.min(0).astype(np.float64), points.max(0).astype(np.float64)
    half = float((high - low).max()) / 2
    scale = 1 / half if half > 0 else 1.0
    return Similarity(scale, np.eye(2), -scale * (low + high) / 2)
