// How the numbers of a column are spread, and the stops at which a range of them can end.
import type { Coloring } from "./paint";

export const BARS = 40;
export const STEPS = 200; // of a handle, from the least number to the largest
type Ends = Pick<Coloring, "low" | "high">;

/** Points in each of BARS parts of equal width. */
export function histogramOf({ values, low, high }: Ends & { values: Float32Array }): Uint32Array {
  const counts = new Uint32Array(BARS);
  const scale = BARS / (high - low);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value >= low && value <= high) counts[Math.min(BARS - 1, Math.floor((value - low) * scale))]++;
  }
  return counts;
}

export function countWithin(values: Float32Array, low: number, high: number): number {
  let n = 0;
  for (let i = 0; i < values.length; i++) if (values[i] >= low && values[i] <= high) n++;
  return n;
}

/** One digit more than tells two steps apart: rounded, a number stays at its own step. */
const decimals = ({ low, high }: Ends): number => Math.min(100, Math.max(0, 1 + Math.ceil(-Math.log10((high - low) / STEPS))));

/** The number at a step: rounded as it is written, so that words and points agree; the ends are exact. */
export function numberAt(ends: Ends, step: number): number {
  if (step <= 0) return ends.low;
  if (step >= STEPS) return ends.high;
  return Number((ends.low + (step / STEPS) * (ends.high - ends.low)).toFixed(decimals(ends)));
}

export const stepOf = ({ low, high }: Ends, value: number): number =>
  Math.min(STEPS, Math.max(0, Math.round(((value - low) / (high - low)) * STEPS)));

export const written = (ends: Ends, value: number): string => String(Number(value.toFixed(decimals(ends))));
