// The line of answers on their way to the server: in order, each removed only when the server has it.
// No browser in here: storage, network and clock come in from outside, so that all of it can be tested.
import { Failure } from "../api";
import type { Get } from "../types";

export interface Entry {
  key: string; // the server records a key once, however often it is sent
  project: string; // another one may be served at the same address later
  group: string; // "" for a single answer, else the name of an act that one undo takes back: sent in one request
  order: number;
  who: string;
  session: string;
  row: number;
  answer: string;
  seconds: number | null;
  suggestion: string | null;
  round: number | null;
  given: number; // seconds since 1970
}

/** Where entries outlive the page. */
export interface Keeper {
  all(): Promise<Entry[]>;
  put(entries: Entry[]): Promise<void>;
  drop(keys: string[]): Promise<void>;
}

export interface Outside {
  post(order: Get<"Answers">): Promise<Get<"Recorded">>;
  later(work: () => void, milliseconds: number): () => void; // returns how to call it off
  now(): number; // seconds since 1970
}

export interface Heard {
  waiting(n: number): void;
  recorded(version: number): void;
  refused(entry: Entry, error: string): void;
  renamed(names: Record<string, string>): void;
  trouble(error: Failure): void; // the server answers, but not as it should
}

interface Work {
  work: () => Promise<void>;
  cancel: (error: unknown) => void;
}

export const DELAYS = [1000, 2000, 5000, 10_000, 30_000]; // milliseconds between attempts
const MOST = 10_000; // answers in one request, as the server has it
const LATE = 5; // seconds after which the page's clock says when an answer was given, not the server's
const DAY = 86_400; // seconds; who was away for longer was not looking at the item
const HOPELESS = [400, 404, 409, 413, 422]; // sent again, the answer would be the same

export class Line {
  private line: (Entry | Work)[] = [];
  private readonly untouched = new Set<string>(); // never sent: nobody but this page knows them
  private readonly storing = new Map<string, Promise<void>>();
  private running = false;
  private failures = 0;
  private callOff: (() => void) | null = null;

  constructor(private readonly keeper: Keeper, private readonly outside: Outside, private readonly heard: Heard) {}

  get entries(): Entry[] {
    return this.line.filter((one): one is Entry => "key" in one);
  }

  /** Take in what an earlier page, or one that crashed, left behind: it goes first. */
  adopt(found: Entry[]): void {
    const known = new Set(this.entries.map(({ key }) => key));
    const old = found.filter(({ key }) => !known.has(key)).sort((a, b) => a.order - b.order);
    const busy = this.running ? this.head().length : 0; // a batch in flight stays at the head
    this.line.splice(busy, 0, ...old);
    this.count();
    this.wake();
  }

  add(entries: Entry[]): void {
    const stored = this.keeper.put(entries).catch(() => undefined); // full or forbidden: they live in this page then
    for (const entry of entries) {
      this.untouched.add(entry.key);
      this.storing.set(entry.key, stored);
    }
    this.line.push(...entries);
    this.count();
    void this.run();
  }

  /** Take back entries that were never sent. False, and nothing happens, where the server may know one already. */
  withdraw(keys: string[]): boolean {
    if (!keys.every((key) => this.untouched.has(key))) return false;
    this.line = this.line.filter((one) => !("key" in one && keys.includes(one.key)));
    void this.forget(keys);
    this.count();
    return true;
  }

  /** From now on another page may have them as well, from where they are kept. */
  leave(): void {
    this.untouched.clear();
  }

  /** Do this after all that is in line now, and before anything that joins later. Fails at once without a connection. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.line.push({ work: () => work().then(resolve, reject), cancel: reject });
      this.wake();
    });
  }

  /** Try again now. */
  wake(): void {
    this.callOff?.();
    this.callOff = null;
    void this.run();
  }

  private async run(): Promise<void> {
    if (this.running || this.callOff) return; // callOff: an attempt failed, and the next has its time
    this.running = true;
    try {
      for (let first; (first = this.line[0]) !== undefined; ) {
        if ("work" in first) {
          this.line.shift();
          await first.work();
        } else if (!(await this.send(this.head()))) return;
      }
    } finally {
      this.running = false;
    }
  }

  /** The entries at the head that belong into one request. */
  private head(): Entry[] {
    const first = this.line[0];
    if (first === undefined || "work" in first) return [];
    const other = (one: Entry): boolean => one.group !== first.group || one.who !== first.who || one.session !== first.session;
    const end = this.line.findIndex((one) => "work" in one || other(one));
    const most = this.failures > 0 && first.group === "" ? 1 : MOST; // while nothing gets through, one tries: the others can be withdrawn
    return this.line.slice(0, Math.min(most, end < 0 ? this.line.length : end)) as Entry[];
  }

  private async send(batch: Entry[]): Promise<boolean> {
    const keys = batch.map(({ key }) => key);
    for (const key of keys) this.untouched.delete(key);
    await Promise.all(keys.map((key) => this.storing.get(key)));
    try {
      const said = await this.outside.post(this.order(batch));
      this.failures = 0;
      this.done(batch);
      for (const { key, error } of said.refused) {
        const entry = batch.find((one) => one.key === key);
        if (entry) this.heard.refused(entry, error);
      }
      if (Object.keys(said.renamed).length) this.heard.renamed(said.renamed);
      this.heard.recorded(said.version);
      return true;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (HOPELESS.includes(error.status)) {
        this.done(batch);
        for (const entry of batch) this.heard.refused(entry, [error.message, error.next].filter(Boolean).join(" – "));
        return true;
      }
      this.wait(error);
      return false;
    }
  }

  private order(batch: Entry[]): Get<"Answers"> {
    const now = this.outside.now();
    const answers = batch.map(({ key, row, answer, seconds, suggestion, round, given }) => ({
      key, row, answer, seconds: seconds !== null && seconds < DAY ? seconds : null, suggestion, round, note: null, time: now - given > LATE ? given : null,
    }));
    const [{ who, session, group }] = batch;
    return { who, session, answers, together: group !== "" };
  }

  /** No connection: what cannot wait fails now, the answers are tried again later. */
  private wait(error: Failure): void {
    const works = this.line.filter((one): one is Work => "work" in one);
    this.line = this.entries;
    for (const { cancel } of works) cancel(error);
    if (error.status !== 0 && this.failures === 0) this.heard.trouble(error);
    const delay = DELAYS[Math.min(this.failures++, DELAYS.length - 1)];
    this.callOff = this.outside.later(() => this.wake(), delay);
  }

  private done(batch: Entry[]): void {
    const gone = new Set(batch.map(({ key }) => key));
    this.line = this.line.filter((one) => !("key" in one && gone.has(one.key)));
    void this.forget([...gone]);
    this.count();
  }

  private async forget(keys: string[]): Promise<void> {
    await Promise.all(keys.map((key) => this.storing.get(key)));
    for (const key of keys) {
      this.untouched.delete(key);
      this.storing.delete(key);
    }
    await this.keeper.drop(keys).catch(() => undefined);
  }

  private count(): void {
    this.heard.waiting(this.entries.length);
  }
}
