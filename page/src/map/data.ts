// The map's data from the server.
import { binary, Failure, get, thumb } from "../api";
import type { Get, Item } from "../types";
import { Cloud } from "./cloud";
import { byCategory, byNumber, type Coloring } from "./paint";
import type { Picture } from "./thumbs";

export type MapRecord = Get<"MapRecord">;
const swapped = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0;

/** Numbers as the server writes them, little-endian. */
function numbers<T extends Float32Array | Int32Array | Int16Array>(kind: new (buffer: ArrayBuffer) => T, buffer: ArrayBuffer): T {
  const found = new kind(buffer);
  if (swapped) {
    const bytes = new Uint8Array(buffer);
    for (let i = 0; i < bytes.length; i += found.BYTES_PER_ELEMENT) bytes.subarray(i, i + found.BYTES_PER_ELEMENT).reverse();
  }
  return found;
}

export async function fetchStates(space: string, signal?: AbortSignal): Promise<Uint8Array> {
  return new Uint8Array(await binary("/api/map/states.bin", { space }, signal));
}

/** All points; the three parts come at the same time. */
export async function fetchCloud(space: string, version: string, signal?: AbortSignal): Promise<Cloud> {
  const [xy, rows, states] = await Promise.all([
    binary("/api/map/points.bin", { space, version }, signal), // with its version, it stays in the browser's cache
    binary("/api/map/rows.bin", { space, version }, signal),
    fetchStates(space, signal),
  ]);
  return new Cloud(version, numbers(Float32Array, xy), numbers(Int32Array, rows), states);
}

/** The points of another space, for their places alone. */
export async function fetchPlaces(space: string): Promise<Cloud> {
  const { ready, version, waiting } = await get<MapRecord>("/map.json", { space });
  if (!ready) throw new Failure(`there is no map of ${space} yet: ${waiting}`);
  const [xy, rows] = await Promise.all(["points", "rows"].map((part) => binary(`/api/map/${part}.bin`, { space, version })));
  return new Cloud(version, numbers(Float32Array, xy), numbers(Int32Array, rows), new Uint8Array(rows.byteLength / 4));
}

/** A column to color by; `yardstick` asks for the classes of the yardstick as well. */
export async function fetchColoring(space: string, name: string, title: string, yardstick: boolean, signal?: AbortSignal): Promise<Coloring> {
  const query = { name, space, yardstick };
  const [record, values] = await Promise.all([
    get<Get<"ColumnRecord">>("/api/map/column.json", query, signal),
    binary("/api/map/column.bin", query, signal),
  ]);
  if (record.kind === "category") return byCategory(name, title, record.labels, record.said, numbers(Int16Array, values));
  return byNumber(name, title, record.low ?? 0, record.high ?? 0, record.said, numbers(Float32Array, values));
}

const items = new Map<number, Item>(); // as they were last seen

/** Items by row; those known from before come from memory unless `fresh`. */
export async function fetchItems(rows: number[], fresh = false): Promise<Item[]> {
  const missing = fresh ? rows : rows.filter((row) => !items.has(row));
  for (let k = 0; k < missing.length; k += 500) {
    const found = await get<Item[]>("/api/items", { rows: missing.slice(k, k + 500).join(",") });
    remember(found);
  }
  return rows.map((row) => items.get(row)).filter((item) => item !== undefined);
}

export function remember(found: Item[]): void {
  if (items.size > 20_000) items.clear();
  for (const item of found) items.set(item.row, item);
}

/** What is known of items may have changed. */
export const forget = (): void => items.clear();

export async function fetchPictures(rows: number[]): Promise<Map<number, Picture>> {
  const found = await fetchItems(rows);
  return new Map(found.map((item) => [item.row, { src: thumb(item, 64), name: item.name }]));
}

/** A list of items as CSV; the answers are those of now. */
export async function csvOf(rows: ArrayLike<number>, progress: (done: number) => void): Promise<string> {
  const lines = ["row,id,name,side,label,guess,confidence"];
  for (let k = 0; k < rows.length; k += 500) {
    const part = Array.from({ length: Math.min(500, rows.length - k) }, (_, i) => rows[k + i]);
    for (const one of await get<Item[]>("/api/items", { rows: part.join(",") })) {
      const guess = one.guess ? [one.guess.answer, one.guess.confidence.toFixed(4)] : ["", ""];
      lines.push([one.row, one.id, one.name, one.side, one.label ?? "", ...guess].map(cell).join(","));
    }
    progress(Math.min(rows.length, k + 500));
  }
  return lines.join("\r\n") + "\r\n";
}

/** Quoted where it has to be; what a spreadsheet would take for a formula gets a sign before it. */
export function cell(value: string | number): string {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function download(text: string, name: string, type = "text/csv"): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
