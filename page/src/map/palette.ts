// The colors of the page, as numbers for the renderer: read from its styles, again when the theme changes.
import { COLORS, GRAY, RAMP } from "./paint";

export type Rgb = [number, number, number];
export interface Palette {
  colors: Uint8Array; // (256, 4) RGBA
  paper: Rgb;
  ink: Rgb;
  accent: Rgb;
  bad: Rgb;
}

let pen: CanvasRenderingContext2D | null = null;

/** Any color that styles can say, as red, green, blue of 0 to 255. */
function rgb(said: string): Rgb {
  pen ??= Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true })!;
  pen.fillStyle = said.trim() || "#888888";
  pen.fillRect(0, 0, 1, 1);
  const [r, g, b] = pen.getImageData(0, 0, 1, 1).data;
  return [r, g, b];
}

export function readPalette(): Palette {
  const styles = getComputedStyle(document.documentElement);
  const of = (name: string): Rgb => rgb(styles.getPropertyValue(`--${name}`));
  const colors = new Uint8Array(256 * 4).fill(255);
  colors.set(of("gray"), 4 * GRAY);
  for (let k = 0; k < COLORS; k++) colors.set(of(`c${k}`), 4 * (1 + k));
  const stops = Array.from({ length: 5 }, (_, k) => of(`ramp-${k}`));
  for (let k = RAMP; k < 256; k++) colors.set(between(stops, (k - RAMP) / (255 - RAMP)), 4 * k);
  return { colors, paper: of("paper"), ink: of("ink"), accent: of("link"), bad: of("bad") };
}

function between(stops: Rgb[], share: number): Rgb {
  const at = share * (stops.length - 1);
  const k = Math.min(stops.length - 2, Math.floor(at));
  return stops[k].map((value, c) => Math.round(value + (stops[k + 1][c] - value) * (at - k))) as Rgb;
}

/** Call when the theme changes, by the page's setting or by the machine's. */
export function onTheme(changed: () => void): () => void {
  const media = matchMedia("(prefers-color-scheme: dark)");
  const watcher = new MutationObserver(changed);
  watcher.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  media.addEventListener("change", changed);
  return () => {
    watcher.disconnect();
    media.removeEventListener("change", changed);
  };
}
