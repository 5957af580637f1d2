// A note on an item: something is wrong with it, or worth a second look.
import { useState } from "preact/hooks";
import { post } from "../api";
import { complain, refresh, say, who } from "../store";
import type { Get, Item } from "../types";
import { Button, Dialog } from "../ui/parts";

/** Flag these items with a note, or take the flags away. `done` hears what they have now. */
export function FlagDialog({ items, close, done }: { items: Item[]; close: () => void; done?: (note: string | null) => void }) {
  const [note, setNote] = useState(items[0]?.flag ?? "");
  const flagged = items.some(({ flag }) => flag !== null);
  const save = async (text: string | null): Promise<void> => {
    try {
      for (const { row } of items) await post<Get<"Said">>("/api/flags", { row, who: who.value, note: text });
      say(text === null ? "The flag is gone." : items.length === 1 ? `Flagged: ${items[0].name}` : `${items.length} items flagged`);
      void refresh();
      done?.(text);
      close();
    } catch (error) {
      complain(error);
    }
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    void save(note.trim());
  };
  return (
    <Dialog title={items.length === 1 ? `Flag ${items[0].name}` : `Flag ${items.length} items`} close={close}>
      <form onSubmit={submit}>
        <label class="over">
          What about it?
          <input value={note} maxLength={2000} onInput={(event) => setNote(event.currentTarget.value)} />
        </label>
        <div class="row">
          <button type="submit" class="primary">Flag <kbd>↵</kbd></button>
          {flagged && <Button onClick={() => void save(null)}>Take the flag away</Button>}
        </div>
      </form>
    </Dialog>
  );
}
