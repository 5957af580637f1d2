"""What the processes of one training know of each other inside a step: rows of all of them, and means over all."""

from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor


def processes() -> int:
    """How many there are in this training."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def everywhere(z: Float[Tensor, "B *row"]) -> Float[Tensor, "B2 *row"]:
    """The rows of every process, in the order of the processes; all must have as many. Alone, z itself.

    Gradients go back to the process a row came from, summed over everyone who used it: where each process computes
    the loss of all rows, the mean of their gradients is that of one process with the whole batch.
    """
    return _Gather.apply(z) if processes() > 1 else z


def mean_everywhere(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The mean over processes, with gradient."""
    return _Mean.apply(x) if processes() > 1 else x


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        parts = [torch.empty_like(z, memory_format=torch.contiguous_format) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, z.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        gradient = gradients[0].contiguous()
        dist.all_reduce(gradient)
        return gradient.chunk(dist.get_world_size())[dist.get_rank()]


class _Mean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        mean = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(mean)
        return mean / dist.get_world_size()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        gradient = gradients[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(gradient)
        return gradient / dist.get_world_size()


def same_everywhere(x: Tensor) -> Tensor:
    """The first process's tensor, in all of them."""
    if processes() > 1:
        dist.broadcast(x, 0)
    return x


def own_part(rows: Tensor) -> Tensor:
    """This process's share of rows that all have: the way back from `everywhere`."""
    return rows.chunk(processes())[dist.get_rank()] if processes() > 1 else rows
