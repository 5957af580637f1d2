// The items before a person, as a deck of cards: pure, every move returns a new deck.
import type { Item } from "../types";

export interface Card {
  item: Item;
  given: string | null; // the answer as of now, its own or that of before
  mine: boolean; // answered since it was dealt
  round: number | null; // of suggestions that it came from
}

export interface Deck {
  cards: Card[];
  at: number; // the card that is shown; cards.length where all are answered
}

export const EMPTY: Deck = { cards: [], at: 0 };

/** Items join at the end, each once. `blind`: what others answered is not told. */
export function deal(deck: Deck, items: Item[], blind = false, round: number | null = null): Deck {
  const known = new Set(deck.cards.map(({ item }) => item.row));
  const fresh = items.filter(({ row }) => !known.has(row));
  const cards = [...deck.cards, ...fresh.map((item) => ({ item, given: blind ? null : item.label, mine: false, round }))];
  return { cards, at: deck.at };
}

export const shown = (deck: Deck): Card | undefined => deck.cards[deck.at];
export const open = (deck: Deck): Card[] => deck.cards.filter((card) => !card.mine);
export const answered = (deck: Deck): number => deck.cards.filter((card) => card.mine).length;

/** How many wait behind the card that is shown, for the page to fetch more in time. */
export const ahead = (deck: Deck): number => deck.cards.slice(deck.at).filter((card) => !card.mine).length;

/** The next card without an answer: behind this one, else from the start, else none. */
function onward(cards: Card[], at: number): number {
  const next = cards.findIndex((card, i) => i > at && !card.mine);
  if (next >= 0) return next;
  const first = cards.findIndex((card) => !card.mine);
  return first >= 0 ? first : cards.length;
}

/** Answer the card that is shown and go on. */
export function give(deck: Deck, answer: string): Deck {
  const cards = deck.cards.map((card, i) => (i === deck.at ? { ...card, given: answer, mine: true } : card));
  return { cards, at: onward(cards, deck.at) };
}

/** For now: it comes back at the end. */
export function skip(deck: Deck): Deck {
  const card = shown(deck);
  if (!card) return deck;
  const cards = [...deck.cards.slice(0, deck.at), ...deck.cards.slice(deck.at + 1), card];
  return { cards, at: cards[deck.at]?.mine ? onward(cards, deck.at) : deck.at };
}

/** Left and right, without answering. */
export const move = (deck: Deck, by: number): Deck => ({
  ...deck, at: Math.max(0, Math.min(deck.cards.length - (by > 0 ? 1 : 0), deck.at + by)),
});

export const goTo = (deck: Deck, row: number): Deck => {
  const at = deck.cards.findIndex(({ item }) => item.row === row);
  return at < 0 ? deck : { ...deck, at };
};

/** Set what is known about an item, without moving. */
export function mark(deck: Deck, row: number, given: string | null, mine: boolean): Deck {
  const cards = deck.cards.map((card) => (card.item.row === row ? { ...card, given, mine } : card));
  return { cards, at: deck.at >= cards.length ? onward(cards, -1) : deck.at };
}

/** Back to an item as it was before an answer; one that is not in the deck comes in front of the one shown. */
export function back(deck: Deck, item: Item, given: string | null, mine = false): Deck {
  if (deck.cards.some((card) => card.item.row === item.row)) return goTo(mark(deck, item.row, given, mine), item.row);
  const cards = [...deck.cards];
  cards.splice(deck.at, 0, { item, given, mine, round: null });
  return { cards, at: deck.at };
}

/** Newer guesses and reasons. The card that is shown keeps its own: a finger may be on its way to the key. */
export function refreshed(deck: Deck, items: Item[]): Deck {
  const by = new Map(items.map((item) => [item.row, item]));
  return { ...deck, cards: deck.cards.map((card, i) => (i === deck.at ? card : { ...card, item: by.get(card.item.row) ?? card.item })) };
}

/** Suggestions of earlier rounds that nobody has seen yet: a newer model asks about others. Skipped ones come back. */
export const outdated = (deck: Deck, round: number): number[] =>
  deck.cards.filter((card, i) => i > deck.at && !card.mine && card.round !== null && card.round < round).map(({ item }) => item.row);

export const without = (deck: Deck, rows: number[]): Deck => ({ ...deck, cards: deck.cards.filter(({ item }) => !rows.includes(item.row)) });

/** An item whose answer was refused: open again, and next. */
export function again(deck: Deck, row: number): Deck {
  const where = deck.cards.findIndex(({ item }) => item.row === row);
  if (where < 0) return deck;
  const card = { ...deck.cards[where], given: null, mine: false, round: null }; // asked for, whatever a newer round asks
  if (where === deck.at) return { ...deck, cards: deck.cards.map((one, i) => (i === where ? card : one)) };
  const cards = deck.cards.filter((_, i) => i !== where);
  const at = where < deck.at ? deck.at - 1 : deck.at;
  cards.splice(Math.min(at + 1, cards.length), 0, card);
  return { cards, at };
}

/** Which batch one is in, by the sizes in which items came: "12 of 20". */
export function batch(sizes: number[], done: number): { done: number; of: number; number: number } {
  let before = 0;
  const there = sizes.filter((of) => of > 0);
  for (const [i, of] of there.entries()) {
    if (done < before + of || i === there.length - 1) return { done: done - before, of, number: i + 1 };
    before += of;
  }
  return { done, of: 0, number: 1 };
}
