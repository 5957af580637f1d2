// The keys, all of them, on one sheet.
import { printed } from "../keys";
import { state, useValue } from "../store";
import { Dialog } from "./parts";

const WORDS: Record<string, string> = {
  "more-classes": "more classes: type a name", accept: "accept the guess", undo: "undo, without limit", redo: "redo",
  skip: "skip for now; in a grid: unselect", "cannot-tell": "cannot tell (kept as an answer of its own)", flag: "flag with a note",
  "new-class": "new class", previous: "previous, without labelling", next: "next, without labelling", "zoom-in": "larger",
  "zoom-out": "smaller", details: "details: neighbours and history", back: "back", grid: "to the grid", map: "to the map",
  progress: "to the progress", suggest: "suggest a batch to label", yardstick: "label the yardstick", neighbours: "neighbours of this item",
  duplicates: "near copies", "select-all": "select all shown", lasso: "lasso on or off (Shift adds, Alt removes)",
  color: "next coloring of the map", thumbnails: "thumbnails on or off", walk: "mark two points and walk between them",
  variations: "variations of this item", train: "to the training", play: "play or stop a sound", resample: "another random part of the selection",
  split: "split the selection in two", help: "this sheet",
};

export function Help({ close }: { close: () => void }) {
  const keys = useValue(state)?.keys ?? {};
  const classes = useValue(state)?.classes ?? [];
  const second = keys["undo-2"];
  return (
    <Dialog title="Keys" close={close}>
      <dl class="keys">
        {classes.filter((one) => one.key).map((one) => (
          <div key={one.name}><dt><kbd>{printed(one.key)}</kbd></dt><dd>{one.name}</dd></div>
        ))}
        {Object.entries(WORDS).map(([action, words]) => (
          <div key={action}>
            <dt><kbd>{printed(keys[action] ?? "")}</kbd>{action === "undo" && second && <kbd>{printed(second)}</kbd>}</dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
      <p class="note">All of them can be changed on the Settings page. They rest while you type in a field.</p>
    </Dialog>
  );
}
