// A map that follows the server: its record, its points, its coloring. What has been drawn stays when the server goes.
import { useEffect, useRef, useState } from "preact/hooks";
import { Failure, get } from "../api";
import { complain, online, say, state, useValue } from "../store";
import type { Get } from "../types";
import type { Cloud } from "./cloud";
import { fetchCloud, fetchColoring, fetchStates, forget, type MapRecord } from "./data";
import { carried, type Coloring } from "./paint";

const AGAIN = 1500; // milliseconds between questions while a map is being drawn

/** The map of a space ("" for the latest), or null before the first answer; `why` when there can be none. */
export function useRecord(space: string | null): { record: MapRecord | null; why: string } {
  const version = useValue(state)?.version;
  const here = useValue(online);
  const [record, setRecord] = useState<MapRecord | null>(null);
  const [why, setWhy] = useState("");
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (space === null) return setRecord(null);
    const stop = new AbortController();
    let later = 0;
    get<MapRecord>("/map.json", { space }, stop.signal).then(
      (found) => {
        setWhy("");
        setRecord(found);
        if (!found.ready || found.waiting) later = setTimeout(() => setTurn((now) => now + 1), AGAIN) as unknown as number;
      },
      (error: unknown) => {
        if (!stop.signal.aborted && !(error instanceof Failure && error.status === 0)) setWhy(sentence(error));
      },
    );
    return () => {
      stop.abort();
      clearTimeout(later);
    };
  }, [space, version, here, turn]);
  return { record, why };
}

const sentence = (error: unknown): string =>
  error instanceof Failure ? `${error.message}. ${error.next}` : error instanceof Error ? error.message : String(error);

/** A failure worth a message: not that somebody went on, nor that the server is gone, which the page says anyway. */
const tell = (error: unknown): void => {
  if (!(error instanceof Failure && error.status === 0)) complain(error);
};

export interface Drawn {
  cloud: Cloud;
  coloring: Coloring | null;
  space: string;
}

/** The points of a record, first without colors, then with them; in new states whenever answers came. */
export function usePoints(record: MapRecord | null, column: string, tint: boolean): Drawn | null {
  const version = useValue(state)?.version;
  const [drawn, setDrawn] = useState<Drawn | null>(null);
  const kept = useRef<{ space: string; kept: number | null } | null>(null);
  const name = record?.space?.name ?? "";
  const layout = record?.ready ? `${name} ${record.version}` : "";
  useEffect(() => {
    if (!record?.ready) return;
    const stop = new AbortController();
    fetchCloud(name, record.version, stop.signal).then((cloud) => {
      setDrawn((before) => ({ cloud, space: name, coloring: before?.coloring ? carried(before.coloring, before.cloud, cloud) : null }));
      const was = kept.current;
      if (was?.space === name && was.kept !== null && record.kept !== null) {
        say(`map quality ${record.kept.toFixed(2)}, was ${was.kept.toFixed(2)}`);
      }
      kept.current = { space: name, kept: record.kept };
    }, tell);
    return () => stop.abort();
  }, [layout]);

  const cloud = drawn?.cloud ?? null;
  const shape = cloud?.xy;
  const first = useRef(shape);
  useEffect(() => {
    if (first.current !== shape) return void (first.current = shape); // its states came with it
    if (!shape) return;
    const stop = new AbortController();
    forget();
    fetchStates(drawn!.space, stop.signal).then((states) => {
      setDrawn((now) => (now?.cloud.xy === shape && states.length === now.cloud.n ? { ...now, cloud: now.cloud.withStates(states) } : now));
    }, tell);
    return () => stop.abort();
  }, [version, shape]);

  const title = record?.columns.find((one) => one.name === column)?.title;
  useEffect(() => {
    if (!shape || !drawn) return;
    if (title === undefined) return setDrawn((now) => now && { ...now, coloring: null });
    const stop = new AbortController();
    fetchColoring(drawn.space, column, title, tint, stop.signal).then((coloring) => {
      setDrawn((now) => (now?.cloud.xy === shape && coloring.group.length === now.cloud.n ? { ...now, coloring } : now));
    }, tell);
    return () => stop.abort();
  }, [version, shape, column, title, tint]);
  return drawn;
}

/** How crowded the map is, for lines of density; asked for only when they are wanted. */
export function useDensity(space: string, layout: string, wanted: boolean): Get<"Density"> | null {
  const [density, setDensity] = useState<Get<"Density"> | null>(null);
  useEffect(() => {
    if (!wanted || !layout) return setDensity(null);
    const stop = new AbortController();
    get<Get<"Density">>("/api/map/density.json", { space }, stop.signal).then(setDensity, tell);
    return () => stop.abort();
  }, [space, layout, wanted]);
  return density;
}

export interface Compared {
  record: MapRecord | null;
  drawn: Drawn | null;
}

/** A second map beside the first; null: none. */
export function useCompared(space: string | null): Compared {
  const { record } = useRecord(space);
  const drawn = usePoints(record, "", false);
  return { record, drawn: record && drawn };
}
