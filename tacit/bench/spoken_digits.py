"""What CPC learns from spoken digits without a label (van den Oord et al. 2018, sec. 3.1, at the size of two cores).

Ten digits, five speakers, 2,250 clips of half a second to learn from and 250 to measure on (Free Spoken Digit Dataset, its own
split). CPC hears the clips without labels; then a linear probe (standardized codes, its penalty chosen inside the
training codes) answers test clips from few labels or all. The rows called `without-` leave one speaker out of
everything, of CPC's unlabeled clips too, and ask for the digits of all clips of that speaker.
"""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tacit.bench.results import markdown, provenance, read_rows, write_section
from tacit.data.feeds import mix
from tacit.data.pool import Pool
from tacit.data.spec import UNLABELED, ItemSpec
from tacit.engine.apply import probabilities
from tacit.engine.device import Device, pick
from tacit.engine.fit import fit
from tacit.errors import BadData, unknown_name
from tacit.evaluate.label_efficiency import from_scratch, label_efficiency, standard_error
from tacit.evaluate.layers import by_layer
from tacit.evaluate.probe import fit_probe
from tacit.methods.cpc import CPC
from tacit.methods.method import Method, Recipe
from tacit.nn.mel import lengths, mfcc
from tacit.outcome import Outcome, table

SPEAKERS = ("george", "jackson", "lucas", "nicolas", "yweweler")  # as the file has them; checked when it is read
NET: dict[str, Any] = {"width": 128, "hidden": 128, "window": 3200, "ahead": 8}
RECIPE = Recipe(batch=32, lr=2e-3, optimizer="adamw", schedule="cosine", warmup=0.05, clip=5.0)
LEARNED: dict[str, dict[str, Any]] = {  # rows with a CPC of their own, and how it differs
    "cpc": {},
    "ahead-2": {"ahead": 2},
    "ahead-4": {"ahead": 4},
    "ahead-12": {"ahead": 12},
    "others": {"candidates": "others"},
}
ROWS = ["mfcc", "untrained", *LEARNED, *(f"without-{name}" for name in SPEAKERS), "supervised"]
FEW = (5, 20)  # labels of every class
SUPERVISED = Recipe(batch=50, lr=2e-3, optimizer="adamw", weight_decay=0.01, schedule="cosine")
SUPERVISED_DRAWS = 3  # a training for each
SUPERVISED_SAMPLES = 6000  # of a clip, 0.75 s; 2 % of them are longer

Codes = Mapping[str, tuple[Tensor, Tensor]]  # name -> codes of the training clips, codes of the test clips


@dataclass(frozen=True)
class Speech:
    """Clips to learn from and clips to measure on, and who says what in them."""

    pool: Pool
    test: Pool
    digit: tuple[Tensor, Tensor]  # of pool and test, (N,) and (T,)
    speaker: tuple[Tensor, Tensor]

    def task(self, name: str) -> tuple[Tensor, Tensor, tuple[str, ...]]:
        """Truth of the pool, truth of the test clips, and the classes."""
        return (*self.digit, tuple("0123456789")) if name == "digit" else (*self.speaker, SPEAKERS)


def run(
    *,
    row: str = "",
    steps: int = 1000,
    supervised_steps: int = 300,
    draws: int = 5,
    seeds: Sequence[int] = range(3),
    data: str | None = None,
    out: str = "bench/out/spoken-digits",
    write: str = "",
) -> Outcome:
    """Train and measure what is not in the folder `out` yet, one line a row and seed; then the tables.

    `row` is one of the rows, several with commas, or none for all. CPC trains for `steps`; the supervised net for
    `supervised_steps`, whatever the labels. `draws` of the few labels for each seed.
    """
    wanted = row.split(",") if row else ROWS
    for name in wanted:
        if name not in ROWS:
            raise unknown_name("row", name, ROWS)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    done, speech = read_rows(folder / "rows.jsonl"), None
    shown = []
    for name in wanted:
        for seed in seeds:
            key: dict[str, Any] = {"row": name, "seed": seed, "draws": draws}
            if name in LEARNED or name.startswith("without-"):
                key["steps"] = steps
            elif name == "supervised":
                key["steps"] = supervised_steps
            found = next((r for r in done if key.items() <= r.items()), None)
            if found is None:
                speech = speech or read(Path(data or os.environ.get("TACIT_DATA", "../shared/data")) / "fsdd")
                began = time.perf_counter()
                found = key | run_row(name, speech, seed, draws, key.get("steps", 0))
                found |= {"minutes": round((time.perf_counter() - began) / 60, 1), "threads": torch.get_num_threads()}
                with open(folder / "rows.jsonl", "a", encoding="utf-8") as file:
                    file.write(json.dumps(found) + "\n")
                print(name, "seed", seed, json.dumps(found), flush=True)
            shown.append(found)
    tables, words = [codes_table(shown), ablation_table(shown)], said(shown)
    tables = [each for each in tables if len(each) > 1]
    if write:
        command = f"tacit bench spoken-digits{f' --row {row}' if row else ''} --steps {steps} --seeds {len(seeds)}"
        text = "\n\n".join(["## Spoken digits: CPC", provenance(command, list(seeds)), *map(markdown, tables), words])
        write_section(Path(write), "spoken-digits", text)
    lines = [text for each in tables for text in [*table(each), ""]]
    return Outcome({"bench": "spoken-digits", "rows": shown}, [*lines, words])


def run_row(name: str, speech: Speech, seed: int, draws: int, steps: int) -> dict[str, Any]:
    where = pick()
    if name == "supervised":
        return supervised(speech, seed, draws, steps)
    if name.startswith("without-"):
        left = SPEAKERS.index(name.removeprefix("without-"))
        kept = speech.pool.take((speech.speaker[0] != left).nonzero().flatten())
        method, training = trained(kept, seed, steps, where)
        return training | {
            "unseen": {layer: stranger(both, speech, left) for layer, both in heard(method, speech).items()}
        }
    if name in LEARNED:
        method, training = trained(speech.pool, seed, steps, where, **LEARNED[name])
        return training | {"codes": measured(heard(method, speech), speech, seed, draws)}
    codes = spectra(speech) if name == "mfcc" else heard(built(speech.pool, seed), speech)
    everyone = range(len(SPEAKERS))
    unseen = {key: [stranger(both, speech, left) for left in everyone] for key, both in codes.items()}
    return {"codes": measured(codes, speech, seed, draws), "unseen": unseen}


def built(pool: Pool, seed: int, **changes: Any) -> CPC:
    with torch.random.fork_rng():
        torch.manual_seed(mix(seed, 1))
        return CPC(pool.spec, **NET | changes)


def trained(pool: Pool, seed: int, steps: int, where: Device, **changes: Any) -> tuple[CPC, dict[str, Any]]:
    """A CPC that has heard the pool, and how its training went."""
    method = built(pool, seed, **changes)
    recipe = replace(RECIPE, steps=steps)
    seconds_heard = lengths(pool.floats(slice(None))).clamp(max=method.window).float().mean().item() / pool.spec.rate
    fitted = fit(method, pool, recipe=recipe, seed=seed, device=where)
    return method, {
        "terms": fitted.terms,
        "seconds": round(fitted.seconds, 1),
        "audio_per_second": steps * recipe.batch * seconds_heard / fitted.seconds,
        "gru_share": gru_share(method, pool, where),
    }


def gru_share(method: CPC, pool: Pool, where: Device, repeats: int = 10) -> float:
    """The share of a step (loss and its gradients) that the GRU takes, forward and back."""
    x = pool.floats(slice(RECIPE.batch))
    z = torch.rand(len(x), NET["width"], method.parts(method.view(x))[1].shape[1], requires_grad=True)

    def took(loss: Callable[[], Tensor]) -> float:
        began = 0.0
        for i in range(repeats + 1):  # the first one is not counted
            began = time.perf_counter() if i == 1 else began
            with where.autocast():
                value = loss()
            value.backward()
        return time.perf_counter() - began

    with where.products():
        whole = took(lambda: method.loss(x)["loss"])
        return took(lambda: method.predictor.context(z).float().sum()) / whole


def heard(method: Method, speech: Speech) -> dict[str, tuple[Tensor, Tensor]]:
    """Codes of all clips by layer."""
    known, fresh = (by_layer(method, items) for items in (speech.pool, speech.test))
    return {name: (known[name], fresh[name]) for name in known}


def spectra(speech: Speech) -> dict[str, tuple[Tensor, Tensor]]:
    """Means and standard deviations of 20 MFCC over a clip; and means of its thirds with the deviations of all of it."""
    found: dict[str, list[Tensor]] = {"mean, spread": [], "thirds, spread": []}
    for items in (speech.pool, speech.test):
        parts = [summed_up(items.floats(rows), items.spec.rate) for rows in torch.arange(len(items)).split(250)]
        for name, each in zip(found, zip(*parts, strict=True), strict=True):
            found[name].append(torch.cat(each))
    return {name: (sides[0], sides[1]) for name, sides in found.items()}


def summed_up(x: Tensor, rate: int) -> tuple[Tensor, Tensor]:
    coefficients, own = mfcc(x, rate, 20)  # (B, 20, F), (B, F)
    n = own.sum(1, keepdim=True)
    third = 3 * torch.arange(own.shape[1]) // n  # (B, F): 0, 1 or 2 within the clip

    def mean(values: Tensor, frames: Tensor) -> Tensor:
        return (values * frames[:, None]).sum(2) / frames.sum(1, keepdim=True).clamp(min=1)

    middle = mean(coefficients, own)
    spread = mean((coefficients - middle[..., None]).square(), own).sqrt()
    thirds = [mean(coefficients, own & (third == i)) for i in range(3)]
    return torch.cat([middle, spread], 1), torch.cat([*thirds, spread], 1)


def measured(codes: Codes, speech: Speech, seed: int, draws: int) -> dict[str, dict[str, list[float]]]:
    """Accuracies of linear probes: `digit/5` and the like in every draw of the labels, `digit/all` with all of them."""
    found: dict[str, dict[str, list[float]]] = {name: {} for name in codes}
    for task in ("digit", "speaker"):
        truth, test_truth, classes = speech.task(task)
        sees = {name: lambda items, index, both=both: both[items is speech.test][index] for name, both in codes.items()}
        rows = label_efficiency(
            speech.pool.with_classes(classes),
            truth,
            speech.test,
            test_truth,
            per_class=FEW,
            codes=sees,
            draws=draws,
            seed=seed,
        ).rows
        for name, (bank, fresh) in codes.items():
            mine = [r for r in rows if r.name == f"probe on {name}"]
            found[name] |= {f"{task}/{r.per_class}": list(r.accuracy) for r in mine}
            probe = fit_probe(bank, truth, classes=len(classes), seed=seed)
            found[name][f"{task}/all"] = [right(probe.probabilities(fresh), test_truth)]
    return found


def stranger(both: tuple[Tensor, Tensor], speech: Speech, left: int) -> float:
    """Digits of the speaker who was left out, all clips of both parts, by a probe on the training clips of the others."""
    known = speech.speaker[0] != left
    probe = fit_probe(both[0][known], speech.digit[0][known], classes=10)
    asked = torch.cat(speech.speaker) == left
    return right(probe.probabilities(torch.cat(both)[asked]), torch.cat(speech.digit)[asked])


def supervised(speech: Speech, seed: int, draws: int, steps: int) -> dict[str, Any]:
    """The same convolutions and a linear classifier on their mean over time, trained from scratch with light changes."""
    pool, test = (shortened(items) for items in (speech.pool, speech.test))
    truth, test_truth, classes = speech.task("digit")
    pool = pool.with_classes(classes)
    recipe = replace(SUPERVISED, steps=steps)
    train = from_scratch(recipe=recipe, trunk="wave", width=NET["width"], norm="group", augment="light")
    few = label_efficiency(
        pool, truth, test, test_truth, per_class=FEW, trained={"": train}, draws=min(draws, SUPERVISED_DRAWS), seed=seed
    )
    found = {f"digit/{r.per_class}": list(r.accuracy) for r in few.rows}
    found["digit/all"] = [right(answers(train(pool, truth, seed), test), test_truth)]
    unseen = []
    for left in range(len(SPEAKERS)):
        model = train(pool, torch.where(speech.speaker[0] == left, UNLABELED, truth), seed)
        asked = torch.cat(speech.speaker) == left
        both = torch.cat([answers(model, pool), answers(model, test)])
        unseen.append(right(both[asked], torch.cat(speech.digit)[asked]))
    return {"codes": {"classifier": found}, "unseen": {"classifier": unseen}}


def shortened(items: Pool) -> Pool:
    return Pool(
        replace(items.spec, shape=(1, SUPERVISED_SAMPLES)),
        items[torch.arange(len(items))][..., :SUPERVISED_SAMPLES].numpy(),
    )


def answers(model: Method, items: Pool) -> Tensor:
    return probabilities(model, items)


def right(scores: Tensor, truth: Tensor) -> float:
    return (scores.argmax(1) == truth).double().mean().item()


def read(folder: Path) -> Speech:
    """The clips, zeros behind the shorter ones, int16 at 8 kHz."""
    pools, truths = [], []
    longest = 0
    for split in ("train", "test"):
        path = folder / f"{split}.npz"
        if not path.is_file():
            raise BadData(f"there is no {path}\n  say where the data lies: --data FOLDER, or TACIT_DATA")
        with np.load(path, allow_pickle=False) as arrays:
            assert tuple(arrays["speaker_names"]) == SPEAKERS, f"the speakers of {path} are others"
            ends, rate = arrays["offsets"], int(arrays["sample_rate"])
            longest = max(longest, int(np.diff(ends).max()))  # the training clips are read first and are the longest
            clips = np.zeros((len(ends) - 1, 1, longest), np.int16)
            for clip, a, b in zip(clips, ends[:-1], ends[1:], strict=True):
                clip[0, : b - a] = arrays["samples"][a:b]
            pools.append(Pool(ItemSpec((1, longest), "sound", rate=rate), clips))
            truths.append([torch.from_numpy(arrays[name].astype(np.int64)) for name in ("labels", "speakers")])
    (digit, speaker), (test_digit, test_speaker) = truths
    return Speech(pools[0], pools[1], (digit, test_digit), (speaker, test_speaker))


TITLES = {"mfcc": "MFCC-20", "untrained": "CPC before training", "cpc": "CPC", "supervised": "supervised, from scratch"}
MEASURES = ("digit/5", "digit/20", "digit/all", "speaker/5", "speaker/all")


def codes_table(rows: list[dict[str, Any]]) -> list[list[str]]:
    """A line for each kind of codes, accuracies in %: mean ± standard error over seeds and draws of the labels."""
    lines = [["codes", *(each.replace("/", ", ") for each in MEASURES), "digit, unseen speaker", "minutes"]]
    for name, title in TITLES.items():
        mine = [r for r in rows if r["row"] == name]
        for layer in mine[0]["codes"] if mine else ():
            accuracies = [spread([v for r in mine for v in r["codes"][layer].get(key, [])]) for key in MEASURES]
            minutes = sum(r["minutes"] for r in mine) / len(mine)
            lines.append([f"{title}: {layer}", *accuracies, spread(strangers(rows, name, layer)), f"{minutes:.0f}"])
    return lines


def strangers(rows: list[dict[str, Any]], name: str, layer: str) -> list[float]:
    """For each seed the mean over the five speakers who were left out."""
    if name != "cpc":
        return [sum(r["unseen"][layer]) / len(SPEAKERS) for r in rows if r["row"] == name]
    found: dict[int, list[float]] = {}
    for r in rows:
        if r["row"].startswith("without-"):
            found.setdefault(r["seed"], []).append(r["unseen"][layer])
    return [sum(each) / len(each) for each in found.values() if len(each) == len(SPEAKERS)]


def ablation_table(rows: list[dict[str, Any]]) -> list[list[str]]:
    """How far ahead CPC predicts, and whether it has to tell parts of a clip from each other: accuracies of the context."""
    lines = [["CPC", *(each.replace("/", ", ") for each in MEASURES), "loss", "chance", "first %"]]
    for name in ("ahead-2", "ahead-4", "cpc", "ahead-12", "others"):
        if mine := [r for r in rows if r["row"] == name]:
            settings = NET | LEARNED[name]
            title = f"{settings['ahead']} frames ahead" + ", candidates of other clips" * (name == "others")
            accuracies = [spread([v for r in mine for v in r["codes"]["context"][key]]) for key in MEASURES]
            loss, chance, first = (sum(r["terms"][k] for r in mine) / len(mine) for k in ("loss", "chance", "accuracy"))
            lines.append([title, *accuracies, f"{loss:.2f}", f"{chance:.2f}", f"{100 * first:.0f}"])
    return lines if len(lines) > 2 else lines[:1]


def spread(values: Sequence[float]) -> str:
    """In %; without an error where there is one value, or where all are the same."""
    if not values:
        return ""
    error = f" ± {100 * standard_error(values):.1f}" if len(set(values)) > 1 else ""
    return f"{100 * sum(values) / len(values):.1f}{error}"


def said(rows: list[dict[str, Any]]) -> str:
    """How it was done, how fast it was, and which speakers are hard."""
    words = [
        "Accuracy in % of linear probes on frozen codes, mean ± standard error over seeds and draws of the labels. The row"
        f" `supervised` is the same convolutions, trained from scratch on the first {SUPERVISED_SAMPLES / 8000:.2g} s of clips."
        " An unseen speaker is in no training clip, neither of CPC nor of the probe; the number is the mean over five."
    ]
    if trained := [r for r in rows if r["row"] == "cpc"]:
        audio, share, seconds = (
            sum(r[key] for r in trained) / len(trained) for key in ("audio_per_second", "gru_share", "seconds")
        )
        words.append(
            f"CPC: {trained[0]['steps']:,} steps of {RECIPE.batch} clips in {seconds / 60:.0f} minutes on {trained[0]['threads']}"
            f" thread(s), {audio:.0f} seconds of speech per second; the GRU takes {share:.0%} of a step."
        )
    for name, layer in (("mfcc", "mean, spread"), ("cpc", "context")):
        by = [
            [r["unseen"][layer] for r in rows if r["row"] == f"without-{speaker}"]
            if name == "cpc"
            else [r["unseen"][layer][i] for r in rows if r["row"] == name]
            for i, speaker in enumerate(SPEAKERS)
        ]
        if all(by):
            each = ", ".join(f"{speaker} {100 * sum(v) / len(v):.0f}" for speaker, v in zip(SPEAKERS, by, strict=True))
            words.append(f"Unseen speakers, {TITLES[name]}: {each}.")
    return " ".join(words)
