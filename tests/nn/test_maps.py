import pytest
import torch

from tacit.errors import UnknownName
from tacit.nn.maps import by_depth, depth_named, depths, last_block, through, width_after
from tacit.nn.trunk import KINDS, trunk


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 12, 12), (3, 9, 14), (1, 8, 8)])
def test_the_encoder_and_the_maps_before_it_have_the_names_that_are_promised(kind, shape):
    if kind in ("mel", "wave", "patches"):
        return  # sounds, and trunks that are no plain pile of layers
    encoder, x = trunk(shape, kind).eval(), torch.rand(3, *shape)
    found = by_depth(encoder, x)
    assert list(found) == depths(encoder)
    assert torch.equal(found["encoder"], encoder(x))
    for z in found.values():
        assert z.ndim == 2 and len(z) == 3


def test_maps_are_those_of_a_conv_trunk_averaged_in_quarters():
    encoder, x = trunk((1, 16, 16), "conv", width=4).eval(), torch.rand(2, 1, 16, 16)
    found = by_depth(encoder, x, first="map.2")
    assert list(found) == ["map.2", "encoder", "map.1"]
    first = encoder[3](encoder[2](encoder[1](encoder[0](x))))  # (2, 4, 8, 8)
    quarters = [first[:, :, i : i + 4, j : j + 4].mean((2, 3)) for i in (0, 4) for j in (0, 4)]
    assert torch.allclose(found["map.1"].view(2, 4, 4), torch.stack(quarters, 2), atol=1e-6)


def test_auto_is_the_last_map_or_the_output_where_there_is_none():
    assert depth_named(trunk((1, 28, 28), "conv"), "auto") == "map.3"
    assert depth_named(trunk((1, 28, 28), "mlp"), "auto") == "encoder"
    assert depth_named(trunk((1, 28, 28), "conv"), "map.1") == "map.1"
    with pytest.raises(UnknownName, match=r"did you mean: map\.1"):
        depth_named(trunk((1, 28, 28), "conv"), "map1")


def test_small_maps_keep_their_size():
    encoder = trunk((1, 2, 6), "conv", depth=2).eval()
    assert by_depth(encoder, torch.rand(2, 1, 2, 6))["map.2"].shape == (2, 64 * 2)  # a map of 1 x 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 12, 12), (3, 9, 14)])
def test_a_trunk_cut_at_its_last_block_is_the_trunk(kind, shape):
    if kind in ("mel", "wave"):
        return
    encoder, x = trunk(shape, kind).eval(), torch.rand(3, *shape)
    block = last_block(encoder)
    before = through(encoder, x, slice(block.start))
    after = through(encoder, before, block)
    assert torch.equal(through(encoder, after, slice(block.stop, None)), encoder(x))
    assert width_after(encoder, shape, block.stop) == after.shape[1]
    assert (block.start == block.stop == len(encoder)) == (kind not in ("auto", "mlp", "conv", "resnet"))


def test_the_last_block_makes_the_last_map_of_the_one_before():
    conv, x = trunk((1, 28, 28), "conv", width=4).eval(), torch.rand(2, 1, 28, 28)
    assert through(conv, x, slice(last_block(conv).start)).shape == (2, 8, 7, 7)
    assert through(conv, x, slice(last_block(conv).stop)).shape == (2, 16, 4, 4)
    resnet = trunk((1, 28, 28), "resnet", width=4, depth=3).eval()
    block = last_block(resnet)
    assert block.stop - block.start == 3, "the whole stage"
    assert through(resnet, x, slice(block.start)).shape == (2, 16, 7, 7)
    assert through(resnet, x, slice(block.stop)).shape == (2, 32, 4, 4)
    flat = trunk((1, 28, 28), "mlp", width=20, depth=3)
    assert list(flat)[last_block(flat)] == list(flat)[-2:]
    one = trunk((1, 28, 28), "conv", depth=1)
    assert last_block(one).start == len(one), "before the only block there is nothing that was learned"


def test_asking_for_a_width_leaves_running_statistics_alone():
    encoder = trunk((1, 12, 12), "conv", width=4)
    before = {name: value.clone() for name, value in encoder.named_buffers()}
    assert width_after(encoder, (1, 12, 12), 4) == 4 and encoder.training
    assert all(torch.equal(value, before[name]) for name, value in encoder.named_buffers())
