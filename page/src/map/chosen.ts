// Which items a person is concerned with: selected, pointed at, open, at the ends of a walk.
import { useEffect, useState } from "preact/hooks";
import { Failure } from "../api";
import { complain } from "../store";
import type { Tool } from "./gestures";
import { combined } from "./paint";
import type { How } from "./plot";

const NOBODY = new Int32Array(0);

export interface Chosen {
  rows: Int32Array; // selected
  hover: number; // row, or -1
  open: number; // row, or -1
  ends: number[]; // rows
  tool: Tool;
  select(rows: Int32Array): void;
  take(rows: Int32Array, how: How): void;
  setHover(row: number): void;
  setOpen(row: number): void;
  setEnds(rows: number[]): void;
  setTool(tool: Tool): void;
  openPointed(): void;
  back(): void; // one step: from the tool, from what is open, from the selection
}

/** `handedOver`: rows in the address, or the word for those that another page left. */
export function useChosen(handedOver: string | null): Chosen {
  const [rows, select] = useState<Int32Array>(NOBODY);
  const [hover, setHover] = useState(-1);
  const [open, setOpen] = useState(-1);
  const [ends, setEnds] = useState<number[]>([]);
  const [tool, setTool] = useState<Tool>("hand");
  useEffect(() => {
    if (handedOver !== null) select(handed(handedOver));
  }, [handedOver]);
  const back = (): void => {
    if (tool !== "hand") setTool("hand");
    else if (open >= 0) setOpen(-1);
    else select(NOBODY);
  };
  return {
    rows, hover, open, ends, tool, select, setHover, setOpen, setEnds, setTool, back,
    take: (taken, how) => select(combined(rows, taken, how)),
    openPointed: () => setOpen(hover >= 0 ? hover : open),
  };
}

/** Rows that another page handed over, or that stand in the address. */
function handed(said: string): Int32Array {
  try {
    const list: unknown = said === "selection" ? JSON.parse(sessionStorage.getItem("tacit.selection") ?? "[]") : said.split(",").map(Number);
    return Int32Array.from((list as number[]).filter((row) => Number.isInteger(row) && row >= 0));
  } catch (error) {
    complain(new Failure(`the selection could not be read: ${String(error)}`));
    return NOBODY;
  }
}
