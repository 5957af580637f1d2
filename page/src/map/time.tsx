// The slider through the maps of all spaces.
import { count } from "../ui/parts";
import type { Journey } from "./journey";
import "./time.css";

const named = (space: string): string => (space === "quick" ? "quick map" : space);

const ARROWS: Record<string, number> = { ArrowLeft: -0.1, ArrowDown: -0.1, ArrowRight: 0.1, ArrowUp: 0.1 };

/** Where a key leads: arrows a tenth of the way to the next stop, Page Up and Page Down to a stop. */
function moved(at: number, key: string): number | undefined {
  if (key === "PageUp") return Math.floor(at) + 1;
  if (key === "PageDown") return Math.ceil(at) - 1;
  return key in ARROWS ? Math.round(10 * (at + ARROWS[key])) / 10 : undefined;
}

/** Where the points are. */
function whereabouts({ stops, at, missing, waiting }: Journey): string {
  const [before, after] = [named(stops[Math.floor(at)]), named(stops[Math.ceil(at)])];
  const share = Math.round(100 * (at - Math.floor(at)));
  return [
    share ? `${share} % of the way from ${before} to ${after}` : after,
    waiting && "fetching it …",
    missing > 0 && `${count(missing, "point")} not on it yet`,
  ].filter(Boolean).join(", ");
}

export function TimeSlider(journey: Journey) {
  const { stops, at, go } = journey;
  const said = whereabouts(journey);
  const last = stops.length - 1;
  const pressed = (event: KeyboardEvent): void => {
    const next = moved(at, event.key);
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation(); // arrows move the map otherwise
    go(Math.min(last, Math.max(0, next)));
  };
  return (
    <div class="map-time">
      <span>{named(stops[0])}</span>
      <input type="range" min={0} max={last} step={0.01} value={at} list="map-stops" aria-label="time, from the oldest map to the newest" aria-valuetext={said}
        onKeyDown={pressed} onInput={(event) => go(Number(event.currentTarget.value))} />
      <datalist id="map-stops">{stops.map((name, k) => <option key={name} value={k} label={named(name)} />)}</datalist>
      <span>{named(stops[last])}</span>
      {at % 1 || at < last ? <output>{said}</output> : null}
    </div>
  );
}
