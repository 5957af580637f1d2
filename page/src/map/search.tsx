// Search: by words, or by a file from elsewhere, which gets its place on the map.
import type { RefObject } from "preact";
import { useRef, useState } from "preact/hooks";
import { get, upload } from "../api";
import { complain } from "../store";
import type { Get } from "../types";
import { Button, Thumb } from "../ui/parts";
import type { Cloud } from "./cloud";
import { remember } from "./data";
import type { Mark } from "./plot";
import type { Stage } from "./stage";

export type Found = Get<"Found">;

const searchFile = (file: File, space: string): Promise<Found> => upload<Found>("/api/search", file, file.name, { n: 12, space });

export function Search({ space, found, setFound }: { space: string; found: Found | null; setFound(found: Found | null): void }) {
  const field = useRef<HTMLInputElement>(null);
  const search = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const text = field.current!.value.trim();
    setFound(text ? await get<Found>("/api/search", { text, n: 12 }) : null);
  };
  const byFile = async (input: HTMLInputElement): Promise<void> => {
    if (input.files?.[0]) setFound(await searchFile(input.files[0], space));
    input.value = "";
  };
  return (
    <form class="row" role="search" onSubmit={(event) => void search(event).catch(complain)}>
      <input ref={field} type="search" aria-label="Search names and answers" placeholder="search" size={14} />
      <button type="submit">search</button>
      <label class="file">
        or a file
        <input type="file" aria-label="Search by a file: where would it lie?" onChange={(event) => void byFile(event.currentTarget).catch(complain)} />
      </label>
      {found && <Button onClick={() => setFound(null)}>clear search</Button>}
    </form>
  );
}

export function FoundItems({ found, open, select }: { found: Found; open(row: number): void; select(rows: Int32Array): void }) {
  remember(found.items.map((one) => one.item));
  return (
    <section class="panel" aria-label="Found">
      <h2>Found {found.items.length}</h2>
      <p class="note">{found.said}{found.place && ", with their distance"}</p>
      <ul class="map-small-pictures">
        {found.items.map(({ item, distance }) => (
          <li key={item.row}>
            <button type="button" class="map-picture" aria-label={`Open ${item.name}`} onClick={() => open(item.row)}><Thumb item={item} size={96} /></button>
            {found.place && <small>{distance.toFixed(2)}</small>}
          </li>
        ))}
      </ul>
      {found.items.length > 0 && <Button onClick={() => select(Int32Array.from(found.items, (one) => one.item.row))}>Select these</Button>}
    </section>
  );
}

/** What was found, where it lies. */
export function marksOf(found: Found | null, cloud: Cloud): Mark[] {
  if (!found) return [];
  const points = cloud.points(found.items.map((one) => one.item.row));
  const items = Array.from(points, (point) => ({ x: cloud.xy[2 * point], y: cloud.xy[2 * point + 1], text: "" }));
  return found.place ? [{ x: found.place[0], y: found.place[1], text: "the file" }, ...items] : items;
}

/** What was found; a file that was dropped moves the map to its place. */
export function useFound(space: string, stage: RefObject<Stage | null>) {
  const [found, setFound] = useState<Found | null>(null);
  const drop = async (file: File): Promise<void> => {
    const there = await searchFile(file, space);
    setFound(there);
    if (there.place && stage.current) stage.current.look({ ...stage.current.camera, x: there.place[0], y: there.place[1] });
  };
  return { found, setFound, drop };
}
