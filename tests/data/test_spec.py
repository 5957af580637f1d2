import numpy as np
import torch

from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec


def test_items_survive_the_way_to_a_method_and_back(digits_pool):
    stored = digits_pool[slice(0, 20)]
    assert torch.equal(digits_pool.spec.to_stored(digits_pool.spec.to_float(stored)), stored)
    table = np.random.default_rng(0).normal(5, 3, (20, 4)).astype(np.float32)
    for columns in ({}, {"center": (5.0, 4.0, 5.0, 6.0), "scale": (3.0, 2.0, 3.0, 1.0)}):
        pool = Pool(ItemSpec((4,), "vector", **columns), table)
        back = pool.spec.to_stored(pool.floats(slice(None)))
        assert back.dtype == torch.float32 and torch.allclose(back, torch.from_numpy(table), atol=1e-5)


def test_images_are_kept_with_the_nearest_of_256_grey_levels():
    spec = ItemSpec((1, 1, 3), "image")
    kept = spec.to_stored(torch.tensor([[[[-0.001, 0.5, 1.001]]]]))
    assert kept.dtype == torch.uint8 and kept.flatten().tolist() == [0, 128, 255]


def test_sounds_are_kept_with_16_bits_and_come_back_exactly():
    spec = ItemSpec((1, 65536), "sound", rate=8000)
    stored = torch.arange(-32768, 32768).to(torch.int16)[None, None]
    seen = spec.to_float(stored)
    assert seen.min() == -1 and seen.max() < 1 and seen.dtype == torch.float32
    assert torch.equal(spec.to_stored(seen), stored)
    assert spec.to_stored(torch.tensor([[[2.0, -2.0]]])).tolist() == [[[32767, -32768]]]


def test_a_rate_survives_the_way_to_a_record_and_back():
    spec = ItemSpec((1, 80), "sound", ("a", "b"), rate=8000)
    assert ItemSpec.from_dict(spec.to_dict()) == spec
    old = {"shape": [1, 8, 8], "kind": "image", "classes": [], "center": [], "scale": []}  # before there were sounds
    assert ItemSpec.from_dict(old) == ItemSpec((1, 8, 8))


def test_values_within_reach_depend_on_the_kind():
    x = torch.tensor([-3.0, -0.5, 0.5, 3.0])
    assert ItemSpec((4,), "image").within(x).tolist() == [0, 0, 0.5, 1]
    assert ItemSpec((1, 4), "sound").within(x).tolist() == [-1, -0.5, 0.5, 1]
    assert ItemSpec((4,), "vector").within(x).tolist() == x.tolist()
