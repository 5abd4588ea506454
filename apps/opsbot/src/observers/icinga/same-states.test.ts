/** The embedded monitor's soft and hard states are those of a real Icinga2 on the same results. */
import { Random } from "@glassline/bench/fleet-model";
import { expect, test } from "vitest";

import type { CheckRules, CheckState, State } from "../../core/check-state.ts";
import { PENDING, afterResult } from "../../core/check-state.ts";
import { ATTRIBUTES, HOST_ATTRIBUTES, readObject } from "../../core/icinga-objects.ts";
import { IcingaClient } from "./client.ts";
import { describeWithIcinga, startIcinga } from "./icinga.testing.ts";

const STATES = ["ok", "warning", "critical", "unknown"] as const satisfies State[];
const LENGTH = 25;
/** Each with its own row of results. */
const SERVICES_OF_A_KIND = 4;
const { signal } = new AbortController();

interface Service {
  name: string;
  rules: CheckRules;
  results: readonly State[];
}

const services = (rowOf: () => readonly State[], count: number): Service[] =>
  [1, 2, 3, 4, 5].flatMap((maxAttempts) =>
    [false, true].flatMap((volatile) =>
      Array.from({ length: count }, (_, at) => ({
        name: `edge-1!check-${maxAttempts}-${volatile}-${at}`,
        rules: { maxAttempts, volatile },
        results: rowOf(),
      })),
    ),
  );

const ofThreeAttempts = (results: readonly State[]): Service =>
  services(() => results, 1).find(({ rules }) => rules.maxAttempts === 3 && !rules.volatile)!;

/** The first is ok, and nothing becomes critical that was a problem before: there we differ, on purpose. */
function randomRow(random: Random): State[] {
  const row: State[] = ["ok"];
  while (row.length < LENGTH) {
    const last = row.at(-1)!;
    const next = STATES[Math.floor(random.uniform() * STATES.length)]!;
    if (next !== "critical" || last === "ok" || last === "critical") row.push(next);
  }
  return row;
}

const objects = (all: readonly Service[]) =>
  [
    'object Host "edge-1" { import "passive-host" }',
    ...all.map(
      ({ name, rules }) => `
object Service "${name.split("!")[1]}" {
  import "passive-service"
  host_name = "edge-1"
  max_check_attempts = ${rules.maxAttempts}
  volatile = ${rules.volatile}
  vars.glassline_object = "edge-1"
  vars.glassline_check = "${name.split("!")[1]}"
}`,
    ),
  ].join("\n");

const worded = (state: State, hard: boolean, attempt: number, isSame: boolean) =>
  `${state} ${hard ? "hard" : "soft"} ${attempt}${isSame ? "" : ", changed"}`;

/** After each result, as Icinga shows it; by service. */
async function icingasStates(all: readonly Service[]): Promise<Map<string, string[]>> {
  await using icinga = await startIcinga(objects(all));
  using client = new IcingaClient(icinga.settings);
  const told = new Map(all.map(({ name }) => [name, [] as string[]]));
  const since = new Map<string, bigint>();
  const joins = HOST_ATTRIBUTES.map((attribute) => `host.${attribute}`);
  const query = { type: "services", filter: "true", filterVars: {}, attrs: ATTRIBUTES, joins };
  for (const step of all[0]!.results.keys()) {
    const tell = ({ name, results }: Service) =>
      client.act(
        "process-check-result",
        name,
        { exit_status: STATES.indexOf(results[step]! as "ok"), plugin_output: "" },
        signal,
      );
    await Promise.all(all.map(tell));
    for (const entry of await client.query({ ...query, type: "services" }, signal)) {
      const { name, state, hard, attempt, stateSinceUnixNano } = readObject(entry);
      const isSame = since.get(name) === stateSinceUnixNano;
      told.get(name)!.push(worded(state, hard, attempt, isSame));
      since.set(name, stateSinceUnixNano);
    }
  }
  return told;
}

function ourStates({ rules, results }: Service): string[] {
  let before: CheckState = PENDING;
  return results.map((result, at) => {
    const { after } = afterResult(before, result, rules, BigInt(at + 1));
    const isSame = before.sinceUnixNano === after.sinceUnixNano;
    before = after;
    return worded(after.state, after.hard, after.attempt, isSame);
  });
}

describeWithIcinga()("soft and hard states", () => {
  test("are those of Icinga2, whatever comes", { timeout: 60_000 }, async () => {
    const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
    const random = new Random(seed);
    const all = services(() => randomRow(random), SERVICES_OF_A_KIND);
    const theirs = await icingasStates(all);
    for (const service of all)
      expect(
        ourStates(service),
        `${service.name}, seed ${seed}: ${service.results.join()}`,
      ).toEqual(theirs.get(service.name));
  });

  test("differ where OpsBot would act: Icinga believes at once that a problem has become critical", async () => {
    const results = ["ok", "warning", "warning", "warning", "critical", "critical", "critical"];
    const service = ofThreeAttempts(results as State[]);
    const theirs = (await icingasStates([service])).get(service.name)!;
    const same = ["warning soft 1, changed", "warning soft 2", "warning hard 1"];
    expect(theirs.slice(1)).toEqual([
      ...same,
      "critical hard 1, changed",
      "critical hard 1",
      "critical hard 1",
    ]);
    expect(ourStates(service).slice(1)).toEqual([
      ...same,
      "critical soft 1, changed",
      "critical soft 2",
      "critical hard 1",
    ]);
  });

  test("differ at the beginning: to Icinga what was never checked has failed once", async () => {
    const service = ofThreeAttempts(["critical", "critical", "critical"]);
    const theirs = (await icingasStates([service])).get(service.name);
    expect(theirs).toEqual(["critical soft 2, changed", "critical hard 1", "critical hard 1"]);
    expect(ourStates(service)).toEqual([
      "critical soft 1, changed",
      "critical soft 2",
      "critical hard 1",
    ]);
  });
});
