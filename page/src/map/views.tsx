// Saved views: what the map looks like, by a name.
import type { RefObject } from "preact";
import { useState } from "preact/hooks";
import { address, post } from "../api";
import { requery } from "../route";
import { complain, say } from "../store";
import type { Get } from "../types";
import { Button } from "../ui/parts";
import type { Appearance, Shown } from "./appearance";
import type { Camera } from "./camera";
import type { Range } from "./paint";
import type { Stage } from "./stage";

type View = Get<"View">;

/** What the map looks like now, by a name. */
export function Views({ first, now, load }: { first: View[]; now(): Record<string, unknown>; load(view: Record<string, unknown>): void }) {
  const [views, setViews] = useState(first);
  const [current, setCurrent] = useState("");
  const save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const name = new FormData(form).get("name")?.toString().trim();
    if (!name) return say("A view is kept under a name: write one first.");
    setViews(await post<View[]>("/api/views", { name, view: now() }));
    setCurrent(name);
    form.reset();
    say(`kept as "${name}"`);
  };
  const chosen = (name: string): void => {
    setCurrent(name);
    const view = views.find((one) => one.name === name);
    if (view) load(view.view as Record<string, unknown>);
  };
  const remove = async (): Promise<void> => {
    setViews(await post<View[]>(address("/api/views", { name: current }), {}, "DELETE"));
    setCurrent("");
  };
  return (
    <form class="row" onSubmit={(event) => void save(event).catch(complain)}>
      {views.length > 0 && (
        <label>
          views
          <select aria-label="views" value={current} onChange={(event) => chosen(event.currentTarget.value)}>
            <option value="">choose</option>
            {views.map((one) => <option key={one.name} value={one.name}>{one.name}</option>)}
          </select>
        </label>
      )}
      {current && <Button onClick={() => void remove().catch(complain)}>delete "{current}"</Button>}
      <input name="name" aria-label="Name of this view" placeholder="name of this view" maxLength={200} size={16} />
      <button type="submit">keep view</button>
    </form>
  );
}

interface Kept extends Partial<Shown> {
  space?: string;
  camera?: Camera;
  groups?: number[];
  kinds?: string[];
  range?: Range | null;
}

/** The look of a space as a view keeps it, and the way back to it. */
export function viewing(space: string, { shown, hiding, restore }: Appearance, stage: RefObject<Stage | null>) {
  const now = (): Record<string, unknown> => ({
    ...shown, space, camera: stage.current?.camera, groups: [...hiding.groups], kinds: [...hiding.kinds],
    range: hiding.range,
  });
  const load = (kept: Record<string, unknown>): void => {
    const { space: wanted, camera, groups, kinds, range = null, ...rest } = kept as Kept;
    restore(rest, { groups: new Set(groups), kinds: new Set(kinds), range });
    if (wanted && wanted !== space) requery({ space: wanted });
    if (camera) stage.current?.look(camera);
  };
  return { now, load };
}
