"""Where codes go: into a file, and among the exemplars of a prior."""

import copy
import mmap
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tacit.data.pool import Pool
from tacit.disk import replacing
from tacit.engine.apply import embed
from tacit.methods.method import Method
from tacit.nn.memory import CodeMemory


def write_codes(method: Method, pool: Pool, path: Path) -> int:
    """Codes of a pool straight into a file (N, D) float32, so that memory does not grow with the pool; returns D."""
    dim = embed(method, pool, torch.arange(1)).shape[1]
    with replacing(path) as temporary:
        array = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float32, shape=(len(pool), dim))
        for rows in torch.arange(len(pool)).split(20_000):
            array[rows.numpy()] = embed(method, pool, rows).numpy()
            array.flush()
            if hasattr(mmap, "MADV_DONTNEED"):
                array._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]  # on disk now; these pages would count as ours
    return dim


def with_exemplars(method: Method, codes: Tensor) -> Method:
    """A copy with these codes (n, D) among the exemplars of its prior; the method itself where it has none."""
    memory = getattr(method, "memory", None)
    if not isinstance(memory, CodeMemory) or len(memory) == 0:
        return method
    method, held = copy.deepcopy((method, memory))  # one copy of what is in both
    held.fill(torch.cat([memory.codes, codes.to(memory.codes)]))
    return method
