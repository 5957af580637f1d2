import { describe, expect, it } from "vitest";
import { again, ahead, answered, back, batch, deal, EMPTY, give, goTo, mark, move, outdated, refreshed, shown, skip, without, type Deck } from "../src/label/deck";
import { across } from "../src/label/drawn";
import { matching, parted } from "../src/label/names";
import { pace, Stopwatch } from "../src/label/pace";
import { actionOf } from "../src/keys";
import { state } from "../src/store";
import type { Item, State } from "../src/types";

const item = (row: number, label: string | null = null): Item =>
  ({ row, id: `id${row}`, name: `${row}.png`, side: "pool", kind: "image", label, guess: null, reason: null, flag: null, version: "v" });
const dealt = (...rows: number[]): Deck => deal(EMPTY, rows.map((row) => item(row)));
const order = (deck: Deck): number[] => deck.cards.map((card) => card.item.row);
const at = (deck: Deck): number | undefined => shown(deck)?.item.row;

describe("the deck", () => {
  it("holds each item once, however often it is dealt", () => {
    expect(order(deal(dealt(1, 2), [item(2), item(3)]))).toEqual([1, 2, 3]);
  });
  it("tells nobody who gives a second opinion what the first was", () => {
    expect(shown(deal(EMPTY, [item(1, "gull")], true))?.given).toBeNull();
    expect(shown(deal(EMPTY, [item(1, "gull")]))?.given).toBe("gull");
  });
  it("goes on after an answer, back to what was left out, and ends when all is answered", () => {
    let deck = move(dealt(1, 2, 3), 1);
    deck = give(deck, "a");
    expect(at(deck)).toBe(3);
    deck = give(deck, "b");
    expect(at(deck)).toBe(1);
    deck = give(deck, "a");
    expect(at(deck)).toBeUndefined();
    expect(answered(deck)).toBe(3);
    expect(at(deal(deck, [item(4)]))).toBe(4);
  });
  it("left and right stay inside, and answer nothing", () => {
    const deck = dealt(1, 2);
    expect(at(move(deck, -1))).toBe(1);
    expect(at(move(move(deck, 1), 1))).toBe(2);
    expect(answered(move(deck, 1))).toBe(0);
  });
  it("left from the end shows the last one", () => expect(at(move(give(dealt(1), "a"), -1))).toBe(1));
  it("a correction in place goes on to the first open one", () => {
    const deck = move(give(give(dealt(1, 2, 3), "a"), "a"), -2);
    expect(at(deck)).toBe(1);
    const right = give(deck, "b");
    expect(right.cards[0].given).toBe("b");
    expect(at(right)).toBe(3);
  });
  it("what is skipped comes back at the end", () => {
    const deck = skip(dealt(1, 2, 3));
    expect(at(deck)).toBe(2);
    expect(order(deck)).toEqual([2, 3, 1]);
    expect(at(skip(dealt(1)))).toBe(1);
  });
  it("undo goes back to the item, and to one that is not in the deck", () => {
    const deck = back(give(dealt(1, 2), "a"), item(1), null);
    expect(at(deck)).toBe(1);
    expect(shown(deck)?.mine).toBe(false);
    expect(order(back(dealt(1, 2), item(9), "b", true))).toEqual([9, 1, 2]);
  });
  it("a refused item comes next", () => {
    const deck = again(give(give(dealt(1, 2, 3, 4), "a"), "a"), 1);
    expect(at(deck)).toBe(3);
    expect(order(deck)).toEqual([2, 3, 1, 4]);
    expect(answered(deck)).toBe(1);
    expect(at(again(give(dealt(1), "a"), 1))).toBe(1);
  });
  it("marks an answer given elsewhere without moving", () => {
    const deck = mark(goTo(dealt(1, 2, 3), 2), 3, "a", true);
    expect(at(deck)).toBe(2);
    expect(ahead(deck)).toBe(1);
  });
  it("takes newer guesses, though not for the item under the finger", () => {
    const guess = { answer: "gull", confidence: 0.8, second: null, second_confidence: null };
    const deck = refreshed(dealt(1, 2), [{ ...item(1), guess }, { ...item(2), guess }]);
    expect(deck.cards.map((card) => card.item.guess?.answer)).toEqual([undefined, "gull"]);
  });
});

describe("a newer round", () => {
  it("does not take away an item whose answer was refused", () => {
    const deck = again(give(deal(EMPTY, [item(1), item(2)], false, 1), "cat"), 1);
    expect(outdated(deck, 2)).toEqual([]);
    expect(deck.cards.map((card) => card.item.row)).toEqual([2, 1]);
  });
  it("takes the place of what nobody has seen of the earlier ones", () => {
    const deck = give(deal(deal(EMPTY, [item(1), item(2), item(3)], false, 1), [item(4)], false, 2), "cat");
    expect(outdated(deck, 2)).toEqual([3]); // 1 is answered, 2 is on the page
    expect(outdated(deck, 1)).toEqual([]);
    expect(without(deck, [3]).cards.map((card) => card.item.row)).toEqual([1, 2, 4]);
    expect(shown(without(deck, [3]))?.item.row).toBe(2);
  });
});

describe("progress", () => {
  it("counts within the batch that one is in", () => {
    expect(batch([20], 12)).toEqual({ done: 12, of: 20, number: 1 });
    expect(batch([20], 20)).toEqual({ done: 20, of: 20, number: 1 });
    expect(batch([20, 20], 20)).toEqual({ done: 0, of: 20, number: 2 });
    expect(batch([14, 0], 14)).toEqual({ done: 14, of: 14, number: 1 });
    expect(batch([20, 15], 21)).toEqual({ done: 1, of: 15, number: 2 });
    expect(batch([], 0).of).toBe(0);
  });
  it("labels a minute, without the breaks", () => {
    expect(pace([0, 2, 4, 6])).toBe(30);
    expect(pace([0, 2])).toBeNull();
    expect(pace([0, 500, 503, 506])).toBe(20);
    expect(pace([0, 2, 4, 900])).toBeNull();
  });
  it("the watch stands still while the tab is hidden", () => {
    let now = 0;
    const watch = new Stopwatch(() => now);
    now = 2;
    watch.pause();
    now = 100;
    expect(watch.seconds).toBe(2);
    watch.go();
    now = 101;
    expect(watch.seconds).toBe(3);
    watch.restart();
    now = 105;
    expect(watch.seconds).toBe(4);
  });
});

describe("names of classes", () => {
  it("come with commas or on lines", () => expect(parted(" heron, gull ,, \nother")).toEqual(["heron", "gull", "other"]));
  it("are found by their first letters, then by any", () => {
    const names = ["great gull", "gull", "seagull", "heron"];
    expect(matching(names, "GU")).toEqual(["gull", "great gull", "seagull"]);
    expect(matching(names, "")).toEqual(names);
    expect(matching(names, "owl")).toEqual([]);
  });
});

describe("keys", () => {
  it("an action may have two, and the second class is an action of its own", () => {
    state.value = { keys: { "class-2": "2", undo: "z", "undo-2": "Backspace" } as Record<string, string> } as State;
    expect(["2", "z", "Backspace", "j"].map(actionOf)).toEqual(["class-2", "undo", "undo", undefined]);
  });
});

describe("the line over a spectrum", () => {
  const box = { offsetLeft: 10, clientWidth: 1000, clientHeight: 100, naturalWidth: 300, naturalHeight: 100 };
  it("moves over the picture, not over the empty room beside it", () => {
    expect([0, 0.5, 1].map((share) => across(box, share))).toEqual([360, 510, 660]);
  });
  it("moves over the whole of a picture that fills its box", () => {
    expect(across({ ...box, clientHeight: 1000 }, 1)).toBe(1010);
  });
  it("waits for the picture", () => {
    expect(across({ ...box, naturalWidth: 0, naturalHeight: 0 }, 0.5)).toBeNull();
  });
});
