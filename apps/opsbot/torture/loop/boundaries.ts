/** Boundaries of a journal and of the effects behind it: each has a name, and a process can be made to die at one. */
import { setTimeout as delay } from "node:timers/promises";

import type { NodeAgentService } from "@glassline/proto/node";
import type { Client } from "@glassline/proto/rpc";

import type { Network } from "../../src/network.ts";
import type { Database, Sql } from "../../src/stores/sql.ts";

export interface Boundaries {
  /** How manieth of its kind this one is, from 1. */
  next(kind: string): number;
  /** "commit 3 before". Does not return where the process dies. */
  pass(boundary: string): void;
  /** Takes a while, by chance. */
  holdUp(): Promise<void>;
}

export interface BoundariesOptions {
  dieAt?: string | undefined;
  holdUpMs?: number | undefined;
  /** Before anything else happens: what is told last has been told. */
  tell(boundary: string): void;
}

export function boundariesOf({ dieAt, holdUpMs = 0, tell }: BoundariesOptions): Boundaries {
  const counts = new Map<string, number>();
  return {
    next: (kind) => {
      const nth = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, nth);
      return nth;
    },
    pass: (boundary) => {
      tell(boundary);
      if (boundary === dieAt) process.kill(process.pid, "SIGKILL");
    },
    holdUp: async () => {
      if (holdUpMs > 0) await delay(Math.random() * holdUpMs);
    },
  };
}

const WRITES = /^\s*(INSERT|UPDATE|DELETE|CREATE)/i;

/** Where a transaction that has written something commits. @param isRemote a commit is sent, and answered later. */
export function databaseWith(
  boundaries: Boundaries,
  database: Database,
  isRemote: boolean,
): Database {
  const { next, pass, holdUp } = boundaries;
  const withBoundaries =
    (kind: string, transact: Database["transact"]): Database["transact"] =>
    async (work) => {
      let nth = 0;
      const result = await transact(async (sql) => {
        const written = watchWrites(sql);
        const value = await work(written.sql);
        if (!written.any()) return value;
        await holdUp();
        nth = next(kind);
        pass(`${kind} ${nth} before`);
        // COMMIT has been sent by then, and its answer has not been read.
        if (isRemote) setImmediate(() => pass(`${kind} ${nth} during`));
        return value;
      });
      if (nth > 0) pass(`${kind} ${nth} after`);
      return result;
    };
  return {
    ...database,
    transact: withBoundaries("commit", database.transact),
    transactAnyway: withBoundaries("term", database.transactAnyway),
  };
}

function watchWrites(sql: Sql): { sql: Sql; any(): boolean } {
  let hasWritten = false;
  const watch = <T>(text: string, result: Promise<T>) => {
    if (WRITES.test(text)) hasWritten = true;
    return result;
  };
  return {
    any: () => hasWritten,
    sql: {
      all: (text, ...values) => watch(text, sql.all(text, ...values)),
      run: (text, ...values) => watch(text, sql.run(text, ...values)),
    },
  };
}

/** Before and after each call that has an effect. */
export function networkWith(boundaries: Boundaries, network: Network): Network {
  const around = aroundCalls(boundaries);
  const edges = network.edges.entries().map(([name, client]) => {
    const { purge, prime, setDraining } = client;
    const calls = {
      purge: around("purge", purge),
      prime: around("prime", prime),
      setDraining: around("setDraining", setDraining),
    };
    return [name, { ...client, ...calls }] as const;
  });
  return {
    ...network,
    edges: new Map(edges),
    agents: new Map(
      network.agents
        .entries()
        .map(([name, agent]) => [name, { ...agent, ...agentWith(around, agent) }]),
    ),
  };
}

type Around = <A extends unknown[], R>(
  what: string,
  call: (...words: A) => Promise<R>,
) => (...words: A) => Promise<R>;

function aroundCalls({ next, pass, holdUp }: Boundaries): Around {
  return (what, call) =>
    async (...words) => {
      const nth = next(what);
      pass(`${what} ${nth} before`);
      await holdUp();
      const result = await call(...words);
      pass(`${what} ${nth} after`);
      return result;
    };
}

/** What shall run is told again and again: only what is new is an effect. */
function agentWith(around: Around, { setDesiredState }: Client<typeof NodeAgentService>) {
  const first = around("setDesiredState", setDesiredState);
  const told = new Set<string>();
  const tell: typeof setDesiredState = (request, options) => {
    const generations = (request.edges ?? []).map(({ name, generation = 1n }) => [
      name,
      String(generation),
    ]);
    const text = JSON.stringify(generations);
    const isNew = generations.some(([, generation]) => generation !== "1") && !told.has(text);
    told.add(text);
    return (isNew ? first : setDesiredState)(request, options);
  };
  return { setDesiredState: tell };
}
