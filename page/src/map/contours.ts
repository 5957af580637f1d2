// Lines of equal density, as paths over [-1, 1] x [-1, 1] with y upwards.
import { contours } from "d3-contour";

export interface Grid {
  rows: number;
  cols: number;
  values: number[];
}
export const LEVELS = [0.05, 0.15, 0.3, 0.5, 0.75];

/** A path a level, in the coordinates of the map (y downwards, as SVG wants it). */
export function contourPaths({ rows, cols, values }: Grid): string[] {
  const place = ([x, y]: number[]): string => `${((2 * x) / cols - 1).toFixed(4)} ${(1 - (2 * y) / rows).toFixed(4)}`;
  const closed = (ring: number[][]): string => `M${ring.map(place).join("L")}Z`;
  return contours()
    .size([cols, rows])
    .thresholds(LEVELS)(values)
    .map((level) => level.coordinates.flat().map(closed).join(""));
}
