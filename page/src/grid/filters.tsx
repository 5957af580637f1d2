// What the grid shows, and in which order; all of it is in the address.
import { useEffect, useState } from "preact/hooks";
import { requery, route } from "../route";
import { state, useValue } from "../store";
import { Button } from "../ui/parts";

export const FIELDS = ["state", "label", "guess", "text", "order", "cluster", "column", "low", "high", "space"] as const;
export type Filters = Partial<Record<(typeof FIELDS)[number], string>>;

const STATES: [string, string][] = [
  ["", "all items"], ["unlabelled", "without an answer"], ["labelled", "answered"], ["suggested", "suggested"], ["cannot-tell", "cannot tell"],
  ["flagged", "flagged"], ["yardstick", "the yardstick"],
];
const ORDERS: [string, string][] = [
  ["", "as they came"], ["name", "by name"], ["confidence", "least sure first"], ["margin", "most torn first"], ["outlier", "strangest first"], ["random", "at random"],
];
const WAIT = 300; // milliseconds after the last letter

export function useFilters(): Filters {
  const { searchParams } = useValue(route);
  return Object.fromEntries(FIELDS.map((name) => [name, searchParams.get(name) ?? ""]).filter(([, value]) => value !== ""));
}

export function FilterBar({ filters, again }: { filters: Filters; again: () => void }) {
  const classes = useValue(state)?.classes.map(({ name }): [string, string] => [name, name]) ?? [];
  const others = (["cluster", "column", "low", "high", "space"] as const).filter((name) => filters[name] !== undefined);
  return (
    <div class="row filters" role="search" aria-label="Filters">
      <Choice name="state" title="Show" choices={STATES} value={filters.state} />
      <Choice name="label" title="Class" choices={[["", "any"], ...classes, ["?", "cannot tell"]]} value={filters.label} />
      <Choice name="guess" title="Looks like" choices={[["", "anything"], ...classes]} value={filters.guess} />
      <Text value={filters.text ?? ""} />
      <Choice name="order" title="Order" choices={ORDERS} value={filters.order} />
      {others.map((name) => (
        <Button key={name} aria-label={`Take away the filter ${name} ${filters[name]}`} onClick={() => requery({ [name]: null })}>{name} {filters[name]} ×</Button>
      ))}
      {Object.keys(filters).length > 0 && <Button onClick={() => requery(Object.fromEntries(FIELDS.map((name) => [name, null])))}>All items</Button>}
      <Button onClick={again}>Fetch again</Button>
    </div>
  );
}

function Choice({ name, title, choices, value = "" }: { name: string; title: string; choices: [string, string][]; value?: string }) {
  return (
    <label>
      {title}
      <select value={value} onChange={(event) => (requery({ [name]: event.currentTarget.value || null }), event.currentTarget.blur())}>
        {choices.map(([key, said]) => <option key={key} value={key}>{said}</option>)}
      </select>
    </label>
  );
}

function Text({ value }: { value: string }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => requery({ text: text || null }), WAIT);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label>
      Name has
      <input type="search" value={text} size={12} maxLength={500} onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()} />
    </label>
  );
}
