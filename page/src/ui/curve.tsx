// Lines over a number axis, each with its interval as a band; drawn by uPlot in the page's own colors.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { theme, useValue } from "../store";
import { alone, table, type Line } from "./lines";

interface Props {
  title: string; // for those who do not see it
  lines: Line[];
  xLabel: string;
  yLabel: string;
  percent?: boolean;
  height?: number;
  time?: boolean;
}

const color = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A color of the style sheet, as see-through as asked. */
function faint(name: string, share: number): string {
  return `color-mix(in srgb, ${color(name)} ${Math.round(100 * share)}%, transparent)`;
}

export function Curve({ title, lines, xLabel, yLabel, percent, height = 300, time }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const wanted = useValue(theme);
  useEffect(() => {
    const here = place.current!;
    const draw = (): uPlot => new uPlot(options(here.clientWidth || 600), table(lines), here);
    let plot: uPlot;

    const name = (i: number): string => (lines[i].reference ? "--gray" : `--c${i % 8}`);
    function whiskers(of: uPlot): void {
      for (const { line, x, low, high } of alone(lines)) {
        const [left, top, bottom] = [of.valToPos(x, "x", true), of.valToPos(high, "y", true), of.valToPos(low, "y", true)];
        of.ctx.fillStyle = color(name(line));
        of.ctx.fillRect(left - devicePixelRatio, top, 2 * devicePixelRatio, bottom - top);
      }
    }

    function options(width: number): uPlot.Options {
      const axis = { stroke: color("--soft"), grid: { stroke: color("--rule"), width: 1 }, ticks: { stroke: color("--rule"), width: 1 } };
      const series: uPlot.Series[] = [{ label: xLabel }];
      const bands: uPlot.Band[] = [];
      lines.forEach((line, i) => {
        const at = series.length;
        const stroke = color(name(i));
        const dash = line.reference ? [6, 4] : undefined;
        const value = (_: uPlot, v: number | null): string => (v === null ? "–" : percent ? `${(100 * v).toFixed(1)} %` : String(+v.toPrecision(4)));
        series.push({ label: line.name, stroke, width: 2, dash, value, points: { show: line.marks ?? line.points.length < 60, size: 7, fill: stroke } });
        series.push({ label: "", scale: "y", stroke: "transparent", points: { show: false } });
        series.push({ label: "", scale: "y", stroke: "transparent", points: { show: false } });
        bands.push({ series: [at + 2, at + 1], fill: faint(name(i), 0.16) });
      });
      return {
        width,
        height,
        series,
        bands,
        scales: { x: { time: !!time }, y: {} },
        legend: { show: false },
        hooks: { draw: [whiskers] },
        cursor: { drag: { x: false, y: false } },
        axes: [
          { ...axis, label: xLabel, labelSize: 22, size: 36 },
          { ...axis, label: yLabel, labelSize: 22, size: 56, values: percent ? (_, ticks, __, ___, step) => ticks.map((v) => `${(100 * v).toFixed(Number.isInteger(+(100 * step).toFixed(6)) ? 0 : 1)} %`) : undefined },
        ],
      };
    }

    plot = draw();
    const again = (): void => (plot.destroy(), void (plot = draw()));
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", again);
    const watch = new ResizeObserver(() => plot.setSize({ width: here.clientWidth, height }));
    watch.observe(here);
    return () => {
      watch.disconnect();
      dark.removeEventListener("change", again);
      plot.destroy();
    };
  }, [JSON.stringify(lines), wanted, xLabel, yLabel, percent, height, time]);
  return (
    <figure class="curve">
      <div ref={place} role="img" aria-label={title} />
      <figcaption class="row">
        {lines.map((line, i) => (
          <span key={line.name} class="key">
            <svg width="22" height="10" aria-hidden="true">
              <line x1="1" x2="21" y1="5" y2="5" stroke={`var(${line.reference ? "--gray" : `--c${i % 8}`})`} stroke-width="2.5" stroke-dasharray={line.reference ? "6 4" : undefined} />
            </svg>
            {line.name}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
