from dataclasses import replace

import pytest
import torch
from torch import nn

from tacit.data.feeds import Labeled, items, labeled
from tacit.engine.device import Device
from tacit.engine.fit import fit
from tacit.engine.run import Run
from tacit.errors import BadData, NotEnoughLabels, Stopped, TrainingFailed, WrongUsage
from tacit.methods import build
from tacit.methods.exemplar_vae import ExemplarVAE
from tacit.methods.method import Method, Recipe, Turn

CPU = Device(torch.device("cpu"), bf16=False, onednn=False)


class Line(Method):
    """The smallest method: a noisy linear map with a buffer that follows progress."""

    feed = staticmethod(items)
    recipe = Recipe(steps=20, batch=16, lr=0.01)
    paper, use_when = "none", "testing"

    def __init__(self, spec, *, dim: int = 3):
        super().__init__(spec)
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, dim))
        self.back = nn.Linear(dim, 64)
        self.register_buffer("seen", torch.zeros(()))

    def loss(self, batch):
        z = self.embed(batch)
        z = z + 0.1 * torch.randn_like(z)
        return {"loss": (self.back(z) - batch.flatten(1)).square().sum(1).mean(), "size": z.detach().norm()}

    def embed(self, x):
        return self.encoder(x)

    def after_step(self, progress):
        self.seen.fill_(progress)


def line(pool, seed=0):
    torch.manual_seed(seed)
    return Line(pool.spec)


def weights(method):
    return torch.cat([t.flatten() for t in method.state_dict().values()])


def test_the_loop_is_the_loop_one_would_write_by_hand(digits_pool):
    method, by_hand = line(digits_pool), line(digits_pool)
    recipe = Recipe(steps=5, batch=16, lr=0.01)
    fit(method, digits_pool, recipe=recipe, seed=3, device=CPU)

    from tacit.data.feeds import Stream, mix

    optimizer = torch.optim.Adam(by_hand.parameters(), lr=0.01)
    with torch.random.fork_rng():
        torch.manual_seed(mix(3, 0))
        for batch, _ in zip(items(digits_pool, torch.zeros(0), 16, Stream(3)), range(5), strict=False):
            optimizer.zero_grad()
            by_hand.loss(batch)["loss"].backward()
            optimizer.step()
    by_hand.after_step(1.0)
    assert torch.allclose(weights(method), weights(by_hand), atol=1e-6)


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_interrupted_and_resumed_equals_uninterrupted_bit_for_bit(digits_pool, tmp_path, monkeypatch, ema):
    recipe = Recipe(
        steps=30, batch=16, lr=0.01, ema=ema, schedule="cosine", warmup=0.2, optimizer="adamw", weight_decay=0.1
    )
    whole = line(digits_pool)
    fit(whole, digits_pool, recipe=recipe, seed=1, device=CPU, health=True)

    run = Run.create(tmp_path, "line", {})
    stop_at(monkeypatch, step=13)
    with pytest.raises(Stopped, match="saved at step 13 of 30"):
        fit(line(digits_pool), digits_pool, recipe=recipe, seed=1, device=CPU, run=run, health=True)
    monkeypatch.undo()
    resumed = line(digits_pool, seed=99)  # whatever it was, the checkpoint brings everything
    fit(resumed, digits_pool, recipe=recipe, seed=1, device=CPU, run=run, health=True)
    assert torch.equal(weights(whole), weights(resumed))


@pytest.mark.parametrize("name", ["mixmatch", "fixmatch", "s4l", "enaet", "what_where"])
def test_methods_for_few_labels_are_resumed_bit_for_bit_as_well(digits_pool, tmp_path, monkeypatch, name):
    few, labels = digits_pool.take(torch.arange(60)), torch.where(torch.arange(60) < 20, torch.arange(60) % 10, -1)
    few = few.with_classes(tuple("0123456789"))
    recipe = Recipe(steps=6, batch=8, lr=0.01, ema=0.8, optimizer="adamw", schedule="cosine")
    options = {"fixmatch": {"align": "labels", "threshold": 0.1}}.get(name, {})

    def fresh(seed: int = 0) -> Method:
        torch.manual_seed(seed)
        return build(name, few.spec, width=4, **options)

    whole = fresh()
    fit(whole, few, labels, recipe=recipe, seed=1, device=CPU)
    run = Run.create(tmp_path, name, {})
    stop_at(monkeypatch, step=3)
    with pytest.raises(Stopped, match="saved at step 3 of 6"):
        fit(fresh(), few, labels, recipe=recipe, seed=1, device=CPU, run=run)
    monkeypatch.undo()
    resumed = fresh(seed=99)
    fit(resumed, few, labels, recipe=recipe, seed=1, device=CPU, run=run)
    for key, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[key]), key


@pytest.mark.parametrize("nearest", [0, 3])
def test_a_memory_of_codes_is_resumed_bit_for_bit_as_well(digits_pool, tmp_path, monkeypatch, nearest):
    few = digits_pool.take(torch.arange(60))
    recipe = Recipe(steps=12, batch=16, lr=0.01, ema=0.8, optimizer="adam_norm_grad")

    def fresh(seed: int = 0) -> ExemplarVAE:
        torch.manual_seed(seed)
        return ExemplarVAE(few.spec, exemplars=20, nearest=nearest, latent_dim=3, width=8, beta_warmup=0.5)

    def kept(run: Run) -> dict[str, torch.Tensor]:
        """As training left it, before the average of the weights took their place and all codes were made anew."""
        return torch.load(run.checkpoint, weights_only=True)["method"]

    whole, straight = fresh(), Run.create(tmp_path, "exemplar_vae", {})
    fit(whole, few, recipe=recipe, seed=1, device=CPU, run=straight)

    run = Run.create(tmp_path, "exemplar_vae", {})
    stop_at(monkeypatch, step=5)
    with pytest.raises(Stopped, match="saved at step 5 of 12"):
        fit(fresh(), few, recipe=recipe, seed=1, device=CPU, run=run)
    monkeypatch.undo()
    halfway = kept(run)["memory.codes"]
    resumed = fresh(seed=99)  # whatever it was, the checkpoint brings everything
    fit(resumed, few, recipe=recipe, seed=1, device=CPU, run=run)

    for key, value in kept(straight).items():
        assert torch.equal(value, kept(run)[key]), key
    assert torch.equal(weights(whole), weights(resumed))
    assert len(halfway) == 60
    assert torch.equal(halfway, kept(run)["memory.codes"]) == (nearest == 0)  # written to only where it is read


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_what_is_remembered_of_the_items_fits_the_final_weights(digits_pool, ema):
    few = digits_pool.take(torch.arange(60))
    torch.manual_seed(0)
    method = ExemplarVAE(few.spec, exemplars=20, nearest=3, latent_dim=3, width=8)
    fit(method, few, recipe=Recipe(steps=6, batch=16, lr=0.01, ema=ema), device=CPU)
    assert torch.equal(method.memory.codes, method.embed(few.floats(slice(None))))


def test_remembering_comes_first_and_last_in_evaluation_mode_with_the_average_of_the_weights(digits_pool):
    seen = []

    class Remembers(Line):
        def remember(self, pool):
            seen.append((self.training, self.seen.item(), weights(self), pool))

    torch.manual_seed(0)
    method = Remembers(digits_pool.spec)
    fit(method, digits_pool, recipe=Recipe(steps=3, batch=8, ema=0.5), device=CPU)
    assert [progress for _, progress, _, _ in seen] == [0, 1]
    training, progress, final, pool = seen[-1]
    assert not training and progress == 1 and pool is digits_pool
    assert torch.equal(final, weights(method))


def stop_at(monkeypatch, step):
    """Pretend Ctrl-C was pressed during this step."""
    from tacit.engine import fit as module

    class Pressed(module.StopSignals):
        @property
        def stop(self):
            self.asked = getattr(self, "asked", 0) + 1  # once a step
            return self.asked >= step

        @stop.setter
        def stop(self, value):
            pass

    monkeypatch.setattr(module, "StopSignals", Pressed)


def test_the_caller_keeps_their_random_numbers(digits_pool):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit(line(digits_pool), digits_pool, recipe=Recipe(steps=2, batch=4), device=CPU)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), expected)


def test_turns_move_only_their_own_parameters(digits_pool):
    class Two(Line):
        def turns(self):
            return (
                Turn("encoder", self.loss, self.encoder.parameters),
                Turn("back", self.loss, self.back.parameters, every=1000),
            )

    torch.manual_seed(0)
    method = Two(digits_pool.spec)
    before = {k: v.clone() for k, v in method.state_dict().items()}
    fit(method, digits_pool, recipe=Recipe(steps=3, batch=8, lr=0.1), device=CPU)
    after = method.state_dict()
    assert (after["encoder.1.weight"] - before["encoder.1.weight"]).abs().max() > 0.2  # three steps of Adam
    assert (after["back.weight"] - before["back.weight"]).abs().max() < 0.11  # one


def test_the_average_of_the_weights_is_what_remains(digits_pool):
    recipe = Recipe(steps=3, batch=8, lr=0.1, ema=0.5)
    averaged = line(digits_pool)
    slow = weights(averaged)
    trail = []
    for steps in (1, 2, 3):
        plain = line(digits_pool)
        fit(plain, digits_pool, recipe=replace(recipe, ema=0.0, steps=steps), device=CPU)
        trail.append(weights(plain))
    for now in trail:
        slow = 0.5 * slow + 0.5 * now
    fit(averaged, digits_pool, recipe=recipe, device=CPU)
    assert torch.allclose(weights(averaged)[1:], slow[1:], atol=1e-5)  # the first entry is the buffer: copied


def test_clipping_bounds_the_step(digits_pool):
    recipe = Recipe(steps=1, batch=8, lr=1.0, optimizer="sgd", sgd_momentum=0.0, clip=0.01)
    method = line(digits_pool)
    before = weights(method)
    fit(method, digits_pool, recipe=recipe, device=CPU)
    assert (weights(method) - before)[1:].norm() == pytest.approx(0.01, rel=1e-3)


def test_records_have_means_speed_and_time_left(digits_pool, tmp_path):
    run = Run.create(tmp_path, "line", {})
    seen = []
    result = fit(
        line(digits_pool),
        digits_pool,
        recipe=Recipe(steps=10, batch=8),
        device=CPU,
        run=run,
        watch=seen.append,
        health=True,
    )
    assert [r["step"] for r in seen] == list(range(1, 11)) == [r["step"] for r in run.progress()]
    assert set(seen[0]["terms"]) == {"loss", "size"} and seen[-1]["eta"] == 0
    assert sum("health" in r for r in seen) == 5
    assert result.health.kept is not None and result.terms == seen[-1]["terms"]


def test_a_loss_that_is_no_number_stops_with_advice(digits_pool):
    with pytest.raises(TrainingFailed, match="--lr"):
        fit(line(digits_pool), digits_pool, recipe=Recipe(steps=50, batch=8, lr=1e30, optimizer="sgd"), device=CPU)


def test_an_empty_pool_and_an_empty_label_vector_say_what_to_do(digits_pool):
    with pytest.raises(BadData, match="no items"):
        fit(line(digits_pool), digits_pool.take(torch.arange(0)), device=CPU)

    class Needs(Line):
        feed = staticmethod(labeled)

        def loss(self, batch: Labeled):
            return super().loss(batch.x)

    torch.manual_seed(0)
    with pytest.raises(NotEnoughLabels, match="tacit choose"):
        fit(Needs(digits_pool.spec), digits_pool, device=CPU)


def test_misspelt_devices_precisions_optimizers_and_schedules_are_refused(digits_pool):
    from tacit.errors import BadEnvironment

    with pytest.raises(BadEnvironment, match="--device cpu"):
        fit(line(digits_pool), digits_pool, device="cuda:77")
    with pytest.raises(WrongUsage, match="precision"):
        fit(line(digits_pool), digits_pool, precision="fp8")
    with pytest.raises(WrongUsage, match="adamw"):
        fit(line(digits_pool), digits_pool, recipe=Recipe(optimizer="adamm"), device=CPU)
    with pytest.raises(WrongUsage, match="cosine"):
        fit(line(digits_pool), digits_pool, recipe=Recipe(schedule="cosin"), device=CPU)


class AtChance(Line):
    """Its loss never moves; it draws random numbers all the same."""

    def loss(self, batch):
        terms = super().loss(batch)
        return {"loss": 0 * terms["loss"] + 2.0, "chance": torch.tensor(2.0)}


def test_a_loss_that_stays_at_chance_is_warned_of_once_in_the_record_and_the_result(digits_pool):
    torch.manual_seed(0)
    result = fit(AtChance(digits_pool.spec), digits_pool, recipe=Recipe(steps=150, batch=8), device=CPU)
    told = [r for r in result.records if "warning" in r]
    assert [r["step"] for r in told] == [100] and result.warnings == [told[0]["warning"]]
    assert "loss has stayed at chance (2) for 100 steps" in result.warnings[0]
    assert result.terms == {"loss": 2.0, "chance": 2.0}


@pytest.mark.parametrize("stop", [60, 120])
def test_an_interruption_neither_forgets_nor_repeats_a_warning(digits_pool, tmp_path, monkeypatch, stop):
    recipe = Recipe(steps=150, batch=8)
    torch.manual_seed(0)
    whole = fit(AtChance(digits_pool.spec), digits_pool, recipe=recipe, device=CPU)
    run = Run.create(tmp_path, "line", {})
    stop_at(monkeypatch, step=stop)
    with pytest.raises(Stopped):
        fit(AtChance(digits_pool.spec), digits_pool, recipe=recipe, device=CPU, run=run)
    monkeypatch.undo()
    resumed = fit(AtChance(digits_pool.spec), digits_pool, recipe=recipe, device=CPU, run=run)
    assert resumed.warnings == whole.warnings
    assert sum("warning" in r for r in run.progress()) == 1


def test_a_probe_is_asked_at_every_look_and_changes_nothing(digits_pool):
    def nosy(method):
        torch.manual_seed(77)
        torch.rand(5)
        method.eval()
        return {"accuracy": 0.5, "labels": 10, "chance": 0.5}

    plain, probed = line(digits_pool), line(digits_pool)
    recipe = Recipe(steps=20, batch=8, lr=0.01)
    fit(plain, digits_pool, recipe=recipe, device=CPU)
    modes = []
    result = fit(
        probed, digits_pool, recipe=recipe, device=CPU, probe=nosy, watch=lambda r: modes.append(probed.training)
    )
    assert torch.equal(weights(plain), weights(probed)) and all(modes)
    assert [r["step"] for r in result.records if "probe" in r] == [4, 8, 12, 16, 20]
    assert result.records[-1]["probe"]["accuracy"] == 0.5
