// The map in one HTML file: no server, no network, nothing to give; one can look, color, select, and copy names.
import { render } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { isTyping, keyName } from "./keys";
import { Legend } from "./map/legend";
import { cloudOf, coloringOf, type PackedMap } from "./map/packed";
import { combined, countsOf, type Hiding, lookOf, NOTHING_HIDDEN, pointsOf } from "./map/paint";
import { mapKeys, Plot } from "./map/plot";
import type { Stage } from "./map/stage";
import type { Picture } from "./map/thumbs";
import { Button, number } from "./ui/parts";
import "./style.css";
import "./pages/map.css";

const LISTED = 2000; // names shown; all of them are copied

function Offline({ map }: { map: PackedMap }) {
  const cloud = useMemo(() => cloudOf(map), [map]);
  const [column, setColumn] = useState(map.columns[0]?.name ?? "");
  const [hiding, setHiding] = useState<Hiding>(NOTHING_HIDDEN);
  const [selected, select] = useState<Int32Array>(new Int32Array(0));
  const [hover, setHover] = useState(-1);
  const [open, setOpen] = useState(-1);
  const [lasso, setLasso] = useState(false);
  const [lines, setLines] = useState(false);
  const [thumbs, setThumbs] = useState(false);
  const stage = useRef<Stage | null>(null);
  const coloring = useMemo(() => {
    const found = map.columns.find((one) => one.name === column);
    return found ? coloringOf(found) : null;
  }, [map, column]);
  const look = useMemo(() => lookOf(cloud, coloring, hiding, selected, false), [cloud, coloring, hiding, selected]);
  const counts = useMemo(() => countsOf(cloud, coloring), [cloud, coloring]);
  const color = (name: string): void => {
    setHiding({ ...hiding, groups: new Set() });
    setColumn(name);
  };
  const keys: Record<string, () => void> = {
    l: () => setLasso(!lasso), h: () => setThumbs(!thumbs), x: () => select(new Int32Array(0)), Escape: () => setLasso(false),
    Enter: () => hover >= 0 && setOpen(hover), c: () => color(next(map, column)),
  };
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const moves = mapKeys(() => stage.current);
    const arrows: Record<string, () => void> = {
      ArrowUp: moves["zoom-in"], ArrowDown: moves["zoom-out"], ArrowLeft: moves.previous, ArrowRight: moves.next,
    };
    const heard = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || isTyping(event.target)) return;
      const name = keyName(event);
      if (name === "Enter" && (event.target as HTMLElement).closest("button")) return;
      const action = arrows[name] ?? latest.current[name];
      if (!action) return;
      event.preventDefault();
      action();
    };
    addEventListener("keydown", heard);
    return () => removeEventListener("keydown", heard);
  }, []);
  const pictures = async (points: number[]): Promise<Map<number, Picture>> =>
    new Map(points.filter((point) => map.thumbs[point]).map((point) => [point, { src: map.thumbs[point], name: map.names[point] }]));
  const shown = open >= 0 ? open : hover;
  return (
    <main class="page-map map-page">
      <h1>{map.name}</h1>
      <div class="row map-bar" role="toolbar" aria-label="The map">
        <label>
          color
          <select aria-label="color" value={column} onChange={(event) => color(event.currentTarget.value)}>
            {map.columns.map((one) => <option key={one.name} value={one.name}>{one.title}</option>)}
            <option value="">nothing</option>
          </select>
          <kbd>C</kbd>
        </label>
        <Button aria-pressed={lasso} onClick={() => setLasso(!lasso)}>lasso <kbd>L</kbd></Button>
        <Button aria-pressed={thumbs} onClick={() => setThumbs(!thumbs)}>thumbnails <kbd>H</kbd></Button>
        <Button aria-pressed={lines} onClick={() => setLines(!lines)}>contours</Button>
        <Button onClick={() => stage.current && select(stage.current.inView())}>select what is in view</Button>
      </div>
      <div class="map-main">
        <div class="map-left">
          <div class="map-plots">
            <Plot name={`Map of ${number(cloud.n)} points`} cloud={cloud} look={look} tool={lasso ? "lasso" : "hand"} hover={hover}
              density={lines ? map.density : null} pictures={thumbs ? pictures : null}
              onHover={setHover} onOpen={(point) => setOpen(point)} onLasso={(points, how) => select(combined(selected, points, how))}
              onStage={(made) => (stage.current = made)} onDrawn={(n) => (document.documentElement.dataset.mapDrawn = String(n))} />
          </div>
          <p class="map-provenance note">
            <strong>{number(look.shown)} of {number(cloud.n)} points</strong>
            {look.shown < cloud.n && `, ${number(cloud.n - look.shown)} hidden by the legend`}
          </p>
          {map.said.map((line, k) => <p key={k} class="note">{line}</p>)}
          <Legend coloring={coloring} counts={counts} hiding={hiding} setHiding={setHiding} select={(wanted) => select(pointsOf(cloud, coloring, wanted))} />
        </div>
        <aside aria-label="Selection and items">
          <Chosen names={map.names} selected={selected} clear={() => select(new Int32Array(0))} />
          {shown >= 0 && (
            <section class="panel map-hovered-item" aria-label="Item">
              <div class="big">{map.thumbs[shown] ? <img class="thumb" src={map.thumbs[shown]} alt={map.names[shown]} /> : <span class="note">no picture in this file</span>}</div>
              <div><bdi class="name">{map.names[shown]}</bdi></div>
            </section>
          )}
        </aside>
      </div>
    </main>
  );
}

/** The column after this one; after the last, none. */
function next(map: PackedMap, column: string): string {
  const names = [...map.columns.map((one) => one.name), ""];
  return names[(names.indexOf(column) + 1) % names.length];
}

function Chosen({ names, selected, clear }: { names: string[]; selected: Int32Array; clear(): void }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const [said, setSaid] = useState("");
  const copy = (): void => {
    const text = Array.from(selected, (point) => names[point]).join("\n");
    navigator.clipboard.writeText(text).then(
      () => setSaid(`copied ${number(selected.length)} names`),
      () => {
        field.current!.value = text; // clipboards are closed to files in some browsers
        field.current!.select();
        setSaid(document.execCommand("copy") ? `copied ${number(selected.length)} names` : "all names are selected below: copy them with Ctrl+C");
      },
    );
  };
  return (
    <section class="panel" aria-label="Selection">
      <h2 aria-live="polite">Selected {number(selected.length)} <small>of {number(names.length)}</small></h2>
      {selected.length === 0 && <p class="note">Draw a lasso around points, or choose a line of the legend. Shift adds, Alt removes.</p>}
      {selected.length > 0 && (
        <>
          <div class="row">
            <Button onClick={copy}>copy their names</Button>
            <Button onClick={clear}>clear <kbd>X</kbd></Button>
          </div>
          <p class="note" role="status">{said}</p>
          <textarea ref={field} class="map-names" readOnly rows={12} aria-label="Names of the selected items" value={Array.from(selected.subarray(0, LISTED), (point) => names[point]).join("\n")} />
          {selected.length > LISTED && <p class="note">The first {number(LISTED)} are shown; all are copied.</p>}
        </>
      )}
    </section>
  );
}

const map = JSON.parse(document.getElementById("data")!.textContent!) as PackedMap;
render(<Offline map={map} />, document.getElementById("page")!);
