import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Change, State } from "./check-state.ts";
import type { Input, Reconciliation, Sight, Telling } from "./reconcile.ts";
import { beginning, stepReconciliation } from "./reconcile.ts";

function sightOf(more: Partial<Sight> = {}): Sight {
  return {
    name: "edge-1!health",
    object: "edge-1",
    check: "health",
    state: "critical",
    hard: true,
    attempt: 1,
    hardStateSinceUnixNano: 1n,
    checkedUnixNano: 1n,
    suppressed: undefined,
    ...more,
  };
}

/** All that is told of looks in a row, each of one sight. */
function told(...looks: Partial<Sight>[]): [State, Change][] {
  let state: Reconciliation<Sight> = beginning();
  return looks.flatMap((each) => {
    const sights = [sightOf(each)];
    const { next, tell } = stepReconciliation(state, { kind: "looked", sights, asked: "all" });
    state = stepReconciliation(next, { kind: "settled", sights }).next;
    return tell.map(({ sight, change }): [State, Change] => [sight.state, change]);
  });
}

describe("looks", () => {
  test("tell a problem when it is new, and when it is over; a look that shows the same tells nothing", () => {
    const ok = { state: "ok", checkedUnixNano: 3n } as const;
    expect(told({}, {}, { checkedUnixNano: 2n }, ok, ok)).toEqual([
      ["critical", "hard-problem"],
      ["critical", "none"],
      ["ok", "recovery"],
    ]);
  });

  test("tell a problem that came again between two of them", () => {
    const again = { hardStateSinceUnixNano: 5n, checkedUnixNano: 5n };
    expect(told({}, again).at(-1)).toEqual(["critical", "hard-problem"]);
  });

  test("tell soft states, and that a soft one has become hard", () => {
    const soft = (attempt: number) => ({ hard: false, attempt, checkedUnixNano: BigInt(attempt) });
    const changes = told(soft(1), soft(2), { attempt: 3, checkedUnixNano: 3n }).map(
      ([, change]) => change,
    );
    expect(changes).toEqual(["soft-problem", "soft-problem", "hard-problem"]);
  });

  test("tell again what is not settled", () => {
    let state: Reconciliation<Sight> = beginning();
    const look = () => {
      const step = stepReconciliation(state, { kind: "looked", sights: [sightOf()], asked: "all" });
      state = step.next;
      return step.tell.map(({ change }) => change);
    };
    expect([look(), look(), look()]).toEqual([["hard-problem"], ["again"], ["again"]]);
    state = stepReconciliation(state, { kind: "settled", sights: [sightOf()] }).next;
    expect(look()).toEqual([]);
  });

  test("at some names change nothing about the others, and forget what was named and is not there", () => {
    const [one, two] = [sightOf(), sightOf({ name: "edge-2!health", object: "edge-2" })];
    let { next } = stepReconciliation<Sight>(beginning(), {
      kind: "looked",
      sights: [one, two],
      asked: "all",
    });
    ({ next } = stepReconciliation(next, {
      kind: "looked",
      sights: [],
      asked: new Set([one.name]),
    }));
    expect([...next.known.keys()]).toEqual([two.name]);
    ({ next } = stepReconciliation(next, { kind: "looked", sights: [], asked: "all" }));
    expect(next.known.size).toBe(0);
  });
});

/** What a monitoring system does, what happens to its words on the way, and what OpsBot does. */
type Happening =
  | { kind: "result"; at: number; state: State }
  | { kind: "suppressed"; at: number; is: boolean }
  | { kind: "event" }
  | { kind: "due" }
  | { kind: "answer" }
  | { kind: "failure" };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("result" as const),
      at: fc.nat(2),
      state: fc.constantFrom<State>("ok", "critical", "critical", "warning"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("suppressed" as const),
      at: fc.nat(2),
      is: fc.boolean(),
    }),
  },
  // Events of any results: in any order, doubled, or none.
  { weight: 3, arbitrary: fc.constant({ kind: "event" as const }) },
  { weight: 3, arbitrary: fc.constant({ kind: "due" as const }) },
  { weight: 4, arbitrary: fc.constant({ kind: "answer" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "failure" as const }) },
);

/** Three checks of a system that never lies, and somebody who opens and closes incidents about what is told. */
class World {
  readonly sights = [0, 1, 2].map((at) =>
    sightOf({ name: `edge-${at}!health`, object: `edge-${at}`, state: "ok" }),
  );
  readonly handled: string[] = [];
  readonly open = new Set<string>();
  /** Problems that a look showed to be hard, and not suppressed. */
  readonly shown = new Set<string>();
  state: Reconciliation<Sight> = beginning();
  now = 1n;
  looking = false;
  changedSinceLook = false;

  happen(happening: Happening): void {
    this.now++;
    switch (happening.kind) {
      case "result":
        return this.#result(happening.at, happening.state);
      case "suppressed":
        this.sights[happening.at] = {
          ...this.sights[happening.at]!,
          suppressed: happening.is ? "in downtime" : undefined,
        };
        return;
      case "event":
        if (this.looking) this.changedSinceLook = true;
        return this.step({ kind: "hint" });
      case "due":
        return this.step({ kind: "due" });
      case "answer":
        if (this.looking) this.#answer();
        return;
      case "failure":
        if (!this.looking) return;
        this.looking = false;
        return this.step({ kind: "lost" });
    }
  }

  step(input: Input<Sight>): void {
    const { next, look, tell } = stepReconciliation(this.state, input);
    this.state = next;
    if (look) {
      expect(this.looking).toBe(false);
      this.looking = true;
      this.changedSinceLook = false;
    }
    const sights = tell.filter((each) => this.#handle(each)).map(({ sight }) => sight);
    this.state = stepReconciliation(this.state, { kind: "settled", sights }).next;
  }

  #result(at: number, state: State): void {
    const before = this.sights[at]!;
    const isSame = before.state === state;
    this.sights[at] = {
      ...before,
      state,
      checkedUnixNano: this.now,
      hardStateSinceUnixNano: isSame ? before.hardStateSinceUnixNano : this.now,
    };
  }

  #answer(): void {
    this.looking = false;
    const mustLookAgain = this.changedSinceLook;
    const problems = this.sights.filter(
      ({ state, suppressed }) => state === "critical" && suppressed === undefined,
    );
    for (const sight of problems) this.shown.add(nameOf(sight));
    this.step({ kind: "looked", sights: [...this.sights], asked: "all" });
    for (const { name } of problems) expect(this.open).toContain(name);
    if (mustLookAgain) expect(this.looking).toBe(true);
  }

  /** As the Bot does: an incident each problem, none while something stands in the way. */
  #handle({ sight }: Telling<Sight>): boolean {
    const { name, state, suppressed } = sight;
    if (state === "ok" && suppressed === undefined) this.open.delete(name);
    else if (state === "critical" && suppressed === undefined && !this.open.has(name)) {
      this.open.add(name);
      this.handled.push(nameOf(sight));
    }
    return !this.open.has(name);
  }
}

const nameOf = ({ name, hardStateSinceUnixNano: since }: Sight) => `${name} since ${since}`;

test("whatever happens, each problem that a look shows is handled once, and at the end all is known as it is", () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 120 }), (happenings) => {
      const world = new World();
      for (const each of happenings) world.happen(each);
      // The last look is a good one.
      world.happen({ kind: "due" });
      while (world.looking) world.happen({ kind: "answer" });

      expect(new Set(world.handled).size).toBe(world.handled.length);
      const known = [...world.state.known.values()].map(({ sight }) => sight);
      expect(known).toEqual(world.sights);
      expect(world.state.current).toBe(true);
      for (const sight of world.sights) {
        if (sight.suppressed !== undefined) continue;
        expect(world.open.has(sight.name)).toBe(isProblem(world, sight));
      }
      // One that was followed by another before it was over is the same incident.
      for (const name of world.handled) expect(world.shown).toContain(name);
    }),
    { numRuns: 2_000 },
  );
});

/** A warning after a critical state leaves its incident open: it is not over. */
function isProblem({ open }: World, { name, state }: Sight): boolean {
  return state === "critical" || (state === "warning" && open.has(name));
}

test("while nobody answers nothing is told", () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
      const world = new World();
      for (const each of happenings) {
        const before = world.handled.length;
        world.happen(each.kind === "answer" ? { kind: "failure" } : each);
        expect(world.handled).toHaveLength(before);
        expect(world.state.current).toBe(false);
      }
    }),
  );
});
