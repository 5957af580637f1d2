"""One short training each on the digits, measured on digits it has not seen."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch

from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.engine.device import Device
from tacit.engine.fit import fit
from tacit.methods import build
from tacit.methods.method import Method, Recipe


@pytest.fixture(scope="session")
def trained_on_digits(digits) -> Callable[..., tuple[Method, float]]:
    """Name and options -> the method after 400 steps, and its bound of 20 samples on 397 other digits, in nats."""
    x = digits[0][np.random.default_rng(0).permutation(1797)]
    pool, others = (Pool(ItemSpec((1, 8, 8)), part) for part in (x[:1400], x[1400:]))
    grey = others.floats(slice(None))
    binary = torch.rand(grey.shape, generator=torch.Generator().manual_seed(0)).lt(grey).float()  # one and the same

    @cache
    def train(name: str, seed: int = 0, **options) -> tuple[Method, float]:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            method = build(name, pool.spec, latent_dim=16, width=64, **options)
            recipe = Recipe(steps=400, batch=100, lr=3e-3)
            fit(method, pool, recipe=recipe, seed=seed, device=Device(torch.device("cpu"), bf16=False, onednn=False))
            return method, method.log_prob(binary, samples=20).mean().item()

    return train
