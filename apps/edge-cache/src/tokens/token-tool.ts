/** `npm run token -w @glassline/edge-cache`: makes keys, and tokens of viewers. */
import { randomUUID } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";

import type { ConfigOf, Program } from "@glassline/config";
import { duration, file, list, text, toggle } from "@glassline/config";
import { OperatorError, messageOf, systemCodeOf } from "@glassline/service/errors";

import { LIFETIME_MAX_S } from "../core/tokens.ts";
import type { NamedJwk } from "./signing.ts";
import { newKey, signed, signingKeyOf } from "./signing.ts";

const spec = {
  key: file({ help: "The private key: a JWK. Whoever has it lets in whom they like." }),
  newKey: toggle({ help: "Make the private key, and add its public part to --token-keys." }),
  tokenKeys: file({ help: "The JWK Set that edges read; with --new-key.", default: "" }),
  channel: list({
    help: "What may be seen: the name of a channel, or a prefix such as /vod/film/.",
    placeholder: "NAME",
  }),
  client: text({ help: "Who watches (sub).", default: "", placeholder: "ID" }),
  expires: duration({
    help: "From now on it counts so long.",
    default: "1h",
    minMs: 1_000,
    maxMs: LIFETIME_MAX_S * 1_000,
  }),
  network: list({
    help: "Addresses that it may be used from (catnip), as ADDRESS or ADDRESS/BITS. None: all.",
    placeholder: "NETWORK",
  }),
  audience: text({ help: "For which edges (aud). Empty: for all.", default: "" }),
  deployedChannel: text({
    help: "For edges of which deployed channel (deployed_channel). Empty: for those of none.",
    default: "",
    placeholder: "NAME",
  }),
};

export const program: Program<typeof spec> = {
  name: "token",
  command: "npm run token -w @glassline/edge-cache --",
  purpose: "Makes a token with which a viewer may watch protected channels, and prints it.",
  environmentPrefix: "GLASSLINE_TOKEN",
  spec,
};

type ToolConfig = ConfigOf<typeof spec>;

const SECRET_MODE = 0o600;

/** @returns what is printed. Rejects with OperatorError. */
export async function runTool(config: ToolConfig, nowMs: number): Promise<string> {
  if (config.newKey) return makeKey(config);
  const { channel, client, network, audience, deployedChannel } = config;
  if (channel.length === 0) throw new OperatorError("--channel: got nothing, expected a NAME");
  if (client === "") throw new OperatorError("--client: got nothing, expected an ID");
  const issuedS = Math.floor(nowMs / 1_000);
  const claims = {
    sub: client,
    channel: channel.length === 1 ? channel[0] : channel,
    iat: issuedS,
    exp: issuedS + Math.round(config.expires / 1_000),
    jti: randomUUID(),
    ...(audience !== "" && { aud: audience }),
    ...(deployedChannel !== "" && { deployed_channel: deployedChannel }),
    ...(network.length > 0 && { catnip: network }),
  };
  return signed(await keyIn(config.key), claims);
}

async function keyIn(path: string) {
  try {
    return signingKeyOf(JSON.parse(await readFile(path, "utf8")) as NamedJwk);
  } catch (error) {
    throw new OperatorError(`--key: ${path}: ${messageOf(error)}`, { cause: error });
  }
}

async function makeKey({ key: path, tokenKeys }: ToolConfig): Promise<string> {
  if (tokenKeys === "") throw new OperatorError("--token-keys: got nothing, expected a FILE");
  const known = await keysIn(tokenKeys);
  const { privateJwk, publicJwk } = newKey();
  try {
    await writeFile(path, textOf(privateJwk), { flag: "wx", mode: SECRET_MODE });
    // Edges read it at any time: whole or not at all.
    await writeFile(`${tokenKeys}.new`, textOf({ keys: [...known, publicJwk] }));
    await rename(`${tokenKeys}.new`, tokenKeys);
  } catch (error) {
    throw new OperatorError(messageOf(error), { cause: error });
  }
  return `${privateJwk.kid}: the private key is in ${path}, the public one in ${tokenKeys}`;
}

const textOf = (value: object) => `${JSON.stringify(value, undefined, 2)}\n`;

async function keysIn(path: string): Promise<unknown[]> {
  try {
    const { keys } = JSON.parse(await readFile(path, "utf8")) as { keys?: unknown };
    if (Array.isArray(keys)) return keys as unknown[];
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return [];
    throw new OperatorError(`--token-keys: ${path}: ${messageOf(error)}`, { cause: error });
  }
  throw new OperatorError(`--token-keys: ${path}: expected a JWK Set`);
}
