// Lines as the columns that uPlot draws.
import type { AlignedData } from "uplot";

export interface Line {
  name: string;
  points: { x: number; y: number; low?: number; high?: number }[];
  reference?: boolean; // gray and dashed: what the others are compared with
  marks?: boolean;
}

/** One shared x, and for each line its value and the ends of its interval; undefined where it has no point. */
export function table(lines: Line[]): AlignedData {
  const xs = [...new Set(lines.flatMap((line) => line.points.map((point) => point.x)))].sort((a, b) => a - b);
  const columns: (number | undefined)[][] = [];
  for (const line of lines) {
    const at = new Map(line.points.map((point) => [point.x, point]));
    const found = xs.map((x) => at.get(x));
    columns.push(found.map((point) => point?.y), found.map((point) => point?.low ?? point?.y), found.map((point) => point?.high ?? point?.y));
  }
  return [xs, ...columns] as unknown as AlignedData;
}

/** Lines of a single point, with its interval: a band needs two. By the line's place in the list. */
export function alone(lines: Line[]): { line: number; x: number; low: number; high: number }[] {
  return lines.flatMap(({ points }, line) => {
    const [{ x, low, high } = { x: 0 }] = points;
    return points.length === 1 && low !== undefined && high !== undefined ? [{ line, x, low, high }] : [];
  });
}
