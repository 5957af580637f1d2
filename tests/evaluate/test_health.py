import json

import numpy as np
import pytest
import torch

from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.engine.health import diagnose
from tacit.evaluate.health import health
from tacit.latent.space import Space


def gaussian(n: int = 500, d: int = 16, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def space(codes: torch.Tensor) -> Space:
    return Space(codes, Pool(ItemSpec((2,), "vector"), np.zeros((len(codes), 2), np.float32)))


def test_an_even_cloud_is_healthy():
    got = diagnose(gaussian())
    assert got.word == "healthy" and got.advice == ""
    assert got.rank == pytest.approx(16, abs=0.5) and got.spread == pytest.approx(1, abs=0.05)
    assert got.cosine == pytest.approx(0, abs=0.02)


def test_features_after_a_relu_are_healthy():
    assert diagnose(gaussian().relu()).word == "healthy"


def test_codes_that_are_all_alike_have_collapsed():
    got = diagnose(1 + 0.01 * gaussian())
    assert got.word == "collapsed" and "tacit methods" in got.advice and got.cosine > 0.99
    assert diagnose(torch.ones(50, 4)).word == "collapsed"
    assert diagnose(torch.zeros(50, 4)).word == "collapsed"


def test_a_line_has_collapsed_and_a_plane_in_many_dimensions_has_few_directions():
    assert diagnose(gaussian(d=1) * gaussian(1, 30)).word == "collapsed"
    got = diagnose(gaussian(d=2) @ gaussian(2, 40))
    assert got.word == "few directions" and got.rank <= 2.01 and "2 of 40" in got.advice


def test_codes_that_are_no_numbers_are_broken():
    codes = gaussian()
    codes[3, 3] = torch.nan
    assert diagnose(codes).lines()[0].startswith("broken: ") and "--lr" in diagnose(codes).advice
    json.dumps(diagnose(codes).to_dict(), allow_nan=False)


def test_position_of_the_cloud_does_not_change_its_rank():
    assert diagnose(gaussian() + 5).rank == pytest.approx(diagnose(gaussian()).rank, abs=1e-3)


def test_neighbours_are_kept_when_a_space_is_turned_and_lost_when_it_is_another():
    codes = gaussian()
    turned = codes @ torch.linalg.qr(gaussian(16, 16, seed=1)).Q
    assert health(space(turned), space(codes)).kept == pytest.approx(1, abs=0.01)
    assert health(space(gaussian(seed=2)), space(codes)).kept < 0.1
    assert health(space(codes)).kept is None


def test_the_lines_name_a_reference_for_what_was_kept():
    got = health(space(gaussian(101)), space(gaussian(101)))
    assert "neighbours kept 100% (chance 10.0%)" in got.lines()[0]


def test_one_number_a_code_is_too_small_to_tell():
    assert diagnose(gaussian(d=1)).lines() == ["too small to tell"]
