/** Viewers who look at every byte, and an operator who purges. */
import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";

import type { EdgePlace } from "./edge-process.ts";
import { TOKEN } from "./edge-process.ts";
import type { World } from "./world.ts";

export interface Seen {
  served: number;
  corrupt: number;
  /** What the edge should have: served, and not purged since; and when it was served. */
  kept: Map<number, number>;
  purges: number;
  problems: string[];
}

interface Got {
  status: number;
  body: Buffer;
}

/** Asks, and purges, until aborted. Errors of connections are no problem: the edge is being killed. */
export async function ask(
  place: EdgePlace,
  world: World,
  seen: Seen,
  random: () => number,
  stop: AbortSignal,
): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  while (!stop.aborted) {
    const kind = random();
    const known = Math.floor(random() * world.addresses);
    try {
      if (kind < 0.01 && world.addresses > 0) await purge(place, world, seen, known, random, agent);
      else
        await look(
          place,
          world,
          seen,
          kind < 0.25 || world.addresses === 0 ? world.add() : known,
          agent,
        );
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
  agent.destroy();
}

/** @returns whether it was served. */
export async function look(
  place: EdgePlace,
  world: World,
  seen: Seen,
  address: number,
  agent: Agent,
): Promise<boolean> {
  const [least, before] = [world.least(address), world.now(address)];
  const wasPurged = world.isPurged(address);
  const { status, body } = await get(place.port, world.pathOf(address), agent);
  if (status !== 200) return false;
  seen.served++;
  if (!world.mayBe(address, body, least)) {
    seen.corrupt++;
    const start = body.toString("latin1", 0, 60);
    seen.problems.push(
      `${world.pathOf(address)}: got ${body.length} bytes, ${JSON.stringify(start)}`,
    );
  }
  const after = world.now(address);
  const isSame = after.own === before.own && after.group === before.group;
  // What is purged meanwhile is not stored.
  if (isSame && !wasPurged && !world.isPurged(address)) seen.kept.set(address, performance.now());
  return true;
}

async function purge(
  place: EdgePlace,
  world: World,
  seen: Seen,
  address: number,
  random: () => number,
  agent: Agent,
): Promise<void> {
  const what = random() < 0.8 ? "own" : "group";
  const purged = what === "own" ? [address] : world.inGroupOf(address);
  const done = world.change(address, what);
  for (const one of purged) seen.kept.delete(one);
  const target = what === "own" ? { path: world.pathOf(address) } : { tag: world.tagOf(address) };
  const idempotencyKey = `${address} ${what} ${seen.purges++}`;
  let isDone = false;
  try {
    const status = await post(place.adminPort, { ...target, idempotencyKey }, agent);
    isDone = status === 200;
    if (!isDone) seen.problems.push(`purge: got ${status}, expected 200`);
  } finally {
    done(isDone);
    for (const one of purged) seen.kept.delete(one);
  }
}

function get(port: number, path: string, agent: Agent): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, path, agent, host: "127.0.0.1" }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject).once("aborted", () => reject(new Error("cut off")));
      response.once("end", () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }),
      );
    });
    asked.on("error", reject).end();
  });
}

function post(port: number, body: object, agent: Agent): Promise<number> {
  const path = "/glassline.edge.v1alpha1.EdgeCacheService/Purge";
  const headers = { "content-type": "application/json", authorization: `Bearer ${TOKEN}` };
  return new Promise((resolve, reject) => {
    const about = { port, path, agent, headers, method: "POST", host: "127.0.0.1" };
    const asked = request(about, (response) => {
      text(response).then(() => resolve(response.statusCode ?? 0), reject);
    });
    asked.on("error", reject).end(JSON.stringify(body));
  });
}
