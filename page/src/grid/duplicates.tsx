// Groups of near copies: one of each is kept for labelling, the others are set aside.
import { useEffect, useState } from "preact/hooks";
import { get, post } from "../api";
import { useKeys } from "../keys";
import { Details } from "../label/details";
import { requery } from "../route";
import { complain, refresh, say, unique, who } from "../store";
import type { Get, Item } from "../types";
import { Button, count, Empty, Thumb } from "../ui/parts";
import * as acts from "./acts";

const GROUPS = 50; // on screen at once

export function Duplicates() {
  const [found, setFound] = useState<Get<"Duplicates"> | null>(null);
  const [kept, setKept] = useState<ReadonlyMap<number, number>>(new Map()); // group -> row, where another one is kept
  const [open, setOpen] = useState<number | null>(null);
  const [turn, setTurn] = useState(0);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    const control = new AbortController();
    get<Get<"Duplicates">>("/api/duplicates", { n: GROUPS }, control.signal).then((now) => (setFound(now), setKept(new Map()))).catch(complain);
    return () => control.abort();
  }, [turn]);
  const near = found?.groups.filter(({ exact }) => !exact) ?? [];
  const keep = async (): Promise<void> => {
    if (busy || near.length === 0) return;
    setBusy(true);
    try {
      const groups = near.map((group, i) => sorted([group.keep, ...group.others].map(({ row }) => row), kept.get(i)));
      say((await post<Get<"Said">>("/api/duplicates", { who: who.value, key: unique(), groups })).said);
      await refresh();
    } catch (error) {
      complain(error);
    }
    setBusy(false);
    setTurn(turn + 1);
  };
  const back = (act: Promise<void>): void => void act.then(() => setTurn(turn + 1)).catch(complain);
  useKeys({
    details: () => void keep(),
    undo: () => back(acts.undo([])),
    redo: () => back(acts.redo()),
    back: () => requery({ show: null }),
    duplicates: () => requery({ show: null }),
  });
  return (
    <>
      <div class="row">
        <h1>Near copies</h1>
        <Button primary action="details" disabled={busy || near.length === 0} onClick={() => void keep()}>Keep one of each: {count(near.length, "group")}</Button>
        <Button action="undo" onClick={() => back(acts.undo([]))}>Undo</Button>
        <Button action="back" onClick={() => requery({ show: null })}>Back to the grid</Button>
      </div>
      {found === null ? <p class="note">Looking for near copies…</p> : <p aria-live="polite">{found.said}</p>}
      {found !== null && found.groups.length === 0 && <Empty>Every item is unlike the others: nothing has to be set aside.</Empty>}
      <ol class="groups" aria-label="Groups of near copies">
        {near.map((group, i) => (
          <Group key={group.keep.row} group={group} kept={kept.get(i) ?? group.keep.row} open={setOpen} keep={(row) => setKept(new Map([...kept, [i, row]]))} />
        ))}
      </ol>
      <Files groups={found?.groups.filter(({ exact }) => exact) ?? []} />
      {open !== null && <Details row={open} close={() => setOpen(null)} />}
    </>
  );
}

interface GroupProps {
  group: Get<"DuplicateGroup">;
  kept: number;
  keep: (row: number) => void;
  open: (row: number) => void;
}

function Group({ group, kept, keep, open }: GroupProps) {
  const items: Item[] = [group.keep, ...group.others];
  return (
    <li class="panel" aria-label={count(items.length, "near copy").replace(/copys$/, "copies")}>
      {items.map((item) => (
        <button key={item.row} type="button" class="bare copy" aria-pressed={item.row === kept} onClick={() => keep(item.row)} onDblClick={() => open(item.row)}
          aria-label={`Keep ${item.name}`}>
          <Thumb item={item} size={96} alt="" />
          <small>{item.row === kept ? "kept" : "set aside"}</small>
        </button>
      ))}
      <small class="note">at most {group.distance.toFixed(2)} of the usual distance between neighbours apart</small>
    </li>
  );
}

/** Items that came in several files: nothing is to be done about them. */
function Files({ groups }: { groups: Get<"DuplicateGroup">[] }) {
  if (groups.length === 0) return null;
  return (
    <>
      <h2>The same content in several files: one item already</h2>
      <ul class="groups" aria-label="Items of several files">
        {groups.map(({ keep, paths = [] }) => (
          <li key={keep.row} class="panel">
            <div class="bare copy"><Thumb item={keep} size={96} /></div>
            <small>{paths.map((path) => <div key={path}>{path}</div>)}</small>
          </li>
        ))}
      </ul>
    </>
  );
}

const sorted = (rows: number[], first: number | undefined): number[] => (first === undefined ? rows : [first, ...rows.filter((row) => row !== first)]);
