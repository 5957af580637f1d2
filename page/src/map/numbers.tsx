// The numbers of a column as a histogram, with two handles: points outside of them are hidden.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Button, number } from "../ui/parts";
import { ownArrows } from "./gestures";
import { BARS, countWithin, histogramOf, numberAt, STEPS, stepOf, written } from "./histogram";
import type { Coloring, Range } from "./paint";
import "./numbers.css";

interface Props {
  coloring: Coloring;
  range: Range | null; // null: all is shown
  setRange(range: Range | null): void;
  select?(range: Range): void;
}
type Moved = { currentTarget: HTMLInputElement };

export function Numbers({ coloring, range, setRange, select }: Props) {
  const { name, title, values } = coloring;
  const { low, high } = range ?? coloring;
  const counts = useMemo(() => histogramOf(coloring), [coloring]);
  const within = useMemo(() => countWithin(values, low, high), [values, low, high]);
  const [from, to] = [stepOf(coloring, low), stepOf(coloring, high)];
  const lower = useRef<HTMLInputElement>(null);
  const upper = useRef<HTMLInputElement>(null);
  const ends = useRef<Partial<Record<"low" | "high", number>>>({}); // moved since the last picture: it may be both
  const atNextFrame = useFrame();
  const moved = ({ currentTarget: handle }: Moved): void => {
    const [least, most] = [Number(lower.current!.value), Number(upper.current!.value)];
    const isLower = handle === lower.current;
    if (least > most) handle.value = String(isLower ? most : least); // a handle does not pass the other
    ends.current[isLower ? "low" : "high"] = numberAt(coloring, Number(handle.value));
    atNextFrame(() => {
      const next = { column: name, low, high, ...ends.current };
      ends.current = {};
      setRange(next.low <= coloring.low && next.high >= coloring.high ? null : next);
    });
  };
  const [a, b] = [written(coloring, low), written(coloring, high)];
  const handle = { type: "range", min: 0, max: STEPS, step: 1, onKeyDown: ownArrows, onInput: moved } as const;
  return (
    <div class="map-numbers" role="group" aria-label={`Range of ${title}`}>
      <div class="map-histogram">
        <Bars {...{ coloring, counts, low, high }} />
        <input {...handle} ref={lower} class={from > STEPS / 2 ? "above" : ""} aria-label={`lowest ${title} shown`} aria-valuetext={a} value={from} />
        <input {...handle} ref={upper} aria-label={`highest ${title} shown`} aria-valuetext={b} value={to} />
      </div>
      <p class="row">
        <span aria-live="polite">{number(within)} of {number(values.length)} points within {a} to {b}</span>
        {select && <Button onClick={() => select({ column: name, low, high })}>select them</Button>}
        <Button disabled={!range} onClick={() => setRange(null)}>take the range back</Button>
      </p>
      <Table coloring={coloring} counts={counts} />
    </div>
  );
}

/** A handle moves more often than the screen shows a picture: only the last of its places counts. */
function useFrame(): (act: () => void) => void {
  const waiting = useRef(0);
  useEffect(() => () => cancelAnimationFrame(waiting.current), []);
  return (act) => {
    cancelAnimationFrame(waiting.current);
    waiting.current = requestAnimationFrame(act);
  };
}

interface Spread {
  coloring: Coloring;
  counts: Uint32Array;
}

/** In the colors of the ramp; pale where points are hidden. */
function Bars({ coloring, counts, low, high }: Spread & { low: number; high: number }) {
  const path = useMemo(() => {
    const most = Math.max(1, ...counts);
    const tall = (many: number): number => (many ? Math.max(3, (100 * many) / most) : 0); // one point is seen as well
    return Array.from(counts, (many, k) => `M${k} 100V${100 - tall(many)}h.9V100Z`).join("");
  }, [counts]);
  const at = (value: number): number => Math.min(BARS, Math.max(0, ((value - coloring.low) / (coloring.high - coloring.low)) * BARS));
  return (
    <svg viewBox={`0 0 ${BARS} 100`} preserveAspectRatio="none" aria-hidden="true">
      <linearGradient id="map-numbers-ramp" gradientUnits="userSpaceOnUse" x1={0} x2={BARS}>
        {[0, 1, 2, 3, 4].map((k) => <stop key={k} class={`ramp-${k}`} offset={k / 4} />)}
      </linearGradient>
      <clipPath id="map-numbers-shown"><rect x={at(low)} width={at(high) - at(low)} height={100} /></clipPath>
      <path class="pale" d={path} />
      <path d={path} clip-path="url(#map-numbers-shown)" />
    </svg>
  );
}

/** The histogram for people who cannot see it. */
function Table({ coloring, counts }: Spread) {
  return useMemo(() => {
    const edge = (k: number): string => written(coloring, numberAt(coloring, (k * STEPS) / BARS));
    return (
      <div class="visually-hidden">
        <table>
          <caption>How many points have which {coloring.title}</caption>
          <thead><tr><th scope="col">{coloring.title}</th><th scope="col">points</th></tr></thead>
          <tbody>
            {Array.from(counts, (many, k) => <tr key={k}><th scope="row">{edge(k)} to {edge(k + 1)}</th><td>{number(many)}</td></tr>)}
          </tbody>
        </table>
      </div>
    );
  }, [coloring, counts]);
}
