"""Everything a training needs to go on exactly where it was."""

import io
import time
from typing import Any

import torch
from torch.optim import Optimizer

from tacit.disk import write_atomic
from tacit.engine.health import Doctor
from tacit.engine.run import Run
from tacit.errors import BadData
from tacit.methods.method import Method
from tacit.nn.ema import SlowCopy

SAVE_SECONDS = 60.0  # between checkpoints


class Keeper:
    """Saves and restores the moving parts of a training: weights, optimisers, averages, random numbers, the step.

    What the feed does next follows from the step alone, so nothing of it needs keeping.
    """

    def __init__(
        self, method: Method, optimizers: list[Optimizer], slow: SlowCopy | None, doctor: Doctor | None
    ) -> None:
        self.method, self.optimizers, self.slow, self.doctor = method, optimizers, slow, doctor
        self.saved = time.monotonic()

    def due(self) -> bool:
        return time.monotonic() - self.saved > SAVE_SECONDS

    def save(self, run: Run, step: int) -> None:
        state: dict[str, Any] = {
            "step": step,
            "method": self.method.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "slow": self.slow.state_dict() if self.slow else None,
            "looked_at": self.doctor.last if self.doctor else None,
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_atomic(run.checkpoint, buffer.getvalue())
        self.saved = time.monotonic()

    def restore(self, run: Run) -> int:
        """Bring everything back; returns the step to go on at, 0 where there is nothing to go on from."""
        if not run.checkpoint.exists():
            return 0
        try:
            state = torch.load(run.checkpoint, map_location="cpu", weights_only=True)
        except Exception as error:
            raise BadData(
                f"{run.checkpoint} cannot be read ({type(error).__name__})\n  start anew: tacit learn {run.record['method']}"
            ) from error
        self.method.load_state_dict(state["method"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        if self.slow:
            self.slow.load_state_dict(state["slow"])
        if self.doctor:
            self.doctor.last = state["looked_at"]
        torch.set_rng_state(state["random"])
        if state["random_cuda"] is not None and torch.cuda.is_available():
            torch.cuda.set_rng_state(state["random_cuda"])
        return int(state["step"])
