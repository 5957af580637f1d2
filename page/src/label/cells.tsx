// What tables say of one item: its numbers by the names of their columns, and columns that were imported.
import { useEffect, useState } from "preact/hooks";
import { get } from "../api";
import type { Get, Item } from "../types";
import "./cells.css";

type Cells = Get<"Cells">;
const KEPT = 200; // items
const known = new Map<string, Cells>();
const keyOf = (item: Item): string => `${item.row} ${item.version}`;

/** Fetch the cells of an item, so that they are there when it is shown. */
export async function fetchCells(item: Item): Promise<Cells> {
  const found = known.get(keyOf(item)) ?? (await get<Cells>(`/api/items/${item.row}/cells`));
  if (known.size >= KEPT) known.clear();
  known.set(keyOf(item), found);
  return found;
}

/** Nothing where no table says anything of it. */
export function ItemCells({ item }: { item: Item }) {
  const [, arrived] = useState("");
  useEffect(() => {
    void fetchCells(item).then(() => arrived(keyOf(item)), () => undefined); // without a server the picture has to do
  }, [keyOf(item)]);
  const found = known.get(keyOf(item));
  if (!found?.cells.length) return null;
  return (
    <dl class="item-cells" aria-label="Columns">
      {found.cells.map(({ name, value, unusual }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {typeof value === "number" ? Number(value.toPrecision(6)) : value}
            {unusual !== null && <small title="standard deviations from the mean of all items"> {signed(unusual)} sd</small>}
          </dd>
        </div>
      ))}
      {found.more > 0 && <div><dt>and {found.more} more columns</dt></div>}
    </dl>
  );
}

export const signed = (number: number): string => {
  const text = Math.abs(number).toFixed(1);
  return text === "0.0" ? text : `${number > 0 ? "+" : "−"}${text}`;
};
