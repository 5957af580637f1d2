// Where a map comes from and how far it can be trusted: always under it.
import { number, percent } from "../ui/parts";
import type { MapRecord } from "./data";

export function Provenance({ record, shown, drawn }: { record: MapRecord; shown: number; drawn: number }) {
  const { space, waiting } = record;
  const from = space?.learned
    ? `${space.name} (${space.method}, seed ${space.seed}, weights ${space.hash})`
    : "the items themselves: nothing has been learned yet";
  return (
    <p class="map-provenance note">
      <strong>{number(shown)} of {number(record.of)} points</strong>
      {shown < drawn && `, ${number(drawn - shown)} hidden by the legend`}
      {drawn < record.of && `, ${number(record.of - drawn)} not on this layout yet`}
      {" · "}from {from}{space?.learned && `, ${space.dim} numbers an item`} · {record.made}
      {record.kept !== null && <> · <span title="of the 15 items nearest to one in the full space, the share that is among its 15 nearest on the map; 1 is all of them">quality {record.kept.toFixed(2)} ({percent(record.kept, 0)} of true neighbours kept)</span></>}
      {record.note && ` · ${record.note}`}
      {waiting && ` · ${waiting} …`}
    </p>
  );
}
