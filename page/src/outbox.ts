// Answers that have not arrived yet: kept in this browser until the server has them.
import { post } from "./api";
import { Line, type Entry, type Keeper } from "./label/sending";
import { openStorage } from "./label/storage";
import { complain, online, project, refresh, say, session, unique, Value, who } from "./store";
import type { Get } from "./types";

/** How many wait to be sent. */
export const waiting = new Value(0);
/** How many wait for another project to be served at this address. */
export const elsewhere = new Value(0);

/** What a person answered, and what they saw while doing so. */
export interface Given {
  row: number;
  answer: string;
  seconds?: number | null;
  suggestion?: string | null;
  round?: number | null;
}

type Refusal = (entry: Entry, error: string) => void;
const refusals = new Set<Refusal>();

const storage = openStorage();
const keeper: Keeper = {
  all: async () => (await storage).all(),
  put: async (entries) => (await storage).put(entries),
  drop: async (keys) => (await storage).drop(keys),
};

const line = new Line(
  keeper,
  {
    post: (order) => post<Get<"Recorded">>("/api/answers", order),
    later: (work, milliseconds) => {
      const timer = setTimeout(work, milliseconds);
      return () => clearTimeout(timer);
    },
    now: () => Date.now() / 1000,
  },
  {
    waiting: (n) => (waiting.value = n),
    recorded: () => void (waiting.value === 0 && refresh()),
    refused: (entry, error) => {
      say(`${entry.answer} was not taken: ${error}`, "error");
      for (const heard of refusals) heard(entry, error);
    },
    renamed: (names) => Object.entries(names).forEach(([old, now]) => say(`The class ${old} is called ${now} by now; your answer counts for it.`)),
    trouble: complain,
  },
);

let latest = 0;
/** Rises with every answer, across reloads too. */
const nextOrder = (): number => (latest = Math.max(latest + 1, Date.now() * 1000));

/** Answers on their way, of which one undo takes all back. Returns their keys. */
export function give(answers: Given[]): string[] {
  const group = answers.length > 1 ? unique() : "";
  const entries = answers.map(({ row, answer, seconds = null, suggestion = null, round = null }) => ({
    key: unique(), project: project.value, group, order: nextOrder(), who: who.value, session, row, answer, seconds, suggestion, round,
    given: Date.now() / 1000,
  }));
  line.add(entries);
  return entries.map(({ key }) => key);
}

/** Take answers back before they were sent; false where the server may have them. */
export const withdraw = (keys: string[]): boolean => line.withdraw(keys);

/** Rows of answers that are on their way: the server may still count them as open. */
export const rowsOnTheirWay = (): number[] => line.entries.map(({ row }) => row);

/** Undo the latest answers that the server has, after those on their way have arrived. */
export const undo = (): Promise<Get<"Changed">> => change("/api/undo");
export const redo = (): Promise<Get<"Changed">> => change("/api/redo");

async function change(path: string): Promise<Get<"Changed">> {
  const by = { who: who.value, session };
  const changed = await line.alone(() => post<Get<"Changed">>(path, by));
  void refresh();
  return changed;
}

/** Hear which answers the server refused, and why. Returns how to stop. */
export function onRefused(heard: Refusal): () => void {
  refusals.add(heard);
  return () => void refusals.delete(heard);
}

const TAB = "tacit.tab.";
const LEFT = 3600; // seconds after which an answer was left behind, where nobody can tell which tabs are open

/** Send what is left of tabs that are gone. */
async function collect(open: (session: string) => boolean): Promise<void> {
  if (!project.value) return;
  try {
    const all = await keeper.all();
    const found = all.filter((entry) => entry.project === project.value);
    elsewhere.value = all.length - found.length;
    if (navigator.locks === undefined) {
      const old = Date.now() / 1000 - LEFT;
      return line.adopt(found.filter((entry) => !open(entry.session) || entry.given < old));
    }
    const held = (await navigator.locks.query()).held ?? [];
    const names = new Set(held.map(({ name }) => name));
    line.adopt(found.filter((entry) => !open(entry.session) || !names.has(TAB + entry.session)));
  } catch {
    // storage is forbidden here: there is nothing to collect
  }
}

function start(): void {
  project.listen(() => void collect((tab) => tab !== session)); // its own, from before a reload
  void navigator.locks?.request(TAB + session, () => new Promise(() => undefined));
  setInterval(() => void collect(() => true), 30_000);
  window.addEventListener("pagehide", () => line.leave()); // it may come back, after the next page has sent them
  window.addEventListener("online", () => line.wake());
  online.listen((now) => now && line.wake());
}
start();
