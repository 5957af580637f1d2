"""Numbers of a strategy as a person would say them."""

from torch import Tensor

from tacit.data.spec import ItemSpec


def class_name(spec: ItemSpec, index: int) -> str:
    """The class's name, or its number where it has none."""
    return spec.classes[index] if index < len(spec.classes) else str(index)


def torn(spec: ItemSpec, p: Tensor, most: int = 2) -> str:
    """The likeliest classes of one item's probabilities (K,): "3 (41 %) and 5 (38 %)"."""
    top = p.topk(min(most, len(p)))
    said = [f"{class_name(spec, int(i))} ({percent(float(v))})" for v, i in zip(top.values, top.indices, strict=True)]
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"
