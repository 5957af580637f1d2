// What the space can decode: an item beside its reconstruction, a walk between two, variations, and main directions.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, post } from "../api";
import { useKeys } from "../keys";
import { complain } from "../store";
import type { Get, Item } from "../types";
import { Button, percent, Thumb } from "../ui/parts";
import { Play } from "../ui/play";
import { fetchItems } from "./data";
import { ownArrows } from "./gestures";

type Pictures = Get<"DecodedItems">;
type Decoded = Get<"Decoded">;
const PAUSE = 120; // milliseconds after a slider has come to rest

interface Props {
  row: number; // the open item, or -1
  pointed: number; // the one under the pointer, for marking
  ends: number[]; // rows marked for a walk, at most two
  space: string;
  setEnds(rows: number[]): void;
  open(row: number): void;
}

export function Strip({ row, pointed, ends, space, setEnds, open }: Props) {
  const [again, setAgain] = useState<{ item: Item; pictures: Pictures } | null>(null);
  const [walk, setWalk] = useState<Pictures | null>(null);
  const [varied, setVaried] = useState<Pictures | null>(null);
  const [seed, setSeed] = useState(0);
  useEffect(() => {
    let gone = false;
    setVaried(null);
    setSeed(0);
    if (row < 0) return setAgain(null);
    Promise.all([fetchItems([row]), get<Pictures>("/api/decode/reconstruct", { rows: row, space })]).then(
      ([[item], pictures]) => gone || !item || setAgain({ item, pictures }),
      (error: unknown) => gone || complain(error),
    );
    return () => {
      gone = true;
    };
  }, [row, space]);
  useEffect(() => {
    let gone = false;
    setWalk(null);
    if (ends.length === 2) {
      post<Pictures>("/api/decode/walk", { a: ends[0], b: ends[1], space }).then((found) => gone || setWalk(found), complain);
    }
    return () => {
      gone = true;
    };
  }, [ends, space]);
  const markOne = (): void => {
    const wanted = pointed >= 0 ? pointed : row;
    if (wanted >= 0 && wanted !== ends[ends.length - 1]) setEnds(ends.length === 1 ? [ends[0], wanted] : [wanted]);
  };
  const vary = (): void => {
    if (row < 0) return;
    post<Pictures>("/api/decode/variations", { row, n: 8, seed, space }).then((found) => {
      setVaried(found);
      setSeed(seed + 1);
    }, complain);
  };
  useKeys({ walk: markOne, variations: vary });
  return (
    <section class="map-strip" aria-label="Decoder">
      <div class="row">
        <h2>Decoder</h2>
        <Button action="walk" onClick={markOne} disabled={row < 0 && pointed < 0}>
          {ends.length === 1 ? "mark the end of a walk" : "mark the start of a walk"}
        </Button>
        <Button action="variations" onClick={vary} disabled={row < 0}>{varied ? "other variations" : "variations"}</Button>
        {ends.length > 0 && <Button onClick={() => setEnds([])}>end the walk</Button>}
        {row < 0 && <span class="note">Open an item to see what the space keeps of it.</span>}
        {ends.length === 1 && <span class="note">One end is marked: open or point at another item and mark it.</span>}
      </div>
      {again && again.item.row === row && (
        <div class="map-decoded-rows">
          <figure><Thumb item={again.item} size={96} /><figcaption>original</figcaption></figure>
          {again.pictures.items.map((one, k) => <Picture key={k} one={one} name="reconstruction" />)}
          <p class="note">{again.pictures.said}</p>
        </div>
      )}
      {varied && <Many title={`${varied.items.length} variations`} pictures={varied} open={open} />}
      {walk && <Many title={`Walk in ${walk.items.length} steps`} pictures={walk} open={open} />}
      {row >= 0 && <Sliders key={`${space} ${row}`} row={row} space={space} />}
    </section>
  );
}

function Picture({ one, name }: { one: Decoded; name: string }) {
  return (
    <figure>
      <img class="thumb" src={one.src} alt={name} />
      {one.sound && <Play src={one.sound} />}
      <figcaption>{one.label || name}</figcaption>
    </figure>
  );
}

/** Decoded pictures in a row, and under each the nearest real item. */
function Many({ title, pictures, open }: { title: string; pictures: Pictures; open(row: number): void }) {
  return (
    <div>
      <h3>{title}</h3>
      <ul class="map-decoded-rows" aria-label={title}>
        {pictures.items.map((one, k) => (
          <li key={k}>
            <Picture one={one} name={`${k + 1} of ${pictures.items.length}`} />
            {one.nearest && (
              <button type="button" class="map-picture" aria-label={`Nearest real item: ${one.nearest.name}`} title="nearest real item" onClick={() => open(one.nearest!.row)}>
                <Thumb item={one.nearest} size={96} />
              </button>
            )}
            {one.nearest && one.distance != null && <small>real, {one.distance.toFixed(2)} away</small>}
          </li>
        ))}
      </ul>
      <p class="note">{pictures.said}</p>
    </div>
  );
}

function Sliders({ row, space }: { row: number; space: string }) {
  const [axes, setAxes] = useState<Get<"Axis">[]>([]);
  const [at, setAt] = useState<Record<number, number>>({});
  const [moved, setMoved] = useState<Pictures | null>(null);
  const turn = useRef(0);
  useEffect(() => {
    const stop = new AbortController();
    get<Get<"Axes">>("/api/decode/axes", { row, space }, stop.signal).then((found) => setAxes(found.axes), complain);
    return () => stop.abort();
  }, [row, space]);
  useEffect(() => {
    if (!Object.keys(at).length) return;
    const mine = ++turn.current;
    const later = setTimeout(() => {
      post<Pictures>("/api/decode/slide", { row, at, space }).then((found) => mine === turn.current && setMoved(found), complain);
    }, PAUSE);
    return () => clearTimeout(later);
  }, [at, row, space]);
  if (!axes.length) return null;
  return (
    <div class="map-sliders">
      <h3>Main directions <small>with their share of the variance of all codes</small></h3>
      <div class="row">
        {axes.map((axis) => (
          <label key={axis.index} class="map-slider">
            <span>{axis.index + 1} <small>{percent(axis.share, 0)}</small></span>
            <input type="range" min={axis.low} max={axis.high} step={(axis.high - axis.low) / 100 || 0.01} value={at[axis.index] ?? axis.at}
              aria-label={`Direction ${axis.index + 1}, ${percent(axis.share, 0)} of the variance`}
              onKeyDown={ownArrows} onInput={(event) => setAt({ ...at, [axis.index]: Number(event.currentTarget.value) })} />
          </label>
        ))}
        {moved && <Picture one={moved.items[0]} name="moved along" />}
        {Object.keys(at).length > 0 && <Button onClick={() => (setAt({}), setMoved(null))}>back to the item</Button>}
      </div>
      {moved && <p class="note">{moved.said}</p>}
    </div>
  );
}
