// Under the map: where its points come from, time, and the legend.
import type { Appearance } from "./appearance";
import type { MapRecord } from "./data";
import { Legend } from "./legend";
import type { Looks } from "./looks";
import { pointsOf } from "./paint";
import { Provenance } from "./provenance";
import type { Compared, Drawn } from "./use";

interface Props {
  record: MapRecord;
  drawn: Drawn;
  beside: Compared;
  looks: Looks;
  appearance: Appearance;
  select(rows: Int32Array): void;
}

export function Below({ record, drawn, beside, looks, appearance, select }: Props) {
  const { cloud, coloring } = drawn;
  const { shown, hiding, hide } = appearance;
  const other = shown.other !== record.space?.name && shown.other;
  return (
    <>
      <Provenance record={record} shown={looks.first.shown} drawn={cloud.n} />
      {beside.record && beside.drawn && <Provenance record={beside.record} shown={looks.beside?.shown ?? 0} drawn={beside.drawn.cloud.n} />}
      {other && !beside.drawn && <p class="note">{beside.record?.waiting || `Fetching ${other}`} …</p>}
      <Legend coloring={coloring} counts={looks.counts} hiding={hiding} setHiding={hide}
        select={(wanted) => select(cloud.rowsOf(pointsOf(cloud, coloring, wanted)))} />
    </>
  );
}
