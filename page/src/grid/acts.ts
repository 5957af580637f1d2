// What can be done with a selection.
import { post } from "../api";
import * as outbox from "../outbox";
import { refresh, say, unique, who } from "../store";
import { worded } from "../label/details";
import type { Get, Item } from "../types";
import { count, number } from "../ui/parts";
import { itemsOf } from "./items";

const MOST = 10_000; // answers that one undo takes back

/** One answer for a few items that a person sees all of; earlier answers are corrected. The keys of these answers. */
export function give(answer: string, items: Item[]): string[] {
  say(`${items.length === 1 ? items[0].name : count(items.length, "item")}: ${worded(answer)}`);
  return outbox.give(items.map(({ row, side, guess }) => ({ row, answer, suggestion: side === "pool" ? guess?.answer : null })));
}

/** One answer for all of these, of which some were looked at and of those some left out. */
export async function bulk(answer: string, rows: number[], looked: number[], wrong: number[] = []): Promise<Get<"Bulk">> {
  const order = { key: unique(), who: who.value, answer, rows, looked, wrong };
  const done = await post<Get<"Bulk">>("/api/bulk", order);
  say(done.said);
  await refresh();
  return done;
}

/** Every item without an answer gets what the model takes it for; the keys of these answers. */
export async function accept(rows: number[]): Promise<string[]> {
  const items = await itemsOf(rows.slice(0, MOST));
  const open = items.filter((item) => item.side === "pool" && item.label === null && item.guess !== null);
  if (open.length === 0) {
    say("None of these has a guess and no answer yet.");
    return [];
  }
  const left = rows.length - open.length;
  const rest = left === 0 ? "" : `; ${count(left, "other")} left as ${left === 1 ? "it is" : "they are"}`;
  say(`${open.length === 1 ? "1 guess" : `${number(open.length)} guesses`} accepted${rest}. Undo takes ${open.length === 1 ? "it" : "all of them"} back.`);
  return outbox.give(open.map(({ row, guess }) => ({ row, answer: guess!.answer, suggestion: guess!.answer })));
}

/** Take back the latest act: in this browser, if it was never sent. */
export async function undo(keys: string[]): Promise<void> {
  if (keys.length && outbox.withdraw(keys)) return say(`Took back ${count(keys.length, "answer")} that had not been sent.`);
  say((await outbox.undo()).said);
}

export async function redo(): Promise<void> {
  say((await outbox.redo()).said);
}
