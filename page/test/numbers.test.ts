import { describe, expect, it } from "vitest";
import { ends, fixed, percent, points } from "../src/ui/numbers";

describe("numbers for people", () => {
  it("a share that rounds to nothing has no minus sign", () => {
    expect([percent(-0.0004), percent(-0.004, 0), percent(-0.004), fixed(-0.001, 2)]).toEqual(["0.0 %", "0 %", "-0.4 %", "0.00"]);
  });

  it("a share has the unit once, and its interval beside it", () => {
    expect(ends({ value: 0.6, low: 0.423, high: 0.754 })).toBe("60.0 % [42.3, 75.4]");
  });

  it("a difference of shares is in points, with its sign", () => {
    expect(points({ value: 0.031, low: -0.0002, high: 0.07 })).toBe("+3.1 points [0.0, +7.0]");
    expect(points({ value: -0.1, low: -0.2, high: -0.01 })).toBe("-10.0 points [-20.0, -1.0]");
  });
});
