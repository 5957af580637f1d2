// One person at one queue: what is before them, what they answered, and the way back.
import { get, post } from "../api";
import * as outbox from "../outbox";
import { complain, online, say, session, state, Value, who } from "../store";
import type { Get, Item } from "../types";
import { again, ahead, answered, back, deal, EMPTY, give, goTo, mark, move, open, outdated, refreshed, shown, skip, without, type Deck } from "./deck";
import { preload } from "./big";
import { pace, Stopwatch } from "./pace";

export type Kind = Get<"QueueOrder">["kind"];
export const YARDSTICK = 40; // answers on the yardstick that give a first useful interval
const BATCH = 20;
const FEW = 5; // open items below which more are fetched
const HAVE = 2000; // rows that a queue's order may name

interface Done {
  item: Item;
  key: string; // "" where the server has it for certain
  answer: string;
  before: string | null;
  mine: boolean; // whether an answer of this sitting was there before
}

interface Undone extends Done {
  local: boolean; // never sent
}

export interface Choice {
  item: Item;
  answer: string;
}

const seconds = (): number => performance.now() / 1000;

export class Sitting {
  readonly deck = new Value<Deck>(EMPTY);
  readonly said = new Value(""); // by the queue: why these items
  readonly strategy = new Value("");
  readonly over = new Value(false); // nothing more to hand out
  readonly last = new Value<Choice | null>(null);
  readonly sizes: number[] = [];
  readonly times: number[] = [];
  private readonly watch = new Stopwatch(seconds);
  private done: Done[] = [];
  private undone: Undone[] = [];
  private fetching = false;
  private closed = false;
  private readonly goal: number; // answers after which a yardstick's sitting ends
  private readonly stops: (() => void)[];

  constructor(readonly kind: Kind, private readonly rows: number[] = []) {
    const measured = state.value?.yardstick_labeled ?? 0;
    this.goal = measured < YARDSTICK ? YARDSTICK - measured : YARDSTICK;
    const hidden = (): void => (document.hidden ? this.watch.pause() : this.watch.go());
    const leave = (): void => this.release();
    document.addEventListener("visibilitychange", hidden);
    window.addEventListener("pagehide", leave);
    this.stops = [
      () => document.removeEventListener("visibilitychange", hidden),
      () => window.removeEventListener("pagehide", leave),
      outbox.onRefused((entry) => this.refused(entry.row, entry.key)),
      online.listen((now) => now && void this.fetch()),
    ];
    void this.fetch();
  }

  get pace(): number | null {
    return pace(this.times);
  }

  close(): void {
    this.closed = true;
    for (const stop of this.stops) stop();
    this.release();
  }

  /** Give back what was handed out: somebody else may have it. Works while the page is being closed. */
  private release(): void {
    const rows = open(this.deck.value).map(({ item }) => item.row);
    if (rows.length) giveBack(rows);
  }

  private show(deck: Deck): void {
    const before = shown(this.deck.value)?.item.row;
    this.deck.value = deck;
    if (shown(deck)?.item.row !== before) this.watch.restart();
    preload(deck.cards.slice(deck.at, deck.at + 4).map(({ item }) => item)); // the one shown and the next three
    if (ahead(deck) < FEW) void this.fetch();
  }

  /** Ask for more, unless there are enough. */
  async fetch(): Promise<void> {
    const k = this.wanted();
    if (this.fetching || this.closed || k <= 0) return;
    this.fetching = true;
    try {
      const cards = this.deck.value.cards.slice(-HAVE / 2).map(({ item }) => item.row);
      const have = [...new Set([...cards, ...outbox.rowsOnTheirWay()])].slice(-HAVE);
      const order = { who: who.value, session, kind: this.kind, k, rows: this.rows, have };
      const queue = await post<Get<"Queue">>("/api/queue", order);
      if (this.closed) return giveBack(queue.items.map(({ row }) => row));
      this.take(queue);
    } catch (error) {
      if (online.value) complain(error);
    } finally {
      this.fetching = false;
    }
  }

  private take(queue: Get<"Queue">): void {
    const before = this.deck.value.cards.length;
    this.said.value = queue.said;
    this.strategy.value = queue.strategy;
    const deck = deal(this.deck.value, queue.items, this.kind === "second", this.kind === "suggest" ? queue.round : null);
    const fresh = deck.cards.length - before;
    if (fresh > 0) this.sizes.push(fresh);
    this.over.value = fresh === 0;
    this.show(deck);
  }

  private wanted(): number {
    if (this.over.value) return 0;
    const { cards } = this.deck.value;
    if (this.kind === "yardstick") return Math.min(this.goal - cards.length, 500);
    if (this.kind === "rows") return Math.min(this.rows.length - cards.length, 500);
    return BATCH;
  }

  give(answer: string): void {
    const card = shown(this.deck.value);
    if (!card) return;
    const { item, given, mine } = card;
    const [key] = this.send(item, answer, this.watch.seconds);
    this.done.push({ item, key, answer, before: given, mine });
    this.undone = [];
    this.times.push(seconds());
    this.last.value = { item, answer };
    this.show(give(this.deck.value, answer));
  }

  private send(item: Item, answer: string, took: number | null): string[] {
    const round = this.deck.value.cards.find((card) => card.item.row === item.row)?.round ?? null;
    return outbox.give([{ row: item.row, answer, seconds: took, suggestion: this.hint(item)?.answer ?? null, round }]);
  }

  /** An answer about any item, given beside the queue: a correction. */
  correct(item: Item, answer: string): void {
    const card = this.deck.value.cards.find((one) => one.item.row === item.row);
    const [key] = this.send(item, answer, null);
    this.done.push({ item, key, answer, before: card ? card.given : item.label, mine: card?.mine ?? false });
    this.undone = [];
    this.last.value = { item, answer };
    if (card === shown(this.deck.value) && card) this.show(give(this.deck.value, answer));
    else this.show(mark(this.deck.value, item.row, answer, true));
  }

  /** What the model takes an item for. Whoever answers the yardstick, or gives a second opinion, must not be led. */
  hint(item: Item | undefined): Item["guess"] {
    return item?.side === "pool" && this.kind !== "second" ? item.guess : null;
  }

  accept(): void {
    const guess = this.hint(shown(this.deck.value)?.item);
    if (guess) this.give(guess.answer);
  }

  skip(): void {
    const deck = skip(this.deck.value);
    this.show(deck);
    this.watch.restart();
  }

  move(by: number): void {
    this.show(move(this.deck.value, by));
  }

  goTo(row: number): void {
    this.show(goTo(this.deck.value, row));
  }

  flagged(row: number, flag: string | null): void {
    const cards = this.deck.value.cards.map((card) => (card.item.row === row ? { ...card, item: { ...card.item, flag } } : card));
    this.deck.value = { ...this.deck.value, cards };
  }

  /** Take back the latest answer: here at once, and at the server where it has arrived. */
  async undo(): Promise<void> {
    const last = this.done.pop();
    this.last.value = null;
    if (!last) return this.older(outbox.undo);
    this.times.pop();
    const local = withdrawn(last.key);
    this.undone.push({ ...last, local });
    this.show(back(this.deck.value, last.item, last.before, last.mine));
    if (local) return;
    if (await this.changed(outbox.undo, last.item.row)) return;
    this.undone = this.undone.filter((one) => one.key !== last.key);
    this.done.push(last);
    this.show(mark(this.deck.value, last.item.row, last.answer, true));
  }

  async redo(): Promise<void> {
    const last = this.undone.pop();
    if (!last) return this.older(outbox.redo);
    const { local, ...done } = last;
    this.show(give(goTo(this.deck.value, last.item.row), last.answer));
    this.last.value = { item: last.item, answer: last.answer };
    if (local) return void this.done.push({ ...done, key: this.send(last.item, last.answer, null)[0] });
    this.done.push({ ...done, key: "" });
    if (await this.changed(outbox.redo, last.item.row)) return;
    this.done.pop();
    this.show(back(this.deck.value, last.item, last.before, last.mine));
  }

  /** What was answered before this page was opened, or elsewhere. */
  private async older(change: () => Promise<Get<"Changed">>): Promise<void> {
    try {
      const changed = await change();
      const items = await get<Item[]>("/api/items", { rows: changed.rows.slice(0, 20).join(",") });
      for (const item of items) this.show(back(this.deck.value, item, item.label, item.label !== null));
      say(changed.said);
    } catch (error) {
      complain(error);
    }
  }

  /** Whether the server changed this item; or else what it changed, given in another tab, or why it did not. */
  private async changed(change: () => Promise<Get<"Changed">>, row: number): Promise<boolean> {
    try {
      const changed = await change();
      if (changed.rows.includes(row)) return true;
      say(changed.said);
      changed.rows.forEach((other, i) => (this.deck.value = mark(this.deck.value, other, changed.answers[i], changed.answers[i] !== null)));
    } catch (error) {
      complain(error);
    }
    return false;
  }

  private refused(row: number, key: string): void {
    this.done = this.done.filter((one) => one.key !== key);
    this.show(again(this.deck.value, row));
  }

  /** Another model, or another round: newer guesses for what is still to come, and perhaps more items. */
  async renew(): Promise<void> {
    if (this.kind === "yardstick") return;
    this.over.value = false;
    this.discard(outdated(this.deck.value, state.value?.round ?? 0));
    const rows = open(this.deck.value).map(({ item }) => item.row).slice(0, 500);
    try {
      const items = rows.length ? await get<Item[]>("/api/items", { rows: rows.join(",") }) : [];
      this.deck.value = refreshed(this.deck.value, items); // the deck of now: it went on while this was fetched
    } catch (error) {
      complain(error);
    }
    if (ahead(this.deck.value) < FEW) void this.fetch();
  }

  private discard(rows: number[]): void {
    if (!rows.length) return;
    giveBack(rows);
    this.deck.value = without(this.deck.value, rows);
    let left = rows.length;
    for (let i = this.sizes.length - 1; i >= 0 && left > 0; i--) {
      const gone = Math.min(left, this.sizes[i]);
      this.sizes[i] -= gone;
      left -= gone;
    }
  }

  get answered(): number {
    return answered(this.deck.value);
  }
}

const withdrawn = (key: string): boolean => key !== "" && outbox.withdraw([key]);

function giveBack(rows: number[]): void {
  const body = JSON.stringify({ who: who.value, session, rows: rows.slice(0, 5000) });
  navigator.sendBeacon("/api/queue/release", new Blob([body], { type: "application/json" }));
}
