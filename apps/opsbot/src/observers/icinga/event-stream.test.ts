/** Streams of events that end, are silent, or say too much. */
import type { ServerResponse } from "node:http";

import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { describe, expect, test } from "vitest";

import { IcingaClient } from "./client.ts";
import { EventStream } from "./event-stream.ts";
import { EDGES, describeWithIcinga, startIcinga } from "./icinga.testing.ts";
import type { Impostor } from "./impostor.testing.ts";
import { startImpostor } from "./impostor.testing.ts";
import { icingaMetrics } from "./metrics.ts";
import type { IcingaSettings } from "./settings.ts";
import { eventually, moreLooks, startStage } from "./stage.testing.ts";

interface Talker extends Impostor {
  opened: number;
}

/** Its streams do as the test says. */
async function startTalker(talk: (response: ServerResponse) => void): Promise<Talker> {
  const impostor = await startImpostor((request, response) => {
    request.resume();
    talker.opened++;
    response.flushHeaders();
    talk(response);
  });
  const talker: Talker = { ...impostor, opened: 0 };
  return talker;
}

interface Listening extends AsyncDisposable {
  stream: EventStream;
  hints: number;
}

function listen(settings: IcingaSettings, silenceMs = 60_000): Listening {
  const stop = new AbortController();
  const client = new IcingaClient(settings);
  const stream = new EventStream({
    client,
    clock: systemClock,
    random: Math.random,
    logger: createLogger("opsbot", "silent"),
    metrics: icingaMetrics(createMetrics("opsbot")),
    heartbeat: () => undefined,
    hint: () => void listening.hints++,
    signal: stop.signal,
    limits: { silenceMs },
  });
  const running = stream.run();
  const listening: Listening = {
    stream,
    hints: 0,
    async [Symbol.asyncDispose]() {
      stop.abort();
      client[Symbol.dispose]();
      await running;
    },
  };
  return listening;
}

describe("a stream of events", () => {
  test("that is silent for too long is opened anew, and each opening is a hint", async () => {
    await using talker = await startTalker(() => {});
    await using listening = listen(talker.settings, 300);
    await eventually(() => expect(talker.opened).toBeGreaterThan(2));
    expect(listening.hints).toBeGreaterThan(2);
  });

  test("that ends is opened anew", async () => {
    await using talker = await startTalker((response) => response.end('{"type":"StateChange"}\n'));
    await using _listening = listen(talker.settings);
    await eventually(() => expect(talker.opened).toBeGreaterThan(2));
  });

  test("may say what it wants, in lines of any size: each is a hint, no more", async () => {
    await using talker = await startTalker((response) => {
      response.write('{"half');
      response.write(`":1}\nno JSON\n\n${"x".repeat(3_000_000)}\nOpsBot listens\n`);
      response.write("\0\xff\n");
    });
    await using listening = listen(talker.settings);
    // One for the opening, four for the lines: an empty line and a heartbeat are none.
    await eventually(() => expect(listening.hints).toBe(5));
    expect(listening.stream.problem).toBe("");
    expect(talker.opened).toBe(1);
  });
});

describeWithIcinga()("the heartbeat", () => {
  test("goes through Icinga and comes back by the stream, and is no check of ours", async () => {
    await using icinga = await startIcinga(`${EDGES}
      object Service "heartbeat" {
        import "passive-service"
        host_name = "none-of-ours"
        vars.glassline_object = "opsbot"
        vars.glassline_check = "heartbeat"
      }`);
    await using stage = await startStage(icinga.settings);
    const counted = async (from: string) => {
      const text = await stage.metrics.registry.metrics();
      return Number(new RegExp(`hints_total\\{from="${from}".*\\} (\\d+)`).exec(text)?.[1] ?? 0);
    };
    await eventually(async () => {
      const { last_check_result: result } = await icinga.attributes("none-of-ours!heartbeat");
      expect(JSON.stringify(result)).toMatch("OpsBot listens");
    });
    await eventually(async () => expect(await counted("heartbeat")).toBeGreaterThan(0));
    await moreLooks(stage);
    expect(stage.seen("opsbot", "heartbeat")).toBeUndefined();
    expect(stage.observer.eventsProblem).toBe("");
  });
});
