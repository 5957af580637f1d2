"""Which device, which precision: chosen by looking, said aloud, open to change."""

import contextlib
import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import torch
from torch import nn

from tacit.errors import BadEnvironment, WrongUsage

PRECISIONS = ("auto", "fp32", "bf16")


@dataclass(frozen=True)
class Device:
    """Where a training runs and in which precision."""

    device: torch.device
    bf16: bool
    onednn: bool  # fp32 products through oneDNN, where they are as exact as the default ones

    def __str__(self) -> str:
        kind = f"{torch.get_num_threads()} threads" if self.device.type == "cpu" else str(self.device)
        return f"{self.device.type} ({kind}), {'bf16 products' if self.bf16 else 'fp32'}"

    @contextlib.contextmanager
    def autocast(self) -> Iterator[None]:
        if not self.bf16:
            yield
            return
        with torch.autocast(self.device.type, torch.bfloat16):
            yield

    @contextlib.contextmanager
    def products(self) -> Iterator[None]:
        """fp32 products the fast way inside the block, as before afterwards."""
        before = torch.get_float32_matmul_precision()
        if self.onednn or self.device.type == "cuda":
            torch.set_float32_matmul_precision("medium" if self.onednn else "high")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)


def pick(device: str = "auto", precision: str = "auto") -> Device:
    """Resolve "auto": CUDA when there; bf16 where the processor multiplies it natively."""
    if precision not in PRECISIONS:
        raise WrongUsage(f"precision is {precision!r}, expected one of {', '.join(PRECISIONS)}")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        raise BadEnvironment(
            f"device {device!r} cannot be used here: {str(error).splitlines()[0]}\n  try: --device cpu"
        ) from error
    cpu = chosen.type == "cpu"
    if cpu:
        keep_freed_memory()
    native = multiplies_bf16() if cpu else torch.cuda.is_bf16_supported()
    return Device(chosen, precision == "bf16" or (precision == "auto" and native), cpu and onednn_is_exact())


@cache
def keep_freed_memory() -> bool:
    """Ask glibc to keep what a step has freed for the next one, which takes the same again; True where it listens.

    Handed back to the system, every page comes back as a fault: making views took 1.5 to 2 times as long, a step of SimCLR
    up to 1.4 times (two threads of a virtual machine).
    """
    trim, whole = -1, -3  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
        return bool((mallopt(whole, 2**30) or mallopt(whole, 2**25)) and mallopt(trim, 2**31 - 1))
    except (AttributeError, OSError, TypeError):  # another system
        return False


def channels_last(module: nn.Module) -> nn.Module:
    """Lay the weights of convolutions out as pixels of channels: three to five times faster on a CPU, same numbers."""
    if any(isinstance(part, nn.Conv2d | nn.ConvTranspose2d) for part in module.modules()):
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module


@cache
def multiplies_bf16() -> bool:
    """Does this processor multiply bf16 natively? Emulated, it would be slower than fp32."""
    capabilities = torch.backends.cpu.get_cpu_capability() if hasattr(torch.backends, "cpu") else ""
    return "AVX512" in capabilities and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and _cpu_flag("avx512_bf16")


def _cpu_flag(name: str) -> bool:
    try:
        with open("/proc/cpuinfo") as info:
            return any(name in line.split() for line in info if line.startswith("flags"))
    except OSError:
        return False


@cache
def onednn_is_exact() -> bool:
    """Whether "medium" products are still fp32-accurate here: on processors with AMX the name means bf16."""
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(256, 256, generator=generator), torch.randn(256, 256, generator=generator)
    truth = a.double() @ b.double()
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        error = (a @ b - truth).abs().max() / truth.abs().max()
    finally:
        torch.set_float32_matmul_precision(before)
    return error.item() < 1e-5
