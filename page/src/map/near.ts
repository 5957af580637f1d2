// Which points are here? A grid of cells over the map, filled by a counting sort: a million points take a tenth of a second.

export class Near {
  private readonly side: number;
  private readonly starts: Int32Array; // of each cell in `order`, and the end of the last
  private readonly order: Int32Array; // points, cell by cell

  constructor(private readonly xy: Float32Array) {
    const n = xy.length >> 1;
    const side = (this.side = Math.max(1, Math.min(1024, Math.ceil(Math.sqrt(n / 4)))));
    const starts = new Int32Array(side * side + 1);
    const cells = new Int32Array(n);
    for (let i = 0; i < n; i++) {
      const cell = (cells[i] = this.place(xy[2 * i + 1]) * side + this.place(xy[2 * i]));
      starts[cell + 1]++;
    }
    for (let cell = 0; cell < side * side; cell++) starts[cell + 1] += starts[cell];
    const next = starts.slice();
    const order = new Int32Array(n);
    for (let i = 0; i < n; i++) order[next[cells[i]]++] = i;
    this.starts = starts;
    this.order = order;
  }

  private place(value: number): number {
    const cell = Math.floor(((value + 1) / 2) * this.side);
    return cell < 0 ? 0 : cell >= this.side ? this.side - 1 : cell || 0; // NaN lies in the first
  }

  /** The point nearest to (x, y) within `radius`, or -1. */
  nearest(x: number, y: number, radius: number, hidden?: (point: number) => boolean): number {
    let best = -1;
    let least = radius * radius;
    this.each(x - radius, y - radius, x + radius, y + radius, (point) => {
      const dx = this.xy[2 * point] - x;
      const dy = this.xy[2 * point + 1] - y;
      const square = dx * dx + dy * dy;
      if (square <= least && !hidden?.(point)) {
        least = square;
        best = point;
      }
    });
    return best;
  }

  /** The points in a rectangle. */
  inside(left: number, bottom: number, right: number, top: number, hidden?: (point: number) => boolean): Int32Array {
    const found: number[] = [];
    this.each(left, bottom, right, top, (point) => {
      const x = this.xy[2 * point];
      const y = this.xy[2 * point + 1];
      if (x >= left && x <= right && y >= bottom && y <= top && !hidden?.(point)) found.push(point);
    });
    return Int32Array.from(found);
  }

  /** The points inside a polygon [x, y, x, y, ...], by counting its sides on the way out. */
  within(polygon: ArrayLike<number>, hidden?: (point: number) => boolean): Int32Array {
    let [left, bottom, right, top] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let k = 0; k + 1 < polygon.length; k += 2) {
      left = Math.min(left, polygon[k]);
      right = Math.max(right, polygon[k]);
      bottom = Math.min(bottom, polygon[k + 1]);
      top = Math.max(top, polygon[k + 1]);
    }
    if (polygon.length < 6) return new Int32Array(0);
    return this.inside(left, bottom, right, top, hidden).filter((point) =>
      contains(polygon, this.xy[2 * point], this.xy[2 * point + 1]),
    );
  }

  private each(left: number, bottom: number, right: number, top: number, visit: (point: number) => void): void {
    const [c0, c1, r0, r1] = [this.place(left), this.place(right), this.place(bottom), this.place(top)];
    for (let r = r0; r <= r1; r++) {
      const end = this.starts[r * this.side + c1 + 1];
      for (let k = this.starts[r * this.side + c0]; k < end; k++) visit(this.order[k]);
    }
  }
}

export function contains(polygon: ArrayLike<number>, x: number, y: number): boolean {
  let inside = false;
  for (let k = 0, before = polygon.length - 2; k + 1 < polygon.length; before = k, k += 2) {
    const [x1, y1, x0, y0] = [polygon[k], polygon[k + 1], polygon[before], polygon[before + 1]];
    if (y1 > y !== y0 > y && x < ((x0 - x1) * (y - y1)) / (y0 - y1) + x1) inside = !inside;
  }
  return inside;
}
