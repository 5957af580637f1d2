"""A small twin of the bench: it runs, resumes, and its tables say what was measured."""

import json

import numpy as np
import pytest
import torch

from tacit.bench import run_bench
from tacit.bench import spoken_digits as bench
from tacit.errors import BadData, UnknownName

TINY = {"steps": 2, "supervised_steps": 2, "draws": 2}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Tones in the place of speech: the digit is the pitch, the speaker the loudness of an overtone."""
    (tmp_path / "fsdd").mkdir()
    rng = np.random.default_rng(0)
    for split, takes in (("train", 4), ("test", 1)):
        digit, speaker, _ = (part.flatten() for part in np.meshgrid(range(10), range(5), range(takes), indexing="ij"))
        ends = np.concatenate([[0], np.cumsum(rng.integers(800, 1200, len(digit)))])
        t = np.arange(ends[-1]) / 8000
        pitch = np.repeat(200 + 100 * digit, np.diff(ends))
        tones = np.sin(2 * np.pi * pitch * t) + np.repeat(speaker / 4, np.diff(ends)) * np.sin(4 * np.pi * pitch * t)
        np.savez(
            tmp_path / "fsdd" / f"{split}.npz",
            samples=(6000 * tones).astype(np.int16),
            offsets=ends,
            labels=digit,
            speakers=speaker,
            sample_rate=8000,
            speaker_names=np.array(bench.SPEAKERS),
        )
    monkeypatch.setattr(bench, "NET", bench.NET | {"width": 8, "hidden": 8, "window": 800, "ahead": 3})
    monkeypatch.setattr(bench, "SUPERVISED_SAMPLES", 800)
    return tmp_path


def test_rows_run_are_kept_and_are_not_run_again(small, monkeypatch):
    where = {"data": str(small), "out": str(small / "out")}
    rows = ["mfcc", "cpc", *(name for name in bench.ROWS if name.startswith("without-")), "supervised"]
    first = bench.run(**TINY, **where, row=",".join(rows), seeds=(0,), write=str(small / "results.md"))
    kept = [json.loads(text) for text in (small / "out" / "rows.jsonl").read_text().splitlines()]
    assert [r["row"] for r in kept] == rows
    cpc = next(r for r in kept if r["row"] == "cpc")
    assert set(cpc["codes"]) == {"context", "context_spread", "frames"}
    assert [len(cpc["codes"]["frames"][key]) for key in bench.MEASURES] == [2, 2, 1, 2, 1]
    assert 0 < cpc["gru_share"] < 1 and cpc["audio_per_second"] > 0
    monkeypatch.setattr(bench, "run_row", lambda *given: pytest.fail("ran again"))
    assert bench.run(**TINY, **where, row=",".join(rows), seeds=(0,)).record == first.record
    text = (small / "results.md").read_text()
    assert "| MFCC-20: mean, spread |" in text and "| CPC: context |" in text
    assert "Unseen speakers, CPC: george" in text and "the GRU takes" in text


def test_a_speaker_left_out_is_heard_by_nobody(small, monkeypatch):
    speech = bench.read(small / "fsdd")
    seen = []
    monkeypatch.setattr(bench, "fit", lambda method, pool, **given: seen.append(pool) or pytest.skip("seen"))
    with pytest.raises(pytest.skip.Exception):
        bench.run_row("without-lucas", speech, 0, 1, 2)
    said = speech.speaker[0][torch.from_numpy(seen[0].rows)]
    assert len(seen[0]) == 160 and 2 not in said.tolist()


def test_mfcc_of_a_clip_do_not_hear_the_zeros_behind_it(small):
    speech = bench.read(small / "fsdd")
    x = speech.pool.floats(slice(3))
    alone = torch.cat([bench.summed_up(x[i : i + 1, :, : int(bench.lengths(x)[i])], 8000)[1] for i in range(3)])
    assert bench.summed_up(x, 8000)[1].shape == (3, 80)
    assert torch.allclose(bench.summed_up(x, 8000)[1][:, :60], alone[:, :60], atol=0.5)


def test_the_unseen_speakers_of_a_seed_count_once_all_five_are_there():
    rows = [
        {"row": f"without-{name}", "seed": seed, "unseen": {"context": 0.5 + 0.1 * seed}}
        for seed in (0, 1)
        for name in bench.SPEAKERS
    ]
    assert bench.strangers(rows, "cpc", "context") == pytest.approx([0.5, 0.6])
    assert bench.strangers(rows[:-1], "cpc", "context") == pytest.approx([0.5])
    assert bench.spread([0.5, 0.6]) == "55.0 ± 5.0" and bench.spread([0.5, 0.5]) == "50.0" and bench.spread([]) == ""


def test_misspelt_rows_and_missing_data_are_sentences(tmp_path):
    with pytest.raises(UnknownName, match=r"did you mean: ahead-12\?"):
        run_bench("spoken-digits", {"row": "ahead12", "out": str(tmp_path)})
    with pytest.raises(BadData, match="--data FOLDER"):
        run_bench("spoken-digits", {"row": "mfcc", "out": str(tmp_path), "data": str(tmp_path)})
