import { useRecord } from "../record";
import { state, useValue } from "../store";
import type { Get } from "../types";
import { Curve } from "../ui/curve";
import type { Line } from "../ui/lines";
import { Empty, ends, lasting, Link, number } from "../ui/parts";
import "./pages.css";

type Progress = Get<"Progress">;
const LATEST = 5; // minutes, as tacit/web/progress.py takes them

export function ProgressPage() {
  const { record, failure } = useRecord<Progress>("/progress.json");
  if (failure) return <Empty>{failure.message}. {failure.next}</Empty>;
  if (!record) return <p class="opening">Reading…</p>;
  return (
    <>
      <h1>Progress</h1>
      <p class="advice panel">{record.advice}</p>
      {record.notes.map((note) => <p key={note} class="note">{note}</p>)}
      <h2>What labels bought</h2>
      <Curves curves={record.curves} />
      <div class="columns">
        <section>
          <h2>Labels a minute</h2>
          <Speed record={record} />
        </section>
        <section>
          <h2>What it cost</h2>
          <Cost rows={record.cost} />
        </section>
      </div>
    </>
  );
}

function Curves({ curves }: { curves: Progress["curves"] }) {
  const yardstick = useValue(state)?.yardstick;
  if (!curves.some((curve) => curve.points.length))
    return yardstick === 0 ? <Empty>Nothing has been measured: there is no yardstick.</Empty> : <Empty>Nothing has been measured yet. <Link href="/label?kind=yardstick">Label the yardstick</Link>: random items that are only measured on.</Empty>;
  const lines: Line[] = curves.map(({ name, points, reference }) => ({
    name,
    reference,
    marks: true,
    points: points.map(({ labels, accuracy }) => ({ x: labels, y: accuracy.value, low: accuracy.low, high: accuracy.high })),
  }));
  return (
    <>
      <Curve title="Accuracy on the yardstick against labels" lines={lines} xLabel="labels to learn from" yLabel="accuracy" percent />
      <details>
        <summary>The same as a table</summary>
        <table>
          <caption class="visually-hidden">Accuracy by number of labels, with 95 % intervals</caption>
          <thead><tr><th>line</th><th class="n">labels</th><th class="n">accuracy</th><th class="n">measured on (items)</th><th>run</th></tr></thead>
          <tbody>
            {curves.flatMap((curve) => curve.points.map((point, i) => (
              <tr key={curve.name + i}>
                <td>{curve.name}</td><td class="n">{number(point.labels)}</td><td class="n">{ends(point.accuracy)}</td>
                <td class="n">{point.items == null ? "" : number(point.items)}</td><td>{point.run}</td>
              </tr>
            )))}
          </tbody>
        </table>
      </details>
    </>
  );
}

function Speed({ record }: { record: Progress }) {
  if (!record.speed.length) return <Empty>Nobody has labelled on this page yet.</Empty>;
  const line = { name: "labels in each minute of labelling", points: record.speed.map(({ labels }, i) => ({ x: i + 1, y: labels })) };
  return (
    <>
      {record.per_minute !== null && <p>{record.per_minute.toFixed(1)} a minute, the mean of the latest {record.speed.length > 1 ? `${Math.min(LATEST, record.speed.length)} minutes` : "minute"} with answers.</p>}
      <Curve title="Labels a minute" lines={[line]} xLabel="minutes in which somebody labelled" yLabel="labels" height={180} />
    </>
  );
}

function Cost({ rows }: { rows: Progress["cost"] }) {
  return (
    <table>
      <caption class="visually-hidden">Labels and time spent</caption>
      <thead><tr><th>what</th><th class="n">labels</th><th class="n">time</th></tr></thead>
      <tbody>
        {rows.map((row, i) => (
          <tr key={i}>
            <td>{row.what}{row.note && <small> {row.note}</small>}</td><td class="n">{row.labels === null ? "" : number(row.labels)}</td>
            <td class="n">{row.seconds === null ? "" : lasting(row.seconds)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
