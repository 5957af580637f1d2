// The legend: what colors and shapes mean, how many points have them; a click hides, a double click isolates.
import { number } from "../ui/parts";
import { Numbers } from "./numbers";
import { COLORS, KINDS, rangeOf, SHAPES, type Coloring, type Counts, type Hiding, type Kind, type Wanted } from "./paint";

interface Props {
  coloring: Coloring | null;
  counts: Counts;
  hiding: Hiding;
  setHiding(next: Hiding): void;
  select?(wanted: Wanted): void;
}

/** The other set: what is in it leaves, what is not comes. */
const toggled = <T,>(set: ReadonlySet<T>, one: T): Set<T> => {
  const next = new Set(set);
  if (!next.delete(one)) next.add(one);
  return next;
};
/** All but one are hidden; or, where that was so before the double click, whose first click hid this one as well, none. */
const isolated = <T,>(set: ReadonlySet<T>, all: T[], one: T): Set<T> => {
  const others = all.filter((each) => each !== one);
  return all.every((each) => set.has(each)) ? new Set() : new Set(others);
};

export function Legend({ coloring, counts, hiding, setHiding, select }: Props) {
  const groups = coloring ? [...coloring.labels.keys()].map((k) => k + 1).concat(0) : [];
  const ramp = coloring?.kind === "number" && coloring.high > coloring.low; // its numbers are a histogram, not lines
  const shownGroups = groups.filter((group) => counts.groups[group] > 0 && !(ramp && group));
  const kinds = KINDS.filter((kind) => counts.kinds[kind] > 0);
  return (
    <div class="map-legend">
      {coloring && (
        <section aria-label={`Colors: ${coloring.title}`}>
          <h3>{coloring.title}</h3>
          {ramp && <Numbers coloring={coloring} range={rangeOf(coloring, hiding)} setRange={(range) => setHiding({ ...hiding, range })} select={select} />}
          <ul>
            {shownGroups.map((group) => (
              <Entry
                key={group}
                name={group ? coloring.labels[group - 1] : "none"}
                many={counts.groups[group]}
                hidden={hiding.groups.has(group)}
                toggle={() => setHiding({ ...hiding, groups: toggled(hiding.groups, group) })}
                isolate={() => setHiding({ ...hiding, groups: isolated(hiding.groups, shownGroups, group) })}
                select={select && (() => select(group))}
                swatch={<GroupSwatch coloring={coloring} group={group} />}
              />
            ))}
          </ul>
          {coloring.said && <p class="note">{coloring.said}</p>}
        </section>
      )}
      <section aria-label="States">
        <h3>States</h3>
        <ul>
          {kinds.map((kind) => (
            <Entry
              key={kind}
              name={kind}
              said={MEANING[kind]}
              many={counts.kinds[kind]}
              hidden={hiding.kinds.has(kind)}
              toggle={() => setHiding({ ...hiding, kinds: toggled(hiding.kinds, kind) })}
              isolate={() => setHiding({ ...hiding, kinds: isolated<string>(hiding.kinds, [...kinds.filter(apart(kind)), kind], kind) })}
              select={select && (() => select(kind))}
              swatch={<KindSwatch kind={kind} />}
            />
          ))}
        </ul>
      </section>
    </div>
  );
}

const MEANING: Partial<Record<Kind, string>> = {
  yardstick: "only measured on, never learned from", suggested: "asked about in the latest round", "cannot tell": "set aside by somebody who looked",
  "near copy": "nearly the same code as another item", outlier: "the hundredth of the items that is farthest from its neighbours",
};

/** To see a mark alone, hide the other marks but not what carries it: a suggested item is unlabelled too. */
const EXCLUSIVE: readonly Kind[] = KINDS.slice(0, 4);
const apart = (kind: Kind) => (other: Kind): boolean => EXCLUSIVE.includes(kind) && EXCLUSIVE.includes(other);

interface EntryProps {
  name: string;
  said?: string; // what it means, where the name does not tell

  many: number;
  hidden: boolean;
  toggle(): void;
  isolate(): void;
  select?: () => void;
  swatch: preact.JSX.Element;
}

function Entry({ name, said, many, hidden, toggle, isolate, select, swatch }: EntryProps) {
  const clicked = (event: MouseEvent): void => {
    if (event.detail === 2) isolate(); // its first click hid or showed this one
    else if (event.detail < 2) toggle();
  };
  return (
    <li>
      <button type="button" class="map-entry" aria-pressed={!hidden} title={`${said ? `${said}; ` : ""}click: hide or show; double click: this one alone`} onClick={clicked}>
        {swatch}
        <bdi>{name}</bdi>
        <span class="n">({number(many)})</span>
      </button>
      {select && (
        <button type="button" class="quiet" aria-label={`Select the ${number(many)} points: ${name}`} title="select these" onClick={select}>◎</button>
      )}
    </li>
  );
}

function GroupSwatch({ coloring, group }: { coloring: Coloring; group: number }) {
  if (!group) return <Swatch style={{ color: "var(--gray)" }} shape="disk" />;
  if (coloring.kind === "number") return <Swatch style={{ color: "var(--ramp-2)" }} shape="square" />; // all the same number
  return <ClassSwatch k={group - 1} />;
}

/** Color and shape of class number `k`. */
export const ClassSwatch = ({ k }: { k: number }) => (
  <Swatch style={{ color: `var(--c${k % COLORS})` }} shape={SHAPES[Math.floor(k / COLORS) % SHAPES.length]} />
);

const PATHS: Record<string, string> = {
  disk: "M8 3a5 5 0 1 0 .01 0Z", triangle: "M8 2.5L14 13H2Z", square: "M3.5 3.5h9v9h-9Z", diamond: "M8 2L14 8L8 14L2 8Z",
  plus: "M6 2.5h4V6h3.5v4H10v3.5H6V10H2.5V6H6Z",
};

function Swatch({ style, shape }: { style: { color: string }; shape: string }) {
  return <svg class="map-swatch" viewBox="0 0 16 16" style={style} aria-hidden="true"><path d={PATHS[shape]} fill="currentColor" /></svg>;
}

/** The same glyphs as points.ts draws. */
function KindSwatch({ kind }: { kind: Kind }) {
  const line = { fill: "none", stroke: "currentColor", "stroke-width": 1.6 };
  return (
    <svg class={`map-swatch kind-${kind.replace(" ", "-")}`} viewBox="0 0 16 16" aria-hidden="true">
      {kind === "unlabelled" && <circle cx={8} cy={8} r={2.2} fill="currentColor" />}
      {kind === "labelled" && <circle cx={8} cy={8} r={5} fill="currentColor" />}
      {kind === "yardstick" && <circle cx={8} cy={8} r={4.2} {...line} />}
      {kind === "cannot tell" && <path d="M3 6.5h10v3H3Z" fill="currentColor" />}
      {kind === "suggested" && <path d="M8 1v14M1 8h14M8 4a4 4 0 1 0 .01 0Z" {...line} />}
      {kind === "near copy" && <path d="M4 4l8 8M4 12l8 -8" {...line} />}
      {(kind === "outlier" || kind === "flagged") && <><circle cx={8} cy={8} r={2.2} fill="currentColor" /><circle cx={8} cy={8} r={6} {...line} /></>}
    </svg>
  );
}
