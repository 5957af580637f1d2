// A map with what lies over it: lines of density, badges of clusters, thumbnails, marks, the lasso.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { moved, scaleOf, zoomed } from "./camera";
import type { Cloud } from "./cloud";
import { contourPaths, type Grid } from "./contours";
import { listen, type Tool } from "./gestures";
import { FINE, type Look } from "./paint";
import { Stage } from "./stage";
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
  mix?: number; // set: the layout between the one before (0) and this one (1)
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
  const latest = useRef(props);
  latest.current = props;
  const [stage, setStage] = useState<Stage | null>(null);
  const [, redraw] = useState(0);
  const [drawing, setDrawing] = useState<number[] | null>(null);
  const [aiming, setAiming] = useState(false);

  useEffect(() => {
    const made = new Stage(canvas.current!, () => redraw((turn) => turn + 1), (n) => latest.current.onDrawn?.(n));
    const rowAt = (left: number, top: number, pixels = 0): number => {
      const point = made.under(left, top, pixels);
      return point < 0 ? -1 : made.cloud!.rows[point];
    };
    const stop = listen(box.current!, made, {
      tool: () => latest.current.tool ?? "hand",
      hover: (left, top) => latest.current.onHover(rowAt(left, top)),
      leave: () => latest.current.onHover(-1),
      click: (left, top, event) => {
        box.current!.focus({ preventScroll: true });
        latest.current.onOpen(rowAt(left, top), event);
      },
      drawn: (line, event) => {
        if (latest.current.tool === "lasso") return latest.current.onLasso(made.within(line), howOf(event));
        const ends = [rowAt(line[0], line[1], 20), rowAt(line[line.length - 2], line[line.length - 1], 20)];
        if (ends[0] >= 0 && ends[1] >= 0) latest.current.onLine?.(ends[0], ends[1]);
      },
      drawing: (line) => setDrawing(line && [...line]),
    });
    setStage(made);
    props.onStage?.(made);
    return () => {
      stop();
      latest.current.onStage?.(null);
      made.free();
    };
  }, []);

  useEffect(() => stage?.show(props.cloud, props.look), [stage, props.cloud, props.look]);
  useEffect(() => {
    if (!stage || props.factor === undefined) return;
    stage.factor = props.factor;
    stage.draw();
  }, [stage, props.factor]);
  useEffect(() => {
    if (stage && props.mix !== undefined) stage.mix = props.mix;
  }, [stage, props.mix]);

  const paths = useMemo(() => (props.density ? contourPaths(props.density) : []), [props.density]);
  const ready = stage?.cloud && stage.size.width > 0;
  const atRow = (row: number): [number, number] | null => {
    const point = ready && row >= 0 ? stage.cloud!.at(row) : -1;
    return point < 0 ? null : stage!.where(point);
  };
  /** The item nearest to the middle, for people without a mouse. */
  const aim = (): void => {
    if (!stage) return;
    setAiming(true);
    const point = stage.under(stage.size.width / 2, stage.size.height / 2, 60);
    props.onHover(point < 0 ? -1 : stage.cloud!.rows[point]);
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
  const from = props.line && atRow(props.line[0]);
  const to = props.line && atRow(props.line[1]);
  const hovered = atRow(props.hover);
  return (
    <div
      ref={box}
      class={`map-plot tool-${props.tool ?? "hand"}`}
      tabIndex={0}
      role="application"
      aria-label={`${props.name}: arrows zoom and move, Shift and arrows move in all directions, Home shows all, Enter opens the item in the middle`}
      onKeyDown={pressed}
      onFocus={(event) => event.target === box.current && box.current!.matches(":focus-visible") && aim()}
      onBlur={() => setAiming(false)}
    >
      <canvas ref={canvas} aria-hidden="true" />
      {ready && (
        <>
          {paths.length > 0 && (
            <svg class="map-contours" aria-hidden="true">
              <g transform={shift(stage)}>{paths.map((d, k) => <path key={k} d={d} vector-effect="non-scaling-stroke" class={`level-${k}`} />)}</g>
            </svg>
          )}
          {props.pictures && stage.mix === 1 && <Thumbs stage={stage} look={props.look} fetch={props.pictures} />}
          {props.badges && (
            <div class="map-badges">
              {apart(props.badges.map((badge) => ({ badge, at: stage.screen(badge.x, badge.y) })), stage.size).map(({ badge, at }) => (
                <button key={badge.id} type="button" class="map-badge" aria-label={badge.said} title={badge.said} style={{ left: `${at[0]}px`, top: `${at[1]}px` }} onClick={() => props.onBadge?.(badge.id)}>
                  {badge.text}
                </button>
              ))}
            </div>
          )}
          <svg class="map-over" aria-hidden="true">
            {from && to && <line class="walk" x1={from[0]} y1={from[1]} x2={to[0]} y2={to[1]} />}
            {hovered && <circle class="hovered" cx={hovered[0]} cy={hovered[1]} r={stage.dot / 2 + 6} />}
            {props.marks?.map((mark, k) => {
              const [x, y] = stage.screen(mark.x, mark.y);
              return (
                <g key={k} class="mark" transform={`translate(${x} ${y})`}>
                  <path d="M-9 0H9M0 -9V9" />
                  <text x={11} y={4}>{mark.text}</text>
                </g>
              );
            })}
            {drawing && <path class="lasso" d={`M${drawing.join(" ")}${props.tool === "lasso" ? "Z" : ""}`} />}
            {aiming && <path class="aim" d={`M${stage.size.width / 2 - 7} ${stage.size.height / 2}h14m-7 -7v14`} />}
          </svg>
          <p class="map-poor note">{[stage.said, stage.dot < FINE && "Shapes of the yardstick, near copies and classes: from closer up."].filter(Boolean).join(" ")}</p>
        </>
      )}
    </div>
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
