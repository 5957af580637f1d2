"""The suite must be able to fail: one method broken in one way for every check."""

import random

import pytest
import torch
from torch import Tensor, nn

from tacit.data.feeds import items
from tacit.data.spec import ItemSpec
from tacit.methods import checks
from tacit.methods.method import Method, Terms


def parts(self: Method, spec: ItemSpec, latent_dim: int) -> None:
    Method.__init__(self, spec)
    self.encoder = nn.Sequential(nn.Flatten(), nn.LazyLinear(latent_dim))
    self.encoder(torch.zeros(1, *spec.shape))
    self.back = nn.Linear(latent_dim, 1)


class Sound(Method):
    feed = staticmethod(items)
    paper = "Nobody 2020, https://example.org"
    use_when = "a test needs a method"

    def __init__(self, spec: ItemSpec, *, latent_dim: int = 4) -> None:
        parts(self, spec, latent_dim)

    def loss(self, x: Tensor) -> Terms:
        return {"loss": (self.back(self.embed(x)).float().squeeze(1) - x.flatten(1).mean(1)).square().mean()}

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x)


def broken(**changes: object) -> type[Method]:
    """`Sound` with something replaced, as a class of its own."""
    return type(Method)("Broken", (Method,), {**vars(Sound), **changes})


def with_dead_parameter(self, spec: ItemSpec, *, latent_dim: int = 4) -> None:
    parts(self, spec, latent_dim)
    self.dead = nn.Linear(2, 2)


def with_memory(self, spec: ItemSpec, *, latent_dim: int = 4) -> None:
    parts(self, spec, latent_dim)
    self.memory = torch.randn(latent_dim)  # neither a buffer nor a parameter


def positional(self, spec: ItemSpec, latent_dim: int = 4) -> None:
    parts(self, spec, latent_dim)


def training_setting(self, spec: ItemSpec, *, steps: int = 4) -> None:
    parts(self, spec, steps)


BROKEN = {
    checks.check_it_embeds_one_code_an_item: broken(embed=lambda self, x: self.encoder(x)[:, None]),
    checks.check_a_code_depends_on_its_item_alone: broken(
        embed=lambda self, x: self.encoder(x) - self.encoder(x).mean(0)
    ),
    checks.check_it_decodes_codes_to_items: broken(decode=lambda self, z: z),
    checks.check_it_gives_a_logit_a_class: broken(logits=lambda self, x: self.encoder(x)[:, :2]),
    checks.check_terms_are_finite_numbers: broken(
        loss=lambda self, x: {"loss": self.embed(x).mean().log() * torch.nan}
    ),
    checks.check_every_parameter_is_reached: broken(__init__=with_dead_parameter),
    checks.check_same_seed_same_weights: broken(
        loss=lambda self, x: {"loss": self.back(self.embed(x)).mean() * random.random()}
    ),
    checks.check_it_comes_back_from_its_state: broken(
        __init__=with_memory, embed=lambda self, x: self.encoder(x) + self.memory
    ),
    checks.check_its_options_rebuild_it: broken(__init__=positional),
    checks.check_a_few_steps_lower_the_loss: broken(
        loss=lambda self, x: {"loss": -((self.back(self.embed(x)).mean().detach() - 1) ** 2) + 0 * self.embed(x).sum()}
    ),
    checks.check_it_says_what_it_is: broken(paper="a paper"),
}


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_a_sound_method_passes(check):
    check(Sound)


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_every_check_can_fail(check):
    with pytest.raises(AssertionError):
        check(BROKEN[check])


def test_an_option_may_not_hide_a_training_setting():
    with pytest.raises(AssertionError, match="steps: an option may not have the name"):
        checks.check_it_says_what_it_is(broken(__init__=training_setting))


def test_the_suite_needs_no_test_runner():
    with open(checks.__file__) as source:
        assert "pytest" not in source.read()
