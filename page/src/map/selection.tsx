// The selection: a random part of it to look at, then one class for all of it.
import { useEffect, useState } from "preact/hooks";
import { post } from "../api";
import { useKeys } from "../keys";
import { go } from "../route";
import { complain, refresh, say, session, state, unique, useValue, who } from "../store";
import type { Get } from "../types";
import { ClassButtons } from "../ui/classes";
import { Button, count, number, Thumb } from "../ui/parts";
import { csvOf, download, remember } from "./data";

type Sample = Get<"Sample">;
type Bulk = Get<"Bulk">;

interface Props {
  rows: Int32Array;
  of: number;
  name: string; // of the project, for the list
  select(rows: Int32Array): void;
  open(row: number): void;
  changed(): void; // answers were given or taken back
  alone?(answer: string): void; // what a class key does while nothing is selected
}

const HANDED = 100_000; // rows that a queue takes

/** Hand a selection to another page of this tab. */
export function handOver(rows: Int32Array, path: string): void {
  try {
    sessionStorage.setItem("tacit.selection", JSON.stringify([...rows]));
    go(path);
  } catch {
    say("this browser keeps nothing between pages, so a selection cannot be sent", "error");
  }
}

export const unReDo = async (kind: "undo" | "redo"): Promise<void> => {
  const done = await post<Get<"Changed">>(`/api/${kind}`, { who: who.value, session });
  say(done.said);
  await refresh();
};

export function Selection({ rows, of, name, select, open, changed, alone }: Props) {
  const [sample, setSample] = useState<Sample | null>(null);
  const [seed, setSeed] = useState(0);
  const [seen, setSeen] = useState<ReadonlySet<number>>(new Set());
  const [wrong, setWrong] = useState<ReadonlySet<number>>(new Set());
  const [halves, setHalves] = useState<Get<"Split"> | null>(null);
  const [busy, setBusy] = useState("");
  const [last, setLast] = useState<Bulk | null>(null);
  const classes = useValue(state)?.classes ?? [];

  useEffect(() => {
    setSample(null); // another selection's was looked at for that one
    setSeen(new Set());
    setWrong(new Set());
    setHalves((now) => now && (same(now.a, rows) || same(now.b, rows)) ? now : null);
  }, [rows]);
  useEffect(() => {
    let gone = false;
    if (!rows.length) return setSample(null);
    post<Sample>("/api/sample", { rows: [...rows], n: 12, seed }).then((found) => {
      if (gone) return;
      remember(found.items);
      setSample(found);
      setSeen((before) => new Set([...before, ...found.items.map((item) => item.row)]));
    }, complain);
    return () => {
      gone = true;
    };
  }, [rows, seed]);

  const during = (what: string, task: () => Promise<void>): void => {
    if (busy) return;
    setBusy(what);
    task().catch(complain).finally(() => setBusy(""));
  };
  const give = (answer: string): void => {
    if (!rows.length) return alone?.(answer);
    if (!sample) return say("A moment: the sample to look at is on its way.");
    during(`giving ${answer === "?" ? "cannot tell" : answer} …`, async () => {
      const order = { key: unique(), who: who.value, answer, rows: [...rows], looked: [...seen], wrong: [...wrong] };
      const done = await post<Bulk>("/api/bulk", order);
      setLast(done);
      say(done.said);
      select(new Int32Array(0));
      await refresh();
      changed();
    });
  };
  const split = (): void => during("splitting …", async () => setHalves(await post<Get<"Split">>("/api/split", { rows: [...rows] })));
  const list = (): void =>
    during("making the list …", async () => {
      const text = await csvOf(rows, (done) => setBusy(`the list: ${number(done)} of ${number(rows.length)}`));
      download(text, `${name}-selection.csv`);
    });
  const undone = (kind: "undo" | "redo") => (): void => during(`${kind} …`, () => unReDo(kind).then(changed));
  const some = rows.length > 0;
  useKeys({
    ...Object.fromEntries(classes.slice(0, 13).map((one, k) => [`class-${k + 1}`, () => give(one.name)])),
    "cannot-tell": () => give("?"),
    resample: () => some && setSeed((now) => now + 1),
    split: () => some && split(),
    undo: undone("undo"),
    redo: undone("redo"),
    skip: () => select(new Int32Array(0)),
  });
  const mark = (row: number): void => setWrong(new Set(wrong.has(row) ? [...wrong].filter((one) => one !== row) : [...wrong, row]));
  return (
    <section class={`panel map-selection ${some ? "" : "empty"}`} aria-label="Selection">
      <h2 aria-live="polite">Selected {number(rows.length)} <small>of {number(of)}</small></h2>
      {!some && <p class="note">Draw a lasso around points, or choose a cluster or the ring ◎ of a line of the legend. Shift adds, Alt removes.</p>}
      {some && sample && (
        <>
          <ul class="map-small-pictures" aria-label="A random part of the selection">
            {sample.items.map((item) => (
              <li key={item.row}>
                <button type="button" class="map-picture" aria-pressed={wrong.has(item.row)} title="click: this one is something else" aria-label={`${item.name}${wrong.has(item.row) ? ", marked as something else" : ""}`}
                  onClick={() => mark(item.row)} onDblClick={() => open(item.row)}
                  onKeyDown={(event) => event.key.toLowerCase() === "x" && (event.preventDefault(), event.stopPropagation(), mark(item.row))}>
                  <Thumb item={item} size={96} />
                </button>
              </li>
            ))}
          </ul>
          <p class="note">
            {count(sample.of, "item")} to answer{sample.labeled > 0 && `, ${number(sample.labeled)} answered already`}
            {sample.yardstick > 0 && `, ${number(sample.yardstick)} of the yardstick left alone`}.
            {sample.groups && ` ${sample.groups[0].toUpperCase()}${sample.groups.slice(1)}.`}
            {sample.suggestion && ` Most guesses say ${sample.suggestion}.`} Looked at {number(seen.size)}
            {wrong.size > 0 && `, ${number(wrong.size)} marked as something else and left out`}.
          </p>
          <ClassButtons onGive={give} />
          <div class="row"><Button action="cannot-tell" onClick={() => give("?")}>cannot tell</Button></div>
        </>
      )}
      <div class="row">
        {some && <Button action="resample" onClick={() => setSeed(seed + 1)}>another part</Button>}
        {some && <Button action="split" onClick={split}>split</Button>}
        <Button action="undo" onClick={undone("undo")}>undo</Button>
        <Button action="redo" onClick={undone("redo")}>redo</Button>
        {some && <Button action="skip" onClick={() => select(new Int32Array(0))}>clear</Button>}
      </div>
      {halves && (
        <div class="row" role="group" aria-label="The two halves">
          <Button aria-pressed={same(halves.a, rows)} onClick={() => select(Int32Array.from(halves.a))}>first: {number(halves.a.length)}</Button>
          <Button aria-pressed={same(halves.b, rows)} onClick={() => select(Int32Array.from(halves.b))}>second: {number(halves.b.length)}</Button>
          <span class="note">{halves.said}</span>
        </div>
      )}
      {some && (
        <div class="row">
          <Button onClick={() => handOver(rows, "/grid?rows=selection")}>send to grid</Button>
          <Button disabled={rows.length > HANDED} onClick={() => handOver(rows, "/label?kind=rows")}>label one by one</Button>
          <Button onClick={list}>save as list</Button>
        </div>
      )}
      <p class="note" role="status">{busy || (last && !some ? last.said : "")}</p>
    </section>
  );
}

const same = (a: ArrayLike<number>, b: ArrayLike<number>): boolean => a.length === b.length && (!a.length || (a[0] === b[0] && a[a.length - 1] === b[b.length - 1]));
