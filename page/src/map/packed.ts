// The map as it is written into a single HTML file (tacit/web/offline.py).
import { Cloud } from "./cloud";
import type { Grid } from "./contours";
import { byCategory, byNumber, type Coloring } from "./paint";

export interface PackedColumn {
  name: string;
  title: string;
  kind: "category" | "number";
  labels: string[];
  low: number | null;
  high: number | null;
  said: string;
  data: string; // base64: int16 of categories, float32 of numbers
}

export interface PackedMap {
  name: string;
  said: string[]; // where it comes from, and what was left out
  pool: number; // the first so many points; the others are the yardstick's
  points: string; // base64 of float32
  states: string; // base64 of uint8
  columns: PackedColumn[];
  names: string[];
  thumbs: Record<number, string>; // point -> data: address
  density: Grid;
}

function bytes(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const found = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) found[i] = text.charCodeAt(i);
  return found;
}

/** Points without a server: an item's row is its place in the file. */
export function cloudOf(map: PackedMap): Cloud {
  const xy = new Float32Array(bytes(map.points).buffer);
  const rows = Int32Array.from({ length: xy.length >> 1 }, (_, i) => i);
  return new Cloud("written", xy, rows, bytes(map.states));
}

export function coloringOf(column: PackedColumn): Coloring {
  const { name, title, said, labels, low, high } = column;
  const { buffer } = bytes(column.data);
  if (column.kind === "category") return byCategory(name, title, labels, said, new Int16Array(buffer));
  return byNumber(name, title, low ?? 0, high ?? 0, said, new Float32Array(buffer));
}
