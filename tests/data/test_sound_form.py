import pytest

from tacit.data.sound import Heard
from tacit.data.sound_form import sound_form


def clips(*seconds: float, rate: int = 8000) -> list[Heard]:
    return [Heard(rate, 1, round(s * rate)) for s in seconds]


def test_short_clips_are_kept_whole_in_hundredths_of_a_second():
    form, notes = sound_form("folder", clips(0.3, 1.313, 0.14), None, None)
    assert (form.item_kind, form.rate, form.shape) == ("sound", 8000, (1, 10560))
    assert len(notes) == 1 and "at 8,000 Hz" in notes[0] and "0.9" in notes[0]


def test_of_longer_clips_the_length_holds_95_of_100_and_the_rest_is_counted():
    form, notes = sound_form("folder", clips(*[0.5 + i / 100 for i in range(100)], *[9.0] * 5), None, None)
    assert form.shape == (1, round(1.49 * 8000))  # the hundredth of 105 clips
    assert any("5 of 105 clips are longer than 1.49 s" in note for note in notes)


def test_no_default_is_longer_than_four_seconds():
    assert sound_form("folder", clips(*[60.0] * 10), None, None)[0].shape == (1, 32000)


@pytest.mark.parametrize(
    ("rates", "expected"), [([8000, 8000, 11025], 8000), ([44100] * 3, 16000), ([8000, 11025], 11025)]
)
def test_the_rate_is_the_commonest_and_at_most_16_khz(rates, expected):
    form, notes = sound_form("folder", [Heard(rate, 1, rate) for rate in rates], None, None)
    assert form.rate == expected
    other = sum(rate != expected for rate in rates)
    assert any(f"{other} of {len(rates)} clips had another rate" in note for note in notes)


def test_what_is_asked_for_counts():
    form, _ = sound_form("folder", clips(0.3, 1.3), 16000, 0.5)
    assert (form.rate, form.shape) == (16000, (1, 8000))
