import pytest
import torch

from tacit.errors import WrongUsage
from tacit.nn.trunk import trunk
from tacit.nn.wave import Stride, Wave, field, frames, pooled, strides


def test_the_convolutions_are_the_paper_s_at_16_khz():
    assert strides(16000) == (Stride(10, 5, 3), Stride(8, 4, 2), *[Stride(4, 2, 1)] * 3)
    assert [each.stride for each in strides(8000)] == [5, 4, 2, 2]
    assert field(strides(16000)) == 465 and field(strides(8000)) == 225


def test_20480_samples_are_128_frames_padded_and_126_unpadded():
    assert frames(20480, strides(16000)) == 128
    assert frames(20480, strides(16000), padded=False) == 126
    assert Wave(20480, 16000, width=4).frames(torch.rand(1, 1, 20480)).shape == (1, 4, 128)


@pytest.mark.parametrize("rate", [4000, 8000, 11025, 16000, 22050, 44100, 48000])
def test_a_frame_is_about_ten_milliseconds(rate):
    hop = Wave(rate, rate, width=2).hop
    assert 0.007 <= hop / rate <= 0.0142
    assert frames(rate, strides(rate)) == rate // hop


@pytest.mark.parametrize("samples", [225, 800, 803, 879])
def test_as_many_frames_come_out_as_are_counted(samples):
    wave, x = Wave(samples, 8000, width=4), torch.randn(2, 1, samples)
    assert wave.frames(x).shape[2] == frames(samples, wave.strides) == wave.heard(x).shape[1]


def test_a_frame_sees_its_field_and_nothing_else():
    torch.manual_seed(0)
    wave = Wave(1600, 8000, width=4)
    wave.loud = lambda x: x  # the loudness of a clip is that of all of it
    x = torch.randn(1, 1, 1600, requires_grad=True)
    wave.frames(x)[0, :, 10].sum().backward()
    seen = x.grad[0, 0].nonzero().flatten()
    assert seen[-1] - seen[0] + 1 <= field(wave.strides)
    assert seen[0] <= 10 * wave.hop and seen[-1] >= 11 * wave.hop - 1


def test_frames_of_a_clip_do_not_know_of_other_clips_or_of_later_frames():
    torch.manual_seed(0)
    wave, x = Wave(1600, 8000, width=8).train(), torch.randn(4, 1, 1600)
    z = wave.frames(x)
    assert torch.allclose(z[1:2], wave.frames(x[1:2]), atol=1e-5)
    wave.loud = lambda x: x
    other = x.clone()
    other[..., 1200:] = 0
    assert torch.allclose(wave.frames(x)[..., :12], wave.frames(other)[..., :12])


def test_zeros_behind_a_clip_are_not_heard_and_do_not_move_the_mean():
    torch.manual_seed(0)
    wave, x = Wave(1600, 8000, width=8), torch.zeros(3, 1, 1600)
    x[0, :, :800], x[1, :, :85] = torch.randn(800), torch.randn(85)
    heard = wave.heard(x)
    assert heard.sum(1).tolist() == [10, 1, 1]  # of a silent clip the first frame, so that there is a mean
    z = wave.frames(x)
    assert torch.allclose(wave(x)[0], z[0, :, :10].mean(1), atol=1e-6)
    assert torch.equal(pooled(z, heard)[1], z[1, :, 0])
    assert wave(x).isfinite().all()


@torch.no_grad()
def test_long_clips_are_encoded_a_few_at_a_time(monkeypatch):
    torch.manual_seed(0)
    wave, x = Wave(800, 8000, width=4), torch.randn(7, 1, 800)
    z = wave.frames(x)
    monkeypatch.setattr("tacit.nn.wave.AT_ONCE", 2 * 4 * 800 // 5)
    sizes = []
    wave.layers.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
    assert torch.allclose(wave.frames(x), z, atol=1e-6)
    assert sizes == [2, 2, 2, 1]


def test_gain_and_a_constant_offset_do_not_matter():
    torch.manual_seed(0)
    wave, x = Wave(800, 8000, width=8), 0.3 * torch.randn(2, 1, 800)
    assert torch.allclose(wave(x), wave(0.1 * x), atol=1e-4)
    assert torch.allclose(wave(x), wave(x + 0.05), atol=1e-4)
    assert wave(1e-7 * x).isfinite().all()


def test_a_clip_shorter_than_a_frame_s_field_is_refused():
    with pytest.raises(WrongUsage, match="shorter than the 225"):
        Wave(224, 8000)


@pytest.mark.parametrize("norm", [None, "group", "batch", "none"])
def test_it_is_a_trunk(norm):
    network = trunk((1, 800), "wave", width=8, norm=norm, out_dim=5, rate=8000)
    features = network(torch.randn(3, 1, 800))
    assert features.shape == (3, 5) and network.out_dim == 5
    features.sum().backward()
    assert all(p.grad is not None for p in network.parameters())
    assert trunk((1, 800), "wave", rate=8000).out_dim == 128


def test_a_wave_trunk_needs_sounds_and_has_its_own_depth():
    with pytest.raises(WrongUsage, match="needs sounds"):
        trunk((1, 8, 8), "wave")
    with pytest.raises(WrongUsage, match="depth"):
        trunk((1, 800), "wave", depth=2, rate=8000)
