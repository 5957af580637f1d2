"""The network that keeps its switches: as the paper writes it, mirrored, for pictures of any size."""

import pytest
import torch
from torch import nn

from tacit.errors import WrongUsage
from tacit.nn.switches import hard_pool, hard_unpool
from tacit.nn.what_where import Level, WhatWhereDecoder, WhatWhereEncoder, levels_of, network, usual_net

NET = "(4)5c-2p-(6)3c-(5)3c-3p"


def both(shape=(1, 28, 28), net=NET, **options):
    torch.manual_seed(0)
    decoding = {name: value for name, value in options.items() if name != "beta"}
    return WhatWhereEncoder(shape, net, **options), WhatWhereDecoder(shape, net, **decoding)


def test_networks_are_read_as_the_paper_writes_them():
    assert levels_of("(16)5c-(32)3c-4p") == [Level(((16, 5), (32, 3)), 4)]
    assert levels_of(NET) == [Level(((4, 5),), 2), Level(((6, 3), (5, 3)), 3)]


@pytest.mark.parametrize(
    ("net", "said"),
    [
        ("(16)5c", "try: .*-2p"),
        ("2p-(16)5c-2p", "at '2p'"),
        ("(16)5c-2q", "at '2q'"),
        ("(16)4c-2p", "odd kernel"),
        ("(0)3c-2p", "1 map or more"),
        ("", "cannot be read"),
    ],
)
def test_networks_that_cannot_be_are_sentences(net, said):
    with pytest.raises(WrongUsage, match=said):
        levels_of(net)


def test_the_usual_network_is_that_of_mnist_and_grows_with_the_picture():
    assert usual_net((1, 28, 28)) == "(32)5c-2p-(64)3c-(64)3c-2p-(128)3c-2p"
    assert usual_net((1, 8, 8), 4) == "(4)5c-2p-(8)3c-(8)3c-2p"
    assert usual_net((3, 96, 96), 4).count("p") == 5
    assert network((1, 28, 28), "auto", None) == usual_net((1, 28, 28), 32)
    assert network((1, 28, 28), NET, None) == NET


@pytest.mark.parametrize("where", ["hard", "soft", "none"])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 96, 96), (1, 8, 8), (2, 13, 9), (1, 8, 70)], ids=str)
def test_the_way_back_has_the_size_of_the_way_there(shape, where):
    net = usual_net(shape, 2)
    encoder, decoder = both(shape, net, where=where)
    x = torch.rand(2, *shape)
    found = encoder.levels(x)
    drawn = decoder(found, encoder.code(found))
    assert drawn.x.shape == x.shape and encoder(x).shape == (2, encoder.out_dim)
    assert [state.shape for state in drawn.states] == [what.shape for what in drawn.whats]
    last = found[-1].what.shape[2:]
    assert len(drawn.whats) == net.count("p") - 1 and (max(last) <= 4 or min(last) == 1)


def test_encoder_and_decoder_are_the_layers_of_figure_1():
    encoder, decoder = both()
    x = torch.rand(3, 1, 28, 28)
    weight = [m for m in encoder.modules() if isinstance(m, nn.Conv2d)]
    m_1, p_1 = hard_pool(weight[0](x).relu(), 2)
    m_2, p_2 = hard_pool(weight[2](weight[1](m_1).relu()).relu(), 3)
    assert m_1.shape == (3, 4, 14, 14) and m_2.shape == (3, 5, 4, 4)  # 14 = 3 * 4 + 2
    back = [[m for m in block if isinstance(m, nn.Conv2d)] for block in decoder.blocks]
    state = hard_unpool(m_2, p_2, 3, (14, 14))
    state = back[1][1](back[1][0](state).relu()).relu()
    drawn = back[0][0](hard_unpool(state, p_1, 2, (28, 28)))  # no ReLU in front of the item
    found = encoder.levels(x)
    made = decoder(found, encoder.code(found))
    assert torch.allclose(encoder(x), m_2.flatten(1)) and torch.allclose(made.whats[0], m_1)
    assert torch.allclose(made.states[0], state) and torch.allclose(made.x, drawn)
    assert (made.x < 0).any()


def test_the_first_convolution_back_of_a_deep_level_has_a_relu_and_the_last_has_none():
    _, decoder = both((1, 28, 28), "(16)5c-(32)3c-4p")
    assert [type(layer) for layer in decoder.blocks[0]] == [nn.Conv2d, nn.ReLU, nn.Conv2d]
    assert [layer.out_channels for layer in decoder.blocks[0] if isinstance(layer, nn.Conv2d)] == [16, 1]


def test_with_features_the_topmost_map_is_drawn_from_the_code():
    encoder, decoder = both(features=7)
    x = torch.rand(3, 1, 28, 28)
    found = encoder.levels(x)
    code = encoder.code(found)
    drawn = decoder(found, code)
    assert code.shape == (3, 7) and torch.equal(code, encoder(x)) and encoder.out_dim == 7
    assert [tuple(what.shape[1:]) for what in drawn.whats] == [(4, 14, 14), (5, 4, 4)]
    assert torch.equal(drawn.states[1], decoder.down(code))
    assert not torch.equal(decoder(found, 2 * code).x, drawn.x)


def test_batch_normalization_stands_behind_every_convolution_but_the_item_s():
    encoder, decoder = both(norm="batch")
    assert sum(isinstance(m, nn.BatchNorm2d) for m in encoder.modules()) == 3
    assert sum(isinstance(m, nn.BatchNorm2d) for m in decoder.modules()) == 2
    assert decoder.blocks[0][-1].bias is not None


def test_what_does_not_fit_is_a_sentence():
    with pytest.raises(WrongUsage, match=r"window of 14 x 14 .* map of 4 x 4"):
        WhatWhereEncoder((1, 8, 8), "(2)3c-2p-(2)3c-14p")
    with pytest.raises(WrongUsage, match=r"tacit learn autoencoder"):
        network((5,), "auto", None)
    with pytest.raises(WrongUsage, match="8 x 8 pixels or more"):
        network((1, 28, 7), "auto", None)
    with pytest.raises(WrongUsage, match="--width"):
        network((1, 28, 28), NET, 16)
    with pytest.raises(WrongUsage, match="1 feature or more"):
        WhatWhereEncoder((1, 28, 28), NET, features=0)
