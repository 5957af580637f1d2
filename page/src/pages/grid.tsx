// Many items at once: filter, select, answer.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, post } from "../api";
import * as acts from "../grid/acts";
import { Duplicates } from "../grid/duplicates";
import { FilterBar, useFilters } from "../grid/filters";
import { itemsOf } from "../grid/items";
import { all, NO_MARKS, none, within, type Marks } from "../grid/marks";
import { SamplePanel, type Looked } from "../grid/sample";
import { Table } from "../grid/table";
import { useKeys } from "../keys";
import { Details } from "../label/details";
import { FlagDialog } from "../label/flag";
import { hand, selection } from "../label/selection";
import { go, requery, route } from "../route";
import { complain, say, useValue } from "../store";
import type { Get, Item } from "../types";
import { ClassButtons, stayOut } from "../ui/classes";
import { Button, count, Empty, number } from "../ui/parts";
import "./grid.css";

const PAGE = 200; // items that come with their rows
const FEW = 24; // selected items that a person sees all of
const FLAGS = 50; // items that get a flag at once
const HANDED = 100_000; // rows that a queue takes
const CANNOT_TELL = "?";
const NOTHING: Looked = { rows: [], wrong: [] };

export function GridPage() {
  const duplicates = useValue(route).searchParams.get("show") === "duplicates";
  return <div class="grid-page">{duplicates ? <Duplicates /> : <Grid />}</div>;
}

function useRows(): { found: Get<"GridRecord"> | null; again: () => void; filters: ReturnType<typeof useFilters>; given: boolean } {
  const filters = useFilters();
  const given = useValue(route).searchParams.has("rows");
  const [found, setFound] = useState<Get<"GridRecord"> | null>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const control = new AbortController();
    const chosen = given ? selection() : null;
    const asked = chosen
      ? itemsOf(chosen.slice(0, PAGE), control.signal).then((items) => ({ total: chosen.length, rows: chosen, items, said: "handed over from another page" }))
      : get<Get<"GridRecord">>("/grid.json", { ...filters, page: 0, size: PAGE }, control.signal);
    asked.then(setFound).catch(complain);
    return () => control.abort();
  }, [JSON.stringify(filters), given, turn]);
  return { found, again: () => setTurn((now) => now + 1), filters, given };
}

function Grid() {
  const { found, again, filters, given } = useRows();
  const rows = found?.rows ?? [];
  const [marks, setMarks] = useState<Marks>(NO_MARKS);
  const [seen, setSeen] = useState<number[]>([]);
  const [looked, setLooked] = useState<Looked>(NOTHING);
  const [seed, setSeed] = useState(0);
  const [halves, setHalves] = useState<Get<"Split"> | null>(null);
  const [busy, setBusy] = useState("");
  const keys = useRef<string[]>([]); // of the latest answers that went through the outbox
  const line = useRef(Promise.resolve()); // one act after another: Z right behind an answer takes it back
  const [open, setOpen] = useState<{ details?: number; flag?: Item[] }>({});
  const chosen = useMemo(() => [...marks.rows], [marks.rows]);
  const insight = chosen.length <= FEW && chosen.every((row) => seen.includes(row));
  useEffect(() => setMarks((now) => within(now, rows)), [found]);
  useEffect(() => setLooked(NOTHING), [marks.rows]);
  useEffect(() => {
    if (halves && !same(chosen, halves.a) && !same(chosen, halves.b)) setHalves(null);
  }, [chosen]);
  const during = (what: string, act: () => Promise<void>): void => {
    line.current = line.current.then(() => (setBusy(what), act())).catch(complain).then(() => setBusy(""));
  };
  const needed = (act: () => void) => (): void => (chosen.length ? act() : say("Select items first: arrows, Shift, a click, or all shown."));
  const give = (answer: string): void => needed(() => {
    if (!insight && looked.rows.length === 0) return say("A moment: the sample to look at is on its way.");
    during("Answering…", async () => {
      if (insight) return void (keys.current = acts.give(answer, await itemsOf(chosen)));
      await acts.bulk(answer, chosen, looked.rows, looked.wrong);
      keys.current = [];
    });
  })();
  const accept = needed(() => during("Accepting…", async () => void (keys.current = await acts.accept(chosen))));
  const undo = (): void => during("Undoing…", () => acts.undo(keys.current.splice(0)));
  const split = needed(() => during("Splitting…", async () => {
    const parts = await post<Get<"Split">>("/api/split", { rows: chosen });
    setHalves(parts);
    setMarks({ ...marks, rows: new Set(parts.a) });
    say(parts.said);
  }));
  const flag = needed(() => {
    if (chosen.length > FLAGS) return say(`Flags are for single items: select ${FLAGS} or fewer.`, "error");
    itemsOf(chosen).then((items) => setOpen({ flag: items })).catch(complain);
  });
  const details = (): void => void (rows.length && setOpen({ details: rows[marks.cursor] }));
  useKeys({
    "select-all": () => setMarks(all(marks, rows)), skip: () => setMarks(none(marks)), accept, undo, redo: () => during("Redoing…", acts.redo),
    "cannot-tell": () => give(CANNOT_TELL), flag, split, resample: () => setSeed(seed + 1), details, neighbours: details,
    ...(given ? { back: () => requery({ rows: null }) } : {}),
  });
  const single = (): void => {
    if (chosen.length > HANDED) return say(`At most ${number(HANDED)} at a time.`, "error");
    hand(chosen);
    go("/label?kind=rows");
  };
  return (
    <>
      <h1 class="visually-hidden">Grid</h1>
      {given ? <Handed n={rows.length} /> : <FilterBar filters={filters} again={again} />}
      {found && <p class="note" aria-live="polite">{found.said}</p>}
      <div class="with-panel">
        {found === null ? <p class="note">Fetching…</p> : rows.length === 0 ? <Empty>No item is like that. Choose other filters, or “All items”.</Empty> : (
          <Table rows={rows} given={found.items} marks={marks} mark={setMarks} open={(row) => setOpen({ details: row })} seen={setSeen} />
        )}
        <aside class="side" aria-label="Selection">
          <h2 aria-live="polite">Selected {number(chosen.length)} <small>of {number(rows.length)}</small></h2>
          <div class="row">
            <Button action="select-all" onClick={() => setMarks(all(marks, rows))}>All shown</Button>
            <Button action="skip" disabled={!chosen.length} onClick={() => setMarks(none(marks))}>None</Button>
            <Button action="split" disabled={chosen.length < 2} onClick={split}>Split</Button>
          </div>
          {halves && <Halves halves={halves} choose={(part) => setMarks({ ...marks, rows: new Set(part) })} />}
          {chosen.length > 0 && !insight && (
            <SamplePanel rows={chosen} seed={seed} looked={looked} look={setLooked} resample={() => setSeed(seed + 1)} open={(row) => setOpen({ details: row })} />
          )}
          <ClassButtons onGive={give} />
          <div class="row">
            <Button action="accept" onMouseDown={stayOut} onClick={accept}>Accept guesses</Button>
            <Button action="cannot-tell" onMouseDown={stayOut} onClick={() => give(CANNOT_TELL)}>Cannot tell</Button>
            <Button action="flag" onMouseDown={stayOut} onClick={flag}>Flag</Button>
            <Button action="undo" onMouseDown={stayOut} onClick={undo}>Undo</Button>
            <Button action="redo" onMouseDown={stayOut} onClick={() => during("Redoing…", acts.redo)}>Redo</Button>
            <Button action="details" onMouseDown={stayOut} onClick={details}>Open</Button>
            <Button disabled={!chosen.length} onClick={single}>Label one by one</Button>
            <Button action="duplicates" onClick={() => requery({ show: "duplicates" })}>Near copies</Button>
          </div>
          <p class="note" role="status">{busy || "Arrows move, Shift extends, Ctrl and a click adds one."}</p>
        </aside>
      </div>
      {open.details !== undefined && <Details row={open.details} close={() => setOpen({})} />}
      {open.flag && <FlagDialog items={open.flag} close={() => setOpen({})} />}
    </>
  );
}

const same = (a: number[], b: number[]): boolean => a.length === b.length && a.every((row, i) => row === b[i]);

function Handed({ n }: { n: number }) {
  return (
    <div class="row">
      <strong>{count(n, "item")} from another page</strong>
      <Button action="back" onClick={() => requery({ rows: null })}>All items</Button>
    </div>
  );
}

function Halves({ halves, choose }: { halves: Get<"Split">; choose: (rows: number[]) => void }) {
  return (
    <div class="row" role="group" aria-label="The two groups">
      <small>{halves.said}</small>
      <Button onClick={() => choose(halves.a)}>First group, {number(halves.a.length)}</Button>
      <Button onClick={() => choose(halves.b)}>Second group, {number(halves.b.length)}</Button>
    </div>
  );
}
