"""Exact nearest neighbours in chunks."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Graph:
    """The k nearest neighbours of every item, nearest first, itself excluded."""

    index: Tensor  # (N, k) int64
    distance: Tensor  # (N, k) Euclidean


def nearest(z: Tensor, codes: Tensor, k: int, *, allowed: Tensor | None = None, chunk: int = 1000) -> tuple[Tensor, Tensor]:
    """Euclidean distances and positions (Q, k) of the k codes nearest to each row of z."""
    raise NotImplementedError


def neighbour_graph(codes: Tensor, k: int = 15) -> Graph:
    raise NotImplementedError
