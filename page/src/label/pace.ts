// How long a person takes.

/** Seconds since an item was shown, without those in which the tab was hidden. */
export class Stopwatch {
  private before = 0;
  private since: number | null;
  constructor(private readonly now: () => number) {
    this.since = now();
  }
  restart(): void {
    this.before = 0;
    this.since = this.since === null ? null : this.now();
  }
  pause(): void {
    this.before = this.seconds;
    this.since = null;
  }
  go(): void {
    this.since ??= this.now();
  }
  get seconds(): number {
    return this.before + (this.since === null ? 0 : this.now() - this.since);
  }
}

const PAUSE = 60; // seconds without an answer after which the count starts anew
const SPAN = 20; // answers

/** Labels a minute over the latest answers (seconds of their times, in order); null before there are three. */
export function pace(times: number[]): number | null {
  let first = Math.max(0, times.length - SPAN);
  for (let i = first + 1; i < times.length; i++) if (times[i] - times[i - 1] > PAUSE) first = i;
  const steps = times.length - 1 - first;
  const took = times[times.length - 1] - times[first];
  return steps < 2 || took <= 0 ? null : (60 * steps) / took;
}
