import { describe, expect, it } from "vitest";
import { BIT, Cloud } from "../src/map/cloud";
import { cell } from "../src/map/data";
import { BARS, countWithin, histogramOf, numberAt, STEPS, stepOf, written } from "../src/map/histogram";
import { cloudOf, coloringOf, type PackedMap } from "../src/map/packed";
import { byCategory, byNumber, carried, combined, countsOf, HIDDEN, isMark, kindsOf, lookOf, NOTHING_HIDDEN, otherColumn, pointsOf, RAMP, SELECTED } from "../src/map/paint";
import { dotSize, opacity } from "../src/map/points";

const states = Uint8Array.of(0, BIT.labeled, BIT.yardstick | BIT.labeled, BIT.suggested | BIT.outlier, BIT.cannot);
const cloud = new Cloud("v", new Float32Array(10), Int32Array.of(4, 3, 2, 1, 0), states);
const labels = Array.from({ length: 10 }, (_, k) => `class ${k}`);
const coloring = byCategory("class", "class", labels, "", Int16Array.of(-1, 9, 2, 2, -1));
const colors = (look: { points: Uint8Array }): number[] => cloud.rows.reduce<number[]>((all, _, i) => [...all, look.points[4 * i]], []);

describe("how points look", () => {
  it("classes beyond the eighth have the first colors again, in another shape", () => {
    const { points } = lookOf(cloud, coloring, NOTHING_HIDDEN, [], false);
    expect([points[4], points[5]]).toEqual([2, 1]);
  });
  it("the yardstick is gray unless asked", () => {
    expect(colors(lookOf(cloud, coloring, NOTHING_HIDDEN, [], false))).toEqual([0, 2, 0, 3, 0]);
    expect(colors(lookOf(cloud, coloring, NOTHING_HIDDEN, [], true))).toEqual([0, 2, 3, 3, 0]);
  });
  it("what the legend hides is neither drawn nor counted as shown", () => {
    const look = lookOf(cloud, coloring, { ...NOTHING_HIDDEN, groups: new Set([3]), kinds: new Set(["cannot tell"]) }, [], false);
    expect([0, 1, 2, 3, 4].filter((i) => look.points[4 * i + 3] & HIDDEN)).toEqual([2, 3, 4]);
    expect(look.shown).toBe(2);
    expect([...look.marked]).toEqual([1]);
  });
  it("selected points are drawn over the others", () => {
    const look = lookOf(cloud, null, NOTHING_HIDDEN, [0], false);
    expect(look.points[3]).toBe(SELECTED);
    expect([...look.marked]).toEqual([2, 0, 1, 3, 4]); // the yardstick first, what is selected or answered over it
  });
  it("fine dots leave no room for shapes, except of what is rare", () => {
    expect(isMark(1, 0, 0, false)).toBe(true);
    expect(isMark(1, BIT.copy, 0, true)).toBe(false);
    expect(isMark(0, BIT.yardstick | BIT.labeled, 0, true)).toBe(false);
    expect(isMark(0, BIT.labeled, 0, true)).toBe(true);
    expect(isMark(0, BIT.yardstick, SELECTED, true)).toBe(true);
  });
  it("numbers become a ramp from end to end; none stays gray", () => {
    const found = byNumber("n", "n", 0, 10, "", Float32Array.of(0, 5, 10, NaN, 99));
    expect([...found.color]).toEqual([RAMP, RAMP + Math.round((255 - RAMP) / 2), 255, 0, 255]);
    expect([...found.group]).toEqual([1, 1, 1, 0, 1]);
    expect(byNumber("n", "n", 2, 2, "", Float32Array.of(2)).labels).toEqual(["2"]);
  });
  it("more points are drawn smaller and fainter, but never vanish", () => {
    expect(dotSize(1_000_000, 1, 1)).toBeGreaterThanOrEqual(1.5);
    expect(dotSize(1000, 1, 1)).toBeGreaterThan(dotSize(100_000, 1, 1));
    expect(opacity(1_000_000)).toBeGreaterThan(0.3);
    expect(opacity(100)).toBe(0.85);
  });
});

describe("a range of numbers", () => {
  const numbers = byNumber("n", "n", 0, 4, "", Float32Array.of(0, 1, 4, NaN, 2));
  const hidden = (column: string, low: number, high: number): number[] => {
    const { points } = lookOf(cloud, numbers, { ...NOTHING_HIDDEN, range: { column, low, high } }, [], false);
    return [0, 1, 2, 3, 4].filter((i) => points[4 * i + 3] & HIDDEN);
  };
  it("hides what lies outside of it, and what has no number", () => {
    expect(hidden("n", 1, 2)).toEqual([0, 2, 3]);
    expect(hidden("n", 0, 4)).toEqual([3]);
  });
  it("says nothing of another column, and goes with its own", () => {
    expect(hidden("m", 1, 2)).toEqual([]);
    expect(otherColumn({ groups: new Set([1]), kinds: new Set(["flagged"]), range: { column: "n", low: 0, high: 1 } })).toEqual({ groups: new Set(), kinds: new Set(["flagged"]), range: null });
  });
  it("its points can be selected, and it holds on another map of the same items", () => {
    expect([...pointsOf(cloud, numbers, { column: "n", low: 1, high: 2 })]).toEqual([1, 4]);
    const other = new Cloud("w", new Float32Array(6), Int32Array.of(0, 3, 77), new Uint8Array(3));
    expect([...pointsOf(other, carried(numbers, cloud, other), { column: "n", low: 1, high: 2 })]).toEqual([0, 1]);
  });
});

describe("the histogram", () => {
  it("counts every number once, the largest in the last bar, and none where there is none", () => {
    const counts = histogramOf({ low: 0, high: 10, values: Float32Array.of(0, 0.1, 5, 10, NaN) });
    expect(counts).toHaveLength(BARS);
    expect([counts[0], counts[BARS / 2], counts[BARS - 1]]).toEqual([2, 1, 1]);
    expect(counts.reduce((a, b) => a + b)).toBe(4);
    expect(countWithin(Float32Array.of(0, 0.1, 5, 10, NaN), 0.05, 5)).toBe(2);
  });
  it.each([[0, 1], [0.5, 200.5], [-3.2e-7, 4e-9], [12_345, 98_765_432], [0.123456789, 0.123456999]])("every step from %d to %d has a number of its own, which is written as it is", (low, high) => {
    const ends = { low, high };
    for (let step = 0; step <= STEPS; step++) {
      const value = numberAt(ends, step);
      expect(stepOf(ends, value)).toBe(step);
      if (step > 0 && step < STEPS) expect(Number(written(ends, value))).toBe(value);
    }
    expect([numberAt(ends, 0), numberAt(ends, STEPS)]).toEqual([low, high]);
  });
  it("is fast for a million points", () => {
    const values = new Float32Array(1_000_000).map((_, i) => (i * 0.618) % 1);
    const began = performance.now();
    histogramOf({ low: 0, high: 1, values });
    countWithin(values, 0.2, 0.7);
    expect(performance.now() - began).toBeLessThan(250); // some 5 ms, on a machine that is not busy
  });
});

describe("the legend", () => {
  it("counts every point once by its group, and by each of its states", () => {
    const counts = countsOf(cloud, coloring);
    expect(counts.groups.reduce((a, b) => a + b)).toBe(5);
    expect([counts.groups[0], counts.groups[3], counts.groups[10]]).toEqual([2, 2, 1]);
    expect(counts.kinds).toMatchObject({ unlabelled: 2, labelled: 1, yardstick: 1, "cannot tell": 1, suggested: 1, outlier: 1, flagged: 0 });
  });
  it("a labelled item of the yardstick counts as the yardstick's", () => expect(kindsOf(states[2])).toEqual(["yardstick"]));
  it("a line of it can be selected", () => {
    expect([...pointsOf(cloud, coloring, 3)]).toEqual([2, 3]);
    expect([...pointsOf(cloud, coloring, "suggested")]).toEqual([3]);
  });
});

describe("selections", () => {
  const rows = (...all: number[]): Int32Array => Int32Array.from(all);
  it("can be new, grow, and shrink", () => {
    expect([...combined(rows(1, 2), rows(2, 3), "new")]).toEqual([2, 3]);
    expect([...combined(rows(1, 2), rows(2, 3), "add")].sort()).toEqual([1, 2, 3]);
    expect([...combined(rows(1, 2), rows(2, 3), "remove")]).toEqual([1]);
  });
  it("colors go along to another map by the rows of items", () => {
    const other = new Cloud("w", new Float32Array(4), Int32Array.of(1, 77), new Uint8Array(2));
    expect([...carried(coloring, cloud, other).color]).toEqual([3, 0]);
  });
  it("a list is quoted where it must be, and runs nothing in a spreadsheet", () => {
    expect(cell('a,"b"')).toBe('"a,""b"""');
    expect(cell("=1+1")).toBe("'=1+1");
    expect(cell(-3)).toBe("-3");
  });
});

describe("a map in one file", () => {
  const text = (values: ArrayBufferView): string => btoa(String.fromCharCode(...new Uint8Array(values.buffer)));
  it("has its points and columns as they were written", () => {
    const map = { points: text(Float32Array.of(0.5, -0.25, 1, 1)), states: text(Uint8Array.of(1, 4)) } as PackedMap;
    const found = cloudOf(map);
    expect([found.n, ...found.xy, ...found.states]).toEqual([2, 0.5, -0.25, 1, 1, 1, 4]);
    const column = { name: "c", title: "c", said: "", labels: ["a", "b"], low: null, high: null };
    expect([...coloringOf({ ...column, kind: "category", data: text(Int16Array.of(1, -1)) }).group]).toEqual([2, 0]);
    expect([...coloringOf({ ...column, kind: "number", low: 0, high: 1, data: text(Float32Array.of(1, NaN)) }).color]).toEqual([255, 0]);
  });
});
