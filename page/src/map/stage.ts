// A map on a canvas: its points, what of it is in view, and the glide from one layout to the next.
import { inView, toMap, toScreen, WHOLE, type Camera, type Size } from "./camera";
import { beginnings, type Cloud } from "./cloud";
import { Flat } from "./flat";
import { Near } from "./near";
import { HIDDEN, type Look } from "./paint";
import { onTheme, readPalette } from "./palette";
import { dotSize, graphics, Points, type Painter } from "./points";

const GLIDE = 900; // milliseconds
const MANY = 8_000; // points from which WebGL without a graphics card is slower than a canvas of pixels
const NO_WEBGL = "This browser has no WebGL 2: points are drawn with coarser edges.";
const NO_CARD = "No graphics card here: so many points are drawn with coarser edges, which is faster.";
const still = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Where points lie: on the way from one place of theirs to the next. */
interface Places {
  to: Float32Array;
  from: Float32Array | null; // null: they do not move
  fresh: Uint8Array | null; // 1: a newcomer, that appears meanwhile
}

/** The same points between two other maps of them, or on one. */
export interface Leg extends Omit<Places, "fresh"> {
  share: number; // of the way
}

export class Stage {
  camera: Camera = { ...WHOLE };
  size: Size = { width: 0, height: 0 };
  cloud: Cloud | null = null;
  factor = 1; // of the size of points
  private painter: Painter | null = null; // chosen when it is known how many points there are
  private shown: Look | null = null;
  private near: Near | null = null;
  private places: Places = { to: new Float32Array(0), from: null, fresh: null };
  private leg: Leg | null = null; // of a journey through other maps
  private mixed = 1; // how far the points are on their way
  private began = 0; // of the glide
  private waiting = 0; // an animation frame
  private first = true;
  private readonly watcher: ResizeObserver;
  private readonly unwatch: () => void;

  /** `moved` is called after each picture; `drawn` once, with the number of points, after the first. */
  constructor(
    private canvas: HTMLCanvasElement,
    private readonly moved: () => void,
    private readonly drawn: (n: number) => void,
  ) {
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => this.restart());
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(canvas.parentElement!);
    this.unwatch = onTheme(() => {
      this.painter?.palette(readPalette());
      this.draw();
    });
    this.resize();
  }

  /** Words for people whose browser cannot do better; "" otherwise. */
  get said(): string {
    return this.painter?.said ?? "";
  }

  /** Whether all points have arrived: then it can be said what is where. */
  get settled(): boolean {
    return this.mixed === 1;
  }

  /** Where they are going, or have arrived. */
  get destination(): Float32Array {
    return this.places.to;
  }

  private begin(n: number): Painter {
    const slow = n > MANY && graphics() === "processor";
    const made = slow ? null : Points.on(this.canvas);
    const painter = made ?? new Flat(this.canvas.getContext("2d")!, slow ? NO_CARD : NO_WEBGL);
    painter.palette(readPalette());
    return painter;
  }

  /** The graphics driver took everything away and gave it back: send it again. */
  private restart(): void {
    if (!this.cloud || !this.shown) return;
    this.painter = this.begin(this.cloud.n);
    this.place(this.places);
    this.draw();
  }

  /** Give the renderer other places; it forgets the look with the former ones. */
  private place(places: Places): void {
    if (places.to !== this.places.to) this.near = null;
    this.places = places;
    this.painter?.place(places.to, places.from, places.fresh);
    if (this.shown) this.painter?.look(this.shown);
  }

  private get ratio(): number {
    return this.painter?.said ? 1 : Math.min(2, devicePixelRatio || 1);
  }

  private resize(): void {
    const box = this.canvas.parentElement!.getBoundingClientRect();
    if (!box.width || !box.height) return;
    this.size = { width: box.width, height: box.height };
    const [width, height] = [Math.round(box.width * this.ratio), Math.round(box.height * this.ratio)];
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    this.draw();
  }

  /** Show these points. The same layout in other states stays where it is; another one glides there. */
  show(cloud: Cloud, look: Look): void {
    const before = this.cloud;
    this.painter ??= this.begin(cloud.n);
    [this.cloud, this.shown] = [cloud, look];
    if (before?.xy === cloud.xy) this.painter.look(look);
    else this.arrive(before, cloud);
    this.resize();
  }

  private arrive(before: Cloud | null, cloud: Cloud): void {
    const beginning = before && beginnings(before, cloud);
    const glides = beginning !== null && !still();
    this.leg = null;
    this.place({ to: cloud.xy, from: beginning?.from ?? null, fresh: beginning?.fresh ?? null });
    this.mixed = glides ? 0 : 1;
    this.began = glides ? performance.now() : 0;
  }

  /** Show the points where other maps have them; null: where this one does. */
  travel(leg: Leg | null): void {
    if (leg === this.leg || !this.cloud) return;
    const { to, from } = leg ?? { to: this.cloud.xy, from: null };
    if (to !== this.places.to || from !== this.places.from) this.place({ to, from, fresh: null });
    [this.leg, this.mixed, this.began] = [leg, leg?.share ?? 1, 0];
    this.draw();
  }

  look(camera: Camera): void {
    this.camera = camera;
    this.draw();
  }

  /** Draw with the next frame of the screen. */
  draw(): void {
    if (!this.waiting) this.waiting = requestAnimationFrame((now) => this.paint(now));
  }

  private paint(now: number): void {
    this.waiting = 0;
    if (!this.size.width || !this.painter) return;
    if (this.began) {
      const share = Math.min(1, Math.max(0, now - this.began) / GLIDE);
      this.mixed = share * share * (3 - 2 * share);
      if (share < 1) this.draw();
      else this.began = 0;
    }
    this.painter.draw(this.camera, this.size, this.ratio, this.dot, this.mixed);
    if (this.cloud && this.first) {
      this.first = false;
      this.painter.settle();
      this.drawn(this.cloud.n);
    }
    this.moved();
  }

  get dot(): number {
    return dotSize(this.cloud?.n ?? 1, this.camera.zoom, this.factor);
  }

  private readonly hidden = (point: number): boolean => ((this.shown?.points[4 * point + 3] ?? 0) & HIDDEN) !== 0;

  /** Built when somebody first asks what is where; gone with the layout. */
  private get index(): Near | null {
    if (!this.cloud || !this.settled) return null;
    return (this.near ??= new Near(this.places.to));
  }

  /** The shown point under these pixels, or -1. */
  under(left: number, top: number, pixels = 0): number {
    const [x, y] = toMap(this.camera, this.size, left, top);
    const [edge] = toMap(this.camera, this.size, left + Math.max(pixels, 5 + this.dot / 2), top);
    return this.index?.nearest(x, y, edge - x, this.hidden) ?? -1;
  }

  inView(): Int32Array {
    return this.index?.inside(...inView(this.camera, this.size), this.hidden) ?? new Int32Array(0);
  }

  /** The shown points within a line drawn on the screen. */
  within(line: number[]): Int32Array {
    const polygon = new Float64Array(line.length);
    for (let k = 0; k + 1 < line.length; k += 2) {
      [polygon[k], polygon[k + 1]] = toMap(this.camera, this.size, line[k], line[k + 1]);
    }
    return this.index?.within(polygon, this.hidden) ?? new Int32Array(0);
  }

  screen(x: number, y: number): [number, number] {
    return toScreen(this.camera, this.size, x, y);
  }

  /** Where a point is on the screen now. */
  where(point: number): [number, number] {
    const { to, from } = this.places;
    const at = (k: number): number => (from ?? to)[k] * (1 - this.mixed) + to[k] * this.mixed;
    return this.screen(at(2 * point), at(2 * point + 1));
  }

  free(): void {
    cancelAnimationFrame(this.waiting);
    this.watcher.disconnect();
    this.unwatch();
    this.painter?.free();
  }
}
