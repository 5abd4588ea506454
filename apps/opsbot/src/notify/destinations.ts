/** Who is told by webhook, of flags and of a file. An address is a secret: messages do not show it. */
import { OperatorError } from "@glassline/service/errors";

import { isLoopbackHost } from "../access/access.ts";
import type { OpsBotConfig } from "../config.ts";
import { readSecretFile } from "../secret-file.ts";
import { signingKeyOf } from "./signature.ts";

export type Format = "json" | "slack";

export interface Destination {
  /** For logs, metrics and the journal: as it was given, or the address' host. */
  name: string;
  format: Format;
  url: URL;
  /** Messages are signed with it. */
  key: Buffer | undefined;
}

const DESTINATIONS_MAX = 16;
const FILE_MAX_BYTES = 65_536;
const ADDRESS = /^(?:([A-Za-z0-9][A-Za-z0-9._-]{0,63})=)?(https?:\/\/[^/\s]\S*)$/;
const EXPECTED =
  "[NAME=]https://HOST/... without a user (http:// on this machine only). The address is not shown: it may be a secret";

type WebhookFlags = Pick<
  OpsBotConfig,
  "webhook" | "slackWebhook" | "webhookFile" | "webhookSecret"
>;

interface Given {
  format: Format;
  text: string;
  /** "--webhook", "webhooks.conf: line 3" */
  where: string;
}

/** Rejects with OperatorError. */
export async function readDestinations(config: WebhookFlags): Promise<readonly Destination[]> {
  const file = await readFile(config.webhookFile);
  const secret = config.webhookSecret || file.secret;
  const given: Given[] = [
    ...config.webhook.map((text) => ({ format: "json" as const, text, where: "--webhook" })),
    ...config.slackWebhook.map((text) => ({
      format: "slack" as const,
      text,
      where: "--slack-webhook",
    })),
    ...file.given,
  ];
  if (given.length > DESTINATIONS_MAX)
    throw new OperatorError(
      `--webhook: got ${given.length} destinations, expected at most ${DESTINATIONS_MAX}`,
    );
  const key = signingKeyOf(secret);
  const destinations = given.map((one) => destinationOf(one, key));
  assertDistinct(destinations);
  return destinations;
}

function destinationOf({ format, text, where }: Given, key: Buffer | undefined): Destination {
  const [, name, address = ""] = ADDRESS.exec(text) ?? [];
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || url.username !== "" || url.password !== "" || !isSafe(url))
    throw new OperatorError(`${where}: got something else, expected ${EXPECTED}`);
  url.hash = "";
  return { name: name ?? url.host, format, url, key: format === "json" ? key : undefined };
}

/** What is told stays between us and the receiver. */
function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || isLoopbackHost(hostname.replace(/^\[(.*)\]$/, "$1"));
}

function assertDistinct(destinations: readonly Destination[]): void {
  const names = new Set<string>();
  for (const { name } of destinations) {
    if (names.has(name))
      throw new OperatorError(
        `--webhook, --slack-webhook: got ${JSON.stringify(name)} twice, expected distinct names: NAME=URL gives one`,
      );
    names.add(name);
  }
}

const FORMATS: Readonly<Record<string, Format>> = { webhook: "json", "slack-webhook": "slack" };

/** Lines such as `slack-webhook on-call=https://...` and `webhook-secret whsec_...`. */
async function readFile(path: string): Promise<{ given: readonly Given[]; secret: string }> {
  if (path === "") return { given: [], secret: "" };
  const flag = "--webhook-file";
  const text = await readSecretFile({ flag, path, maxBytes: FILE_MAX_BYTES });
  if (text === undefined) throw new OperatorError(`${flag}: got ${path}, expected a file`);
  const given: Given[] = [];
  let secret = "";
  for (const [at, line] of text.split("\n").entries()) {
    const [word = "", value = "", ...more] = line.trim().split(/\s+/);
    if (word === "" || word.startsWith("#")) continue;
    const where = `${flag}: ${path}: line ${at + 1}`;
    const format = FORMATS[word];
    if (value === "" || more.length > 0 || (!format && word !== "webhook-secret"))
      throw new OperatorError(
        `${where}: expected webhook [NAME=]URL, slack-webhook [NAME=]URL or webhook-secret SECRET`,
      );
    if (format) given.push({ format, text: value, where });
    else secret = value;
  }
  return { given, secret };
}
