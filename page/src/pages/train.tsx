import { post } from "../api";
import { useRecord } from "../record";
import { complain, refresh, say } from "../store";
import type { Get, Job } from "../types";
import { MethodForm } from "../ui/form";
import { JobList } from "../ui/jobs";
import { Button, Empty, ends, lasting, Link, number, points } from "../ui/parts";
import "./pages.css";

type Train = Get<"TrainRecord">;

export function TrainPage() {
  const { record, failure } = useRecord<Train>("/train.json");
  if (failure) return <Empty>{failure.message}. {failure.next}</Empty>;
  if (!record) return <p class="opening">Reading…</p>;
  return (
    <>
      <h1>Train</h1>
      <p class="advice panel">{record.advice}</p>
      <h2>Running</h2>
      <JobList empty="Nothing is running." />
      <h2>Classifiers compared</h2>
      <Compared record={record} />
      <h2>Trained</h2>
      {record.trained.length > 0 && <p class="note">Accuracy is that on the yardstick, with Wilson's 95 % interval.</p>}
      <TrainedTable rows={record.trained} />
      <div class="columns">
        <section>
          <h2>A classifier from the answers</h2>
          <MethodForm verb="train" label="Train" methods={record.methods.filter((one) => one.task === "train")} first="auto" auto="Compares several classifiers by cross-validation on the answers so far, the supervised baseline always among them, and keeps the best." />
        </section>
        <section>
          <h2>A space without a label</h2>
          <MethodForm verb="learn" label="Learn" methods={record.methods.filter((one) => one.task === "learn")} first="auto" auto="Chooses a method by the kind and number of items, and says which and why." />
        </section>
      </div>
    </>
  );
}

function Compared({ record }: { record: Train }) {
  const start = (): void =>
    void post<Job>("/api/jobs", { verb: "train", name: "auto", settings: {}, resume: false }).then(() => say("comparing classifiers on the answers so far"), complain).then(refresh);
  if (!record.compared.length)
    return <div class="row"><Empty>Nothing has been compared on this project.</Empty><Button primary onClick={start}>Compare now</Button></div>;
  return (
    <>
      <div class="wide">
        <table>
          <caption class="visually-hidden">Classifiers compared on the same labels</caption>
          <thead><tr><th>candidate</th><th class="n">accuracy</th><th class="n" title="every class counts as much as any other, however many items it has">balanced accuracy</th><th class="n">above supervised</th><th class="n">time of a training</th></tr></thead>
          <tbody>
            {record.compared.map((row) => (
              <tr key={row.candidate}>
                <th scope="row">{row.candidate}</th>
                {[row.accuracy, row.balanced].map((found, i) => <td key={i} class="n">{found ? ends(found) : "–"}</td>)}
                <td class="n">{row.above ? points(row.above) : "–"}</td>
                <td class="n">{row.seconds === null ? "–" : lasting(row.seconds)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="row"><p class="note">{record.compared_said} In brackets: 95 % intervals.</p><Button onClick={start}>Compare again</Button></div>
    </>
  );
}

function TrainedTable({ rows }: { rows: Train["trained"] }) {
  if (!rows.length) return <Empty>Nothing has been trained yet. <Link href="/label">Label</Link> items of two classes, and a quick model is trained by itself.</Empty>;
  const use = (run: string): void =>
    void post<Job>("/api/jobs", { verb: "round", name: run, settings: {}, resume: false }).then(() => say(`suggestions will come from ${run}`), complain).then(refresh);
  return (
    <div class="wide">
      <table>
        <caption class="visually-hidden">Trained classifiers, the latest first</caption>
        <thead><tr><th>run</th><th>method</th><th class="n">labels</th><th class="n">accuracy</th><th class="n">measured on (items)</th><th class="n">time</th><th>suggestions</th></tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.run}>
              <th scope="row">{row.run}</th><td>{row.method}</td><td class="n">{row.labels === null ? "" : number(row.labels)}</td>
              <td class="n">{row.accuracy ? ends(row.accuracy) : row.status === "finished" ? "not measured" : row.status}</td>
              <td class="n">{row.measured_on === null ? "" : number(row.measured_on)}</td><td class="n">{row.seconds === null ? "" : lasting(row.seconds)}</td>
              <td>{row.current ? "come from it" : row.status === "finished" && <button aria-label={`Let ${row.run} suggest`} onClick={() => use(row.run)}>Use</button>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
