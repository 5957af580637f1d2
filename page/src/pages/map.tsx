// The map: every item a point, near one another where the encoder finds them alike.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Failure } from "../api";
import { Bar, FIRST, FoundItems, Search, searchFile, Views, type Shown } from "../map/bar";
import type { Camera } from "../map/camera";
import { fetchColoring, fetchItems, fetchPictures, type MapRecord } from "../map/data";
import type { Tool } from "../map/gestures";
import { answerItem, Hovered, OpenItem } from "../map/item";
import { Legend } from "../map/legend";
import { carried, combined, countsOf, type Hiding, lookOf, NOTHING_HIDDEN, pointsOf } from "../map/paint";
import { howOf, mapKeys, Plot, type Badge, type How } from "../map/plot";
import { Provenance } from "../map/provenance";
import { Selection } from "../map/selection";
import type { Stage } from "../map/stage";
import { Strip } from "../map/strip";
import { useDensity, usePoints, useRecord } from "../map/use";
import { useKeys } from "../keys";
import { requery, route } from "../route";
import { complain, kept, say, state, useValue } from "../store";
import type { Get } from "../types";
import { number, percent } from "../ui/parts";
import "./map.css";

type Cluster = Get<"Cluster">;
const look = kept<Shown>("map", FIRST);
const NOBODY = new Int32Array(0);

export function MapPage() {
  const url = useValue(route);
  const now = useValue(state);
  const shown = { ...FIRST, ...useValue(look) };
  const { record, why } = useRecord(url.searchParams.get("space") ?? "");
  const other = useRecord(shown.other && shown.other !== record?.space?.name ? shown.other : null).record;
  const column = chosenColumn(record, shown.column);
  const { drawn, layouts } = usePoints(record, column, shown.tint);
  const second = usePoints(other, "", false).drawn;

  const [hiding, setHiding] = useState<Hiding>(NOTHING_HIDDEN);
  const [rows, select] = useState<Int32Array>(NOBODY);
  const [hover, setHover] = useState(-1);
  const [open, setOpen] = useState(-1);
  const [tool, setTool] = useState<Tool>("hand");
  const [mix, setMix] = useState<number | undefined>(undefined);
  const [ends, setEnds] = useState<number[]>([]);
  const [found, setFound] = useState<Get<"Found"> | null>(null);
  const [answers, setAnswers] = useState(0); // given here: what is open asks again
  const stage = useRef<Stage | null>(null);
  const space = drawn?.space ?? "";
  const density = useDensity(space, drawn?.cloud.version ?? "", shown.contours);
  useEffect(() => setMix(undefined), [layouts]);
  useEffect(() => {
    if (url.searchParams.has("rows")) select(handed(url.searchParams.get("rows")!));
  }, [url.searchParams.get("rows")]);

  const chosen = useMemo(() => drawn?.cloud.points(rows) ?? NOBODY, [drawn?.cloud, rows]);
  const picture = useMemo(
    () => drawn && lookOf(drawn.cloud, drawn.coloring, hiding, chosen, shown.tint),
    [drawn, hiding, chosen, shown.tint],
  );
  const counts = useMemo(() => drawn && countsOf(drawn.cloud, drawn.coloring), [drawn]);
  const beside = useMemo(() => {
    if (!drawn || !second || !other) return null;
    const coloring = drawn.coloring && carried(drawn.coloring, drawn.cloud, second.cloud);
    return lookOf(second.cloud, coloring, hiding, second.cloud.points(rows), shown.tint);
  }, [drawn, second, other, hiding, rows, shown.tint]);

  const change = (part: Partial<Shown>): void => {
    if (part.column !== undefined) setHiding({ ...hiding, groups: new Set() }); // groups of another column are others
    look.value = { ...shown, ...part };
  };
  const nextColor = (): void => {
    const names = [...(record?.columns.map((one) => one.name) ?? []), "-"];
    const next = names[(names.indexOf(column) + 1) % names.length];
    change({ column: next });
    say(`color: ${record?.columns.find((one) => one.name === next)?.title ?? "nothing"}`);
  };
  const take = (taken: Int32Array, how: How): void => select(combined(rows, taken, how));
  const openPointed = (): void => setOpen(hover >= 0 ? hover : open);
  const selectView = (): void => drawn && stage.current ? select(drawn.cloud.rowsOf(stage.current.inView())) : undefined;
  const selectCluster = async (id: number, how: How = "new"): Promise<void> => {
    if (!drawn) return;
    const groups = await fetchColoring(space, "cluster", "cluster", false);
    take(drawn.cloud.rowsOf(pointsOf(drawn.cloud, groups, id + 1)), how);
  };
  const dropped = async (file: File): Promise<void> => {
    const there = await searchFile(file, space);
    setFound(there);
    if (there.place && stage.current) stage.current.look({ ...stage.current.camera, x: there.place[0], y: there.place[1] });
  };
  const view = (): Record<string, unknown> => ({
    ...shown, space, camera: stage.current?.camera, groups: [...hiding.groups], kinds: [...hiding.kinds],
  });
  const load = (kept: Record<string, unknown>): void => {
    const { space: wanted, camera, groups, kinds, ...rest } = kept as Partial<Shown> & { space?: string; camera?: Camera; groups?: number[]; kinds?: string[] };
    look.value = { ...FIRST, ...rest };
    setHiding({ groups: new Set(groups), kinds: new Set(kinds) });
    if (wanted && wanted !== space) requery({ space: wanted });
    if (camera) stage.current?.look(camera);
  };
  const alone = (answer: string): void => {
    if (open < 0) return;
    fetchItems([open]).then(([item]) => item && answerItem(item, answer)).then(changed, complain);
  };
  const changed = (): void => setAnswers((turn) => turn + 1);
  const back = (): void => {
    if (tool !== "hand") setTool("hand");
    else if (open >= 0) setOpen(-1);
    else select(NOBODY);
  };
  useKeys({
    ...mapKeys(() => stage.current),
    lasso: () => setTool(tool === "lasso" ? "hand" : "lasso"),
    color: nextColor,
    thumbnails: () => change({ thumbs: !shown.thumbs }),
    details: openPointed,
    neighbours: openPointed,
    "select-all": selectView,
    back,
  });

  if (why) return <Waiting text={why} />;
  if (!record || !drawn || !picture || !counts) return <Waiting text={record && !record.ready ? record.waiting : "Fetching the map"} />;
  const marks = [
    ...(found?.place ? [{ x: found.place[0], y: found.place[1], text: "the file" }] : []),
    ...(found?.items ?? []).flatMap(({ item }) => placeOf(drawn.cloud, item.row)),
  ];
  const shared = {
    tool, factor: shown.factor, hover, onHover: setHover,
    onOpen: (row: number, event: { shiftKey: boolean }) => row >= 0 && (event.shiftKey ? take(Int32Array.of(row), "add") : setOpen(row)),
    line: ends.length === 2 ? (ends as [number, number]) : null,
    onLine: (a: number, b: number) => setEnds([a, b]),
    pictures: shown.thumbs ? fetchPictures : null,
  };
  return (
    <div class="map-page">
      <h1 class="visually-hidden">Map</h1>
      <Bar {...{ record, tool, setTool, change, selectView, nextColor }} shown={{ ...shown, column }} setSpace={(name) => requery({ space: name })} />
      <div class="row map-bar">
        <Search {...{ space, found, setFound }} />
        <Views first={record.views} now={view} load={load} />
      </div>
      <div class="map-main">
        <div class="map-left">
          <div class="map-plots" onDragOver={(event) => event.preventDefault()}
            onDrop={(event) => {
              event.preventDefault();
              const file = event.dataTransfer?.files[0];
              if (file) void dropped(file).catch(complain);
            }}>
            <Plot {...shared} name={`Map of ${number(drawn.cloud.n)} points`} cloud={drawn.cloud} look={picture} mix={mix} density={density} marks={marks}
              badges={shown.badges ? record.clusters.map(badgeOf) : undefined}
              onBadge={(id) => void selectCluster(id).catch(complain)}
              onLasso={(points, how) => take(drawn.cloud.rowsOf(points), how)}
              onStage={(made) => (stage.current = made)} onDrawn={announce} />
            {second && beside && other && (
              <Plot {...shared} name={`The same items in ${other.space?.name}`} cloud={second.cloud} look={beside}
                onLasso={(points, how) => take(second.cloud.rowsOf(points), how)} />
            )}
          </div>
          <Provenance record={record} shown={picture.shown} drawn={drawn.cloud.n} waiting={record.waiting} />
          {second && other && <Provenance record={other} shown={beside?.shown ?? 0} drawn={second.cloud.n} waiting={other.waiting} />}
          {shown.other && !second && <p class="note">{other?.waiting || `Fetching ${shown.other}`} …</p>}
          {layouts > 1 && (
            <label class="map-time">
              layout before
              <input type="range" min={0} max={1} step={0.01} value={mix ?? 1} aria-label="From the layout before to the one of now" onInput={(event) => setMix(Number(event.currentTarget.value))} />
              now
            </label>
          )}
          <Legend coloring={drawn.coloring} counts={counts} hiding={hiding} setHiding={setHiding}
            select={(wanted) => select(drawn.cloud.rowsOf(pointsOf(drawn.cloud, drawn.coloring, wanted)))} />
        </div>
        <aside aria-label="Selection and items">
          <Hovered row={hover} />
          {found && <FoundItems found={found} open={setOpen} select={select} />}
          <Selection rows={rows} of={record.of} name={now?.name ?? "tacit"} {...{ select, open: setOpen, changed, alone }} />
          {open >= 0 && <OpenItem row={open} version={answers + (now?.version ?? 0)} close={() => setOpen(-1)} {...{ space, open: setOpen, select, changed }} />}
          {record.clusters.length > 0 && <Clusters clusters={record.clusters} select={(id, how) => void selectCluster(id, how).catch(complain)} />}
        </aside>
      </div>
      {record.space?.decodes && <Strip row={open} pointed={hover} {...{ ends, space, setEnds, open: setOpen }} />}
    </div>
  );
}

/** The column a person chose; at first the first there is. "-" is none. */
function chosenColumn(record: MapRecord | null, wanted: string): string {
  const names = record?.columns.map((one) => one.name) ?? [];
  return wanted === "-" || names.includes(wanted) ? wanted : (names[0] ?? "-");
}

/** Rows that another page handed over, or that stand in the address. */
function handed(said: string): Int32Array {
  try {
    const list: unknown = said === "selection" ? JSON.parse(sessionStorage.getItem("tacit.selection") ?? "[]") : said.split(",").map(Number);
    return Int32Array.from((list as number[]).filter((row) => Number.isInteger(row) && row >= 0));
  } catch (error) {
    complain(new Failure(`the selection could not be read: ${String(error)}`));
    return NOBODY;
  }
}

const placeOf = (cloud: { at(row: number): number; xy: Float32Array }, row: number): { x: number; y: number; text: string }[] => {
  const point = cloud.at(row);
  return point < 0 ? [] : [{ x: cloud.xy[2 * point], y: cloud.xy[2 * point + 1], text: "" }];
};

/** For people who measure: when the first picture was there, and of how many points. */
function announce(n: number): void {
  performance.mark("map-first-picture");
  document.documentElement.dataset.mapDrawn = String(n);
}

const labeledShare = (one: Cluster): string => (one.labeled ? percent(one.labeled / one.rows_of, one.labeled / one.rows_of < 0.1 ? 1 : 0) : "none");
const said = (one: Cluster): string =>
  `group ${one.id + 1}: ${number(one.rows_of)} items, ${labeledShare(one)} labelled` +
  (one.majority && one.purity ? `, of these ${percent(one.purity.value, 0)} ${one.majority} [${percent(one.purity.low, 0)} to ${percent(one.purity.high, 0)}]` : "");

const badgeOf = (one: Cluster): Badge => ({
  id: one.id, x: one.x, y: one.y, said: `Select ${said(one)}`,
  text: `${number(one.rows_of)}${one.labeled ? ` · ${labeledShare(one)}` : ""}${one.majority ? ` · ${one.majority}` : ""}`,
});

function Clusters({ clusters, select }: { clusters: Cluster[]; select(id: number, how: How): void }) {
  return (
    <details class="panel map-clusters">
      <summary>Groups ({clusters.length})</summary>
      <ul>
        {clusters.map((one) => (
          <li key={one.id}><button type="button" onClick={(event) => select(one.id, howOf(event))}>{said(one)}</button></li>
        ))}
      </ul>
    </details>
  );
}

const Waiting = ({ text }: { text: string }) => <><h1>Map</h1><p class="opening" role="status">{text} …</p></>;
