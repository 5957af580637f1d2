"""Directions in the space that stand for an attribute: smiling, slanted, of this class."""

import torch
from torch import Tensor

from tacit.errors import WrongUsage


def difference(codes: Tensor, has: Tensor) -> Tensor:
    """mean(codes with) - mean(codes without), (D,); `has` (N,) bool. Attributes that go together leak into each other."""
    if not has.any() or has.all():
        raise WrongUsage("an attribute needs items that have it and items that do not")
    return codes[has].mean(0) - codes[~has].mean(0)


def directions(codes: Tensor, table: Tensor) -> Tensor:
    """A direction for each of A attributes, (A, D), from codes (N, D) and what each item has, `table` (N, A).

    Least squares of codes = c + sum_j table_j v_j, all attributes together, so that one that often goes with another
    does not borrow its direction.
    """
    design = torch.cat([table.float(), torch.ones(len(table), 1)], 1)
    if torch.linalg.matrix_rank(design) < design.shape[1]:
        raise WrongUsage("two attributes (or one and everything) always go together; no data can tell them apart")
    return torch.linalg.lstsq(design, codes.float()).solution[:-1]
