"""Ways between two codes (White 2016, "Sampling Generative Networks", https://arxiv.org/abs/1609.04468)."""

import torch
from torch import Tensor


def straight(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """(1 - t) a + t b for codes a, b (D,) and shares t (S,): (S, D)."""
    return torch.lerp(a, b, t[:, None])


def spherical(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Directions along the great circle, norms along the straight line between them: (S, D).

    Under a Gaussian prior codes lie near a sphere of radius sqrt(D), and the middle of a straight line does not. Falls
    back to the straight line where no circle is defined: parallel, opposite or zero codes.
    """
    norm_a, norm_b = a.norm(), b.norm()
    if norm_a == 0 or norm_b == 0:
        return straight(a, b, t)
    u, v = a / norm_a, b / norm_b
    angle = 2 * torch.atan2((u - v).norm(), (u + v).norm())  # exact also near 0 and pi, where the arc cosine is not
    if torch.sin(angle) < 1e-6:
        return straight(a, b, t)
    direction = (torch.sin((1 - t) * angle)[:, None] * u + torch.sin(t * angle)[:, None] * v) / torch.sin(angle)
    return torch.lerp(norm_a, norm_b, t)[:, None] * direction
