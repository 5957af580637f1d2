// What the renderers take: every point of the map, and of the one beside it, as it is to look now.
import { useMemo } from "preact/hooks";
import type { Cloud } from "./cloud";
import { carried, countsOf, lookOf, type Coloring, type Counts, type Hiding, type Look } from "./paint";
import type { Drawn } from "./use";

export interface Looks {
  first: Look;
  beside: Look | null;
  counts: Counts;
}

/** Null before there are points. The map beside takes over the colors of the first. */
export function useLooks(drawn: Drawn | null, beside: Drawn | null, hiding: Hiding, rows: Int32Array, tint: boolean): Looks | null {
  const first = useLook(drawn?.cloud ?? null, drawn?.coloring ?? null, hiding, rows, tint);
  const coloring = useMemo(
    () => drawn?.coloring && beside && carried(drawn.coloring, drawn.cloud, beside.cloud),
    [drawn, beside],
  );
  const second = useLook(drawn && beside?.cloud, coloring ?? null, hiding, rows, tint);
  const counts = useMemo(() => drawn && countsOf(drawn.cloud, drawn.coloring), [drawn]);
  return first && counts && { first, beside: second, counts };
}

function useLook(cloud: Cloud | null | undefined, coloring: Coloring | null, hiding: Hiding, rows: Int32Array, tint: boolean): Look | null {
  const selected = useMemo(() => cloud?.points(rows), [cloud, rows]);
  return useMemo(
    () => (cloud && selected ? lookOf(cloud, coloring, hiding, selected, tint) : null),
    [cloud, coloring, hiding, selected, tint],
  );
}
