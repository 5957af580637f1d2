// A map with what lies over it: lines of density, badges of clusters, thumbnails, marks, the lasso.
import type { RefObject } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { moved, scaleOf, zoomed } from "./camera";
import type { Cloud } from "./cloud";
import { contourPaths, type Grid } from "./contours";
import { listen, type Tool, type Wishes } from "./gestures";
import { FINE, type Look } from "./paint";
import { Stage, type Leg } from "./stage";
import { apart, type Picture, Thumbs } from "./thumbs";

export interface Badge {
  id: number;
  x: number;
  y: number;
  text: string; // on it
  said: string; // its name
}
export interface Mark {
  x: number;
  y: number;
  text: string;
}
export type How = "new" | "add" | "remove";

interface Props {
  cloud: Cloud;
  look: Look;
  name: string;
  tool?: Tool;
  factor?: number;
  leg?: Leg | null; // set: the points lie where other maps have them
  hover: number; // row, or -1
  density?: Grid | null;
  badges?: Badge[];
  marks?: Mark[];
  line?: [number, number] | null; // rows that a walk leads between
  pictures?: ((rows: number[]) => Promise<Map<number, Picture>>) | null; // set: thumbnails are shown
  onHover(row: number): void;
  onOpen(row: number, event: { shiftKey: boolean }): void;
  onLasso(points: Int32Array, how: How): void;
  onLine?(a: number, b: number): void;
  onBadge?(id: number): void;
  onStage?(stage: Stage | null): void;
  onDrawn?(n: number): void;
}

export const howOf = (event: { shiftKey: boolean; altKey: boolean }): How =>
  event.shiftKey ? "add" : event.altKey ? "remove" : "new";

export function Plot(props: Props) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { stage, drawing } = useStage(box, canvas, props);
  const { aiming, pressed, focused, left } = useAim(stage, box, props.onHover);
  const paths = useMemo(() => (props.density ? contourPaths(props.density) : []), [props.density]);
  return (
    <div
      ref={box}
      class={`map-plot tool-${props.tool ?? "hand"}`}
      tabIndex={0}
      role="application"
      aria-label={`${props.name}: arrows zoom and move, Shift and arrows move in all directions, Home shows all, Enter opens the item in the middle`}
      onKeyDown={pressed}
      onFocus={focused}
      onBlur={left}
    >
      <canvas ref={canvas} aria-hidden="true" />
      {stage?.cloud && stage.size.width > 0 && (
        <>
          {paths.length > 0 && (
            <svg class="map-contours" aria-hidden="true">
              <g transform={shift(stage)}>{paths.map((d, k) => <path key={k} d={d} vector-effect="non-scaling-stroke" class={`level-${k}`} />)}</g>
            </svg>
          )}
          {props.pictures && stage.settled && <Thumbs stage={stage} look={props.look} fetch={props.pictures} />}
          {props.badges && <Badges stage={stage} badges={props.badges} choose={props.onBadge} />}
          <Over {...{ stage, drawing, aiming }} closed={props.tool === "lasso"} line={props.line ?? null} hover={props.hover} marks={props.marks ?? []} />
          <p class="map-poor note">{[stage.said, stage.dot < FINE && "Shapes of the yardstick, near copies and classes: from closer up."].filter(Boolean).join(" ")}</p>
        </>
      )}
    </div>
  );
}

/** The stage on a canvas, which follows the properties; it draws this component again after each of its pictures. */
function useStage(box: RefObject<HTMLDivElement | null>, canvas: RefObject<HTMLCanvasElement | null>, props: Props): { stage: Stage | null; drawing: number[] | null } {
  const latest = useRef(props);
  latest.current = props;
  const [stage, setStage] = useState<Stage | null>(null);
  const [, redraw] = useState(0);
  const [drawing, setDrawing] = useState<number[] | null>(null);
  useEffect(() => {
    const made = new Stage(canvas.current!, () => redraw((turn) => turn + 1), (n) => latest.current.onDrawn?.(n));
    const stop = listen(box.current!, made, wishesOf(made, box.current!, () => latest.current, setDrawing));
    setStage(made);
    latest.current.onStage?.(made);
    return () => {
      stop();
      latest.current.onStage?.(null);
      made.free();
    };
  }, []);
  useEffect(() => stage?.show(props.cloud, props.look), [stage, props.cloud, props.look]);
  useEffect(() => stage?.travel(props.leg ?? null), [stage, props.leg]);
  useEffect(() => {
    if (!stage || props.factor === undefined) return;
    stage.factor = props.factor;
    stage.draw();
  }, [stage, props.factor]);
  return { stage, drawing };
}

/** What hands do, as rows and points. */
function wishesOf(stage: Stage, box: HTMLElement, now: () => Props, drawing: (line: number[] | null) => void): Wishes {
  const rowAt = (left: number, top: number, pixels = 0): number => {
    const point = stage.under(left, top, pixels);
    return point < 0 ? -1 : stage.cloud!.rows[point];
  };
  return {
    tool: () => now().tool ?? "hand",
    hover: (left, top) => now().onHover(rowAt(left, top)),
    leave: () => now().onHover(-1),
    click: (left, top, event) => {
      box.focus({ preventScroll: true });
      now().onOpen(rowAt(left, top), event);
    },
    drawn: (line, event) => {
      if (now().tool === "lasso") return now().onLasso(stage.within(line), howOf(event));
      const ends = [rowAt(line[0], line[1], 20), rowAt(line[line.length - 2], line[line.length - 1], 20)];
      if (ends[0] >= 0 && ends[1] >= 0) now().onLine?.(ends[0], ends[1]);
    },
    drawing: (line) => drawing(line && [...line]),
  };
}

/** For people without a mouse: the item nearest to the middle is pointed at. */
function useAim(stage: Stage | null, box: RefObject<HTMLDivElement | null>, onHover: (row: number) => void) {
  const [aiming, setAiming] = useState(false);
  const aim = (): void => {
    if (!stage) return;
    setAiming(true);
    const point = stage.under(stage.size.width / 2, stage.size.height / 2, 60);
    onHover(point < 0 ? -1 : stage.cloud!.rows[point]);
  };
  const pressed = (event: KeyboardEvent): void => {
    if (!stage || event.target !== box.current) return;
    const step = PAN[event.shiftKey ? event.key : ""];
    if (event.key === "Home") stage.look({ x: 0, y: 0, zoom: 1 });
    else if (step) stage.look(moved(stage.camera, stage.size, ...step));
    else return void (event.key.startsWith("Arrow") && setTimeout(aim, 60)); // the page moves it first
    event.preventDefault();
    setTimeout(aim, 60);
  };
  const focused = (event: FocusEvent): void => {
    if (event.target === box.current && box.current!.matches(":focus-visible")) aim();
  };
  return { aiming, pressed, focused, left: () => setAiming(false) };
}

function Badges({ stage, badges, choose }: { stage: Stage; badges: Badge[]; choose?(id: number): void }) {
  const placed = badges.map((badge) => ({ badge, at: stage.screen(badge.x, badge.y) }));
  return (
    <div class="map-badges">
      {apart(placed, stage.size).map(({ badge, at }) => (
        <button key={badge.id} type="button" class="map-badge" aria-label={badge.said} title={badge.said} style={{ left: `${at[0]}px`, top: `${at[1]}px` }} onClick={() => choose?.(badge.id)}>
          {badge.text}
        </button>
      ))}
    </div>
  );
}

interface OverProps {
  stage: Stage;
  line: [number, number] | null;
  hover: number;
  marks: Mark[];
  drawing: number[] | null;
  closed: boolean; // the line that is being drawn
  aiming: boolean;
}

/** Lines over the points: a walk, what is pointed at, marks, the lasso. */
function Over({ stage, line, hover, marks, drawing, closed, aiming }: OverProps) {
  const atRow = (row: number): [number, number] | null => {
    const point = row >= 0 ? stage.cloud!.at(row) : -1;
    return point < 0 ? null : stage.where(point);
  };
  const from = line && atRow(line[0]);
  const to = line && atRow(line[1]);
  const hovered = atRow(hover);
  return (
    <svg class="map-over" aria-hidden="true">
      {from && to && <line class="walk" x1={from[0]} y1={from[1]} x2={to[0]} y2={to[1]} />}
      {hovered && <circle class="hovered" cx={hovered[0]} cy={hovered[1]} r={stage.dot / 2 + 6} />}
      {marks.map((mark, k) => {
        const [x, y] = stage.screen(mark.x, mark.y);
        return (
          <g key={k} class="mark" transform={`translate(${x} ${y})`}>
            <path d="M-9 0H9M0 -9V9" />
            <text x={11} y={4}>{mark.text}</text>
          </g>
        );
      })}
      {drawing && <path class="lasso" d={`M${drawing.join(" ")}${closed ? "Z" : ""}`} />}
      {aiming && <path class="aim" d={`M${stage.size.width / 2 - 7} ${stage.size.height / 2}h14m-7 -7v14`} />}
    </svg>
  );
}

const PAN: Record<string, [number, number]> = {
  ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80],
};

/** From [-1, 1] with y downwards to pixels. */
function shift(stage: Stage): string {
  const [x, y] = stage.screen(0, 0);
  return `translate(${x} ${y}) scale(${scaleOf(stage.camera, stage.size)})`;
}

/** Zoom and move by the page's keys. */
export const mapKeys = (stage: () => Stage | null): Record<string, () => void> => {
  const look = (change: (stage: Stage) => void) => (): void => {
    const now = stage();
    if (now) change(now);
  };
  return {
    "zoom-in": look((now) => now.look(zoomed(now.camera, now.size, 1.3))),
    "zoom-out": look((now) => now.look(zoomed(now.camera, now.size, 1 / 1.3))),
    previous: look((now) => now.look(moved(now.camera, now.size, 80, 0))),
    next: look((now) => now.look(moved(now.camera, now.size, -80, 0))),
  };
};
