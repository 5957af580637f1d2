// Numbers for people: with their unit, and an interval beside them.
import type { Interval } from "../types";

export const number = (value: number): string => value.toLocaleString("en", { maximumFractionDigits: 0 });
export const count = (n: number, what: string): string => `${number(n)} ${what}${n === 1 ? "" : "s"}`;
/** Without a minus sign where nothing is left to the right of it. */
export const fixed = (value: number, digits: number): string => value.toFixed(digits).replace(/^-(?=[0.]*$)/, "");
export const percent = (value: number, digits = 1): string => `${fixed(100 * value, digits)} %`;
export const ends = (found: Interval, digits = 1): string =>
  `${percent(found.value, digits)} [${fixed(100 * found.low, digits)}, ${fixed(100 * found.high, digits)}]`;
/** A difference of two shares, in points, with its sign. */
export const points = (found: Interval): string => {
  const [value, low, high] = [found.value, found.low, found.high].map((one) => fixed(100 * one, 1)).map((one) => (Number(one) > 0 ? `+${one}` : one));
  return `${value} points [${low}, ${high}]`;
};

/** Seconds for a person: "8 s", "4:05 min", "1 h 20 min". */
export function lasting(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")} min`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}
