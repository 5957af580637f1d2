"""A folder of real sounds, with what folders of sounds have in them: from init to prediction."""

import csv
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tacit.project import Project


def tone(pitch: float, rate: int = 8000) -> np.ndarray:
    time = np.arange(round(0.2 * rate)) / rate
    return 0.4 * np.sin(2 * np.pi * pitch * time) * np.hanning(len(time))


@pytest.fixture
def sounds(tmp_path):
    root = tmp_path / "sounds"
    for name, pitch in (("low", 300), ("high", 1200)):
        (root / name).mkdir(parents=True)
        for i in range(24):
            soundfile.write(root / name / f"{i}.wav", tone(pitch + 8 * i), 8000)
    soundfile.write(root / "low" / "stereo.wav", np.stack([tone(330), tone(331)], 1), 8000)
    soundfile.write(root / "high" / "other rate.flac", tone(1230, 16000), 16000)
    soundfile.write(root / "silent.wav", np.zeros(1600), 8000)
    (root / "damaged.wav").write_bytes((root / "low" / "0.wav").read_bytes()[:900])
    return root


def test_a_folder_of_sounds_from_init_to_prediction(tacit, sounds, tmp_path):
    said = tacit("init", sounds, "--truth", "folders", "--yardstick", "20").stdout
    assert "items: 0.20 s at 8,000 Hz (1,600 samples)" in said and "skipped 2 that cannot be read" in said
    assert all(part in said for part in ("8,000 Hz mono 48", "16,000 Hz mono 1", "8,000 Hz stereo 1"))
    skipped = (tmp_path / "sounds.tacit" / "skipped.csv").read_text()
    assert 'damaged.wav,"cut short' in skipped and "silent.wav,silent" in skipped

    project = Project(tmp_path / "sounds.tacit")
    look = project.look().record
    assert (look["item_kind"], look["rate"], look["shape"], look["pool"]) == ("sound", 8000, (1, 1600), 30)
    assert "using the mean and deviation of MFCC" in str(project.choose(k=8))
    project.ask_truth()
    project.learn("vae", steps=20, batch=16, width=4, latent_dim=4)
    project.choose("typical", k=8)
    project.ask_truth()
    project.train(steps=60, batch=16, width=4)
    assert project.evaluate().record["accuracy"]["value"] > 0.9
    rows = project.evaluate_space().record["rows"]
    assert [row["name"] for row in rows] == ["MFCC", "untrained encoder", "codes"] and rows[0]["dim"] == 40

    new = tmp_path / "new"
    new.mkdir()
    soundfile.write(new / "a.ogg", tone(310, 44100), 44100)
    soundfile.write(new / "b.wav", tone(1300), 8000)
    (new / "c.wav").write_text("no sound")
    said = tacit("predict", new, "--to", "new.csv").stdout
    assert "passed over 1 that cannot be read: c.wav" in said
    with open(tmp_path / "new.csv", newline="") as file:
        assert {row["item"]: row["label"] for row in csv.DictReader(file)} == {"a.ogg": "low", "b.wav": "high"}

    project.generate([sounds / "low" / "3.wav", new / "b.wav"], 2, to=tmp_path / "generated")
    made = sorted(tmp_path.glob("generated/*/*.wav"))
    assert [path.name for path in made] == ["01.wav", "02.wav", "item.wav"] * 2
    for path in made:
        with wave.open(str(path)) as file:
            assert file.getframerate() == 8000 and file.getnframes() > 100
    assert (tmp_path / "generated" / "sheet.png").is_file()
    html = Path(project.report(tmp_path / "r.html").record["path"]).read_text()
    assert html.count("data:audio/wav") > 20 and "media-src data:" in html
