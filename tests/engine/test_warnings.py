import pytest

from tacit.engine.warnings import Watchman
from tacit.methods.method import Recipe

RECIPE = Recipe(steps=5000, batch=256, lr=0.002)


def told(losses, every=100, chance=6.236, recipe=RECIPE, views_of=None, health=None):
    """What a watchman says to records with these losses, by step."""
    watchman, said = Watchman(recipe, views_of), {}
    for i, loss in enumerate(losses, start=1):
        record = {"step": i * every, "terms": {"loss": loss} | ({"chance": chance} if chance else {})}
        if health and i in health:
            record["health"] = health[i]
        if found := watchman.read(record):
            said[i * every] = found
    return said


def seen(word):
    return {"word": word, "spread": 0.013, "rank": 1.02, "dim": 128}


def test_a_loss_at_chance_for_a_tenth_of_the_run_is_said_once_with_what_to_try():
    said = told([6.24, 6.23] * 20, views_of="simclr")
    assert list(said) == [500]
    first, causes, advice = said[500].splitlines()
    assert first == "loss has stayed at chance (6.236) for 500 steps, up to step 500"
    assert "learning rate too high" in causes and "augmentation removes everything" in causes
    assert "--lr 0.0002" in advice and "--batch 512" in advice and "tacit look --views simclr" in advice


def test_steps_are_counted_from_where_the_loss_came_to_chance():
    said = told([9.0] * 4 + [6.24] * 10)
    assert list(said) == [900] and "for 500 steps" in said[900]


@pytest.mark.parametrize("losses", [[9.0] * 30, [6.0] * 30, [6.24, 6.24, 6.24, 6.0] * 8, [6.24] * 4 + [5.0] * 30])
def test_above_chance_below_it_and_on_the_way_through_nothing_is_said(losses):
    assert told(losses) == {}


def test_short_runs_and_losses_without_a_chance_level_are_left_alone():
    assert told([6.24] * 99, every=1, recipe=Recipe(steps=99)) == {}
    assert list(told([6.24] * 120, every=1, recipe=Recipe(steps=120))) == [100]
    assert told([6.24] * 50, chance=None) == {}


def test_collapsed_codes_are_said_once_and_those_in_good_health_not_at_all():
    said = told([3.0] * 10, health={2: seen("healthy"), 4: seen("collapsed"), 6: seen("collapsed")})
    assert list(said) == [400]
    assert said[400].startswith(
        "the codes have collapsed at step 400: items look (nearly) alike, spread 0.01, rank 1.0 of 128"
    )


def test_both_at_once_are_one_warning_with_one_advice():
    said = told([6.24] * 10, health={5: seen("collapsed")})
    assert (
        list(said) == [500] and "at chance" in said[500] and "collapsed" in said[500] and said[500].count("try:") == 1
    )


def test_without_views_no_picture_is_promised():
    assert "tacit look" not in told([6.24] * 10)[500]
