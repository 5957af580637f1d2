// Thumbnails in lines; only those in sight are in the document.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { isTyping, useKeys } from "../keys";
import { worded } from "../label/details";
import type { Item } from "../types";
import { percent, Thumb } from "../ui/parts";
import { useItems } from "./items";
import { to, toggle, type Marks } from "./marks";
import { look, reach } from "./window";

export const CELL = 136; // pixels

interface Props {
  rows: number[];
  given: Item[]; // described already
  marks: Marks;
  mark: (marks: Marks) => void;
  open: (row: number) => void;
  seen: (rows: number[]) => void; // which are in sight now
}

export function Table({ rows, given, marks, mark, open, seen }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 800, height: 600 });
  const [scrolled, setScrolled] = useState(0);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([entry]) => setSize({ width: entry.contentRect.width, height: entry.contentRect.height }));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  const { columns, first, last, height, top } = look(rows.length, CELL, size.width, size.height, scrolled);
  const shown = rows.slice(first, last);
  const items = useItems(shown, given);
  useEffect(() => seen(shown), [shown.join()]);
  useEffect(() => void (box.current!.scrollTop = 0), [rows]);
  const go = (place: number, extend: boolean): void => {
    const next = to(marks, rows, place, extend);
    mark(next);
    box.current!.scrollTop = reach(next.cursor, rows.length, CELL, size.width, size.height, box.current!.scrollTop);
  };
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  useKeys({
    previous: () => go(marks.cursor - 1, false),
    next: () => go(marks.cursor + 1, false),
    "zoom-in": () => go(marks.cursor - columns, false),
    "zoom-out": () => go(marks.cursor + columns, false),
  });
  const pressed = (event: KeyboardEvent): void => {
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const page = Math.max(1, Math.floor(size.height / CELL)) * columns;
    const far = { Home: -rows.length, End: rows.length, PageUp: -page, PageDown: page }[event.key];
    const step = event.shiftKey ? steps[event.key as keyof typeof steps] : undefined;
    if (step === undefined && far === undefined) return;
    event.preventDefault();
    go(marks.cursor + (step ?? far ?? 0), event.shiftKey);
  };
  const latest = useRef(pressed);
  latest.current = pressed;
  useLayoutEffect(() => {
    const heard = (event: KeyboardEvent): void => latest.current(event); // Shift makes other keys of the arrows
    window.addEventListener("keydown", heard);
    return () => window.removeEventListener("keydown", heard);
  }, []);
  const clicked = (event: MouseEvent, place: number): void => {
    if (event.ctrlKey || event.metaKey) mark(toggle(marks, rows, place));
    else mark(to(marks, rows, place, event.shiftKey));
  };
  return (
    <div
      class="cells" ref={box} role="listbox" aria-multiselectable="true" aria-label="Items" tabIndex={0}
      aria-activedescendant={rows.length ? `cell-${marks.cursor}` : undefined} onScroll={(event) => setScrolled(event.currentTarget.scrollTop)}
    >
      <div class="all" role="presentation" style={{ height: `${height}px` }}>
        <div class="shown" role="presentation" style={{ top: `${top}px`, gridTemplateColumns: `repeat(${columns}, ${CELL}px)`, gridAutoRows: `${CELL}px` }}>
          {shown.map((row, i) => (
            <Cell
              key={row} place={first + i} of={rows.length} item={items.get(row)} chosen={marks.rows.has(row)} here={marks.cursor === first + i}
              clicked={clicked} open={() => open(row)}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

interface CellProps {
  place: number;
  of: number;
  item?: Item;
  chosen: boolean;
  here: boolean;
  clicked: (event: MouseEvent, place: number) => void;
  open: () => void;
}

function Cell({ place, of, item, chosen, here, clicked, open }: CellProps) {
  return (
    <div
      id={`cell-${place}`} class={`cell${here ? " here" : ""}`} role="option" aria-selected={chosen} aria-posinset={place + 1} aria-setsize={of}
      aria-label={item ? `${item.name}, ${standing(item)}` : `item ${place + 1}`} data-row={item?.row}
      onClick={(event) => clicked(event, place)} onDblClick={open}
    >
      {item && <Thumb item={item} size={128} alt="" />}
      {item && <span class={item.label === null ? "tag guess" : "tag"}>{standing(item)}</span>}
      {item && item.flag !== null && <span class="flag" title={item.flag}>⚑</span>}
    </div>
  );
}

function standing(item: Item): string {
  if (item.label !== null) return worded(item.label);
  if (item.guess) return `${item.guess.answer}? ${percent(item.guess.confidence, 0)}`;
  return item.side === "yardstick" ? "yardstick" : "–";
}
