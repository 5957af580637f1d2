import { beforeEach, describe, expect, it } from "vitest";
import { Failure } from "../src/api";
import { DELAYS, Line, type Entry, type Keeper } from "../src/label/sending";

type Order = Parameters<ConstructorParameters<typeof Line>[1]["post"]>[0];

/** A browser's storage, a server that records a key once, a connection that can be cut, and a clock. */
class World {
  stored = new Map<string, Entry>();
  ledger: { key: string; row: number; answer: string; time: number | null | undefined }[] = [];
  requests: string[][] = [];
  together: boolean[] = [];
  down: "before" | "after" | null = null; // the request is lost, or its answer is
  status = 0;
  refuse: string[] = [];
  seconds: (number | null | undefined)[] = [];
  renamed: Record<string, string> = {};
  time = 1000;
  timers: { work: () => void; milliseconds: number }[] = [];
  counts: number[] = [];
  refused: [number, string][] = [];
  told: Record<string, string>[] = [];
  troubles = 0;

  keeper: Keeper = {
    all: async () => [...this.stored.values()],
    put: async (entries) => void entries.forEach((one) => this.stored.set(one.key, one)),
    drop: async (keys) => void keys.forEach((key) => this.stored.delete(key)),
  };

  page(keeper = this.keeper): Line {
    return new Line(
      keeper,
      {
        post: async (order) => this.post(order),
        later: (work, milliseconds) => {
          const timer = { work, milliseconds };
          this.timers.push(timer);
          return () => void (this.timers = this.timers.filter((one) => one !== timer));
        },
        now: () => this.time,
      },
      {
        waiting: (n) => this.counts.push(n),
        recorded: () => undefined,
        refused: ({ row }, error) => this.refused.push([row, error]),
        renamed: (names) => this.told.push(names),
        trouble: () => this.troubles++,
      },
    );
  }

  private async post(order: Order) {
    this.requests.push(order.answers.map(({ key }) => key));
    this.together.push(order.together ?? false);
    this.seconds = order.answers.map(({ seconds }) => seconds);
    if (this.status) throw new Failure("no", "really", this.status);
    if (this.down === "before") throw new Failure("the server does not answer");
    for (const { key, row, answer, time } of order.answers) {
      const taken = !this.refuse.includes(answer) && !this.ledger.some((one) => one.key === key);
      if (taken) this.ledger.push({ key, row, answer, time });
    }
    if (this.down === "after") throw new Failure("the server does not answer");
    const refused = order.answers.filter(({ answer }) => this.refuse.includes(answer)).map(({ key, row }) => ({ key, row, error: "there is no such class" }));
    return { recorded: order.answers.length - refused.length, refused, renamed: this.renamed, version: 1 };
  }

  fire(): void {
    const due = this.timers;
    this.timers = [];
    due.forEach(({ work }) => work());
  }
}

let world: World;
let order = 0;
const entry = (row: number, answer = "gull", group = ""): Entry => ({
  key: `key-of-${row}`, project: "birds", group, order: order++, who: "me", session: "tab-1", row, answer, seconds: 1, suggestion: null, round: null, given: world.time,
});
const settled = async (): Promise<void> => {
  for (let i = 0; i < 60; i++) await Promise.resolve();
};
beforeEach(() => void (world = new World()));

describe("answers arrive", () => {
  it("in their order, and leave the storage once the server has them", async () => {
    const line = world.page();
    for (const row of [3, 1, 2]) line.add([entry(row)]);
    expect(world.counts.at(-1)).toBe(3);
    await settled();
    expect(world.ledger.map(({ row }) => row)).toEqual([3, 1, 2]);
    expect(world.stored.size).toBe(0);
    expect(world.counts.at(-1)).toBe(0);
  });
  it("those of one act in one request, for one undo takes them back", async () => {
    const line = world.page();
    line.add([entry(1, "gull", "a"), entry(2, "gull", "a")]);
    line.add([entry(3)]);
    line.add([entry(4)]);
    await settled();
    expect(world.requests).toEqual([["key-of-1", "key-of-2"], ["key-of-3", "key-of-4"]]);
    expect(world.together).toEqual([true, false]);
  });
  it("also where nothing can be stored", async () => {
    const forbidden: Keeper = { all: () => Promise.reject(new Error()), put: () => Promise.reject(new Error()), drop: () => Promise.reject(new Error()) };
    world.page(forbidden).add([entry(1)]);
    await settled();
    expect(world.ledger.length).toBe(1);
  });
  it("are stored before they are sent", async () => {
    let free = (): void => undefined;
    const slow: Keeper = { ...world.keeper, put: () => new Promise<void>((resolve) => (free = resolve)) };
    world.page(slow).add([entry(1)]);
    await settled();
    expect(world.requests).toEqual([]);
    free();
    await settled();
    expect(world.ledger.length).toBe(1);
  });
  it("without the seconds of somebody who was away for days, which are refused", async () => {
    const line = world.page();
    line.add([{ ...entry(1), seconds: 200_000 }, { ...entry(2), seconds: 2 }]);
    await settled();
    expect(world.seconds).toEqual([null, 2]);
  });
});

describe("the connection is lost", () => {
  it("answers wait, longer and longer, and go out in order when it is back", async () => {
    const line = world.page();
    world.down = "before";
    line.add([entry(1)]);
    await settled();
    line.add([entry(2)]);
    await settled();
    expect(world.stored.size).toBe(2);
    const waits: number[] = [];
    for (let i = 0; i < 7; i++) {
      waits.push(world.timers[0].milliseconds);
      world.fire();
      await settled();
    }
    expect(waits).toEqual([...DELAYS, DELAYS.at(-1), DELAYS.at(-1)]);
    world.down = null;
    line.wake();
    await settled();
    expect(world.ledger.map(({ row }) => row)).toEqual([1, 2]);
    expect(world.timers).toEqual([]);
  });
  it("a lost reply makes no second answer", async () => {
    const line = world.page();
    world.down = "after";
    line.add([entry(1)]);
    await settled();
    expect(world.ledger.length).toBe(1);
    expect(world.stored.size).toBe(1);
    world.down = null;
    line.wake();
    await settled();
    expect(world.requests.length).toBe(2);
    expect(world.ledger.length).toBe(1);
    expect(world.stored.size).toBe(0);
  });
  it("an answer says when it was given only if it comes late", async () => {
    const line = world.page();
    world.down = "before";
    line.add([entry(1)]);
    await settled();
    world.time += 600;
    world.down = null;
    line.add([entry(2)]);
    line.wake();
    await settled();
    expect(world.ledger.map(({ time }) => time)).toEqual([1000, null]);
  });
  it("a server in trouble is named once, and nothing is thrown away", async () => {
    const line = world.page();
    world.status = 503;
    line.add([entry(1)]);
    await settled();
    world.fire();
    await settled();
    expect(world.troubles).toBe(1);
    expect(world.stored.size).toBe(1);
  });
});

describe("the page is reloaded or crashes", () => {
  it("what was not sent is sent by the next page, before what is given there", async () => {
    world.down = "before";
    const crashed = world.page();
    crashed.add([entry(1)]);
    crashed.add([entry(2)]);
    await settled();
    world.down = null;
    const next = world.page();
    next.adopt(await world.keeper.all());
    next.add([entry(3)]);
    await settled();
    expect(world.ledger.map(({ row }) => row)).toEqual([1, 2, 3]);
  });
  it("between sending and the reply: sent again, recorded once", async () => {
    world.down = "after";
    world.page().add([entry(1)]);
    await settled();
    world.down = null;
    world.page().adopt(await world.keeper.all());
    await settled();
    expect(world.ledger.length).toBe(1);
    expect(world.stored.size).toBe(0);
  });
  it("two tabs that send the same do no harm", async () => {
    world.down = "before";
    world.page().add([entry(1)]);
    await settled();
    world.down = null;
    const found = await world.keeper.all();
    const [a, b] = [world.page(), world.page()];
    a.adopt(found);
    b.adopt(found);
    a.adopt(found);
    await settled();
    expect(world.requests.length).toBe(3); // the lost one, and one of either tab
    expect(world.ledger.length).toBe(1);
  });
});

describe("undo", () => {
  it("of an answer that was never sent sends nothing", async () => {
    const line = world.page();
    world.down = "before";
    line.add([entry(1)]);
    await settled();
    line.add([entry(2)]);
    expect(line.withdraw(["key-of-2"])).toBe(true);
    world.down = null;
    line.wake();
    await settled();
    expect(world.ledger.map(({ row }) => row)).toEqual([1]);
    expect(world.stored.size).toBe(0);
  });
  it("works on all but the first while nothing gets through, however often it is tried", async () => {
    const line = world.page();
    world.down = "before";
    for (const row of [1, 2, 3]) line.add([entry(row)]);
    for (let i = 0; i < 3; i++) {
      await settled();
      world.fire();
    }
    await settled();
    expect(line.withdraw(["key-of-3"])).toBe(true);
    expect(line.withdraw(["key-of-1"])).toBe(false);
  });
  it("of one that another page may have sent by now is left to the server", () => {
    const line = world.page();
    world.down = "before";
    for (const row of [1, 2]) line.add([entry(row)]);
    line.leave(); // the page is put away, and comes back
    expect(line.withdraw(["key-of-2"])).toBe(false);
    expect(line.entries.length).toBe(2);
  });
  it("of one that the server may have is left to the server", async () => {
    const line = world.page();
    world.down = "after";
    line.add([entry(1)]);
    await settled();
    expect(line.withdraw(["key-of-1"])).toBe(false);
    expect(world.stored.size).toBe(1);
    expect(world.page().withdraw(["key-of-1"])).toBe(false); // nor is it, after a reload
  });
  it("at the server comes after what was given before, and before what is given later", async () => {
    const line = world.page();
    line.add([entry(1)]);
    const undone = line.alone(async () => world.ledger.pop()?.row);
    line.add([entry(2)]);
    expect(await undone).toBe(1);
    await settled();
    expect(world.ledger.map(({ row }) => row)).toEqual([2]);
  });
  it("without a connection fails at once, and the answers stay", async () => {
    const line = world.page();
    world.down = "before";
    line.add([entry(1)]);
    await expect(line.alone(async () => 1)).rejects.toThrow("does not answer");
    expect(line.entries.length).toBe(1);
  });
});

describe("the server says no", () => {
  it("to one answer: its item comes back with the sentence, the others are in", async () => {
    world.refuse = ["unicorn"];
    world.page().add([entry(1, "unicorn", "a"), entry(2, "gull", "a")]);
    await settled();
    expect(world.refused).toEqual([[1, "there is no such class"]]);
    expect(world.ledger.map(({ row }) => row)).toEqual([2]);
    expect(world.stored.size).toBe(0);
  });
  it("to a whole request for good: it does not block those behind it", async () => {
    world.status = 422;
    const line = world.page();
    line.add([entry(1)]);
    await settled();
    world.status = 0;
    line.add([entry(2)]);
    await settled();
    expect(world.refused).toEqual([[1, "no – really"]]);
    expect(world.ledger.map(({ row }) => row)).toEqual([2]);
  });
  it("and tells of a class that has another name by now", async () => {
    world.renamed = { gull: "herring gull" };
    world.page().add([entry(1)]);
    await settled();
    expect(world.told).toEqual([{ gull: "herring gull" }]);
  });
});
