"""The same command under `torchrun`: every process takes its part of each batch, gradients are averaged."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn

from tacit.errors import WrongUsage


@dataclass(frozen=True)
class World:
    """This process among those of the training."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def check(self, batch: int) -> None:
        if batch % self.size:
            raise WrongUsage(
                f"a batch of {batch} cannot be shared evenly by {self.size} processes\n  try: --batch {batch + self.size - batch % self.size}"
            )

    def same_start(self, module: nn.Module) -> None:
        """Everyone begins with the weights and buffers of the first process."""
        if self.size > 1:
            for tensor in module.state_dict().values():
                dist.broadcast(tensor, 0)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """One message for all gradients; equal parts of a batch make the mean of means the mean of the batch."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def any(self, flag: bool) -> bool:
        """True everywhere when it is true anywhere: processes stop together or not at all."""
        if self.size == 1:
            return flag
        vote = torch.tensor(float(flag), device="cuda" if dist.get_backend() == "nccl" else "cpu")
        dist.all_reduce(vote, dist.ReduceOp.MAX)
        return bool(vote.item())

    def share(self, value: object) -> object:
        """The first process's value, everywhere."""
        if self.size == 1:
            return value
        box: list[object] = [value]
        dist.broadcast_object_list(box, 0)
        return box[0]


def world() -> World:
    """Join the other processes `torchrun` started, if it did: NCCL on GPUs, gloo on CPUs."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return World()
    if not dist.is_initialized():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return World(dist.get_rank(), dist.get_world_size())
