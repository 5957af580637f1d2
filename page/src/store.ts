// Small observable values, and the state of the project that every page shows.
import { useEffect, useState } from "preact/hooks";
import { Failure, get, speakOf } from "./api";
import type { State } from "./types";

export class Value<T> {
  private readonly listeners = new Set<(value: T) => void>();
  constructor(private held: T) {}
  get value(): T {
    return this.held;
  }
  set value(next: T) {
    if (Object.is(next, this.held)) return;
    this.held = next;
    for (const listener of [...this.listeners]) listener(next);
  }
  listen(listener: (value: T) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}

export function useValue<T>(value: Value<T>): T {
  const [now, set] = useState(value.value);
  useEffect(() => {
    set(value.value);
    return value.listen(set);
  }, [value]);
  return now;
}

/** A value that is kept in this browser. */
export function kept<T>(name: string, initial: T): Value<T> {
  let first = initial;
  try {
    const found = localStorage.getItem(`tacit.${name}`);
    if (found !== null) first = JSON.parse(found) as T;
  } catch {
    // storage is forbidden here: the value lives as long as the page
  }
  const value = new Value<T>(first);
  value.listen((next) => {
    try {
      localStorage.setItem(`tacit.${name}`, JSON.stringify(next));
    } catch {
      // as above
    }
  });
  return value;
}

export const state = new Value<State | null>(null);
export const project = new Value(""); // the one that this page shows, once it is known
export const online = new Value(true); // whether it is served
export const other = new Value(""); // the name of another one that is served at this address instead
export const failure = new Value<Failure | null>(null); // why there is no state at all
export const who = kept("who", "me");
export const theme = kept<"auto" | "light" | "dark">("theme", "auto");

/** A key that nobody else has; `crypto.randomUUID` is missing where another machine asks without https. */
export function unique(): string {
  const digits = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0"));
  return digits.join("");
}

const TAB = "tacit.session";

/** Of this tab: two tabs get different items. The next page of the tab takes it over. While a page is open it is nowhere
    else, for whoever duplicates a tab copies what is kept of it; where nobody can tell which tabs are open, it stays. */
export const session = (() => {
  const fresh = unique();
  const keep = (name: string): void => {
    try {
      if (name) sessionStorage.setItem(TAB, name);
      else sessionStorage.removeItem(TAB);
    } catch {
      // storage is forbidden here: the next page has a name of its own
    }
  };
  let found = fresh;
  try {
    found = sessionStorage.getItem(TAB) ?? fresh;
  } catch {
    // as above
  }
  const blind = globalThis.navigator?.locks === undefined;
  keep(blind ? found : "");
  if (!blind) {
    globalThis.addEventListener?.("pagehide", () => keep(found));
    globalThis.addEventListener?.("pageshow", () => keep(""));
  }
  return found;
})();

const EVERY = 1500; // milliseconds
const HUNG = 15_000; // milliseconds without a word from a server that is there
let asking: Promise<void> | null = null;

/** Ask for the state now, and tell everybody when it changed. */
export function refresh(): Promise<void> {
  asking ??= ask().finally(() => (asking = null));
  return asking;
}

async function ask(): Promise<void> {
  try {
    const next = await get<State>("/state.json", {}, AbortSignal.timeout(HUNG));
    failure.value = null;
    if (!project.value && next.project) {
      speakOf(next.project);
      project.value = next.project;
    }
    const mine = next.project === project.value;
    online.value = mine; // not while it is being opened again: what is on the page stays
    other.value = mine || !next.project ? "" : next.name;
    if (mine && JSON.stringify(next) !== JSON.stringify(state.value)) state.value = next;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    online.value = error.status !== 0;
    if (error.status !== 0) failure.value = error;
  }
}

export function follow(): void {
  const turn = (): void => void refresh().finally(() => setTimeout(turn, document.hidden ? 4 * EVERY : EVERY));
  turn();
  document.addEventListener("visibilitychange", () => void (document.hidden || refresh()));
}

export interface Toast {
  id: number;
  text: string;
  kind: "info" | "error";
}
export const toasts = new Value<Toast[]>([]);
let next = 0;

/** A sentence that goes away by itself. */
export function say(text: string, kind: Toast["kind"] = "info"): void {
  const toast = { id: next++, text, kind };
  toasts.value = [...toasts.value, toast].slice(-4);
  setTimeout(() => (toasts.value = toasts.value.filter((one) => one !== toast)), kind === "error" ? 9000 : 4000);
}

/** Tell the person why something failed. */
export function complain(error: unknown): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  const more = error instanceof Failure && error.next ? ` – ${error.next}` : "";
  say((error instanceof Error ? error.message : String(error)) + more, "error");
}
