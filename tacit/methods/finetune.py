"""Fine-tuning on few labels from a network that has seen all items.
Step two of Big Self-Supervised Models are Strong Semi-Supervised Learners (sec. 2).
Chen, Kornblith, Swersky, Norouzi & Hinton, 2020. https://arxiv.org/abs/2006.10029

Departures: any trunk of a method here, not of SimCLR alone; AdamW in place of LARS; a fixed number of steps in place of
30 to 60 epochs, which with 40 labels would be 60 steps; views with other colors, where the paper has crop and mirror.

What was tried, on 1,500 held-out training items of CIFAR-10 (JPEG) with 40 and 250 answers (one draw, 400 steps; trunk
conv of width 32 and depth 4, learned by simclr in 32 passes); accuracy in %, of which 1.3 is noise.

- Frozen codes with a linear probe 35.8, 46.6; supervised from scratch with views 28.6, 41.7, with light 25.3, 39.1.
- Augment views 35.0, 49.1; light 33.6, 49.7. After 21 passes of simclr: views 34.8, 47.3; light 32.5, 49.2; crop 32.3,
  45.7; none 29.0 (40 answers).
- Layer 1 in place of 0: 34.4, 49.0. Rates of 0.0003: 34.9, 48.7, and of 0.003: 32.5 (40). 200 steps: 34.5 (40).
"""

from typing import Any

from torch import Tensor, nn

from tacit.data.feeds import Labeled, labeled
from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage
from tacit.methods.beginning import check_classes, encoder_of, hidden_of, options_of, take_over
from tacit.methods.method import Method, Recipe, Terms
from tacit.methods.relatives import Augmentation
from tacit.nn.projector import Projector
from tacit.nn.trunk import Trunk


class Finetune(Method):
    """A classifier that begins where a method without labels ended, and moves all of it.

    - `layer`: so many hidden layers of the learner's projector stay, as part of the encoder; the head is one linear
      layer behind them that starts at zero. 0 is the first SimCLR paper's way, 1 the second's.
    - `trunk`, `width`, `depth`, `norm`, `features`, `hidden`, `projector_norm`: as the learner has them; `take_over`
      brings its weights, and `finetune_from` does all of it. Without that it is a baseline from scratch.
    - `augment`, `flip`, `real_weight`, `label_smoothing`: as `supervised` has them, so that the two can be compared.

    Shown: `accuracy` on the items of the batch, as augmented.
    """

    feed = staticmethod(labeled)
    recipe = Recipe(steps=1000, batch=64, lr=1e-3, optimizer="adamw", weight_decay=0.01, schedule="cosine")
    needs_trunk = True
    paper = "Chen et al. 2020 (sec. 2), https://arxiv.org/abs/2006.10029"
    use_when = "a space was learned without labels, and you have few of them (tacit learn simclr first)"

    def __init__(
        self,
        spec: ItemSpec,
        *,
        layer: int = 0,
        trunk: str = "auto",
        width: int | None = None,
        depth: int | None = None,
        norm: str = "batch",
        features: int | None = None,
        hidden: int | None = None,
        projector_norm: str = "batch",
        augment: str = "views",
        flip: bool = False,
        real_weight: float = 0.4,
        label_smoothing: float = 0.03,
    ) -> None:
        super().__init__(spec)
        check_classes(spec)
        if layer < 0:
            raise WrongUsage(f"layer is {layer}: it counts hidden layers of a projector, from 0 on")
        self.augmentation = Augmentation(spec, augment, flip, real_weight)
        bottom = encoder_of(spec, trunk, width, depth, norm, features)
        kept = Projector(bottom.out_dim, 1, layers=layer + 1, hidden=hidden, norm=projector_norm).hidden
        self.encoder = Trunk(bottom, *kept, out_dim=(hidden or bottom.out_dim) if layer else bottom.out_dim)
        self.head = nn.Linear(self.encoder.out_dim, len(spec.classes))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.layer, self.label_smoothing = layer, label_smoothing

    def loss(self, batch: Labeled) -> Terms:
        logits = self.logits(self.augmentation(batch) if self.training else batch.x).float()
        loss = self.augmentation.cross_entropy(logits, batch.y, self.label_smoothing)
        right = logits.detach()[: len(batch.y)].argmax(1) == batch.y
        return {"loss": loss, "accuracy": right.float().mean()}

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def logits(self, x: Tensor) -> Tensor:
        """Before softmax, (B, *item) -> (B, K)."""
        return self.head(self.embed(x))

    def take_over(self, learned: Method) -> None:
        """Begin with the weights of a method learned without labels; a sentence where they do not fit."""
        take_over(list(self.encoder), learned, self.spec)

    @staticmethod
    def options_of(learned: Method) -> dict[str, Any]:
        """The options that the weights of this method fit into, those of its projector among them."""
        found = options_of(learned)
        for block in hidden_of(learned)[:1]:
            norms = {2: "none", 3: "group" if isinstance(block[1], nn.GroupNorm) else "batch"}
            found |= {"hidden": block[0].out_features, "projector_norm": norms[len(block)]}
        return found


def finetune_from(learned: Method, spec: ItemSpec, **options: Any) -> Finetune:
    """A classifier with the trunk of `learned` and its weights; `options` are those of `Finetune`, `layer` above all."""
    method = Finetune(spec, **{**Finetune.options_of(learned), **options})
    method.take_over(learned)
    return method
