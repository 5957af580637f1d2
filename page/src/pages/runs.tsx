import { useRecord } from "../record";
import { requery, route } from "../route";
import { useValue } from "../store";
import type { Get } from "../types";
import { Curve } from "../ui/curve";
import { JobList } from "../ui/jobs";
import type { Line } from "../ui/lines";
import { Empty, ends, lasting, number } from "../ui/parts";
import "./pages.css";

type Run = Get<"RunInfo">;
const MOST = 4; // runs beside each other

export function RunsPage() {
  const { record, failure } = useRecord<Get<"RunsRecord">>("/runs.json");
  const chosen = (useValue(route).searchParams.get("runs") ?? "").split(",").filter(Boolean);
  if (failure) return <Empty>{failure.message}. {failure.next}</Empty>;
  if (!record) return <p class="opening">Reading…</p>;
  const toggle = (name: string): void => {
    const next = chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name].slice(-MOST);
    requery({ runs: next.length ? next.join(",") : null });
  };
  return (
    <>
      <h1>Runs</h1>
      <JobList empty="Nothing is running." />
      {record.runs.length === 0 ? <Empty>Nothing has been run yet.</Empty> : <Table runs={record.runs} chosen={chosen} toggle={toggle} />}
      {chosen.length > 0 && <Compare names={chosen.filter((name) => record.runs.some((run) => run.name === name))} />}
    </>
  );
}

function Table({ runs, chosen, toggle }: { runs: Run[]; chosen: string[]; toggle: (name: string) => void }) {
  const said = (run: Run): string => {
    const accuracy = run.record.accuracy as number[] | undefined;
    return accuracy ? ends({ value: accuracy[0], low: accuracy[1], high: accuracy[2] }) : "";
  };
  return (
    <div class="wide">
      <table>
        <caption class="note">Tick up to {MOST} to see them beside each other. Accuracy is that on the yardstick, with Wilson's 95 % interval.</caption>
        <thead><tr><th><span class="visually-hidden">show</span></th><th>run</th><th>what for</th><th>how it ended</th><th class="n">time</th><th class="n">labels</th><th class="n">accuracy</th></tr></thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.name}>
              <td><input type="checkbox" aria-label={`Show ${run.name}`} checked={chosen.includes(run.name)} onChange={() => toggle(run.name)} /></td>
              <th scope="row">{run.name}</th><td>{run.task}</td><td>{run.status}{run.resumable ? ", can go on" : ""}</td>
              <td class="n">{typeof run.record.seconds === "number" ? lasting(run.record.seconds) : ""}</td>
              <td class="n">{typeof run.record.labels === "number" ? number(run.record.labels) : ""}</td><td class="n">{said(run)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Compare({ names }: { names: string[] }) {
  return <div class="columns">{names.map((name) => <Details key={name} name={name} />)}</div>;
}

function Details({ name }: { name: string }) {
  const { record, failure } = useRecord<Get<"RunDetails">>(`/api/runs/${encodeURIComponent(name)}`);
  if (failure) return <Empty>{failure.message}. {failure.next}</Empty>;
  if (!record) return <p class="opening">Reading…</p>;
  const lines = losses(record.progress);
  return (
    <section class="panel">
      <h2>{name}</h2>
      {lines.length > 0 && <Curve title={`Loss of ${name} by step`} lines={lines} xLabel="step" yLabel="loss" height={200} />}
      <details open>
        <summary>Settings</summary>
        <dl class="settings">{flat(record.run.record).map(([key, value]) => <div key={key}><dt>{key}</dt><dd>{value}</dd></div>)}</dl>
      </details>
      {record.log.length > 0 && <details><summary>Log</summary><pre class="log" tabIndex={0}>{record.log.join("\n")}</pre></details>}
    </section>
  );
}

/** The loss, and beside it what chance would have, where a method says so. */
function losses(progress: { [key: string]: unknown }[]): Line[] {
  const records = progress as { step: number; terms?: Record<string, number> }[];
  return ["loss", "chance"].map((name) => ({
    name,
    reference: name === "chance",
    marks: false,
    points: records.filter((one) => one.terms && Number.isFinite(one.terms[name])).map((one) => ({ x: one.step, y: one.terms![name] })),
  })).filter((line) => line.points.length > 1);
}

/** A setting or a result, as people write it. */
function written(value: unknown): string {
  if (Array.isArray(value)) return value.map(written).join(", ") || "none";
  if (value === null || value === "") return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(4)));
  return String(value);
}

function flat(record: Record<string, unknown>, before = ""): [string, string][] {
  return Object.entries(record).flatMap(([key, value]): [string, string][] => {
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return flat(value as Record<string, unknown>, `${before}${key}.`);
    return [[before + key, written(value)]];
  });
}
