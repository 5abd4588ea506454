/** Two collectors, each at its own node: a gateway's session goes to the nearest one, and to the other one when that cannot be reached. */
import { join } from "node:path";

import { freePorts } from "@glassline/bench/ports";
import { RpcError } from "@glassline/proto/errors";
import { expect, test } from "vitest";

import { countedValues, countingSource } from "./testing/sources.ts";
import { Testbed, eventually } from "./testing/testbed.ts";

const CAMERA = "cam-anycast";
const NODES = ["node-2", "node-3"] as const;
type NodeName = (typeof NODES)[number];

class Mesh {
  readonly #bed: Testbed;
  readonly #ports: number[];
  readonly #collectors = new Map<NodeName, Awaited<ReturnType<Testbed["collector"]>>>();
  readonly #nodes = new Map<NodeName, Awaited<ReturnType<Testbed["meshNode"]>>>();

  constructor(bed: Testbed, ports: number[]) {
    [this.#bed, this.#ports] = [bed, ports];
  }

  get gatewayPort(): number {
    return this.#ports[4]!;
  }

  /** Of the collector, and of the node. */
  #portsOf(name: NodeName): [number, number] {
    const at = 2 * NODES.indexOf(name);
    return [this.#ports[at]!, this.#ports[at + 1]!];
  }

  async startCollector(name: NodeName): Promise<void> {
    const [port] = this.#portsOf(name);
    const directory = join(this.#bed.directory, `collector-of-${name}`);
    this.#collectors.set(name, await this.#bed.collector({ port, "data-dir": directory }));
  }

  async startNode(name: NodeName): Promise<void> {
    const [collector, port] = this.#portsOf(name);
    const words = { port, collector: `localhost:${collector}` };
    this.#nodes.set(name, await this.#bed.meshNode(name, words));
  }

  async startGateway(): Promise<void> {
    const peer = NODES.map((name) => `${name}=localhost:${this.#portsOf(name)[1]}`);
    await this.#bed.meshNode("node-1", { port: this.gatewayPort, peer, gateway: true });
  }

  async stopCollector(name: NodeName): Promise<void> {
    await this.#collectors.get(name)![Symbol.asyncDispose]();
  }

  async stopNode(name: NodeName): Promise<void> {
    await this.#nodes.get(name)![Symbol.asyncDispose]();
  }

  async egress(): Promise<NodeName> {
    return (await this.#bed.meshStatus(this.gatewayPort)).gateway!.egress as NodeName;
  }

  async stored(name: NodeName): Promise<number[]> {
    const query = await this.#bed.query(this.#portsOf(name)[0]);
    try {
      return await countedValues(query, CAMERA);
    } catch (error) {
      // Nothing has come there yet.
      if (error instanceof RpcError && error.code === "not_found") return [];
      throw error;
    }
  }
}

test(
  "a session goes on at another collector when its own, or the node there, is gone",
  { timeout: 120_000 },
  async () => {
    await using bed = await Testbed.open({});
    const mesh = new Mesh(bed, await freePorts(5));
    for (const name of NODES) {
      await mesh.startCollector(name);
      await mesh.startNode(name);
    }
    await mesh.startGateway();
    const source = countingSource(CAMERA, { perReport: 20, intervalMs: 10 });
    await bed.camera(CAMERA, mesh.gatewayPort, [source]);
    const grows = async (name: NodeName, by: number) => {
      const before = (await mesh.stored(name)).length;
      await eventually(`${by} more samples are stored at the collector of ${name}`, async () =>
        (await mesh.stored(name)).length >= before + by ? true : undefined,
      );
    };
    const first = await eventually(
      "there is a collector",
      async () => (await mesh.egress()) || undefined,
    );
    const second = NODES.find((name) => name !== first)!;
    await grows(first, 500);

    await mesh.stopCollector(first);
    await grows(second, 500);
    expect(await mesh.egress()).toBe(second);

    // It is back: there is no reason to move.
    await mesh.startCollector(first);
    await grows(second, 500);
    expect(await mesh.egress()).toBe(second);

    await mesh.stopNode(second);
    await grows(first, 500);
    expect(await mesh.egress()).toBe(first);

    source.finish();
    const ofBoth = async () => [await mesh.stored(first), await mesh.stored(second)] as const;
    await eventually("all samples are stored", async () => {
      const all = new Set((await ofBoth()).flat());
      return all.size >= source.yielded || undefined;
    });
    const [atFirst, atSecond] = await ofBoth();
    const all = [...new Set([...atFirst, ...atSecond])].toSorted((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: source.yielded }, (_, at) => at + 1));
    for (const values of [atFirst, atSecond]) expect(new Set(values).size).toBe(values.length);
  },
);
