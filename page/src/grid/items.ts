// Items by row, fetched when they come into sight and again when something changed.
import { useEffect, useMemo, useState } from "preact/hooks";
import { get } from "../api";
import { complain, state, useValue } from "../store";
import type { Item } from "../types";

const ATONCE = 500; // rows that the server describes at once
const REST = 60; // milliseconds without scrolling before something is fetched

/** Any number of items, in several requests. */
export async function itemsOf(rows: number[], signal?: AbortSignal): Promise<Item[]> {
  const found: Item[] = [];
  for (let i = 0; i < rows.length; i += ATONCE) {
    found.push(...(await get<Item[]>("/api/items", { rows: rows.slice(i, i + ATONCE).join(",") }, signal)));
  }
  return found;
}

/** What is known about these rows. */
export function useItems(rows: number[], given: Item[]): ReadonlyMap<number, Item> {
  const version = useValue(state)?.version ?? 0;
  const [known, setKnown] = useState<ReadonlyMap<number, Item>>(new Map());
  const fresh = useMemo(() => new Set<number>(), [version]);
  useEffect(() => {
    for (const item of given) fresh.add(item.row);
    if (given.length) setKnown((before) => new Map([...before, ...given.map((item): [number, Item] => [item.row, item])]));
  }, [given]);
  useEffect(() => {
    const missing = rows.filter((row) => !fresh.has(row));
    if (missing.length === 0) return;
    const control = new AbortController();
    const timer = setTimeout(() => {
      itemsOf(missing, control.signal).then((found) => {
        for (const { row } of found) fresh.add(row);
        setKnown((before) => new Map([...before, ...found.map((item): [number, Item] => [item.row, item])]));
      }).catch(complain);
    }, REST);
    return () => (clearTimeout(timer), control.abort());
  }, [rows.join(), fresh]);
  return known;
}
