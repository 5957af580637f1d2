import { describe, expect, it } from "vitest";
import { all, NO_MARKS, none, to, toggle, within } from "../src/grid/marks";
import { look, reach, TALLEST } from "../src/grid/window";

const CELL = 120;

describe("only what is in sight is in the document", () => {
  it("of a million items a few lines, at every place", () => {
    for (const scrolled of [0, 1, 4_000_000, TALLEST - 700]) {
      const seen = look(1_000_000, CELL, 1000, 700, scrolled);
      expect(seen.columns).toBe(8);
      expect(seen.last - seen.first).toBeLessThanOrEqual(8 * 12);
      expect(seen.height).toBe(TALLEST);
      // the lines in the document cover the window
      expect(seen.top).toBeLessThanOrEqual(scrolled);
      if (seen.last < 1_000_000) expect(seen.top + ((seen.last - seen.first) / 8) * CELL).toBeGreaterThanOrEqual(scrolled + 700);
    }
  });
  it("the very last one can be reached", () => {
    for (const n of [1, 7, 500, 1_000_000]) {
      const scrolled = reach(n - 1, n, CELL, 1000, 700, 0);
      expect(look(n, CELL, 1000, 700, scrolled).last).toBe(n);
    }
  });
  it("scrolls no further than needed", () => {
    expect(reach(3, 1000, CELL, 1000, 700, 0)).toBe(0);
    expect(reach(0, 1000, CELL, 1000, 700, 500)).toBe(0);
    expect(reach(8 * 6, 1000, CELL, 1000, 700, 0)).toBe(7 * CELL - 700);
  });
  it("a narrow window has one column", () => expect(look(10, CELL, 50, 700, 0).columns).toBe(1));
  it("nothing is nothing", () => expect(look(0, CELL, 1000, 700, 0)).toMatchObject({ first: 0, last: 0, height: 0 }));
});

describe("the selection", () => {
  const rows = [10, 11, 12, 13, 14];
  it("arrows choose one, Shift reaches from where it began", () => {
    let marks = to(NO_MARKS, rows, 1, false);
    expect([...marks.rows]).toEqual([11]);
    marks = to(to(marks, rows, 2, true), rows, 3, true);
    expect([...marks.rows]).toEqual([11, 12, 13]);
    expect([...to(marks, rows, 0, true).rows]).toEqual([10, 11]);
  });
  it("stays inside", () => {
    expect(to(NO_MARKS, rows, 99, false).cursor).toBe(4);
    expect(to(NO_MARKS, rows, -3, false).cursor).toBe(0);
    expect(to(NO_MARKS, [], 0, false).rows.size).toBe(0);
  });
  it("one joins or leaves, all, none", () => {
    const marks = toggle(toggle(toggle(NO_MARKS, rows, 0), rows, 4), rows, 0);
    expect([...marks.rows]).toEqual([14]);
    expect(all(marks, rows).rows.size).toBe(5);
    expect(none(marks).rows.size).toBe(0);
  });
  it("under another filter keeps what is still shown", () => expect([...within(all(NO_MARKS, rows), [13, 99]).rows]).toEqual([13]));
});
