// How the map is to look: what a person chose, kept in this browser, and what the legend hides for now.
import { useState } from "preact/hooks";
import { kept, useValue } from "../store";
import type { MapRecord } from "./data";
import { type Hiding, NOTHING_HIDDEN, otherColumn } from "./paint";

export interface Shown {
  column: string;
  factor: number;
  thumbs: boolean;
  contours: boolean;
  badges: boolean;
  tint: boolean; // the yardstick in colors as well
  other: string; // a space to compare with, or ""
}
const FIRST: Shown = { column: "", factor: 1, thumbs: false, contours: false, badges: false, tint: false, other: "" };
const look = kept<Shown>("map", FIRST);

export interface Appearance {
  shown: Shown;
  hiding: Hiding;
  hide(next: Hiding): void;
  change(part: Partial<Shown>): void;
  restore(shown: Partial<Shown>, hiding: Hiding): void;
}

export function useAppearance(): Appearance {
  const shown = { ...FIRST, ...useValue(look) };
  const [hiding, hide] = useState<Hiding>(NOTHING_HIDDEN);
  const change = (part: Partial<Shown>): void => {
    if (part.column !== undefined) hide(otherColumn(hiding));
    look.value = { ...shown, ...part };
  };
  const restore = (before: Partial<Shown>, hidden: Hiding): void => {
    look.value = { ...FIRST, ...before };
    hide(hidden);
  };
  return { shown, hiding, hide, change, restore };
}

/** The column a person chose; at first the first there is. "-" is none. */
export function columnOf(record: MapRecord | null, wanted: string): string {
  const names = record?.columns.map((one) => one.name) ?? [];
  return wanted === "-" || names.includes(wanted) ? wanted : (names[0] ?? "-");
}

/** The one after it, and what it is called; after the last, none. */
export function columnAfter(record: MapRecord | null, column: string): { name: string; title: string } {
  const all = [...(record?.columns ?? []), { name: "-", title: "nothing" }];
  return all[(all.findIndex((one) => one.name === column) + 1) % all.length];
}
