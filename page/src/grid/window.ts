// Which part of a long grid is in sight: only that is in the document, however many items there are.

export interface Look {
  columns: number;
  first: number; // index of the first item in the document
  last: number; // and behind the last one
  height: number; // of the scrolled area, pixels
  top: number; // of the first item in the document, pixels
}

export const TALLEST = 8_000_000; // pixels; browsers stop at 17 million and more
const SPARE = 2; // rows above and below that are drawn as well

/** `n` cells of `cell` pixels in a box of this width and height, scrolled down by `scrolled`. */
export function look(n: number, cell: number, width: number, height: number, scrolled: number): Look {
  const columns = Math.max(1, Math.floor(width / cell));
  const lines = Math.ceil(n / columns);
  const real = lines * cell;
  const shown = Math.min(real, TALLEST);
  const line = Math.min(scrolled, Math.max(0, shown - height)) * stretch(real, shown, height) / cell; // fractional
  const first = Math.max(0, Math.floor(line) - SPARE);
  const last = Math.min(lines, Math.ceil(line + height / cell) + SPARE);
  const top = scrolled - (line - first) * cell;
  return { columns, first: first * columns, last: Math.min(n, last * columns), height: shown, top: Math.max(0, top) };
}

/** How many real pixels one of the scroll bar stands for. */
const stretch = (real: number, shown: number, height: number): number => (shown <= height || real === shown ? 1 : (real - height) / (shown - height));

/** How far to scroll so that the item at this place is in sight; where it is already, not at all. */
export function reach(index: number, n: number, cell: number, width: number, height: number, scrolled: number): number {
  const columns = Math.max(1, Math.floor(width / cell));
  const real = Math.ceil(n / columns) * cell;
  const shown = Math.min(real, TALLEST);
  const factor = stretch(real, shown, height);
  const at = Math.floor(index / columns) * cell;
  const now = scrolled * factor;
  if (at < now) return at / factor;
  if (at + cell > now + height) return (at + cell - height) / factor;
  return scrolled;
}
