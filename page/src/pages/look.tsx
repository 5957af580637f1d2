import { useState } from "preact/hooks";
import { post, upload } from "../api";
import { useRecord } from "../record";
import { complain, refresh, say } from "../store";
import type { Get } from "../types";
import { count, Empty, Link, number } from "../ui/parts";
import "./pages.css";

export function LookPage() {
  const { record, failure, again } = useRecord<Get<"LookRecord">>("/look.json");
  const [busy, setBusy] = useState(false);
  const scan = (): void => {
    setBusy(true);
    post("/api/look").then(() => say("looked again"), complain).then(refresh).then(again).finally(() => setBusy(false));
  };
  if (failure) return <Empty>{failure.message}. {failure.next}</Empty>;
  if (!record) return <p class="opening">Reading…</p>;
  return (
    <>
      <h1>Look</h1>
      <div class="row">
        <button onClick={scan} disabled={busy}>{busy ? "Looking…" : "Look again"}</button>
        <Link href="/grid">All items</Link>
        <Link href="/grid?show=duplicates">Near copies</Link>
      </div>
      <h2>What is in the pile</h2>
      <ul class="plain">{record.lines.map((line, i) => <li key={i}>{line}</li>)}</ul>
      <h2>More to color by</h2>
      <Columns />
      {record.gone_count > 0 && (
        <>
          <h2>{count(record.gone_count, "file")} gone from the disk</h2>
          <p class="note">Their answers and their small pictures stay. Put the files back and look again.</p>
          <Names names={record.gone} of={record.gone_count} />
        </>
      )}
      {record.skipped.length > 0 && (
        <>
          <h2>{count(record.skipped_count, "file")} could not be read</h2>
          {record.skipped_count > record.skipped.length && <p class="note">{number(record.skipped.length)} of them are listed; all are in skipped.csv.</p>}
          <div class="wide">
            <table>
              <caption class="visually-hidden">Files that could not be read</caption>
              <thead><tr><th>file</th><th>why</th></tr></thead>
              <tbody>{record.skipped.map(([file, why]) => <tr key={file}><td>{file}</td><td>{why}</td></tr>)}</tbody>
            </table>
          </div>
        </>
      )}
    </>
  );
}

/** Columns of a table of one's own: dates, cameras, places; the map can be colored by them. */
function Columns() {
  const [said, setSaid] = useState("");
  const send = async (input: HTMLInputElement): Promise<void> => {
    const file = input.files?.[0];
    if (!file) return;
    const done = await upload<Get<"ColumnImported">>("/api/columns", file, file.name).finally(() => (input.value = ""));
    const unknown = done.unknown ? `; ${count(done.unknown, "row")} about items that are not here` : "";
    setSaid(`${done.columns.join(", ")}: values for ${count(done.items, "item")}${unknown}`);
    await refresh();
  };
  return (
    <>
      <p class="note">A CSV file with a column id or path, and any others beside it. They join the list of colors of the map.</p>
      <label>
        Bring a table
        <input type="file" accept=".csv,text/csv" onChange={(event) => void send(event.currentTarget).catch(complain)} />
      </label>
      {said && <p role="status">{said}</p>}
    </>
  );
}

function Names({ names, of }: { names: string[]; of: number }) {
  return (
    <>
      <ul class="plain">{names.map((name) => <li key={name}>{name}</li>)}</ul>
      {of > names.length && <p class="note">{number(names.length)} of {number(of)} are listed.</p>}
    </>
  );
}
