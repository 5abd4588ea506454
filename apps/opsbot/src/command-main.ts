#!/usr/bin/env node
/** `glassline-opsbot`: what is looked at and tested beside a running OpsBot. */
import { writeFile } from "node:fs/promises";

import type { ConfigOf } from "@glassline/config";
import { ConfigError, duration, readConfig, text, toggle } from "@glassline/config";
import { systemClock } from "@glassline/service/clock";
import { OperatorError, messageOf } from "@glassline/service/errors";

import type { ChannelDeps } from "./commands/deploy.ts";
import { deployFiles, destroyChannel, invite, revoke, tellDeployments } from "./commands/deploy.ts";
import { processTerminal } from "./commands/terminal.ts";
import { channelSchemaText } from "./core/deployment/description.ts";
import { verifyAudit } from "./commands/audit.ts";
import { listRunbooks, recordIncident, testRunbooks } from "./commands/runbooks.ts";
import { validateOptions, validateUrls } from "./commands/validate.ts";
import type { Desk } from "./desk.ts";
import { operatorClient, operatorOptions } from "./operator-client.ts";
import { remoteDesk } from "./remote-desk.ts";

const FILES_MAX = 10_000;
/** After sysexits.h; 1: it is not as it should be. */
const EXIT = { otherwise: 1, usage: 64, unavailable: 69 } as const;

const USAGE = `deploy FILE...          brings channels to what their files (channel.yaml) say, in six steps
plan FILE...            tells what deploying them would change
destroy CHANNEL         takes a channel down, so that nothing of it stays
deployments [CHANNEL]   channels that were deployed, or the steps of one
invite DEVICE CHANNEL   makes a link by which one device can watch
revoke DEVICE CHANNEL   a device may not watch any more
schema                  the JSON Schema of channel.yaml
audit verify            whether OpsBot's audit is as it was written
runbooks list           what OpsBot does about which problem
runbooks test [FILE...] plays recorded incidents on the runbooks
runbooks record NUMBER  writes an incident of OpsBot as a recording, to --output or to the terminal
validate URL...         whether edges serve a playlist as viewers need it: players play it, --players of them`;

const program = {
  name: "glassline-opsbot",
  command: "npm run opsbot --",
  purpose: `What can be asked of OpsBot beside its chat:\n${USAGE}`,
  environmentPrefix: "GLASSLINE_OPSBOT_COMMAND",
  words: "COMMAND",
  spec: {
    ...operatorOptions,
    yes: toggle({ help: "Of deploy, destroy and revoke: nobody is asked." }),
    expect: text({
      help: "Of audit verify: a line that was there before, as it told it. Empty: none.",
      default: "",
      placeholder: "SEQ:HASH",
    }),
    verify: duration({
      help: "Of runbooks record: the --verify of that OpsBot.",
      default: "15s",
      minMs: 500,
      maxMs: 3_600_000,
    }),
    output: text({
      help: "Of runbooks record: the file that is written.",
      default: "",
      placeholder: "FILE",
    }),
    ...validateOptions,
  },
};

type Options = ConfigOf<typeof program.spec>;

interface ChannelCommand {
  /** Least and most, behind its own. */
  words: readonly [number, number];
  /** @returns whether it is as it should be. */
  run(words: readonly string[], options: Options, deps: ChannelDeps): Promise<boolean>;
}

const CHANNELS: Readonly<Record<string, ChannelCommand>> = {
  deploy: {
    words: [1, FILES_MAX],
    run: async (files, { yes: isSure }, deps) =>
      (await deployFiles(files, { isSure, planOnly: false }, deps)) === 0,
  },
  plan: {
    words: [1, FILES_MAX],
    run: async (files, _options, deps) =>
      (await deployFiles(files, { isSure: false, planOnly: true }, deps)) === 0,
  },
  destroy: {
    words: [1, 1],
    run: ([channel = ""], { yes: isSure }, deps) =>
      destroyChannel(channel, { isSure, planOnly: false }, deps),
  },
  deployments: {
    words: [0, 1],
    run: ([channel], _options, deps) => tellDeployments(channel, deps),
  },
  invite: {
    words: [2, 2],
    run: ([device = "", channel = ""], _options, deps) => invite(device, channel, deps),
  },
  revoke: {
    words: [2, 2],
    run: ([device = "", channel = ""], { yes: isSure }, deps) =>
      revoke(device, channel, { isSure, planOnly: false }, deps),
  },
};

const tell = (line: string) => void process.stdout.write(`${line}\n`);

try {
  const result = readConfig(program);
  if ("help" in result) process.stdout.write(result.help);
  else process.exitCode = await run(result.words, result.config);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = error instanceof ConfigError ? EXIT.usage : EXIT.unavailable;
}

/** @returns the exit code. */
async function run(words: readonly string[], options: Options): Promise<number> {
  const [first = "", ...others] = words;
  const command = Object.hasOwn(CHANNELS, first) ? CHANNELS[first]! : undefined;
  if (!command) return look(words, options);
  if (others.length < command.words[0] || others.length > command.words[1]) return misunderstood();
  using client = await operatorClient(options);
  const deps = {
    desk: await deskOf(client, options),
    terminal: processTerminal(),
    clock: systemClock,
  };
  return (await command.run(others, options, deps)) ? 0 : EXIT.otherwise;
}

/** @returns the exit code. */
async function look(words: readonly string[], options: Options): Promise<number> {
  const [noun, verb, ...rest] = words;
  if (noun === "validate" && verb !== undefined)
    return (await validateUrls([verb, ...rest], options, tell)) ? 0 : EXIT.otherwise;
  switch (words.slice(0, 2).join(" ")) {
    case "schema":
      process.stdout.write(channelSchemaText());
      return 0;
    case "audit verify":
      return rest.length === 0 ? audit(options) : misunderstood();
    case "runbooks list":
      tell(listRunbooks());
      return 0;
    case "runbooks test":
      return (await testRunbooks(rest, tell)) === 0 ? 0 : EXIT.otherwise;
    case "runbooks record":
      return rest.length === 1 && /^\d{1,15}$/.test(rest[0]!)
        ? record(Number(rest[0]!), options)
        : misunderstood();
    default:
      return misunderstood();
  }
}

function misunderstood(): number {
  process.stderr.write(`got no command that there is, expected one of:\n${USAGE}\n`);
  return EXIT.usage;
}

async function audit(options: Options): Promise<number> {
  using client = await operatorClient(options);
  const { lines, lastHash, problem } = await verifyAudit(
    await deskOf(client, options),
    options.expect,
  );
  if (problem !== undefined) {
    tell(problem);
    return EXIT.otherwise;
  }
  tell(`${lines} lines are as they were written. Keep this, to see later that none was cut off:`);
  tell(`--expect ${lines}:${lastHash}`);
  return 0;
}

async function record(id: number, options: Options): Promise<number> {
  using client = await operatorClient(options);
  const json = await recordIncident(await deskOf(client, options), id, options.verify);
  if (options.output === "") process.stdout.write(json);
  else await writeFile(options.output, json);
  return 0;
}

async function deskOf(
  client: Parameters<typeof remoteDesk>[0],
  { opsbot }: Options,
): Promise<Desk> {
  try {
    return await remoteDesk(client);
  } catch (error) {
    const message = `no OpsBot answers at ${opsbot}: ${messageOf(error)}. Another address: --opsbot HOST:PORT`;
    throw new OperatorError(message, { cause: error });
  }
}
