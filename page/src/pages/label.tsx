// One item after another, one key each.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useKeys } from "../keys";
import { Big } from "../label/big";
import { batch, shown } from "../label/deck";
import { Details, worded } from "../label/details";
import { FlagDialog } from "../label/flag";
import { selection } from "../label/selection";
import { Sitting, YARDSTICK, type Choice, type Kind } from "../label/sitting";
import { Strip } from "../label/strip";
import { go, route } from "../route";
import { kept, say, state, useValue, who } from "../store";
import type { Item } from "../types";
import { ClassButtons, naming, stayOut } from "../ui/classes";
import { Button, count, Empty, ends, Key, Link, number, percent } from "../ui/parts";
import "./label.css";

const KINDS: Record<Kind, string> = { suggest: "Suggested items", yardstick: "Yardstick", rows: "Your selection", second: "Second opinions" };
const GHOST = 2000; // milliseconds that the last choice stays in sight
const CANNOT_TELL = "?";

export function LabelPage() {
  const asked = useValue(route).searchParams.get("kind") ?? "suggest";
  const kind = asked in KINDS ? (asked as Kind) : "suggest";
  return <Queue key={kind} kind={kind} />;
}

function Queue({ kind }: { kind: Kind }) {
  const [turn, setTurn] = useState(0);
  const sitting = useMemo(() => new Sitting(kind, kind === "rows" ? selection() : []), [turn]);
  useEffect(() => () => sitting.close(), [sitting]);
  const deck = useValue(sitting.deck);
  const over = useValue(sitting.over);
  const classes = useValue(state)?.classes ?? [];
  const [open, setOpen] = useState<{ details?: Item; flag?: Item }>({});
  const card = shown(deck);
  useRenewed(sitting);
  useKeys({
    accept: () => sitting.accept(),
    undo: () => void sitting.undo(),
    redo: () => void sitting.redo(),
    skip: () => sitting.skip(),
    "cannot-tell": () => sitting.give(CANNOT_TELL),
    flag: () => card && setOpen({ flag: card.item }),
    previous: () => sitting.move(-1),
    next: () => sitting.move(1),
    details: () => card && setOpen({ details: card.item }),
    neighbours: () => card && setOpen({ details: card.item }),
    suggest: () => (kind === "suggest" ? setTurn(turn + 1) : go("/label")),
  });
  return (
    <div class="labelling">
      <Top kind={kind} sitting={sitting} />
      {card && classes.length > 0 ? (
        <>
          <Big item={card.item} />
          <Hint sitting={sitting} item={card.item} />
          <ClassButtons onGive={(name) => sitting.give(name)} current={card.given} />
          <Others sitting={sitting} given={card.given} open={(what) => setOpen({ [what]: card.item })} />
          <Strip deck={deck} go={({ row }) => sitting.goTo(row)} />
        </>
      ) : (
        <Nothing kind={kind} sitting={sitting} over={over} classes={classes.length} again={() => setTurn(turn + 1)} />
      )}
      <Ghost sitting={sitting} />
      {open.details && <Details row={open.details.row} close={() => setOpen({})} onGive={(item, answer) => sitting.correct(item, answer)} />}
      {open.flag && <FlagDialog items={[open.flag]} close={() => setOpen({})} done={(note) => sitting.flagged(open.flag!.row, note)} />}
    </div>
  );
}

/** When another model or round is there, say so and take its suggestions. */
function useRenewed(sitting: Sitting): void {
  const now = useValue(state);
  const model = now?.model;
  const before = useRef({ round: now?.round, model: model?.name });
  useEffect(() => {
    const { round, model: former } = before.current;
    if (round === now?.round && former === model?.name) return;
    before.current = { round: now?.round, model: model?.name };
    if (model && model.name !== former) {
      const good = model.accuracy ? `, ${ends(model.accuracy, 0)} right on the yardstick (95 % interval)` : "";
      say(`${model.name} is live, trained with ${count(model.labels, "label")}${good}; suggestions are fresh.`);
    }
    void sitting.renew();
  }, [now?.round, model?.name]);
}

function Top({ kind, sitting }: { kind: Kind; sitting: Sitting }) {
  const now = useValue(state);
  const said = useValue(sitting.said);
  const card = shown(useValue(sitting.deck));
  const speed = sitting.pace;
  const { done, of, number: which } = batch(sitting.sizes, sitting.answered);
  return (
    <div class="top-row">
      <h1>{KINDS[kind]}</h1>
      {of > 0 && (
        <span class="progress">
          <progress aria-label="This batch" value={done} max={of} />
          {done} of {of}{which > 1 && `, batch ${which}`}
        </span>
      )}
      <span class="counter">{count(sitting.answered, "answer")} now, {number((now?.labeled ?? 0) + (now?.yardstick_labeled ?? 0))} in all</span>
      <span class="pace">{speed === null ? "labels a minute: after three answers" : `${number(speed)} labels a minute`}</span>
      <Name />
      <span class="row switch">
        <Button action="suggest" aria-pressed={kind === "suggest"} onMouseDown={stayOut} onClick={() => go("/label")}>Suggest</Button>
        <Button action="yardstick" aria-pressed={kind === "yardstick"} onMouseDown={stayOut} onClick={() => go("/label?kind=yardstick")}>Yardstick</Button>
      </span>
      {said && card && <p class="note why">{said}</p>}
    </div>
  );
}

const asked = kept("who asked", false);

/** Whose answers these are. */
function Name() {
  const name = useValue(who);
  const known = useValue(asked);
  const [text, setText] = useState(name);
  const keep = (): void => {
    who.value = text.trim().slice(0, 200) || "me";
    setText(who.value);
    asked.value = true;
  };
  return (
    <label class="who">
      Labelling as
      <input value={text} maxLength={200} size={10} onInput={(event) => setText(event.currentTarget.value)} onBlur={keep}
        onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()} />
      {!known && <small>Several of you? Write your name.</small>}
    </label>
  );
}

function Hint({ sitting, item }: { sitting: Sitting; item: Item }) {
  const guess = sitting.hint(item);
  return (
    <div class="hint">
      <p class="what">
        <strong>{item.name}</strong>
        {item.flag !== null && <span class="flagged"> flagged{item.flag && `: ${item.flag}`}</span>}
        {item.reason && sitting.kind === "suggest" && <span class="reason"> {item.reason}</span>}
      </p>
      {guess ? (
        <button type="button" class="ghost-guess" title="the model's own confidence" onMouseDown={stayOut} onClick={() => sitting.accept()}>
          looks like <strong>{guess.answer}</strong> {percent(guess.confidence, 0)}
          {guess.second && guess.second_confidence !== null && <small> or {guess.second} {percent(guess.second_confidence ?? 0, 0)}</small>}
          <Key action="accept" />
        </button>
      ) : (
        <small>{item.side === "yardstick" ? "No guess: the yardstick is answered without help." : sitting.kind === "second" ? "No guess: a second opinion is given without help." : "No guess: there is no model yet."}</small>
      )}
    </div>
  );
}

interface OthersProps {
  sitting: Sitting;
  given: string | null;
  open: (what: "details" | "flag") => void;
}

function Others({ sitting, given, open }: OthersProps) {
  return (
    <div class="row others" role="group" aria-label="Other answers and moves">
      <Button action="cannot-tell" aria-pressed={given === CANNOT_TELL} onMouseDown={stayOut} onClick={() => sitting.give(CANNOT_TELL)}>Cannot tell</Button>
      <Button action="skip" onMouseDown={stayOut} onClick={() => sitting.skip()}>Skip</Button>
      <Button action="undo" onMouseDown={stayOut} onClick={() => void sitting.undo()}>Undo</Button>
      <Button action="redo" onMouseDown={stayOut} onClick={() => void sitting.redo()}>Redo</Button>
      <Button action="previous" onMouseDown={stayOut} onClick={() => sitting.move(-1)}>Previous</Button>
      <Button action="next" onMouseDown={stayOut} onClick={() => sitting.move(1)}>Next</Button>
      <Button action="flag" onMouseDown={stayOut} onClick={() => open("flag")}>Flag</Button>
      <Button action="details" onMouseDown={stayOut} onClick={() => open("details")}>Details</Button>
      <Button action="neighbours" onMouseDown={stayOut} onClick={() => open("details")}>Neighbours</Button>
    </div>
  );
}

/** The last choice, in sight for two seconds, and told to those who listen. */
function Ghost({ sitting }: { sitting: Sitting }) {
  const last = useValue(sitting.last);
  const deck = useValue(sitting.deck);
  const [seen, setSeen] = useState<Choice | null>(null);
  useEffect(() => {
    setSeen(last);
    const timer = setTimeout(() => setSeen(null), GHOST);
    return () => clearTimeout(timer);
  }, [last]);
  const item = shown(deck)?.item;
  const guess = sitting.hint(item);
  const next = item ? `${item.name}${guess ? `, looks like ${guess.answer}` : ""}` : "nothing is left";
  return (
    <>
      {seen && (
        <div class="last" aria-hidden="true">
          <strong>{worded(seen.answer)}</strong> <small>{seen.item.name}</small> Undo <Key action="undo" />
        </div>
      )}
      <p class="visually-hidden" aria-live="polite">{last && `${worded(last.answer)}. `}Now: {next}</p>
    </>
  );
}

interface NothingProps {
  kind: Kind;
  sitting: Sitting;
  over: boolean;
  classes: number;
  again: () => void;
}

/** What to do where there is no item to show. */
function Nothing({ kind, sitting, over, classes, again }: NothingProps) {
  const now = useValue(state);
  const said = useValue(sitting.said);
  if (classes === 0) {
    return (
      <div class="nothing">
        <button type="button" class="first" onClick={() => (naming.value = true)}><span aria-hidden="true">+</span> Name your classes <Key action="new-class" /></button>
        <p>What should the items be told apart by? Two or three names are enough to begin; each gets a key.</p>
      </div>
    );
  }
  if (kind === "yardstick" && now?.yardstick && (over || sitting.answered > 0)) {
    const measured = now?.yardstick_labeled ?? 0;
    return (
      <div class="nothing">
        <p>{over ? "The whole yardstick is answered" : `The yardstick has ${count(Math.max(measured, sitting.answered), "answer")}`}: every accuracy is measured on these. Next: label what teaches the most.</p>
        <div class="row">
          <Button primary action="suggest" onClick={() => go("/label")}>Suggest a batch</Button>
          {!over && <Button onClick={again}>{YARDSTICK} more for the yardstick: narrower intervals</Button>}
          <Undo sitting={sitting} />
        </div>
      </div>
    );
  }
  if (!over && !(kind === "rows" && sitting.deck.value.cards.length > 0)) return <Empty>Fetching items…</Empty>;
  return (
    <div class="nothing">
      <p>{said || "There is nothing left to label here."}</p>
      <div class="row">
        <Button action="suggest" primary onClick={() => (kind === "suggest" ? again() : go("/label"))}>{kind === "suggest" ? "Ask again" : "Suggest a batch"}</Button>
        <Button action="yardstick" onClick={() => go("/label?kind=yardstick")}>Label the yardstick</Button>
        <Undo sitting={sitting} />
        <Link href="/progress">See the progress <Key action="progress" /></Link>
        <Link href="/people">Second opinions</Link>
      </div>
    </div>
  );
}

const Undo = ({ sitting }: { sitting: Sitting }) => (
  <Button action="undo" onClick={() => void sitting.undo()}>Undo</Button>
);
