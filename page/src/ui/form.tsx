// A method and its settings as a form, read from its signature; what is left as it is, is not sent.
import { useState } from "preact/hooks";
import { post } from "../api";
import { complain, refresh, say } from "../store";
import type { Get, Job } from "../types";

type Method = Get<"MethodInfo">;
type Field = Get<"Setting">;

interface Props {
  verb: Get<"JobOrder">["verb"];
  methods: Method[];
  label: string;
  first: string; // chosen at the start
  auto?: string; // what "auto" does, where there is such
}

export function MethodForm({ verb, methods, label, first, auto }: Props) {
  const [name, setName] = useState(first);
  const [changed, setChanged] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const method = methods.find((one) => one.name === name);
  const start = (): void => {
    setBusy(true);
    post<Job>("/api/jobs", { verb, name, settings: changed, resume: false })
      .then((job) => say(`started: tacit ${job.words.join(" ")}`))
      .then(refresh)
      .catch(complain)
      .finally(() => setBusy(false));
  };
  return (
    <form class="method-form panel" onSubmit={(event) => (event.preventDefault(), start())}>
      <div class="row">
        <label>
          {label}
          <select value={name} onChange={(event) => (setName(event.currentTarget.value), setChanged({}))}>
            {auto && <option value="auto">auto</option>}
            {methods.map((one) => <option key={one.name} value={one.name}>{one.name}</option>)}
          </select>
        </label>
        <button type="submit" class="primary" disabled={busy}>{label}</button>
      </div>
      <p class="note">{name === "auto" ? auto : `Use it when ${method?.use_when ?? ""}. ${method?.paper ?? ""}`}</p>
      {method && (
        <details>
          <summary>Settings{Object.keys(changed).length ? ` (${Object.keys(changed).length} changed)` : ""}</summary>
          <Fields title="Method" fields={method.settings} changed={changed} change={setChanged} />
          <Fields title="Training" fields={method.recipe} changed={changed} change={setChanged} />
        </details>
      )}
    </form>
  );
}

function Fields({ title, fields, changed, change }: { title: string; fields: Field[]; changed: Record<string, string>; change: (next: Record<string, string>) => void }) {
  if (!fields.length) return null;
  const set = (field: Field, value: string): void => {
    const { [field.name]: _, ...rest } = changed;
    change(value === field.default || value === "" ? rest : { ...rest, [field.name]: value });
  };
  return (
    <fieldset>
      <legend>{title}</legend>
      {fields.map((field) => (
        <label key={field.name}>
          <span>{field.name.replaceAll("_", " ")}</span>
          {field.kind === "switch" ? (
            <input type="checkbox" checked={(changed[field.name] ?? field.default) === "yes"} onChange={(event) => set(field, event.currentTarget.checked ? "yes" : "no")} />
          ) : (
            <input value={changed[field.name] ?? ""} placeholder={field.default} inputMode={field.kind === "number" ? "decimal" : undefined} onInput={(event) => set(field, event.currentTarget.value.trim())} />
          )}
        </label>
      ))}
    </fieldset>
  );
}
