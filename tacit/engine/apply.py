"""A method over many items: in chunks, without gradient, in evaluation mode."""

from collections.abc import Callable

import torch
from torch import Tensor

from tacit.data.pool import Items
from tacit.engine.device import channels_last
from tacit.methods.method import Method


@torch.no_grad()
def apply(
    method: Method,
    ability: Callable[[Tensor], Tensor],
    items: Items | Tensor,
    index: Tensor | None = None,
    *,
    batch: int = 250,
    out: Tensor | None = None,
) -> Tensor:
    """`ability` (one of the method's own: `embed`, `logits` ...) of items, or of those at `index`: (n, ...) on the CPU.

    `items` are a pool or floats (n, *item). With `out` (a tensor over a memory map, say) the result is written there,
    so that memory does not grow with the number of items.
    """
    was_training = method.training
    channels_last(method).eval()  # evaluation: no dropout, no batch statistics
    device = next(method.parameters()).device
    n = len(items) if index is None else len(index)
    parts = []
    try:
        for i in range(0, n, batch):
            rows = torch.arange(i, min(i + batch, n)) if index is None else index[i : i + batch]
            x = items[rows].to(device) if isinstance(items, Tensor) else items.spec.to_float(items[rows].to(device))
            part = ability(x).float().cpu()
            if out is None:
                parts.append(part)
            else:
                out[i : i + len(part)] = part
    finally:
        method.train(was_training)
    if out is not None:
        return out
    return torch.cat(parts) if parts else torch.empty(0)


def embed(method: Method, items: Items | Tensor, index: Tensor | None = None, *, batch: int = 250) -> Tensor:
    """Codes, (n, D)."""
    return apply(method, method.embed, items, index, batch=batch)


def probabilities(method: Method, items: Items | Tensor, index: Tensor | None = None, *, batch: int = 250) -> Tensor:
    """Class probabilities, (n, K), of a method that has `logits`; of a calibrated one at its temperature."""

    def p(x: Tensor) -> Tensor:
        return (method.logits(x).float() / method.confidence_temperature).softmax(1)  # type: ignore[operator]

    return apply(method, p, items, index, batch=batch)
