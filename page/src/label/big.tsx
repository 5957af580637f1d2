// One item, as large as there is room: a picture, a sound with its spectrum, or a row of numbers as a line.
import { useEffect, useRef, useState } from "preact/hooks";
import { picture, sound, thumb } from "../api";
import { useKeys } from "../keys";
import type { Item } from "../types";
import { Button } from "../ui/parts";
import { fetchCells, ItemCells } from "./cells";
import { across } from "./drawn";

const LARGEST = 320; // pixels of a thumb
const ZOOMS = [1, 1.5, 2, 3, 4, 6, 8];

/** Where the large picture of an item lies; only images have a file that a browser can show. */
export const large = (item: Item): string => (item.kind === "image" ? picture(item) : thumb(item, LARGEST));

export function Big({ item }: { item: Item }) {
  const [zoom, setZoom] = useState(0);
  const [gone, setGone] = useState<number | null>(null); // the row whose file could not be shown
  const lost = gone === item.row;
  useKeys({
    "zoom-in": () => setZoom((now) => Math.min(now + 1, ZOOMS.length - 1)),
    "zoom-out": () => setZoom((now) => Math.max(now - 1, 0)),
  });
  const part = `${100 * ZOOMS[zoom]}%`;
  return (
    <div class="big">
      <div class="stage" data-row={item.row}>
        <img
          src={lost ? thumb(item, LARGEST) : large(item)} alt={item.name} decoding="sync" draggable={false}
          style={{ width: part, height: part }} onError={() => setGone(item.row)}
        />
        {item.kind === "sound" && <Sound key={item.row} item={item} />}
      </div>
      {item.kind === "vector" && <ItemCells item={item} />}
      {lost && <p class="note lost">The file is gone from the disk, was changed, or cannot be read; this is the small copy that Tacit works with.</p>}
      <div class="row tools">
        <Button action="zoom-out" disabled={zoom === 0} onClick={() => setZoom(zoom - 1)}>Smaller</Button>
        <Button action="zoom-in" disabled={zoom === ZOOMS.length - 1} onClick={() => setZoom(zoom + 1)}>Larger</Button>
        {zoom > 0 && <span class="note">{ZOOMS[zoom]} times</span>}
      </div>
    </div>
  );
}

/** Play and stop, and a line over the spectrum that shows where. */
function Sound({ item }: { item: Item }) {
  const player = useRef<HTMLAudioElement>(null);
  const line = useRef<HTMLSpanElement>(null);
  const [playing, setPlaying] = useState(false);
  const [wrong, setWrong] = useState(false);
  const toggle = (): void => {
    const audio = player.current!;
    if (!audio.paused) return audio.pause();
    audio.currentTime = 0;
    audio.play().catch(() => setWrong(true));
  };
  useKeys({ play: toggle });
  useEffect(() => {
    if (!playing) return;
    let frame = requestAnimationFrame(function follow() {
      if (!player.current || !line.current) return; // the next item came before this effect's end
      const { currentTime, duration } = player.current;
      const left = across(line.current.parentElement!.querySelector("img")!, duration ? currentTime / duration : 0);
      if (left !== null) line.current.style.left = `${left}px`;
      frame = requestAnimationFrame(follow);
    });
    return () => cancelAnimationFrame(frame);
  }, [playing]);
  return (
    <>
      <span class={playing ? "position" : "position still"} ref={line} aria-hidden="true" />
      <audio
        ref={player} src={sound(item)} preload="auto" onPlay={() => setPlaying(true)} onPause={() => setPlaying(false)}
        onEnded={() => setPlaying(false)} onError={() => setWrong(true)}
      />
      <div class="play">
        <Button action="play" disabled={wrong} onClick={toggle}>{playing ? "Stop" : "Play"}</Button>
        {wrong && <span class="note">This sound cannot be played here.</span>}
      </div>
    </>
  );
}

const held = new Map<string, HTMLImageElement>(); // while they are held, the browser keeps them decoded

/** Fetch and decode the pictures that come next, and let go of the others. */
export function preload(items: Item[]): void {
  const wanted = new Set(items.map(large));
  for (const item of items) if (item.kind === "vector") void fetchCells(item).catch(() => undefined);
  for (const src of held.keys()) if (!wanted.has(src)) held.delete(src);
  for (const src of wanted) {
    if (held.has(src)) continue;
    const image = new Image();
    image.src = src;
    held.set(src, image);
    image.decode().catch(() => undefined); // a file that is gone: the page says so when it gets there
  }
}
