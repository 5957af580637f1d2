// One item beside the map: what is known of it, its neighbours in the full space, and its class in a click.
import { useEffect, useState } from "preact/hooks";
import { get, post } from "../api";
import { useKeys } from "../keys";
import { complain, refresh, say, session, state, unique, useValue, who } from "../store";
import type { Get, Item } from "../types";
import { Button, percent, Thumb } from "../ui/parts";
import { Play } from "../ui/play";
import { fetchItems, remember } from "./data";
import { ClassSwatch } from "./legend";

type Details = Get<"ItemDetails">;
export type Corner = "left" | "right";

const sure = (confidence: number): string => percent(confidence, 0);

export function Facts({ item }: { item: Item }) {
  const { guess } = item;
  return (
    <dl class="map-facts">
      <dt>answer</dt>
      <dd>{item.label === "?" ? "cannot tell" : (item.label ?? "none yet")}</dd>
      {guess && <><dt>looks like</dt><dd title="the model's own confidence">{guess.answer}, {sure(guess.confidence)}{guess.second && guess.second_confidence != null && `; or ${guess.second}, ${sure(guess.second_confidence)}`}</dd></>}
      {item.side === "yardstick" && <><dt>yardstick</dt><dd>only measured on, never guessed</dd></>}
      {item.reason && <><dt>suggested</dt><dd>{item.reason}</dd></>}
      {item.flag && <><dt>flag</dt><dd>{item.flag}</dd></>}
    </dl>
  );
}

/** What is under the pointer: over the map, so that nothing else moves when it comes and goes. */
export function Hovered({ row, side }: { row: number; side: Corner }) {
  const [item, setItem] = useState<Item | null>(null);
  useEffect(() => {
    if (row < 0) return setItem(null);
    let gone = false;
    const later = setTimeout(() => void fetchItems([row]).then(([found]) => gone || setItem(found ?? null), () => undefined), 50);
    return () => {
      gone = true;
      clearTimeout(later);
    };
  }, [row]);
  if (!item) return null;
  return (
    <section class={`panel map-hovered-item ${side}`} aria-label="Under the pointer">
      <div class="big"><Thumb item={item} size={160} /></div>
      <div><bdi class="name">{item.name}</bdi><Facts item={item} /></div>
    </section>
  );
}

interface Props {
  row: number;
  version: number; // of the project: answers come and go
  space: string;
  open(row: number): void;
  close(): void;
  select(rows: Int32Array): void;
  changed(): void;
}

export function OpenItem({ row, version, space, open, close, select, changed }: Props) {
  const [details, setDetails] = useState<Details | null>(null);
  const [why, setWhy] = useState("");
  useEffect(() => {
    const stop = new AbortController();
    get<Details>(`/api/items/${row}`, { n: 8, space }, stop.signal).then(
      (found) => {
        remember([found.item, ...found.neighbours.map((one) => one.item)]);
        setDetails(found);
        setWhy("");
      },
      (error: unknown) => stop.signal.aborted || setWhy(error instanceof Error ? error.message : String(error)),
    );
    return () => stop.abort();
  }, [row, version, space]);
  const item = details?.item;
  if (why) return <section class="panel"><p>{why}</p></section>;
  if (!item || item.row !== row) return <section class="panel" aria-busy="true"><p class="note">item {row} …</p></section>;
  return (
    <section class="panel map-item" aria-label={`Item ${item.name}`}>
      <header>
        <h2><bdi>{item.name}</bdi></h2>
        <button type="button" class="quiet" aria-label="Close this item" onClick={close}>×</button>
      </header>
      <div class="big"><Thumb item={item} size={320} />{item.kind === "sound" && <Play item={item} action="play" />}</div>
      <Facts item={item} />
      {!details.there && <p class="note">The file is gone from the disk; this picture comes from the packed copy.</p>}
      <ClassButtons current={item.label} give={(answer) => answerItem(item, answer).then(changed, complain)} />
      <Flag item={item} changed={changed} />
      <h3>Nearest in the full space <small>with their distance: the smaller, the more alike</small></h3>
      {details.warning && <p class="warning" role="note">{details.warning}</p>}
      <ul class="map-small-pictures">
        {details.neighbours.map(({ item: one, distance }) => (
          <li key={one.row}>
            <button type="button" class="map-picture" aria-label={`Open ${one.name}, distance ${distance.toFixed(2)}`} onClick={() => open(one.row)}><Thumb item={one} size={96} /></button>
            <small>{distance.toFixed(2)}{one.label && ` · ${one.label}`}</small>
          </li>
        ))}
      </ul>
      <Button onClick={() => select(Int32Array.from([row, ...details.neighbours.map((one) => one.item.row)]))}>Select these {details.neighbours.length + 1}</Button>
    </section>
  );
}

/** Give one item its class, from the map. */
export async function answerItem(item: Item, answer: string): Promise<void> {
  const one = { key: unique(), row: item.row, answer, suggestion: item.guess?.answer ?? null, time: Date.now() / 1000 };
  const done = await post<Get<"Recorded">>("/api/answers", { who: who.value, session, answers: [one] });
  if (done.refused.length) say(done.refused[0].error, "error");
  else say(`${item.name}: ${answer === "?" ? "cannot tell" : (done.renamed[answer] ?? answer)}`);
  await refresh();
}

function Flag({ item, changed }: { item: Item; changed(): void }) {
  const [open, setOpen] = useState(false);
  useKeys({ flag: () => setOpen(true) });
  const send = async (note: string | null): Promise<void> => {
    const done = await post<Get<"Said">>("/api/flags", { row: item.row, who: who.value, note });
    say(done.said);
    setOpen(false);
    await refresh();
    changed();
  };
  const typed = (event: SubmitEvent): void => {
    event.preventDefault();
    void send(new FormData(event.target as HTMLFormElement).get("note")!.toString()).catch(complain);
  };
  if (!open) {
    return (
      <div class="row">
        <Button action="flag" onClick={() => setOpen(true)}>flag</Button>
        {item.flag !== null && <Button onClick={() => void send(null).catch(complain)}>take the flag away</Button>}
      </div>
    );
  }
  return (
    <form class="row" onSubmit={typed}>
      <input name="note" aria-label="Note for the flag" placeholder="what is wrong with it?" maxLength={2000} defaultValue={item.flag ?? ""}
        ref={(input) => input?.focus()} onKeyDown={(event) => event.key === "Escape" && setOpen(false)} />
      <button type="submit">flag it</button>
    </form>
  );
}

/** Without keys: those are the selection's. */
function ClassButtons({ give, current }: { give(answer: string): void; current: string | null }) {
  const classes = useValue(state)?.classes ?? [];
  return (
    <div class="row map-classes" role="group" aria-label="Give a class">
      {classes.map((one, k) => (
        <Button key={one.name} aria-pressed={current === one.name} onClick={() => give(one.name)}>
          <ClassSwatch k={k} />
          <bdi>{one.name}</bdi>
        </Button>
      ))}
      <Button aria-pressed={current === "?"} onClick={() => give("?")}>cannot tell</Button>
    </div>
  );
}
