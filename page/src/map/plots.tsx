// The map, and the one beside it: both take the same gestures, and files that are dropped on them.
import type { RefObject } from "preact";
import { useState } from "preact/hooks";
import { complain } from "../store";
import type { Get } from "../types";
import { number } from "../ui/parts";
import type { Shown } from "./appearance";
import type { Chosen } from "./chosen";
import { badgeOf } from "./clusters";
import { fetchPictures, type MapRecord } from "./data";
import { Hovered, type Corner } from "./item";
import type { Looks } from "./looks";
import { Plot, type How } from "./plot";
import { marksOf } from "./search";
import type { Leg, Stage } from "./stage";
import { useDensity, type Compared, type Drawn } from "./use";

interface Props {
  record: MapRecord;
  drawn: Drawn;
  beside: Compared;
  looks: Looks;
  shown: Shown;
  chosen: Chosen;
  found: Get<"Found"> | null;
  leg: Leg | null; // on the way through other maps: what belongs to a place of this one is left out
  stage: RefObject<Stage | null>;
  selectCluster(id: number): void;
  drop(file: File): Promise<void>;
}

export function Plots({ record, drawn, beside, looks, shown, chosen, found, leg, stage, selectCluster, drop }: Props) {
  const density = useDensity(drawn.space, drawn.cloud.version, shown.contours);
  const { tool, hover, ends, take } = chosen;
  const lasso = ({ cloud }: Drawn) => (points: Int32Array, how: How): void => take(cloud.rowsOf(points), how);
  const shared = {
    tool, hover, factor: shown.factor, onHover: chosen.setHover,
    onOpen: (row: number, event: { shiftKey: boolean }) => row >= 0 && (event.shiftKey ? take(Int32Array.of(row), "add") : chosen.setOpen(row)),
    line: ends.length === 2 ? (ends as [number, number]) : null,
    onLine: (a: number, b: number) => chosen.setEnds([a, b]),
    pictures: shown.thumbs ? fetchPictures : null,
  };
  const dropped = (event: DragEvent): void => {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file) void drop(file).catch(complain);
  };
  const [side, setSide] = useState<Corner>("right");
  const awayFrom = ({ clientX, currentTarget }: { clientX: number; currentTarget: Element }): void => {
    const { left, width } = currentTarget.getBoundingClientRect();
    setSide(clientX - left > width / 2 ? "left" : "right");
  };
  return (
    <div class="map-plots" onPointerMove={awayFrom} onDragOver={(event) => event.preventDefault()} onDrop={dropped}>
      <Plot {...shared} name={`Map of ${number(drawn.cloud.n)} points`} cloud={drawn.cloud} look={looks.first} leg={leg} density={leg ? null : density}
        marks={leg ? [] : marksOf(found, drawn.cloud)} badges={shown.badges && !leg ? record.clusters.map(badgeOf) : undefined}
        onBadge={selectCluster} onLasso={lasso(drawn)} onStage={(made) => (stage.current = made)} onDrawn={announce} />
      {beside.drawn && looks.beside && (
        <Plot {...shared} name={`The same items in ${beside.record?.space?.name}`} cloud={beside.drawn.cloud} look={looks.beside} onLasso={lasso(beside.drawn)} />
      )}
      <Hovered row={hover} side={side} />
    </div>
  );
}

/** For people who measure: when the first picture was there, and of how many points. */
function announce(n: number): void {
  performance.mark("map-first-picture");
  document.documentElement.dataset.mapDrawn = String(n);
}
