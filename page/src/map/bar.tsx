// Over the map: what it is colored by, what is shown on it, saved views, search.
import { useRef, useState } from "preact/hooks";
import { address, get, post, upload } from "../api";
import { complain, say } from "../store";
import type { Get } from "../types";
import { Button, Thumb } from "../ui/parts";
import type { MapRecord } from "./data";
import { remember } from "./data";
import type { Tool } from "./gestures";

export interface Shown {
  column: string;
  factor: number;
  thumbs: boolean;
  contours: boolean;
  badges: boolean;
  tint: boolean; // the yardstick in colors as well
  other: string; // a space to compare with, or ""
}
export const FIRST: Shown = { column: "", factor: 1, thumbs: false, contours: false, badges: false, tint: false, other: "" };

interface Props {
  record: MapRecord;
  shown: Shown;
  tool: Tool;
  change(part: Partial<Shown>): void;
  setTool(tool: Tool): void;
  setSpace(name: string): void;
  selectView(): void;
  nextColor(): void;
}

export function Bar({ record, shown, tool, change, setTool, setSpace, selectView, nextColor }: Props) {
  const space = record.space?.name ?? "";
  const named = (one: MapRecord["spaces"][number]): string => (one.learned ? `${one.name} (${one.method})` : `${one.name}, nothing learned`);
  const flip = (part: "thumbs" | "contours" | "badges" | "tint", text: string, action?: string) => (
    <Button action={action} aria-pressed={shown[part]} onClick={() => change({ [part]: !shown[part] })}>{text}</Button>
  );
  return (
    <div class="row map-bar" role="toolbar" aria-label="The map">
      <label>
        space
        <select aria-label="space" value={space} onChange={(event) => setSpace(event.currentTarget.value)}>
          {record.spaces.map((one) => <option key={one.name} value={one.name}>{named(one)}</option>)}
        </select>
      </label>
      <label>
        color
        <select aria-label="color" value={shown.column} onChange={(event) => change({ column: event.currentTarget.value })}>
          {record.columns.map((one) => <option key={one.name} value={one.name}>{one.title}</option>)}
          <option value="-">nothing</option>
        </select>
      </label>
      <Button action="color" aria-label="next color" onClick={nextColor}>next</Button>
      <label>
        size
        <input type="range" aria-label="size" min={0.4} max={3} step={0.1} value={shown.factor} onInput={(event) => change({ factor: Number(event.currentTarget.value) })} />
      </label>
      <Button action="lasso" aria-pressed={tool === "lasso"} onClick={() => setTool(tool === "lasso" ? "hand" : "lasso")}>lasso</Button>
      {record.space?.decodes && <Button aria-pressed={tool === "line"} onClick={() => setTool(tool === "line" ? "hand" : "line")}>walk tool</Button>}
      {flip("thumbs", "thumbnails", "thumbnails")}
      {flip("contours", "contours")}
      {flip("badges", "clusters")}
      {record.points > record.pool && flip("tint", "color the yardstick")}
      <Button action="select-all" onClick={selectView}>select what is in view</Button>
      {record.spaces.length > 1 && (
        <label>
          compare
          <select aria-label="compare" value={shown.other} onChange={(event) => change({ other: event.currentTarget.value })}>
            <option value="">with nothing</option>
            {record.spaces.filter((one) => one.name !== space).map((one) => <option key={one.name} value={one.name}>{named(one)}</option>)}
          </select>
        </label>
      )}
    </div>
  );
}

type View = Get<"View">;

/** What the map looks like now, by a name. */
export function Views({ first, now, load }: { first: View[]; now(): Record<string, unknown>; load(view: Record<string, unknown>): void }) {
  const [views, setViews] = useState(first);
  const [current, setCurrent] = useState("");
  const save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const name = new FormData(form).get("name")?.toString().trim();
    if (!name) return;
    setViews(await post<View[]>("/api/views", { name, view: now() }));
    setCurrent(name);
    form.reset();
    say(`kept as "${name}"`);
  };
  const chosen = (name: string): void => {
    setCurrent(name);
    const view = views.find((one) => one.name === name);
    if (view) load(view.view as Record<string, unknown>);
  };
  const remove = async (): Promise<void> => {
    setViews(await post<View[]>(address("/api/views", { name: current }), {}, "DELETE"));
    setCurrent("");
  };
  return (
    <form class="row" onSubmit={(event) => void save(event).catch(complain)}>
      {views.length > 0 && (
        <label>
          views
          <select aria-label="views" value={current} onChange={(event) => chosen(event.currentTarget.value)}>
            <option value="">choose</option>
            {views.map((one) => <option key={one.name} value={one.name}>{one.name}</option>)}
          </select>
        </label>
      )}
      {current && <Button onClick={() => void remove().catch(complain)}>delete "{current}"</Button>}
      <input name="name" aria-label="Name of this view" placeholder="name of this view" maxLength={200} size={16} />
      <button type="submit">keep view</button>
    </form>
  );
}

type Found = Get<"Found">;

export const searchFile = (file: File, space: string): Promise<Found> => upload<Found>("/api/search", file, file.name, { n: 12, space });

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
      <p class="note">{found.said}</p>
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
