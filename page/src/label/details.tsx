// All about one item: its file, its neighbours in the full space, what people answered, and buttons to correct it.
import { useEffect, useState } from "preact/hooks";
import { get, post } from "../api";
import { useKeys } from "../keys";
import { give } from "../outbox";
import { complain, say, state, useValue } from "../store";
import type { Get, Item } from "../types";
import { ClassButtons } from "../ui/classes";
import { Button, count, Dialog, lasting, percent, Thumb } from "../ui/parts";
import { Play } from "../ui/play";
import { ItemCells } from "./cells";
import { FlagDialog } from "./flag";
import "./details.css";

const NEIGHBOURS = 12;
const CANNOT_TELL = "?";
export const worded = (answer: string): string => (answer === CANNOT_TELL ? "cannot tell" : answer);

interface Props {
  row: number;
  close: () => void;
  onGive?: (item: Item, answer: string) => void; // default: the answer goes to the server
}

export function Details({ row, close, onGive }: Props) {
  const [trail, setTrail] = useState([row]);
  const at = trail[trail.length - 1];
  const [found, setFound] = useState<Get<"ItemDetails"> | null>(null);
  const [asked, ask] = useState(0);
  useEffect(() => {
    const control = new AbortController();
    get<Get<"ItemDetails">>(`/api/items/${at}`, { n: NEIGHBOURS }, control.signal).then(setFound).catch(complain);
    return () => control.abort();
  }, [at, asked]);
  const answer = (name: string): void => {
    if (found?.item.row !== at) return say("A moment: this item is on its way.");
    if (onGive) onGive(found.item, name);
    else give([{ row: at, answer: name, suggestion: found.item.guess?.answer ?? null }]);
    setFound({ ...found, item: { ...found.item, label: name } });
    say(`${worded(name)}: ${found.item.name}`);
  };
  return (
    <Dialog title={found?.item.name ?? "Item"} close={close}>
      {trail.length > 1 && <Button onClick={() => setTrail(trail.slice(0, -1))}>Back to the item before</Button>}
      {found ? <Shown found={found} answer={answer} open={(next) => setTrail([...trail, next])} again={() => ask(asked + 1)} /> : <p class="note">Fetching…</p>}
    </Dialog>
  );
}

interface ShownProps {
  found: Get<"ItemDetails">;
  answer: (name: string) => void;
  open: (row: number) => void;
  again: () => void;
}

function Shown({ found, answer, open, again }: ShownProps) {
  const { item } = found;
  const [flag, setFlag] = useState(false);
  useKeys({ "cannot-tell": () => answer(CANNOT_TELL), flag: () => setFlag(true) });
  return (
    <div class="item-details">
      <div class="about">
        <div class="portrait"><Thumb item={item} size={320} /></div>
        <dl class="facts">
          <dt>Answer</dt><dd>{item.label === null ? "none yet" : worded(item.label)}</dd>
          {item.guess && <><dt>Looks like</dt><dd>{item.guess.answer}, {percent(item.guess.confidence, 0)} (the model's own confidence)</dd></>}
          {item.reason && <><dt>Suggested</dt><dd>{item.reason}</dd></>}
          {item.side === "yardstick" && <><dt>Yardstick</dt><dd>it measures the model, which never learns from it</dd></>}
          {item.flag !== null && <><dt>Flag</dt><dd>{item.flag || "without a note"}</dd></>}
          <dt>{found.paths.length === 1 ? "File" : "Files"}</dt>
          <dd>{found.paths.map((path) => <div key={path}>{path}</div>)}{!found.there && "gone from the disk"}{found.size !== null && ` ${count(found.size, "byte")}`}</dd>
        </dl>
      </div>
      <ItemCells item={item} />
      <ClassButtons onGive={answer} current={item.label} />
      <div class="row">
        {item.kind === "sound" && <Play item={item} action="play" />}
        <Button action="cannot-tell" onClick={() => answer(CANNOT_TELL)}>Cannot tell</Button>
        <Button action="flag" onClick={() => setFlag(true)}>Flag</Button>
      </div>
      <h3>Neighbours in the full space <small>with their distance: the smaller, the more alike</small></h3>
      {found.warning && <p class="note">{found.warning}</p>}
      {found.agree !== null && <p class="note">{percent(found.agree, 0)} of these {found.neighbours.length} are near on the map as well.</p>}
      <ul class="neighbours">
        {found.neighbours.map(({ item: near, distance }) => (
          <li key={near.row}>
            <button type="button" class="bare" aria-label={`Open ${near.name}, distance ${distance.toFixed(2)}`} onClick={() => open(near.row)}>
              <Thumb item={near} size={96} alt="" />
            </button>
            <small>{distance.toFixed(2)} {near.label !== null ? worded(near.label) : ""}</small>
          </li>
        ))}
      </ul>
      <Variations item={item} />
      <h3>History</h3>
      {found.history.length === 0 ? <p class="note">Nobody has answered.</p> : <History events={found.history} />}
      {flag && <FlagDialog items={[item]} close={() => setFlag(false)} done={again} />}
    </div>
  );
}

const DONE: Record<string, string> = { answer: "answered", undo: "took back", redo: "brought back" };

function History({ events }: { events: Get<"Answered">[] }) {
  return (
    <div class="wide">
      <table>
        <thead><tr><th>When</th><th>Who</th><th>What</th><th>How</th><th class="n">Took</th></tr></thead>
        <tbody>
          {events.map((one) => (
            <tr key={one.event}>
              <td>{new Date(1000 * one.time).toLocaleString()}</td>
              <td>{one.who}</td>
              <td>{DONE[one.kind] ?? one.kind} {worded(one.answer)}</td>
              <td>{one.source}{one.suggestion && `, the model guessed ${one.suggestion}`}{one.note && `, “${one.note}”`}</td>
              <td class="n">{one.seconds === null ? "–" : lasting(one.seconds)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What the decoder draws around this item; only where the encoder has one. */
function Variations({ item }: { item: Item }) {
  const decodes = useValue(state)?.space?.decodes ?? false;
  const [drawn, setDrawn] = useState<Get<"DecodedItems"> | null>(null);
  const [seed, setSeed] = useState(0);
  const draw = (): void => {
    post<Get<"DecodedItems">>("/api/decode/variations", { row: item.row, n: 8, seed }).then((found) => (setDrawn(found), setSeed(seed + 1))).catch(complain);
  };
  useEffect(() => setDrawn(null), [item.row]);
  useKeys(decodes ? { variations: draw } : {});
  if (!decodes) return null;
  return (
    <>
      <div class="row"><Button action="variations" onClick={draw}>{drawn ? "Draw other variations" : "Draw variations of it"}</Button></div>
      {drawn && <p class="note">{drawn.said}</p>}
      {drawn && <div class="neighbours">{drawn.items.map((one, i) => <img key={i} src={one.src} alt={`Variation ${i + 1}, drawn by the decoder`} />)}</div>}
    </>
  );
}
