/** The benchmarks run; what they measure is no matter of tests. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import { describeWithIcinga } from "../src/observers/icinga/icinga.testing.ts";
import { describeWithPostgres } from "../src/stores/postgres.testing.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
/** Of what it said last. */
const SAID_CHARS = 2_000;
const PATIENT = { timeout: 180_000 };

interface Figure {
  metric: string;
  value: number;
  params: Record<string, unknown>;
}

/** The figures of a part's quick form. */
async function figures(part: string): Promise<Figure[]> {
  const bench = spawn(process.execPath, [MAIN, "--quick", part], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [text, said] = ["", ""];
  bench.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  bench.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-SAID_CHARS)));
  const [code] = (await once(bench, "close")) as [number];
  expect(code, said).toBe(0);
  const lines = text.trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Figure).filter(({ metric }) => metric);
}

const valueOf = (all: readonly Figure[], name: string) =>
  all.find(({ metric }) => metric === name)?.value;

describeWithIcinga()("beside a real Icinga2", () => {
  test("how soon OpsBot writes down what Icinga accepted is measured", PATIENT, async () => {
    const steps = (await figures("icinga-latency")).filter(
      ({ metric }) => metric === "first_step_p99",
    );
    expect(
      steps.map(({ params }) => `${String(params["way"])} ${String(params["interval"])}`),
    ).toEqual(["push 60s", "looks 500ms", "looks 250ms", "events 60s"]);
    for (const { value } of steps) expect(value).toBeGreaterThanOrEqual(0);
  });

  test("what a storm takes is measured, and people are called for it", PATIENT, async () => {
    const all = await figures("storm");
    expect(valueOf(all, "people_called")).toBe(1);
    expect(valueOf(all, "actions_begun")).toBeLessThanOrEqual(60);
    expect(valueOf(all, "memory_peak")).toBeGreaterThan(0);
  });
});

describeWithPostgres()("with a real PostgreSQL", () => {
  test("how soon another one leads is measured, and nothing stale is done", PATIENT, async () => {
    const all = await figures("takeover");
    expect(valueOf(all, "stale")).toBe(0);
    expect(valueOf(all, "unfenced")).toBeGreaterThanOrEqual(0);
    expect(valueOf(all, "takeover_p99")).toBeGreaterThan(0);
  });

  test("how many VNIs are given away a second is measured", PATIENT, async () => {
    const all = await figures("vnis");
    const of = (name: string) => all.filter(({ metric }) => metric === name);
    expect(of("vnis").map(({ params }) => [params["store"], params["batch"]])).toEqual(
      ["postgresql", "file"].flatMap((store) => [1, 256, 4_096].map((batch) => [store, batch])),
    );
    expect(of("plain_inserts")).toHaveLength(3);
    for (const { value } of all) expect(value).toBeGreaterThan(0);
  });
});

test("what viewers notice of seeding is measured", PATIENT, async () => {
  const all = await figures("seeding");
  const p99 = all.filter(({ metric }) => metric === "first_byte_p99");
  expect(p99.map(({ params }) => params["seeding"])).toEqual(["no", "yes"]);
  for (const { value } of p99) expect(value).toBeGreaterThan(0);
  expect(valueOf(all, "objects_seeded")).toBeGreaterThan(150);
});

test(
  "how soon viewers are served by another edge is measured, and each of them is",
  PATIENT,
  async () => {
    const all = await figures("viewers-failover");
    expect(valueOf(all, "viewers_without_media")).toBe(0);
    expect(valueOf(all, "not_repaired")).toBe(0);
    for (const name of ["answered_p99", "media_late_p99", "confirmed_p99", "repaired_p99"])
      expect(valueOf(all, name), name).toBeGreaterThanOrEqual(0);
  },
);
