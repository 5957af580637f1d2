// The points of a map, as they come from the server, and the way from an item's row to its point.

/** Bits of a point's state, as in /api/map/states.bin. */
export const BIT = { labeled: 1, suggested: 2, yardstick: 4, copy: 8, outlier: 16, flagged: 32, cannot: 64 } as const;

export class Cloud {
  readonly n: number;
  private places: Int32Array | null = null;

  /** xy (2n) in [-1, 1], y upwards; rows (n); states (n) of BIT. */
  constructor(
    readonly version: string,
    readonly xy: Float32Array,
    readonly rows: Int32Array,
    readonly states: Uint8Array,
  ) {
    this.n = Math.min(xy.length >> 1, rows.length, states.length);
  }

  /** The point of an item, or -1 when it is not on this map. */
  at(row: number): number {
    this.places ??= this.turned();
    return row >= 0 && row < this.places.length ? this.places[row] : -1;
  }

  private turned(): Int32Array {
    let largest = -1;
    for (let i = 0; i < this.n; i++) if (this.rows[i] > largest) largest = this.rows[i];
    const places = new Int32Array(largest + 1).fill(-1);
    for (let i = 0; i < this.n; i++) places[this.rows[i]] = i;
    return places;
  }

  /** The same points in other states: labels came or went. */
  withStates(states: Uint8Array): Cloud {
    const next = new Cloud(this.version, this.xy, this.rows, states);
    next.places = this.places;
    return next;
  }

  /** Points of these rows; rows off the map are left out. */
  points(rows: ArrayLike<number>): Int32Array {
    const found = new Int32Array(rows.length);
    let n = 0;
    for (let i = 0; i < rows.length; i++) {
      const point = this.at(rows[i]);
      if (point >= 0) found[n++] = point;
    }
    return found.subarray(0, n);
  }

  rowsOf(points: ArrayLike<number>): Int32Array {
    return Int32Array.from(points as ArrayLike<number>, (point) => this.rows[point]);
  }
}

/** Where the points of `next` begin to glide: known rows where `before` had them, newcomers where they will be. */
export function beginnings(before: Cloud, next: Cloud): { from: Float32Array; fresh: Uint8Array } {
  const from = new Float32Array(2 * next.n);
  const fresh = new Uint8Array(next.n);
  for (let i = 0; i < next.n; i++) {
    const old = before.at(next.rows[i]);
    const xy = old < 0 ? next.xy : before.xy;
    const k = old < 0 ? i : old;
    from[2 * i] = xy[2 * k];
    from[2 * i + 1] = xy[2 * k + 1];
    fresh[i] = old < 0 ? 1 : 0;
  }
  return { from, fresh };
}

/** Where another map has the points of this one, and how many it lacks: those lie where they do here. */
export function placesOn(other: Cloud, cloud: Cloud): { xy: Float32Array; missing: number } {
  if (sameRows(other, cloud)) return { xy: other.xy, missing: 0 };
  const { from, fresh } = beginnings(other, cloud);
  return { xy: from, missing: fresh.reduce((all, one) => all + one, 0) };
}

function sameRows(one: Cloud, other: Cloud): boolean {
  if (one.n !== other.n) return false;
  for (let i = 0; i < one.n; i++) if (one.rows[i] !== other.rows[i]) return false;
  return true;
}
