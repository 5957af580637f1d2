"""One sound into an item: what is done to it, and what is said of one that cannot be an item."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.data import sound
from tacit.data.sound import PEAK, Heard, Unfit, fit_in, look_all, loudest, read_all

TOP = round(32768 * PEAK)


def tone(pitch: float, seconds: float = 0.3, rate: int = 8000, level: float = 0.5) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return level * np.sin(2 * np.pi * pitch * time)


def item(samples: np.ndarray, own_rate: int = 8000, length: int = 4000, rate: int = 8000) -> np.ndarray:
    out = np.full(length, 77, np.int16)
    fit_in(samples, own_rate, out, rate)
    return out


def one(path: Path, length: int = 4000, rate: int = 8000) -> np.ndarray:
    """The item of a single file that must be readable."""
    results, rows = read_all(str(path.parent), [path.name], (1, length), rate)
    assert not isinstance(results[0], str), results[0]
    return rows[0, 0]


def why(path: Path) -> str:
    """Why a file cannot be read."""
    (result,), rows = read_all(str(path.parent), [path.name], (1, 4000), 8000)
    assert isinstance(result, str) and len(rows) == 0
    return result


def pitch_of(row: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(row.astype(float)))
    return float(spectrum.argmax() * rate / len(row))


# what is done


def test_an_item_peaks_at_nine_tenths_whatever_the_loudness_and_the_offset():
    x = tone(440)
    expected = item(x)
    assert np.abs(expected.astype(int)).max() == TOP
    for other in (x * 0.01, x * 1.9, x + 0.3, -0.2 + 0.1 * x):
        assert np.abs(item(other).astype(int) - expected).max() <= 1


def test_a_short_clip_has_zeros_behind_it_and_its_samples_unchanged():
    x = tone(440, 0.1)
    row = item(x)
    assert (row[800:] == 0).all()
    centered = x - x.mean()
    assert np.array_equal(row[:800], np.rint(centered / np.abs(centered).max() * 32768 * PEAK).astype(np.int16))


def test_a_long_clip_keeps_its_loudest_stretch_found_by_looking_everywhere():
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, 300) * np.linspace(0.1, 1, 300) ** 2
    energy = [np.square(x[i : i + 100]).sum() for i in range(201)]
    best = int(np.argmax(energy))
    assert np.array_equal(loudest(x, 100), x[best : best + 100])
    assert loudest(x, 300) is x and loudest(x, 400) is x


def test_another_rate_keeps_pitch_and_duration():
    row = item(tone(440, 0.4, 44100), 44100)
    assert (np.flatnonzero(row)[-1] + 1) / 8000 == pytest.approx(0.4, abs=0.002)
    assert pitch_of(row[:3200], 8000) == pytest.approx(440, abs=3)
    assert pitch_of(item(tone(440, 0.4, 4000), 4000)[:3200], 8000) == pytest.approx(440, abs=3)


def test_tones_that_a_lower_rate_cannot_hold_do_not_come_back_as_others():
    low, high = tone(300, 0.4, 32000, 0.2), tone(7000, 0.4, 32000, 0.2)
    both, alone = item(low + high, 32000)[200:3000], item(low, 32000)[200:3000]
    assert np.abs(both / np.abs(both).max() - alone / np.abs(alone).max()).max() < 0.02


@given(st.integers(0, 2**32 - 1), st.integers(80, 9000), st.sampled_from([4000, 8000, 11025, 44100]))
@settings(max_examples=40, deadline=None)
def test_any_sound_fits_any_length(seed, samples, own_rate):
    x = np.random.default_rng(seed).normal(0, 0.1, max(samples, own_rate // 50))
    row = item(x, own_rate, 1600)
    assert row.dtype == np.int16 and np.abs(row.astype(int)).max() == TOP


def test_stereo_becomes_the_mean_of_its_channels(tmp_path):
    left, right = tone(300), tone(500)
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], 1), 8000, subtype="FLOAT")
    soundfile.write(tmp_path / "b.wav", (left + right) / 2, 8000, subtype="FLOAT")
    assert np.abs(one(tmp_path / "a.wav").astype(int) - one(tmp_path / "b.wav")).max() <= 1


@pytest.mark.parametrize(
    ("extension", "least"), [("wav", 1.0), ("flac", 1.0), ("aiff", 1.0), ("ogg", 0.98), ("mp3", 0.95)]
)
def test_every_format_is_read(tmp_path, extension, least):
    x = tone(440, 0.5)
    path = tmp_path / f"a.{extension}"
    soundfile.write(path, x, 8000)
    row, expected = one(path).astype(float), item(x).astype(float)
    alike = np.correlate(row, expected, "full").max() / np.linalg.norm(row) / np.linalg.norm(expected)
    assert alike > least - 1e-3


def test_the_head_says_rate_channels_and_length(tmp_path):
    soundfile.write(tmp_path / "a.flac", np.zeros((4410, 2)), 44100)
    assert look_all(str(tmp_path), ["a.flac"]) == [Heard(44100, 2, 4410)]
    assert Heard(44100, 2, 4410).mode == "44,100 Hz stereo" and Heard(8000, 1, 800).seconds == 0.1
    assert Heard(8000, 6, 1).mode == "8,000 Hz 6 channels"


def test_the_hash_is_that_of_the_file(tmp_path):
    for name in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / name, tone(440), 8000)
    soundfile.write(tmp_path / "c.wav", tone(441), 8000)
    results, _ = read_all(str(tmp_path), ["a.wav", "b.wav", "c.wav"], (1, 100), 8000)
    ids = [result[0] for result in results]
    assert ids[0] == ids[1] != ids[2]


# what cannot be an item


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.zeros(0), "there is no sound in it"),
        (tone(440, 0.005), r"shorter than 10 ms: 5\.0 ms"),
        (np.zeros(4000), "silent: it never leaves 0.0001"),
        (np.full(4000, 0.7), "silent"),
        (np.where(np.arange(4000) == 7, np.nan, tone(440, 0.5)), "1 of 4,000 samples are no finite numbers"),
        (np.where(np.arange(4000) > 3997, np.inf, tone(440, 0.5)), "2 of 4,000 samples"),
    ],
)
def test_what_is_no_sound_is_said_in_a_few_words(samples, reason):
    with pytest.raises(Unfit, match=reason):
        item(samples)


def test_a_tone_above_what_the_rate_can_hold_is_silent_there():
    with pytest.raises(Unfit, match=r"silent at 8,000 Hz: all of it is above 4,000 Hz"):
        item(tone(15000, 0.4, 44100) * np.hanning(17640), 44100)


def test_damaged_and_mislabeled_files_have_reasons_and_the_others_are_read(tmp_path, capfd):
    x = tone(440, 0.5)
    for extension in ("wav", "flac", "ogg", "mp3"):
        soundfile.write(tmp_path / f"good.{extension}", x, 8000)
        whole = (tmp_path / f"good.{extension}").read_bytes()
        (tmp_path / f"cut.{extension}").write_bytes(whole[: len(whole) // 2])
    assert why(tmp_path / "cut.wav").startswith("cut short: ")
    assert why(tmp_path / "cut.mp3").startswith("cut short: ")
    assert why(tmp_path / "cut.flac") and why(tmp_path / "cut.ogg")
    for name in ("text.wav", "text.mp3", "text.ogg"):
        (tmp_path / name).write_text("this is no sound " * 100)
        assert why(tmp_path / name) == "not a sound in a known format"
    (tmp_path / "ogg as.wav").write_bytes((tmp_path / "good.ogg").read_bytes())
    assert np.array_equal(one(tmp_path / "ogg as.wav"), one(tmp_path / "good.ogg"))  # the content decides
    (tmp_path / "head.wav").write_bytes((tmp_path / "good.wav").read_bytes()[:44])
    assert "cut short" in why(tmp_path / "head.wav")
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 8000)
    assert why(tmp_path / "none.wav") == "there is no sound in it"
    assert look_all(str(tmp_path), ["text.mp3", "good.mp3"])[1] == Heard(8000, 1, 4000)
    assert capfd.readouterr().err == ""  # the decoders do not write to the terminal


def test_a_wav_written_to_a_pipe_does_not_know_its_length_and_is_whole(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(440), 8000)
    content = bytearray((tmp_path / "a.wav").read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "b.wav").write_bytes(bytes(content))
    assert np.array_equal(one(tmp_path / "b.wav"), one(tmp_path / "a.wav"))


def test_recordings_and_impossible_rates_are_refused_from_their_heads(tmp_path, monkeypatch):
    monkeypatch.setattr(sound, "LONGEST", 0.25)
    soundfile.write(tmp_path / "long.wav", tone(440, 0.3), 8000)
    assert "cut recordings of more than 0 into clips" in str(look_all(str(tmp_path), ["long.wav"])[0])
    soundfile.write(tmp_path / "slow.wav", tone(40, 0.2, 500), 500)
    assert "500 samples a second" in str(look_all(str(tmp_path), ["slow.wav"])[0])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_said_in_the_words_of_the_system(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(440), 8000)
    (tmp_path / "a.wav").chmod(0)
    assert (
        look_all(str(tmp_path), ["a.wav"]) == ["permission denied"] and why(tmp_path / "a.wav") == "permission denied"
    )


@given(st.binary(max_size=300), st.sampled_from(["wav", "flac", "ogg", "mp3"]))
@settings(max_examples=40, deadline=None)
def test_no_bytes_can_stop_a_scan(content, extension):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, f"x.{extension}").write_bytes(
            b"RIFF\x10\x00\x00\x00WAVE" + content if extension == "wav" else content
        )
        (result,), rows = read_all(folder, [f"x.{extension}"], (1, 100), 8000)
        assert (len(rows) == 0) == isinstance(result, str)
