import { useLayoutEffect, useState } from "preact/hooks";
import { post } from "../api";
import { keyName, printed } from "../keys";
import { useRecord } from "../record";
import { complain, refresh, say, theme, useValue, who } from "../store";
import type { Get } from "../types";
import { Button, Dialog, Empty, number } from "../ui/parts";
import "./pages.css";

type Settings = Get<"SettingsRecord">;

export function SettingsPage() {
  const { record, failure, again } = useRecord<Settings>("/settings.json");
  const save = (change: Partial<Get<"SettingsOrder">>): Promise<void> =>
    post("/api/settings", change).then(() => say("saved"), complain).then(refresh).then(again);
  if (failure) return <Empty>{failure.message}. {failure.next}</Empty>;
  if (!record) return <p class="opening">Reading…</p>;
  return (
    <>
      <h1>Settings</h1>
      <div class="columns">
        <section>
          <h2>This browser</h2>
          <Mine />
          <h2>Project</h2>
          <Project record={record} save={save} />
          <h2>Classes</h2>
          <Classes record={record} again={again} />
        </section>
        <section>
          <h2>Keys</h2>
          <Keys record={record} save={save} />
        </section>
      </div>
    </>
  );
}

function Mine() {
  const name = useValue(who);
  const wanted = useValue(theme);
  return (
    <div class="fields">
      <label><span>Who labels here</span><input value={name} maxLength={200} onChange={(event) => (event.currentTarget.value = who.value = event.currentTarget.value.trim() || "me")} /></label>
      <label>
        <span>Colors</span>
        <select value={wanted} onChange={(event) => (theme.value = event.currentTarget.value as "auto" | "light" | "dark")}>
          <option value="auto">as the system has them</option><option value="light">light</option><option value="dark">dark</option>
        </select>
      </label>
    </div>
  );
}

function Project({ record, save }: { record: Settings; save: (change: { name: string }) => Promise<void> }) {
  return (
    <div class="fields">
      <label><span>Name</span><input value={record.name} maxLength={200} onChange={(event) => {
        const next = event.currentTarget.value.trim();
        if (next && next !== record.name) void save({ name: next });
        else event.currentTarget.value = record.name;
      }} /></label>
      <p class="note">Items from {record.source}; folder {record.folder}; seed {record.seed}.</p>
    </div>
  );
}

function Classes({ record, again }: { record: Settings; again: () => void }) {
  const [added, setAdded] = useState("");
  const [removing, setRemoving] = useState<string | null>(null);
  const order = (change: Partial<Get<"ClassOrder">>): Promise<void> =>
    post<Get<"Said">>("/api/classes", { who: who.value, ...change }).then((done) => say(done.said), complain).then(refresh).then(again);
  const names = record.classes.map((one) => one.name);
  const move = (i: number, by: number): void => {
    const next = [...names];
    [next[i], next[i + by]] = [next[i + by], next[i]];
    void order({ order: next });
  };
  return (
    <>
      <ol class="classes">
        {record.classes.map((one, i) => (
          <li key={one.name} class="row">
            <kbd>{one.key ? printed(one.key) : "/"}</kbd>
            <input aria-label={`Name of class ${one.name}`} value={one.name} maxLength={100} onChange={(event) => {
              const next = event.currentTarget.value.trim();
              if (next && next !== one.name) void order({ rename: [one.name, next] });
              else event.currentTarget.value = one.name;
            }} />
            <small>{number(one.labeled)} labelled, {number(one.yardstick)} in the yardstick</small>
            <button class="quiet" aria-label={`Move ${one.name} up`} disabled={i === 0} onClick={() => move(i, -1)}>↑</button>
            <button class="quiet" aria-label={`Move ${one.name} down`} disabled={i === names.length - 1} onClick={() => move(i, 1)}>↓</button>
            <button class="quiet" aria-label={`Remove ${one.name}`} onClick={() => (one.labeled + one.yardstick ? setRemoving(one.name) : void order({ remove: one.name }))}>×</button>
          </li>
        ))}
      </ol>
      <form class="row" onSubmit={(event) => (event.preventDefault(), added.trim() && void order({ add: added.trim() }).then(() => setAdded("")))}>
        <input aria-label="New class" placeholder="new class" value={added} maxLength={100} onInput={(event) => setAdded(event.currentTarget.value)} />
        <button type="submit" disabled={!added.trim()}>Add</button>
      </form>
      {removing !== null && <Removing name={removing} others={names.filter((one) => one !== removing)} close={() => setRemoving(null)} go={(instead) => order({ remove: removing, instead }).then(() => setRemoving(null))} />}
    </>
  );
}

function Removing({ name, others, close, go }: { name: string; others: string[]; close: () => void; go: (instead: string) => Promise<void> }) {
  const [instead, setInstead] = useState("");
  return (
    <Dialog title={`Remove ${name}`} close={close}>
      <p>Items have this class. What shall they be?</p>
      <div class="row">
        <label>
          Instead
          <select value={instead} onChange={(event) => setInstead(event.currentTarget.value)}>
            <option value="">unanswered again</option>
            {others.map((one) => <option key={one} value={one}>{one}</option>)}
          </select>
        </label>
        <Button primary onClick={() => void go(instead)}>Remove {name}</Button>
      </div>
    </Dialog>
  );
}

function Keys({ record, save }: { record: Settings; save: (change: { keys: Record<string, string> }) => Promise<void> }) {
  const [recording, setRecording] = useState<string | null>(null);
  const changed = Object.fromEntries(Object.entries(record.keys).filter(([action, key]) => record.defaults[action] !== key));
  useLayoutEffect(() => {
    if (recording === null) return;
    const heard = (event: KeyboardEvent): void => {
      if (["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
      event.stopImmediatePropagation();
      setRecording(null);
      if (event.key === "Tab") return; // goes on to the next button: a page where it does something else is a trap
      event.preventDefault();
      if (event.key !== "Escape") void save({ keys: { ...changed, [recording]: keyName(event) } });
    };
    window.addEventListener("keydown", heard, true);
    return () => window.removeEventListener("keydown", heard, true);
  }, [recording]);
  return (
    <>
      <p class="note">Press a button, then the key it shall have; Esc and Tab leave it as it was.</p>
      <ul class="key-list">
        {Object.entries(record.keys).map(([action, key]) => (
          <li key={action}>
            <span>{action === "undo-2" ? "undo, second key" : action.replaceAll("-", " ")}</span>
            <button aria-label={`Key of ${action}: ${printed(key)}`} aria-pressed={recording === action} onClick={() => setRecording(action)} onBlur={() => setRecording(null)}>
              {recording === action ? "press a key…" : <kbd>{printed(key)}</kbd>}
            </button>
          </li>
        ))}
      </ul>
      <button disabled={!Object.keys(changed).length} onClick={() => void save({ keys: {} })}>All keys as they were at first</button>
    </>
  );
}
