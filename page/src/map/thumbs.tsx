// Thumbnails on the map: of so many items as have room, each beside its point.
import { useEffect, useState } from "preact/hooks";
import type { Size } from "./camera";
import { HIDDEN, type Look } from "./paint";
import type { Stage } from "./stage";

export interface Picture {
  src: string;
  name: string;
}
const ROOM = 50; // pixels that a thumbnail takes
const BESIDE = [-1, 0, 1].flatMap((du) => [-1, 0, 1].map((dv) => [du, dv]));
const MOST = 240;
const LOOKED_AT = 200_000; // points in view up to which thumbnails are chosen: beyond, they would say little

/** Points whose thumbnails do not cover one another, up to MOST: [point, left, top]. */
export function chosen(stage: Stage, look: Look): { at: [number, number, number][]; inView: number } {
  const inView = stage.inView().filter((point) => !(look.points[4 * point + 3] & HIDDEN));
  if (inView.length > LOOKED_AT) return { at: [], inView: inView.length };
  const taken = new Map<number, [number, number][]>(); // of each patch of the screen
  const at: [number, number, number][] = [];
  for (const point of inView.sort()) { // by number: the same ones stay while the map moves
    const [x, y] = stage.where(point);
    const [u, v] = [Math.floor(x / ROOM), Math.floor(y / ROOM)];
    const near = BESIDE.flatMap(([du, dv]) => taken.get((v + dv) * 4096 + u + du) ?? []);
    if (near.some(([x1, y1]) => Math.abs(x1 - x) < ROOM && Math.abs(y1 - y) < ROOM)) continue;
    taken.set(v * 4096 + u, [...(taken.get(v * 4096 + u) ?? []), [x, y]]);
    at.push([point, x, y]);
    if (at.length === MOST) break;
  }
  return { at, inView: inView.length };
}

interface Props {
  stage: Stage;
  look: Look;
  fetch(rows: number[]): Promise<Map<number, Picture>>;
}

export function Thumbs({ stage, look, fetch }: Props) {
  const { x, y, zoom } = stage.camera;
  const [places, setPlaces] = useState<ReturnType<typeof chosen>>({ at: [], inView: 0 });
  const [pictures, setPictures] = useState<Map<number, Picture>>(new Map());
  useEffect(() => {
    let gone = false;
    const later = setTimeout(() => {
      const next = chosen(stage, look);
      setPlaces(next);
      void fetch(next.at.map(([point]) => stage.cloud!.rows[point])).then((found) => gone || setPictures(found));
    }, 120); // after the hand has come to rest
    return () => {
      gone = true;
      clearTimeout(later);
    };
  }, [stage, look, stage.cloud, stage.destination, x, y, zoom, stage.size.width, stage.size.height]);
  const rows = stage.cloud!.rows;
  return (
    <div class="map-thumbs">
      {places.at.map(([point]) => {
        const picture = point < rows.length ? pictures.get(rows[point]) : undefined;
        if (!picture) return null;
        const [left, top] = stage.where(point);
        return <img key={rows[point]} src={picture.src} alt={picture.name} title={picture.name} draggable={false} style={{ left: `${left}px`, top: `${top}px` }} />;
      })}
      <p class="note">
        {places.at.length || !places.inView
          ? `thumbnails of ${places.at.length} of ${places.inView} points in view`
          : `${places.inView} points in view: come closer for thumbnails`}
      </p>
    </div>
  );
}

/** Badges that would cover one another are left out, the later ones first. */
export function apart<T>(placed: { badge: T; at: [number, number] }[], size: Size): { badge: T; at: [number, number] }[] {
  const kept: { badge: T; at: [number, number] }[] = [];
  for (const one of placed) {
    const [x, y] = one.at;
    if (x < 0 || y < 0 || x > size.width || y > size.height) continue;
    if (kept.every(({ at }) => Math.abs(at[0] - x) > 70 || Math.abs(at[1] - y) > 24)) kept.push(one);
  }
  return kept;
}
