// The classes as buttons with their keys, a dialog to name new ones, and type-ahead for those beyond the keys.
import { useState } from "preact/hooks";
import { post } from "../api";
import { keyOf, printed, useKeys, type Handlers } from "../keys";
import { complain, refresh, say, state, useValue, Value, who } from "../store";
import type { Get } from "../types";
import { matching, parted } from "../label/names";
import { Button, count, Dialog } from "./parts";
import "./classes.css";

const KEYED = 13; // classes that have a key of their own
const LONGEST = 100; // characters of a name, as the server has it
const FEW = 8; // names that a message holds
/** Whether names of new classes are being typed: on any page, and one that changes meanwhile keeps them. */
export const naming = new Value(false);
const nameThem = (): void => void (naming.value = true);

interface Props {
  onGive: (name: string) => void;
  current?: string | null; // the answer as of now, shown as pressed
  disabled?: boolean;
}

/** One button a class. It listens to their keys, to `/` and, in a dialog too, to `+`, as long as it is shown. */
export function ClassButtons({ onGive, current, disabled }: Props) {
  const classes = useValue(state)?.classes ?? [];
  const [byName, setByName] = useState(false);
  const keys: Handlers = { "new-class": nameThem };
  if (!disabled) {
    classes.slice(0, KEYED).forEach(({ name }, i) => (keys[`class-${i + 1}`] = () => onGive(name)));
    keys["more-classes"] = () => setByName(true);
  }
  useKeys(keys);
  const give = (name: string): void => {
    setByName(false);
    onGive(name);
  };
  return (
    <div class="class-buttons" role="group" aria-label="Classes">
      {classes.slice(0, KEYED).map(({ name }, i) => (
        <button
          key={name} type="button" class={`class-button c${i % 8}`} disabled={disabled} aria-pressed={current === name}
          aria-keyshortcuts={keyOf(`class-${i + 1}`)} title={name}
          onMouseDown={stayOut} onClick={() => onGive(name)}
        >
          <span class="swatch" aria-hidden="true" />
          <span class="what">{name}</span>
          <kbd>{printed(keyOf(`class-${i + 1}`))}</kbd>
        </button>
      ))}
      {classes.length > 0 && (
        <Button action="more-classes" disabled={disabled} onMouseDown={stayOut} onClick={() => setByName(true)}>
          {classes.length > KEYED ? `${count(classes.length - KEYED, "more class").replace(/classs$/, "classes")}…` : "By name…"}
        </Button>
      )}
      <Button action="new-class" primary={classes.length === 0} onMouseDown={stayOut} onClick={nameThem}>
        New class
      </Button>
      {byName && <TypeAhead close={() => setByName(false)} onGive={give} />}
    </div>
  );
}

/** A click leaves the focus where it was, so that Space goes on to mean "accept". */
export const stayOut = (event: MouseEvent): void => event.preventDefault();

/** Make these classes, one after another; what was refused is said. Returns those that are there now. */
export async function makeClasses(names: string[]): Promise<string[]> {
  const made: string[] = [];
  for (const name of names) {
    const long = [...name].length;
    if (long > LONGEST) {
      say(`${name.slice(0, 30)}… was not made: the name of a class has ${LONGEST} characters at most, and this one ${long}`, "error");
      continue;
    }
    try {
      await post<Get<"Said">>("/api/classes", { who: who.value, add: name });
      made.push(name);
    } catch (error) {
      complain(error);
    }
  }
  await refresh();
  return made;
}

/** Several names, separated by commas or Enter; the keys they will get are shown. */
export function NewClasses({ close }: { close: () => void }) {
  const there = useValue(state)?.classes.map(({ name }) => name) ?? [];
  const [text, setText] = useState("");
  const [names, setNames] = useState<string[]>([]);
  const [busy, setBusy] = useState(false);
  const all = [...names, ...parted(text)].filter((name, i, list) => !there.includes(name) && list.indexOf(name) === i);
  const save = async (): Promise<void> => {
    setBusy(true);
    const made = await makeClasses(all);
    setBusy(false);
    if (made.length) say(`${count(made.length, "class").replace(/classs$/, "classes")} made: ${made.slice(0, FEW).join(", ")}${made.length > FEW ? `, and ${made.length - FEW} more` : ""}`);
    if (made.length === all.length) close();
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    if (text.trim() === "" && all.length) void save();
    else setNames(all), setText("");
  };
  return (
    <Dialog title="New classes" close={close}>
      <p class="note">Type a name and press Enter, or several with commas between them. Enter on an empty line makes them.</p>
      <div class="row">
        <input
          aria-label="Names of new classes" placeholder="heron, gull, other" value={text} maxLength={2000}
          onInput={(event) => setText(event.currentTarget.value)} onKeyDown={pressed}
        />
        <Button primary disabled={busy || all.length === 0} onClick={() => void save()}>Make</Button>
      </div>
      <ul class="new-names" aria-live="polite" aria-label="Classes that will be made">
        {all.map((name, i) => (
          <li key={name}>
            {name} <KeyFor name={name} index={there.length + i} />
            <button type="button" class="quiet" aria-label={`Leave out ${name}`} onClick={() => (setNames(all.filter((one) => one !== name)), setText(""))}>×</button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

/** A class that is called by a digit gets that key. */
function KeyFor({ name, index }: { name: string; index: number }) {
  const key = /^\d$/.test(name) && index < 10 ? name : keyOf(`class-${index + 1}`);
  return key ? <kbd>{printed(key)}</kbd> : <small>by name, {printed(keyOf("more-classes"))}</small>;
}

/** Classes by the first letters of their names; Enter gives the marked one. */
function TypeAhead({ close, onGive }: { close: () => void; onGive: (name: string) => void }) {
  const classes = useValue(state)?.classes.map(({ name }) => name) ?? [];
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const found = matching(classes, text);
  const marked = Math.min(at, found.length - 1);
  const pressed = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && found.length) {
      event.preventDefault();
      setAt((marked + step + found.length) % found.length);
    } else if (event.key === "Enter" && !event.isComposing && found[marked] !== undefined) {
      event.preventDefault();
      onGive(found[marked]);
    }
  };
  return (
    <Dialog title="Give a class by name" close={close}>
      <input
        role="combobox" aria-label="Name of a class" aria-expanded={true} aria-controls="by-name" aria-autocomplete="list"
        aria-activedescendant={found.length ? `by-name-${marked}` : undefined} value={text}
        onInput={(event) => (setText(event.currentTarget.value), setAt(0))} onKeyDown={pressed}
      />
      <ul id="by-name" role="listbox" aria-label="Classes" class="by-name">
        {found.slice(0, 50).map((name, i) => (
          <li key={name} id={`by-name-${i}`} role="option" aria-selected={i === marked} onClick={() => onGive(name)}>{name}</li>
        ))}
      </ul>
      <p class="note" aria-live="polite">
        {found.length === 0 ? `No class is called that; ${printed(keyOf("new-class"))} makes a new one.` : found.length > 50 ? `50 of ${found.length} shown: type more letters.` : ""}
      </p>
    </Dialog>
  );
}
