// Points without a graphics card: stamped into the pixels of a 2D canvas, which any browser can. Many points are drawn
// several times faster this way than by a WebGL that computes every pixel of every sprite on the processor.
import { scaleOf, type Camera, type Size } from "./camera";
import { BIT } from "./cloud";
import { FINE, HIDDEN, isMark, SELECTED, type Look } from "./paint";
import type { Palette, Rgb } from "./palette";
import { opacity, type Painter } from "./points";

type Stamp = number[]; // dx, dy, dx, dy ... of its pixels

const stamp = (radius: number, inside: (x: number, y: number) => boolean): Stamp => {
  const pixels: number[] = [];
  for (let y = -radius; y <= radius; y++) for (let x = -radius; x <= radius; x++) if (inside(x, y)) pixels.push(x, y);
  return pixels;
};
const DISK = stamp(4, (x, y) => x * x + y * y <= 14);
const SHAPES: Stamp[] = [
  DISK,
  stamp(4, (x, y) => y <= 3 && y >= -4 && Math.abs(x) <= (y + 5) / 2),
  stamp(3, () => true),
  stamp(4, (x, y) => Math.abs(x) + Math.abs(y) <= 4),
  stamp(4, (x, y) => Math.abs(x) <= 1 || Math.abs(y) <= 1),
];
const SMALL_SHAPES: Stamp[] = [
  stamp(1, () => true),
  stamp(2, (x, y) => y <= 1 && y >= -2 && Math.abs(x) <= (y + 3) / 2),
  stamp(1, () => true),
  stamp(2, (x, y) => Math.abs(x) + Math.abs(y) <= 2),
  stamp(2, (x, y) => x === 0 || y === 0),
];
const PLUS = stamp(5, (x, y) => x === 0 || y === 0);
const CROSS = stamp(3, (x, y) => Math.abs(x) === Math.abs(y));
const RING = stamp(4, (x, y) => x * x + y * y <= 14 && x * x + y * y >= 7);
const SMALL_RING = stamp(2, (x, y) => x * x + y * y <= 5 && x * x + y * y >= 3);
const WIDE_RING = stamp(7, (x, y) => x * x + y * y <= 46 && x * x + y * y >= 34);
const BAR = stamp(4, (_, y) => Math.abs(y) <= 1);

export class Flat implements Painter {
  private to: Float32Array = new Float32Array(0);
  private from: Float32Array | null = null;
  private shown: Look | null = null;
  private colors: Palette | null = null;
  private image: ImageData | null = null;

  constructor(
    private readonly context: CanvasRenderingContext2D,
    readonly said: string,
  ) {}

  place(to: Float32Array, from: Float32Array | null): void {
    [this.to, this.from, this.shown] = [to, from, null];
  }

  look(look: Look): void {
    this.shown = look;
  }

  palette(palette: Palette): void {
    this.colors = palette;
  }

  draw(camera: Camera, size: Size, ratio: number, dot: number, mix: number): void {
    const { canvas } = this.context;
    const { colors, shown } = this;
    const [width, height] = [canvas.width, canvas.height];
    if (!colors || !shown || !width || !height) return;
    if (this.image?.width !== width || this.image.height !== height) this.image = this.context.createImageData(width, height);
    const pixels = new Uint32Array(this.image.data.buffer).fill(packed(colors.paper));
    const palette = new Uint32Array(colors.colors.buffer);
    const scale = scaleOf(camera, size) * ratio;
    const { to, from } = this;
    const look = shown.points;
    const n = look.length >> 2;
    const [left, top] = [width / 2 - camera.x * scale, height / 2 + camera.y * scale];
    const place = (i: number, axis: 0 | 1): number => {
      const value = from ? from[2 * i + axis] * (1 - mix) + to[2 * i + axis] * mix : to[2 * i + axis];
      return Math.round(axis ? top - value * scale : left + value * scale);
    };
    const side = Math.max(1, Math.round(dot * ratio));
    const fine = dot < FINE;
    const share = Math.round(256 * opacity(n));
    const words = new Uint32Array(look.buffer, look.byteOffset, n); // color, shape, state, flags in one
    for (let i = 0; i < n; i++) {
      const word = words[i];
      if (word > 255 && isMark((word >> 8) & 255, (word >> 16) & 255, word >>> 24, fine)) continue;
      const x = place(i, 0) - (side >> 1);
      const y = place(i, 1) - (side >> 1);
      if (!(x >= 0 && y >= 0 && x + side <= width && y + side <= height)) continue;
      const color = palette[word & 255];
      const redBlue = color & 0xff00ff;
      const green = color & 0x00ff00;
      for (let v = y; v < y + side; v++) {
        for (let at = v * width + x, end = at + side; at < end; at++) {
          const old = pixels[at]; // two channels at a time
          const rb = old & 0xff00ff;
          const g = old & 0x00ff00;
          pixels[at] =
            0xff000000 |
            ((rb + (Math.imul(redBlue - rb, share) >>> 8)) & 0xff00ff) |
            ((g + (Math.imul(green - g, share) >>> 8)) & 0x00ff00);
        }
      }
    }
    const small = side < 4;
    const press = (what: Stamp, x: number, y: number, color: number): void => {
      for (let k = 0; k < what.length; k += 2) {
        const [u, v] = [x + what[k], y + what[k + 1]];
        if (u >= 0 && v >= 0 && u < width && v < height) pixels[v * width + u] = color;
      }
    };
    const [ink, accent, bad] = [packed(colors.ink), packed(colors.accent), packed(colors.bad)];
    for (const i of shown.marked) {
      const [color, shape, state, flags] = [look[4 * i], look[4 * i + 1], look[4 * i + 2], look[4 * i + 3]];
      if (flags & HIDDEN || !isMark(shape, state, flags, fine)) continue;
      const [x, y] = [place(i, 0), place(i, 1)];
      if (flags & SELECTED) press(WIDE_RING, x, y, accent);
      if (state & (BIT.outlier | BIT.flagged)) press(WIDE_RING, x, y, state & BIT.flagged ? bad : ink);
      press(coreOf(state, shape, small), x, y, state & BIT.cannot ? ink : palette[color]);
      if (state & BIT.suggested) press(PLUS, x, y, ink);
    }
    this.context.putImageData(this.image, 0, 0);
  }

  settle(): void {
    // putImageData has ended when it returns
  }

  free(): void {
    this.image = this.shown = null;
  }
}

function coreOf(state: number, shape: number, small: boolean): Stamp {
  if (state & BIT.yardstick) return small ? SMALL_RING : RING;
  if (state & BIT.copy && !(state & BIT.labeled)) return CROSS;
  if (state & BIT.cannot) return BAR;
  return small && !(state & BIT.labeled) ? SMALL_SHAPES[shape] : SHAPES[shape];
}

/** As a canvas keeps it: little-endian RGBA. */
const packed = ([r, g, b]: Rgb): number => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
