// The record behind a page: fetched when the page opens, and again when something changed.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Failure, get } from "./api";
import { state, useValue } from "./store";

export interface Fetched<T> {
  record: T | null;
  failure: Failure | null;
  again: () => void;
}

export function useRecord<T>(path: string): Fetched<T> {
  const version = useValue(state)?.version ?? 0;
  const [record, setRecord] = useState<T | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [turn, setTurn] = useState(0);
  const shown = useRef("");
  useEffect(() => {
    const stop = new AbortController();
    get<T>(path, {}, stop.signal).then(
      (found) => {
        const text = JSON.stringify(found);
        if (text !== shown.current) setRecord(found);
        shown.current = text;
        setFailure(null);
      },
      (error: unknown) => error instanceof Failure && setFailure(error),
    );
    return () => stop.abort();
  }, [path, version, turn]);
  return { record, failure, again: useCallback(() => setTurn((n) => n + 1), []) };
}
