import { describe, expect, it } from "vitest";
import { inView, moved, toMap, toScreen, WHOLE, zoomed } from "../src/map/camera";
import { beginnings, BIT, Cloud, placesOn } from "../src/map/cloud";
import { contourPaths } from "../src/map/contours";
import { contains, Near } from "../src/map/near";

/** The same numbers in each run. */
function numbers(n: number): Float32Array {
  let seed = 1;
  return Float32Array.from({ length: n }, () => ((seed = (seed * 48271) % 2147483647) / 2147483647) * 2 - 1);
}
const cloud = (xy: number[], rows: number[]): Cloud => new Cloud("v", Float32Array.from(xy), Int32Array.from(rows), new Uint8Array(rows.length));

describe("what is where", () => {
  const xy = numbers(20_000);
  const near = new Near(xy);

  it("the nearest point is the one that looking at all of them finds", () => {
    for (let k = 0; k < 50; k++) {
      const [x, y] = [xy[100 * k] * 0.9 + 0.01, xy[100 * k + 1] * 0.9];
      let [best, least] = [-1, 0.05 ** 2];
      for (let i = 0; i < xy.length / 2; i++) {
        const square = (xy[2 * i] - x) ** 2 + (xy[2 * i + 1] - y) ** 2;
        if (square <= least) [best, least] = [i, square];
      }
      expect(near.nearest(x, y, 0.05)).toBe(best);
    }
  });
  it("hidden points are not found, and nothing is found far away", () => {
    const first = near.nearest(0, 0, 0.1);
    expect(near.nearest(0, 0, 0.1, (point) => point === first)).not.toBe(first);
    expect(near.nearest(5, 5, 0.1)).toBe(-1);
  });
  it("a lasso holds what lies inside its line, also where the line is not convex", () => {
    const line = [-0.8, -0.8, 0.8, -0.8, 0.8, 0.8, 0, -0.5, -0.8, 0.8];
    const found = new Set(near.within(line));
    expect(found.size).toBeGreaterThan(100);
    const wrong = Array.from({ length: xy.length / 2 }, (_, i) => i).filter((i) => found.has(i) !== contains(line, xy[2 * i], xy[2 * i + 1]));
    expect(wrong).toEqual([]);
    expect(contains(line, 0, 0.3)).toBe(false); // in the notch
  });
  it("a line of two points holds nothing", () => expect(near.within([0, 0, 1, 1])).toHaveLength(0));
  it("takes no points, points on one place, and points off the map", () => {
    expect(new Near(new Float32Array(0)).nearest(0, 0, 1)).toBe(-1);
    expect(new Near(new Float32Array(20)).inside(-0.1, -0.1, 0.1, 0.1)).toHaveLength(10);
    expect(new Near(Float32Array.of(3, 3, NaN, NaN)).nearest(3, 3, 0.1)).toBe(0);
  });
});

describe("the part in view", () => {
  const size = { width: 800, height: 600 };
  it("goes from the map to the screen and back", () => {
    const camera = { x: 0.3, y: -0.2, zoom: 7 };
    const [x, y] = toMap(camera, size, ...toScreen(camera, size, 0.25, -0.1));
    expect(x).toBeCloseTo(0.25);
    expect(y).toBeCloseTo(-0.1);
  });
  it("what is under the pointer stays there while zooming", () => {
    const before = toMap(WHOLE, size, 300, 200);
    const after = toMap(zoomed(WHOLE, size, 3, 300, 200), size, 300, 200);
    expect(after[0]).toBeCloseTo(before[0]);
    expect(after[1]).toBeCloseTo(before[1]);
  });
  it("all of the map is in view at first, and cannot be moved out of sight", () => {
    const [left, bottom, right, top] = inView(WHOLE, size);
    expect(left).toBeLessThan(-1);
    expect(right).toBeGreaterThan(1);
    expect(bottom).toBeLessThan(-1);
    expect(top).toBeGreaterThan(1);
    expect(moved(WHOLE, size, -1e6, 1e6)).toEqual({ x: 1.2, y: 1.2, zoom: 1 });
  });
});

describe("another layout", () => {
  it("known items begin where they were, newcomers where they will be", () => {
    const before = cloud([0.1, 0.1, 0.2, 0.2], [7, 3]);
    const next = cloud([0.5, 0.5, 0.6, 0.6, 0.7, 0.7], [3, 9, 7]);
    const { from, fresh } = beginnings(before, next);
    expect([...from].map((value) => value.toFixed(1))).toEqual(["0.2", "0.2", "0.6", "0.6", "0.1", "0.1"]);
    expect([...fresh]).toEqual([0, 1, 0]);
  });
  it("the places of another map are taken by row; what it lacks lies where it does here", () => {
    const here = cloud([0.1, 0.1, 0.2, 0.2, 0.3, 0.3], [7, 3, 5]);
    const { xy, missing } = placesOn(cloud([0.5, 0.5, 0.6, 0.6], [3, 7]), here);
    expect([...xy].map((value) => value.toFixed(1))).toEqual(["0.6", "0.6", "0.5", "0.5", "0.3", "0.3"]);
    expect(missing).toBe(1);
    const same = cloud([1, 1, 2, 2, 3, 3], [7, 3, 5]);
    expect(placesOn(same, here).xy).toBe(same.xy); // a million of them are not copied
  });
  it("points are found by the rows of their items", () => {
    const some = cloud([0, 0, 1, 1], [7, 3]);
    expect([some.at(3), some.at(7), some.at(5), some.at(99), some.at(-1)]).toEqual([1, 0, -1, -1, -1]);
    expect([...some.points([3, 4, 7])]).toEqual([1, 0]);
    expect([...some.withStates(Uint8Array.of(BIT.labeled, 0)).states]).toEqual([1, 0]);
  });
});

describe("lines of density", () => {
  it("lie around the crowd, with y upwards", () => {
    const values = new Array<number>(400).fill(0);
    for (const [row, col] of [[15, 5], [15, 6], [16, 5], [16, 6]]) values[row * 20 + col] = 1; // above the middle, at the left
    const path = contourPaths({ rows: 20, cols: 20, values })[3];
    const found = [...path.matchAll(/(-?[\d.]+) (-?[\d.]+)/g)].map((one) => [Number(one[1]), Number(one[2])]);
    expect(found.length).toBeGreaterThan(6);
    for (const [x, y] of found) {
      expect(x).toBeLessThan(-0.2);
      expect(y).toBeLessThan(-0.4); // SVG's y goes down
    }
  });
});
