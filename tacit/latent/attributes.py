"""Directions in the space that stand for an attribute: smiling, slanted, of this class.

That attributes which go together bias each other: White 2016, "Sampling Generative Networks",
https://arxiv.org/abs/1609.04468. He balances them by repeating items; `directions` solves for all of them at once.
"""

import torch
from torch import Tensor

from tacit.errors import WrongUsage


def difference(codes: Tensor, has: Tensor) -> Tensor:
    """mean(codes with) - mean(codes without), (D,); `has` (N,) bool. Attributes that go together leak into each other."""
    has = answers(codes, has).bool()
    if not has.any() or has.all():
        raise WrongUsage("an attribute needs items that have it and items that do not")
    return codes[has].mean(0) - codes[~has].mean(0)


def directions(codes: Tensor, table: Tensor) -> Tensor:
    """A direction for each of A attributes, (A, D), from codes (N, D) and what each item has, `table` (N, A).

    Least squares of codes = c + sum_j table_j v_j, all attributes together, so that one that often goes with another
    does not borrow its direction.
    """
    table = answers(codes, table).double()  # or a rare attribute of a large pool would pass for rounding
    design = torch.cat([table, torch.ones(len(table), 1)], 1)
    if torch.linalg.matrix_rank(design) < design.shape[1]:
        raise WrongUsage("two attributes (or one and everything) always go together; no data can tell them apart")
    return torch.linalg.lstsq(design, codes.double()).solution[:-1].to(codes.dtype)


def answers(codes: Tensor, table: Tensor) -> Tensor:
    if len(table) != len(codes):
        raise WrongUsage(f"{len(table)} answers for {len(codes)} items; an attribute needs one an item")
    return table
