// Some of a large selection, drawn at random: to look at before one answer is given to all of it.
import { useEffect, useState } from "preact/hooks";
import { post } from "../api";
import { complain } from "../store";
import type { Get } from "../types";
import { Button, count, number, Thumb } from "../ui/parts";

const N = 12;
const REST = 250; // milliseconds that a selection has to rest

export interface Looked {
  rows: number[]; // that were shown
  wrong: number[]; // of these, something else
}

interface Props {
  rows: number[]; // the selection
  seed: number;
  looked: Looked;
  look: (change: (now: Looked) => Looked) => void;
  resample: () => void;
  open: (row: number) => void;
}

export function SamplePanel({ rows, seed, looked, look, resample, open }: Props) {
  const [{ found, of }, setFound] = useState<{ found: Get<"Sample"> | null; of: number[] }>({ found: null, of: [] });
  useEffect(() => {
    let stale = false;
    const timer = setTimeout(() => {
      post<Get<"Sample">>("/api/sample", { rows, n: N, seed }).then((sample) => {
        if (stale) return;
        setFound({ found: sample, of: rows });
        look((now) => ({ ...now, rows: [...new Set([...now.rows, ...sample.items.map(({ row }) => row)])] })); // marks may have come meanwhile
      }).catch(complain);
    }, REST);
    return () => ((stale = true), clearTimeout(timer));
  }, [rows, seed]);
  if (!found) return <p class="note">Drawing a sample of {number(rows.length)}…</p>;
  const turn = (row: number): void => {
    if (of !== rows) return; // pictures of the selection before, until those of this one are there
    look((now) => ({ ...now, wrong: now.wrong.includes(row) ? now.wrong.filter((one) => one !== row) : [...now.wrong, row] }));
  };
  return (
    <section class="panel sample" aria-label="A sample of the selection">
      <p>
        {looked.rows.length} of {number(found.of)} looked at{looked.wrong.length > 0 && `, ${looked.wrong.length} of them something else`}; {found.groups}
        {found.suggestion && `, most look like ${found.suggestion}`}.
        {found.labeled > 0 && ` ${count(found.labeled, "item")} answered already and left alone.`}
        {found.yardstick > 0 && ` ${count(found.yardstick, "item")} of the yardstick, never answered in bulk.`}
      </p>
      <ul class="samples">
        {found.items.map((item) => (
          <li key={item.row}>
            <button type="button" class="bare" aria-pressed={looked.wrong.includes(item.row)} onClick={() => turn(item.row)} onDblClick={() => open(item.row)}
              aria-label={`${item.name}: something else`} title="Something else: click, and it is left out">
              <Thumb item={item} size={96} alt="" />
            </button>
          </li>
        ))}
      </ul>
      <div class="row">
        <Button action="resample" onClick={resample}>Others</Button>
        <small>Click on those that are something else: they are left out, and lower the estimate.</small>
      </div>
    </section>
  );
}
