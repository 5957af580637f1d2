// Groups of the space: a badge of each on the map, and a list of them at the side.
import type { Get } from "../types";
import { count, number, percent } from "../ui/parts";
import { fetchColoring } from "./data";
import { pointsOf } from "./paint";
import { howOf, type Badge, type How } from "./plot";
import type { Drawn } from "./use";

type Cluster = Get<"Cluster">;

/** The rows of a group's items. */
export async function membersOf({ cloud, space }: Drawn, id: number): Promise<Int32Array> {
  const groups = await fetchColoring(space, "cluster", "cluster", false);
  return cloud.rowsOf(pointsOf(cloud, groups, id + 1));
}

const labeledShare = (one: Cluster): string => (one.labeled ? percent(one.labeled / one.rows_of, one.labeled / one.rows_of < 0.1 ? 1 : 0) : "none");
const said = (one: Cluster): string =>
  `cluster ${one.id + 1}: ${count(one.rows_of, "item")}, ${labeledShare(one)} labelled` +
  (one.majority && one.purity ? `, of these ${percent(one.purity.value, 0)} ${one.majority} [${(100 * one.purity.low).toFixed(0)}, ${(100 * one.purity.high).toFixed(0)}]` : "");

export const badgeOf = (one: Cluster): Badge => ({
  id: one.id, x: one.x, y: one.y, said: `Select ${said(one)}`,
  text: `${number(one.rows_of)}${one.labeled ? ` · ${labeledShare(one)}` : ""}${one.majority ? ` · ${one.majority}` : ""}`,
});

export function Clusters({ clusters, select }: { clusters: Cluster[]; select(id: number, how: How): void }) {
  return (
    <details class="panel map-clusters">
      <summary>Clusters ({clusters.length})</summary>
      <p class="note">The commonest class among the labelled, with Wilson's 95 % interval.</p>
      <ul>
        {clusters.map((one) => (
          <li key={one.id}><button type="button" onClick={(event) => select(one.id, howOf(event))}>{said(one)}</button></li>
        ))}
      </ul>
    </details>
  );
}
