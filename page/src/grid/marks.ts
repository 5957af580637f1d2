// The selection of a grid: what the arrows, Shift and clicks make of it. Pure.

export interface Marks {
  cursor: number; // place in the grid
  anchor: number; // where an extended selection began
  rows: ReadonlySet<number>;
}

export const NO_MARKS: Marks = { cursor: 0, anchor: 0, rows: new Set() };

/** The cursor to this place: with Shift the selection reaches there, otherwise it is this one item. */
export function to(marks: Marks, rows: number[], place: number, extend: boolean): Marks {
  if (rows.length === 0) return NO_MARKS;
  const cursor = Math.max(0, Math.min(rows.length - 1, place));
  if (!extend) return { cursor, anchor: cursor, rows: new Set([rows[cursor]]) };
  const [from, until] = [Math.min(marks.anchor, cursor), Math.max(marks.anchor, cursor)];
  return { cursor, anchor: marks.anchor, rows: new Set(rows.slice(from, until + 1)) };
}

/** With Ctrl: this one joins or leaves. */
export function toggle(marks: Marks, rows: number[], place: number): Marks {
  const chosen = new Set(marks.rows);
  if (!chosen.delete(rows[place])) chosen.add(rows[place]);
  return { cursor: place, anchor: place, rows: chosen };
}

export const all = (marks: Marks, rows: number[]): Marks => ({ ...marks, rows: new Set(rows) });
export const none = (marks: Marks): Marks => ({ ...marks, rows: new Set() });

/** Other rows are shown: of the selection, those that are still there. */
export function within(marks: Marks, rows: number[]): Marks {
  const there = new Set(rows);
  return { cursor: Math.min(marks.cursor, Math.max(0, rows.length - 1)), anchor: 0, rows: new Set([...marks.rows].filter((row) => there.has(row))) };
}
