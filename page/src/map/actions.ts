// What buttons and keys do on the map.
import type { RefObject } from "preact";
import { useKeys } from "../keys";
import { complain, say } from "../store";
import { columnAfter, type Appearance } from "./appearance";
import type { Chosen } from "./chosen";
import { membersOf } from "./clusters";
import type { MapRecord } from "./data";
import { mapKeys, type How } from "./plot";
import type { Stage } from "./stage";
import type { Drawn } from "./use";

export interface Actions {
  nextColor(): void;
  selectView(): void;
  selectCluster(id: number, how?: How): void;
}

interface Page {
  record: MapRecord | null;
  drawn: Drawn | null;
  column: string;
  appearance: Appearance;
  chosen: Chosen;
  stage: RefObject<Stage | null>;
}

/** The page's actions, by their keys as well. */
export function useActions({ record, drawn, column, appearance, chosen, stage }: Page): Actions {
  const { shown, change } = appearance;
  const { tool, setTool, openPointed } = chosen;
  const nextColor = (): void => {
    const next = columnAfter(record, column);
    change({ column: next.name });
    say(`color: ${next.title}`);
  };
  const selectView = (): void => {
    if (drawn && stage.current) chosen.select(drawn.cloud.rowsOf(stage.current.inView()));
  };
  const selectCluster = (id: number, how: How = "new"): void => {
    if (drawn) membersOf(drawn, id).then((members) => chosen.take(members, how)).catch(complain);
  };
  useKeys({
    ...mapKeys(() => stage.current),
    lasso: () => setTool(tool === "lasso" ? "hand" : "lasso"),
    color: nextColor,
    thumbnails: () => change({ thumbs: !shown.thumbs }),
    details: openPointed,
    neighbours: openPointed,
    "select-all": selectView,
    back: chosen.back,
  });
  return { nextColor, selectView, selectCluster };
}
