"""The same suite for every method of the catalogue."""

import pytest

from tacit.methods import CATALOGUE
from tacit.methods.checks import CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("name", CATALOGUE)
def test_every_method_passes_every_check(name, check):
    check(CATALOGUE[name])
