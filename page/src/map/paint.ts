// How every point looks: a color of the palette, a shape, its state, and whether it is shown. And the legend to it.
import { BIT, type Cloud } from "./cloud";

export const GRAY = 0; // palette: gray, eight of classes, a ramp from 16 on
export const RAMP = 16;
export const COLORS = 8;
export const SHAPES = ["disk", "triangle", "square", "diamond", "plus"] as const; // as in the reports
export const HIDDEN = 1;
export const SELECTED = 2;
export const FRESH = 4;

/** A column, point by point: `group` is 0 where it says nothing, else 1 + its class; 1 of every number. */
export interface Coloring {
  name: string;
  title: string;
  said: string;
  kind: "category" | "number";
  labels: string[];
  low: number;
  high: number;
  group: Uint16Array;
  color: Uint8Array; // of the palette
  values: Float32Array; // of numbers, NaN where there is none; empty for categories
}

export function byCategory(name: string, title: string, labels: string[], said: string, values: Int16Array): Coloring {
  const group = new Uint16Array(values.length);
  const color = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value < 0) continue;
    group[i] = value + 1;
    color[i] = 1 + (value % COLORS);
  }
  return { name, title, said, kind: "category", labels, low: 0, high: 0, group, color, values: new Float32Array(0) };
}

export function byNumber(name: string, title: string, low: number, high: number, said: string, values: Float32Array): Coloring {
  const group = new Uint16Array(values.length);
  const color = new Uint8Array(values.length);
  const range = high - low;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value !== value) continue; // NaN: none
    const share = range > 0 ? Math.min(1, Math.max(0, (value - low) / range)) : 0.5;
    group[i] = 1;
    color[i] = RAMP + Math.round(share * (255 - RAMP));
  }
  const labels = [range > 0 ? `${short(low)} to ${short(high)}` : short(low)];
  return { name, title, said, kind: "number", labels, low, high, group, color, values };
}

/** Three digits are enough beside a ramp. */
export const short = (value: number): string =>
  value !== 0 && (Math.abs(value) < 0.001 || Math.abs(value) >= 1e5) ? value.toExponential(1) : String(Number(value.toPrecision(3)));

export const KINDS = ["unlabelled", "labelled", "yardstick", "cannot tell", "suggested", "near copy", "outlier", "flagged"] as const;
export type Kind = (typeof KINDS)[number];

/** The first four exclude one another; the others are said of a point as well. */
export function kindOf(state: number): Kind {
  if (state & BIT.yardstick) return "yardstick";
  if (state & BIT.labeled) return "labelled";
  return state & BIT.cannot ? "cannot tell" : "unlabelled";
}
const ALSO: [Kind, number][] = [
  ["suggested", BIT.suggested], ["near copy", BIT.copy], ["outlier", BIT.outlier], ["flagged", BIT.flagged],
];

export function kindsOf(state: number): Kind[] {
  return [kindOf(state), ...ALSO.filter(([, bit]) => state & bit).map(([kind]) => kind)];
}

/** Numbers of a column that are shown, both ends included; points with another, or with none, are hidden. */
export interface Range {
  column: string;
  low: number;
  high: number;
}

export interface Hiding {
  groups: ReadonlySet<number>;
  kinds: ReadonlySet<string>;
  range: Range | null;
}
export const NOTHING_HIDDEN: Hiding = { groups: new Set(), kinds: new Set(), range: null };

/** What is hidden once the map is colored by another column: its groups and numbers are others. */
export const otherColumn = (hiding: Hiding): Hiding => ({ ...hiding, groups: new Set(), range: null });

/** The range that holds for these colors: that of another column, whose values may be on their way still, does not. */
export const rangeOf = (coloring: Coloring | null, { range }: Hiding): Range | null =>
  range && coloring?.kind === "number" && coloring.name === range.column ? range : null;

export interface Look {
  points: Uint8Array; // (n, 4): color, shape, state, flags
  marked: Uint32Array; // points that are more than a dot, and drawn over the others
  shown: number;
}

const ABOVE = BIT.labeled | BIT.suggested | BIT.flagged | BIT.cannot;
/** Dots smaller than this (pixels) leave no room for shapes: hollow, crossed and classes' shapes come from closer up. */
export const FINE = 3;

/** Whether a point is more than a dot. Of fine dots only those are that are few: labeled, suggested, outliers ... */
export function isMark(shape: number, state: number, flags: number, fine: boolean): boolean {
  if (flags) return true;
  if (!fine) return (state | shape) !== 0;
  return (state & (state & BIT.yardstick ? BIT.outlier | BIT.flagged : 255 ^ BIT.copy)) !== 0;
}

/** What the renderer takes. Points of the yardstick stay gray unless asked. */
export function lookOf(cloud: Cloud, coloring: Coloring | null, hiding: Hiding, selected: ArrayLike<number>, tint: boolean): Look {
  const { n, states } = cloud;
  const points = new Uint8Array(4 * n);
  const gone = new Uint8Array(256).map((_, state) => (kindsOf(state).some((kind) => hiding.kinds.has(kind)) ? 1 : 0));
  const anyGroup = hiding.groups.size > 0;
  const range = rangeOf(coloring, hiding);
  const values = range && coloring ? coloring.values : null;
  const [least, most] = [range?.low ?? 0, range?.high ?? 0];
  const under = new Uint32Array(n);
  const over = new Uint32Array(n); // what a person gave or asked for is never covered by the rest
  let [low, high, shown] = [0, 0, 0];
  for (let k = 0; k < selected.length; k++) points[4 * selected[k] + 3] = SELECTED;
  for (let i = 0; i < n; i++) {
    const at = 4 * i;
    const state = states[i];
    const group = coloring ? coloring.group[i] : 0;
    if (coloring && (tint || !(state & BIT.yardstick))) {
      points[at] = coloring.color[i];
      if (group && coloring.kind === "category") points[at + 1] = Math.floor((group - 1) / COLORS) % SHAPES.length;
    }
    points[at + 2] = state;
    if (gone[state] || (anyGroup && hiding.groups.has(group)) || (values && !(values[i] >= least && values[i] <= most))) points[at + 3] |= HIDDEN;
    else {
      shown++;
      if (points[at + 3] || (state & ABOVE && !(state & BIT.yardstick))) over[high++] = i;
      else if (state || points[at + 1]) under[low++] = i;
    }
  }
  const marked = new Uint32Array(low + high);
  marked.set(under.subarray(0, low));
  marked.set(over.subarray(0, high), low);
  return { points, marked, shown };
}

export interface Counts {
  groups: number[]; // points of each group, "none" first
  kinds: Record<Kind, number>;
}

export function countsOf(cloud: Cloud, coloring: Coloring | null): Counts {
  const groups = new Array<number>((coloring?.labels.length ?? 0) + 1).fill(0);
  const byState = new Int32Array(256);
  for (let i = 0; i < cloud.n; i++) {
    if (coloring) groups[coloring.group[i]]++;
    byState[cloud.states[i]]++;
  }
  const kinds = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
  byState.forEach((many, state) => many && kindsOf(state).forEach((kind) => (kinds[kind] += many)));
  return { groups, kinds };
}

/** What a line of the legend stands for: a group, a kind, or the numbers of a range. */
export type Wanted = number | Kind | Range;

/** Its points, for a selection. */
export function pointsOf(cloud: Cloud, coloring: Coloring | null, wanted: Wanted): Int32Array {
  const found: number[] = [];
  const has = chooser(cloud, coloring, wanted);
  for (let i = 0; i < cloud.n; i++) if (has(i)) found.push(i);
  return Int32Array.from(found);
}

function chooser(cloud: Cloud, coloring: Coloring | null, wanted: Wanted): (point: number) => boolean {
  if (typeof wanted === "number") return (point) => coloring?.group[point] === wanted;
  if (typeof wanted === "object") return (point) => !!coloring && coloring.values[point] >= wanted.low && coloring.values[point] <= wanted.high;
  const kinds = Array.from({ length: 256 }, (_, state) => kindsOf(state).includes(wanted));
  return (point) => kinds[cloud.states[point]];
}

/** The same coloring on another map of the same items. */
export function carried(coloring: Coloring, from: Cloud, to: Cloud): Coloring {
  const group = new Uint16Array(to.n);
  const color = new Uint8Array(to.n);
  const numbers = coloring.kind === "number";
  const values = new Float32Array(numbers ? to.n : 0).fill(NaN);
  for (let i = 0; i < to.n; i++) {
    const point = from.at(to.rows[i]);
    if (point < 0) continue;
    group[i] = coloring.group[point];
    color[i] = coloring.color[point];
    if (numbers) values[i] = coloring.values[point];
  }
  return { ...coloring, group, color, values };
}

/** Selections in which some rows come or go. */
export function combined(before: Int32Array, found: Int32Array, how: "new" | "add" | "remove"): Int32Array {
  if (how === "new") return found;
  const those = new Set(found);
  if (how === "remove") return before.filter((row) => !those.has(row));
  for (const row of before) those.add(row);
  return Int32Array.from(those);
}
