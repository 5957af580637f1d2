import { describe, expect, it } from "vitest";
import { keyName, printed } from "../src/keys";

const pressed = (key: string, held: Partial<Record<"shiftKey" | "ctrlKey" | "altKey" | "metaKey", boolean>> = {}) =>
  keyName({ key, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, ...held });

describe("keys have one name, whatever the keyboard", () => {
  it("letters are small unless shifted", () => {
    expect(pressed("z")).toBe("z");
    expect(pressed("Z")).toBe("z"); // caps lock
    expect(pressed("Z", { shiftKey: true })).toBe("Shift+Z");
  });
  it("signs are what they print", () => {
    expect(pressed("?", { shiftKey: true })).toBe("?");
    expect(pressed("+", { shiftKey: true })).toBe("+");
    expect(pressed(" ")).toBe("Space");
    expect(pressed("ArrowLeft", { shiftKey: true })).toBe("Shift+ArrowLeft");
  });
  it("with Ctrl they are the browser's", () => expect(pressed("z", { ctrlKey: true })).toBe("Ctrl+z"));
  it("buttons show short ones", () => {
    expect(printed("Shift+Z")).toBe("Shift+Z");
    expect(printed("+")).toBe("+");
    expect(printed("ArrowLeft")).toBe("←");
  });
});
