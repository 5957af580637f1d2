// At the side of the map: what was found, what is selected, what is open, the groups.
import { useState } from "preact/hooks";
import { complain, state, useValue } from "../store";
import type { Get } from "../types";
import type { Chosen } from "./chosen";
import { Clusters } from "./clusters";
import { fetchItems, type MapRecord } from "./data";
import { answerItem, OpenItem } from "./item";
import type { How } from "./plot";
import { FoundItems } from "./search";
import { Selection } from "./selection";

interface Props {
  record: MapRecord;
  space: string;
  chosen: Chosen;
  found: Get<"Found"> | null;
  selectCluster(id: number, how: How): void;
}

export function Side({ record, space, chosen, found, selectCluster }: Props) {
  const now = useValue(state);
  const { rows, open, select, setOpen } = chosen;
  const [answers, setAnswers] = useState(0); // given here: what is open asks again
  const changed = (): void => setAnswers((turn) => turn + 1);
  const alone = (answer: string): void => {
    if (open < 0) return;
    fetchItems([open]).then(([item]) => item && answerItem(item, answer)).then(changed, complain);
  };
  return (
    <aside aria-label="Selection and items">
      {found && <FoundItems found={found} open={setOpen} select={select} />}
      <Selection rows={rows} of={record.of} name={now?.name ?? "tacit"} open={setOpen} {...{ select, changed, alone }} />
      {open >= 0 && <OpenItem row={open} version={answers + (now?.version ?? 0)} close={() => setOpen(-1)} open={setOpen} {...{ space, select, changed }} />}
      {record.clusters.length > 0 && <Clusters clusters={record.clusters} select={selectCluster} />}
    </aside>
  );
}
