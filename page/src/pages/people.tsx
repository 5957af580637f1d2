// Who answered, how far they agree, and the way in and out for answers.
import { useEffect, useState } from "preact/hooks";
import { address, Failure, get, upload } from "../api";
import { Details, worded } from "../label/details";
import { give } from "../outbox";
import { complain, refresh, say, state, useValue, who } from "../store";
import type { Get } from "../types";
import { Button, count, Empty, fixed, lasting, Link, number, Thumb } from "../ui/parts";
import "./people.css";

const FORMATS: [string, string][] = [
  ["csv", "table (CSV)"], ["jsonl", "lines (JSONL)"], ["label-studio", "Label Studio"], ["coco", "COCO"], ["history", "the whole history (CSV)"],
];

export function PeoplePage() {
  const version = useValue(state)?.version;
  const [found, setFound] = useState<Get<"PeopleRecord"> | null>(null);
  useEffect(() => {
    const control = new AbortController();
    get<Get<"PeopleRecord">>("/people.json", {}, control.signal).then(setFound).catch(complain);
    return () => control.abort();
  }, [version]);
  return (
    <div class="people">
      <h1>People</h1>
      {found === null ? <p class="note">Counting…</p> : (
        <>
          <p>{found.said}</p>
          <Table people={found.people} />
          <h2>Agreement</h2>
          <Agreement found={found.agreement} />
          <h2>Where people disagree</h2>
          <Disagreements found={found.disagreements} />
        </>
      )}
      <Exchange />
    </div>
  );
}

function Table({ people }: { people: Get<"Person">[] }) {
  if (people.length === 0) return <Empty><Link href="/label">Label the first items</Link></Empty>;
  return (
    <div class="wide">
      <table>
        <thead><tr><th>Name</th><th class="n">Answers</th><th class="n">Items</th><th class="n">Taken back</th><th class="n">Median of an answer</th></tr></thead>
        <tbody>
          {people.map((one) => (
            <tr key={one.name}>
              <th scope="row">{one.name}</th>
              <td class="n">{number(one.answers)}</td>
              <td class="n">{number(one.items)}</td>
              <td class="n">{number(one.taken_back)}</td>
              <td class="n">{one.seconds === null ? "not measured" : one.seconds < 10 ? `${one.seconds.toFixed(1)} s` : lasting(one.seconds)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What a kappa means, in the words of Landis and Koch (1977). */
function inWords(kappa: number): string {
  if (kappa <= -0.005) return "less than chance";
  if (kappa < 0.005) return "no"; // as it is printed
  const steps: [number, string][] = [[0.2, "slight"], [0.4, "fair"], [0.6, "moderate"], [0.8, "substantial"], [Infinity, "almost perfect"]];
  return steps.find(([end]) => kappa <= end)![1];
}

function Agreement({ found }: { found: Get<"Agreement"> }) {
  const { kappa } = found;
  return (
    <>
      {kappa && (
        <p class="kappa">
          <strong>{fixed(kappa.value, 2)}</strong> [{fixed(kappa.low, 2)}, {fixed(kappa.high, 2)}] {inWords(kappa.value)} agreement
          {inWords(kappa.low) !== inWords(kappa.high) && `, by the interval anything from ${inWords(kappa.low)} to ${inWords(kappa.high)}`}
        </p>
      )}
      <p>{found.said}</p>
      <p><Link href="/label?kind=second">Give a second opinion</Link> on items that one person alone has answered.</p>
    </>
  );
}

function Disagreements({ found }: { found: Get<"Disagreement">[] }) {
  const [open, setOpen] = useState<number | null>(null);
  if (found.length === 0) return <Empty>No item has two different answers as of now.</Empty>;
  return (
    <>
      <p class="note">{count(found.length, "item")}. The answer chosen here is the one that counts; all of them stay in the history.</p>
      <ul class="disagreements">
        {found.map((one) => <Settle key={one.item.row} found={one} open={() => setOpen(one.item.row)} />)}
      </ul>
      {open !== null && <Details row={open} close={() => setOpen(null)} />}
    </>
  );
}

/** One item, the answers people gave, and the classes to choose from: theirs first. */
function Settle({ found: { item, answers }, open }: { found: Get<"Disagreement">; open: () => void }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const classes = useValue(state)?.classes.map(({ name }) => name) ?? [];
  const given = [...new Set(answers.map(({ answer }) => answer))];
  const settle = (answer: string): void => {
    setChosen(answer);
    give([{ row: item.row, answer }]);
    say(`${item.name} is settled: ${worded(answer)}`);
  };
  const others = classes.filter((name) => !given.includes(name));
  return (
    <li class="panel">
      <button type="button" class="bare" aria-label={`Open ${item.name}`} onClick={open}><Thumb item={item} size={96} alt="" /></button>
      <div>
        <strong>{item.name}</strong>
        <p>{answers.map((one) => `${one.who}: ${worded(one.answer)}`).join(", ")}</p>
        <div class="row" role="group" aria-label={`Settle ${item.name}`}>
          {given.map((name) => <Button key={name} aria-pressed={chosen === name} onClick={() => settle(name)}>{worded(name)}</Button>)}
          <label>
            <span class="visually-hidden">Another class for {item.name}</span>
            <select value="" onChange={(event) => event.currentTarget.value && settle(event.currentTarget.value)}>
              <option value="">something else…</option>
              {others.map((name) => <option key={name}>{name}</option>)}
              {!given.includes("?") && <option value="?">cannot tell</option>}
            </select>
          </label>
        </div>
      </div>
    </li>
  );
}

function Exchange() {
  const [said, setSaid] = useState("");
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState(""); // it stays: there is more to read than a message has time for
  const [lenient, setLenient] = useState(false);
  const [format, setFormat] = useState("auto");
  const read = async (input: HTMLInputElement): Promise<void> => {
    const file = input.files?.[0];
    if (!file) return;
    setBusy(true);
    try {
      const done = await upload<Get<"ImportedRecord">>("/api/import", file, file.name, { format, who: who.value, skip_unknown: lenient });
      setSaid(done.said);
      setWrong("");
      await refresh();
    } catch (error) {
      setSaid(""); // of the file before
      setWrong(error instanceof Failure ? `${error.message}\n${error.next}` : String(error));
    }
    input.value = "";
    setBusy(false);
  };
  return (
    <>
      <h2>Answers out</h2>
      <ul class="row formats">
        {FORMATS.map(([name, title]) => <li key={name}><a href={address("/api/export", { format: name })} download>{title}</a></li>)}
      </ul>
      <h2>Answers in</h2>
      <div class="row">
        <label>
          Format
          <select value={format} onChange={(event) => setFormat(event.currentTarget.value)}>
            <option value="auto">found out from the file</option>
            {FORMATS.filter(([name]) => name !== "history").map(([name, title]) => <option key={name} value={name}>{title}</option>)}
          </select>
        </label>
        <label><input type="checkbox" checked={lenient} onChange={(event) => setLenient(event.currentTarget.checked)} />pass over items that this project does not have</label>
        <label>File <input type="file" disabled={busy} accept=".json,.jsonl,.csv,.txt" onChange={(event) => void read(event.currentTarget)} /></label>
      </div>
      <p role="status">{busy ? "Reading…" : said}</p>
      {wrong && !busy && <p class="warning lines" role="alert">{wrong}</p>}
    </>
  );
}
