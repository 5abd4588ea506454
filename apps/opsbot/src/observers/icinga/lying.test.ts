/** A server that says that it is Icinga, and lies: nothing is done on its word, and the truth is heard when it comes. */
import type { ServerResponse } from "node:http";

import { describe, expect, test } from "vitest";

import type { Impostor } from "./impostor.testing.ts";
import { startImpostor } from "./impostor.testing.ts";
import { eventually, moreLooks, startStage } from "./stage.testing.ts";

type Answer = (response: ServerResponse, path: string) => void;

const LIMITS = { answerMaxBytes: 1_048_576, timeoutMs: 700 };
const TRUTH = {
  name: "edge-1!hits",
  type: "Service",
  attrs: {
    __name: "edge-1!hits",
    vars: { glassline_object: "edge-1", glassline_check: "hit-rate" },
    state: 2,
    state_type: 1,
    check_attempt: 1,
    max_check_attempts: 1,
    last_check: 1_800_000_000.5,
    last_state_change: 1_800_000_000.5,
    last_hard_state_change: 1_800_000_000.5,
    downtime_depth: 0,
    acknowledgement: 0,
    acknowledgement_last_change: 0,
    enable_flapping: false,
    flapping: false,
    last_reachable: true,
    last_check_result: { output: "20 %", performance_data: ["hit_rate=20%;50:;20:"] },
  },
  joins: { host: { state: 0, state_type: 1, downtime_depth: 0, last_reachable: true } },
};

const json = (value: unknown): Answer => {
  return (response) =>
    response.setHeader("content-type", "application/json").end(JSON.stringify(value));
};

/** What it tells of services; of hosts it tells that there are none. */
const services = (answer: Answer): Answer => {
  return (response, path) =>
    path === "/v1/objects/services"
      ? answer(response, path)
      : json({ results: [] })(response, path);
};

const truth = services(json({ results: [TRUTH] }));

/** Goes on until nobody reads. */
function endless(response: ServerResponse, chunk: string, pauseMs: number): void {
  const write = () => {
    if (response.destroyed) return;
    if (pauseMs > 0) setTimeout(write, pauseMs);
    else response.once("drain", write);
    response.write(chunk);
  };
  write();
}

const LIES: Readonly<Record<string, Answer>> = {
  HTML: (response) => response.setHeader("content-type", "text/html").end("<h1>It works!</h1>"),
  garbage: (response) => response.end(Buffer.from([0xff, 0xfe, 0, 1, 2])),
  "half of its JSON, and a cut": (response) => {
    response.setHeader("content-length", "5000");
    response.write('{"results":[{"name":"edge-1');
    setTimeout(() => response.destroy(), 20);
  },
  "an answer without an end": (response) => endless(response, "x".repeat(65_536), 0),
  "a byte now and then": (response) => endless(response, " ", 100),
  "nothing at all": () => {},
  "500": (response) => response.writeHead(500).end("{}"),
  "no permission": (response) => response.writeHead(403).end('{"error":403,"status":"no"}'),
  "results that are none": json({ results: 7 }),
  "another page's JSON": json([TRUTH]),
};

interface Liar extends Impostor {
  answer: Answer;
}

async function startLiar(answer: Answer): Promise<Liar> {
  const impostor = await startImpostor((request, response) => {
    request.resume();
    if (request.url === "/v1/events") response.writeHead(404).end("{}");
    else liar.answer(response, request.url!);
  });
  const liar: Liar = { ...impostor, answer };
  return liar;
}

describe("an Icinga that answers", () => {
  test.each(Object.entries(LIES))("%s", async (_what, lie) => {
    await using liar = await startLiar(lie);
    await using stage = await startStage(liar.settings, { limits: LIMITS });
    await eventually(() => expect(stage.observer.impediment).toMatch(/cannot be looked at: \/v1/));
    expect(stage.observer.observations()).toEqual([]);
    liar.answer = truth;
    await eventually(() => expect(stage.asked).toEqual(["prime edge-1"]));
    expect(stage.observer.impediment).toBe("");
    liar.answer = lie;
    await eventually(() =>
      expect(stage.seen("edge-1", "hit-rate")!.suppressed).toMatch("does not say how it is now"),
    );
    expect(stage.asked).toEqual(["prime edge-1"]);
  });

  test.each([
    ["a state of its own", { attrs: { ...TRUTH.attrs, state: 7 } }],
    ["a state that is a text", { attrs: { ...TRUTH.attrs, state: "2" } }],
    ["a time that is none", { attrs: { ...TRUTH.attrs, last_check: "soon" } }],
    ["no host", { joins: {} }],
    [
      "a command for a name",
      { attrs: { ...TRUTH.attrs, vars: { ...TRUTH.attrs.vars, glassline_object: "$(reboot)" } } },
    ],
    ["another type", { type: "Endpoint" }],
  ])("%s: that one is left out, and the others count", async (_what, wrong) => {
    const other = {
      ...TRUTH,
      attrs: {
        ...TRUTH.attrs,
        __name: "edge-2!hits",
        vars: { glassline_object: "edge-2", glassline_check: "hit-rate" },
      },
    };
    await using liar = await startLiar(
      services(json({ results: [{ ...TRUTH, ...wrong }, other, 7, null] })),
    );
    await using stage = await startStage(liar.settings, { limits: LIMITS });
    await eventually(() => expect(stage.asked).toEqual(["prime edge-2"]));
    await moreLooks(stage);
    expect(stage.observer.observations()).toHaveLength(1);
    expect(await stage.metrics.registry.metrics()).toMatch(/objects_refused_total\{.*\} [1-9]/);
  });

  test("with nothing that is ours says so", async () => {
    await using liar = await startLiar(json({ results: [] }));
    await using stage = await startStage(liar.settings, { limits: LIMITS });
    await eventually(() => expect(stage.observer.impediment).toMatch("glassline_object"));
  });

  test("too much with results is asked without them", async () => {
    const large = { output: "x".repeat(2_000_000), performance_data: [] };
    let asked = 0;
    await using liar = await startLiar(
      services((response, path) => {
        const attrs = { ...TRUTH.attrs, ...(++asked === 1 && { last_check_result: large }) };
        json({ results: [{ ...TRUTH, attrs }] })(response, path);
      }),
    );
    await using stage = await startStage(liar.settings, { limits: LIMITS });
    await eventually(() => expect(stage.asked).toEqual(["prime edge-1"]));
    expect(stage.seen("edge-1", "hit-rate")!.output).toMatch("would be too large");
    expect(stage.observer.impediment).toBe("");
  });

  test("an older result than before is no ground for anything", async () => {
    const well = { ...TRUTH, attrs: { ...TRUTH.attrs, state: 0, last_check: 1_800_000_100 } };
    await using liar = await startLiar(services(json({ results: [well] })));
    await using stage = await startStage(liar.settings, { limits: LIMITS });
    await eventually(() => expect(stage.seen("edge-1", "hit-rate")?.state).toBe("ok"));
    liar.answer = truth;
    await eventually(() => expect(stage.seen("edge-1", "hit-rate")!.suppressed).toMatch("older"));
    await moreLooks(stage);
    expect(stage.asked).toEqual([]);
    const attrs = { ...TRUTH.attrs, last_check: 1_800_000_101 };
    liar.answer = services(json({ results: [{ ...TRUTH, attrs }] }));
    await eventually(() => expect(stage.asked).toEqual(["prime edge-1"]));
  });

  test("with a storm of problems is told again in turn, none is forgotten", async () => {
    const results = Array.from({ length: 700 }, (_, at) => {
      const vars = { glassline_object: `edge-${at}`, glassline_check: "channels" };
      return { ...TRUTH, attrs: { ...TRUTH.attrs, __name: `edge-${at}!any`, vars } };
    });
    await using liar = await startLiar(services(json({ results })));
    await using stage = await startStage(liar.settings, { limits: { timeoutMs: 5_000 } });
    const times = new Map<string, number>();
    stage.observer.onResult(async ({ object }, change) => {
      if (change === "again") times.set(object, (times.get(object) ?? 0) + 1);
      return false;
    });
    await eventually(() => expect(times.size).toBe(results.length));
    await moreLooks(stage, 6);
    const counts = [...times.values()];
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    expect(await stage.journal.countOpen()).toBe(results.length);
  }, 90_000);
});
