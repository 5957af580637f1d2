"""The layers between an encoder and its loss, thrown away or kept in part afterwards."""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from tacit.nn.norm import CENTERING
from tacit.nn.norm import norm as norm_layers


class Projector(nn.Module):
    """`layers` linear layers, (B, F) -> (B, out_dim): hidden ones of `hidden` units with norm and ReLU.

    The last layer has no ReLU; with `last_norm` and batch statistics a norm without bias in place of its bias (SimCLR's
    code), else a bias (MoCo). `layer(h, i)` are the features after i hidden layers.
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int = 128,
        *,
        layers: int = 2,
        hidden: int | None = None,
        norm: str = "batch",
        last_norm: bool = True,
    ) -> None:
        super().__init__()
        hidden = hidden or in_dim
        self.in_dim, self.out_dim = in_dim, out_dim
        widths = [in_dim, *[hidden] * (layers - 1)]
        self.hidden = nn.ModuleList(
            nn.Sequential(
                nn.Linear(a, b, bias=norm not in CENTERING), *norm_layers(norm, b, axes=0), nn.ReLU(inplace=True)
            )
            for a, b in pairwise(widths)
        )
        centered = last_norm and norm in CENTERING
        last = norm_layers(norm, out_dim, axes=0) if centered else []
        for part in last:
            part.register_parameter("bias", None)  # codes around zero: only a scale is learned
        self.last = nn.Sequential(nn.Linear(widths[-1], out_dim, bias=not centered), *last)

    def layer(self, h: Float[Tensor, "B F"], number: int) -> Float[Tensor, "B F2"]:
        """Features after `number` hidden layers; 0 leaves h as it is."""
        for block in self.hidden[:number]:
            h = block(h)
        return h

    def named(self, h: Float[Tensor, "B F"]) -> dict[str, Tensor]:
        """All there is to look at: `encoder` (the input), `projector.1` and so on, `projection`."""
        found = {"encoder": h}
        for i in range(len(self.hidden)):
            found[f"projector.{i + 1}"] = h = self.hidden[i](h)
        return found | {"projection": self.last(h)}

    def forward(self, h: Float[Tensor, "B F"]) -> Float[Tensor, "B D"]:
        return self.last(self.layer(h, len(self.hidden)))
