// Time: the same points on the maps of all spaces of the project, from the oldest to the newest.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { complain } from "../store";
import { placesOn, type Cloud } from "./cloud";
import { fetchPlaces, type MapRecord } from "./data";
import type { Leg } from "./stage";
import type { Drawn } from "./use";

export interface Journey {
  stops: string[]; // spaces
  at: number; // between the first stop, 0, and the last
  leg: Leg | null; // null: on the map that is shown, where all is as if there were no other
  missing: number; // points that have no place there
  waiting: boolean; // places are on their way
  go(at: number): void;
}

/** Through the maps of all spaces; null where there is one alone. Places of another space come when it is gone to. */
export function useJourney(record: MapRecord | null, drawn: Drawn | null): Journey | null {
  const stops = record?.laid_out ?? [];
  const cloud = drawn?.cloud ?? null;
  const home = stops.indexOf(drawn?.space ?? "");
  const [gone, setGone] = useState<{ from: Float32Array; at: number } | null>(null);
  const at = gone && gone.from === cloud?.xy ? Math.min(gone.at, stops.length - 1) : home; // a layout that arrives is gone back to
  const [before, after] = [stops[Math.floor(at)], stops[Math.ceil(at)]];
  const places = usePlaces(drawn, [before, after]);
  const leg = useLeg(places, at - Math.floor(at), at === home);
  if (!cloud || home < 0 || stops.length < 2) return null;
  const missing = at === home ? 0 : Math.max(...places.map((one) => one?.missing ?? 0));
  return { stops, at, leg, missing, waiting: places.includes(null), go: (to) => setGone({ from: cloud.xy, at: to }) };
}

type Places = ReturnType<typeof placesOn> | null; // null: on their way

/** Where these spaces have the points that are drawn. What came is kept while the page is open. */
function usePlaces(drawn: Drawn | null, names: [string, string]): [Places, Places] {
  const [clouds, setClouds] = useState<ReadonlyMap<string, Cloud>>(new Map());
  const asked = useRef(new Set<string>());
  useEffect(() => {
    for (const name of names) {
      if (!drawn || !name || name === drawn.space || asked.current.has(name)) continue;
      asked.current.add(name);
      fetchPlaces(name).then(
        (cloud) => setClouds((now) => new Map(now).set(name, cloud)),
        (error: unknown) => {
          asked.current.delete(name); // whoever comes this way again asks again
          complain(error);
        },
      );
    }
  }, [drawn?.space, ...names]);
  return [useAligned(drawn, names[0], clouds), useAligned(drawn, names[1], clouds)];
}

function useAligned(drawn: Drawn | null, name: string, clouds: ReadonlyMap<string, Cloud>): Places {
  const cloud = drawn?.cloud;
  const other = drawn && drawn.space === name ? cloud : clouds.get(name);
  return useMemo(() => (cloud && other ? placesOn(other, cloud) : null), [cloud?.xy, other?.xy]);
}

/** While places are on their way, points stay where they are. */
function useLeg([from, to]: [Places, Places], share: number, atHome: boolean): Leg | null {
  const last = useRef<Leg | null>(null);
  const leg = useMemo<Leg | null>(() => {
    if (atHome) return null;
    if (!from || !to) return last.current;
    return share ? { from: from.xy, to: to.xy, share } : { from: null, to: to.xy, share: 1 };
  }, [from, to, share, atHome]);
  last.current = leg;
  return leg;
}
