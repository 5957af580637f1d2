import { expect, it } from "vitest";
import { alone, table } from "../src/ui/lines";

it("lines share one axis, and leave out what they have not", () => {
  const a = { name: "a", points: [{ x: 20, y: 0.8, low: 0.7, high: 0.9 }, { x: 10, y: 0.5 }] };
  const b = { name: "b", points: [{ x: 20, y: 0.6 }] };
  expect(table([a, b])).toEqual([
    [10, 20],
    [0.5, 0.8], [0.5, 0.7], [0.5, 0.9],
    [undefined, 0.6], [undefined, 0.6], [undefined, 0.6],
  ]);
});

it("no lines are an empty axis", () => expect(table([])).toEqual([[]]));

it("a line of one point has its interval too, which a band cannot show", () => {
  const one = { name: "a", points: [{ x: 12, y: 0.4, low: 0.3, high: 0.6 }] };
  const two = { name: "b", points: [{ x: 1, y: 0.4, low: 0.3, high: 0.6 }, { x: 2, y: 0.5, low: 0.4, high: 0.7 }] };
  expect(alone([two, one, { name: "c", points: [{ x: 1, y: 2 }] }, { name: "d", points: [] }])).toEqual([{ line: 1, x: 12, low: 0.3, high: 0.6 }]);
});
