/** Where PostgreSQL is, and how it is known to be the right one. */
import { readFile } from "node:fs/promises";

import { OperatorError, messageOf } from "@glassline/service/errors";
import type { PoolConfig } from "pg";

import type { OpsBotConfig } from "../config.ts";

const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Undefined: there is none. Throws OperatorError, which tells no password. */
export async function readPostgresSettings({
  postgres,
  postgresCa,
}: Pick<OpsBotConfig, "postgres" | "postgresCa">): Promise<PoolConfig | undefined> {
  if (postgres === "") return undefined;
  const url = URL.parse(postgres);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || url.pathname.length < 2)
    throw new OperatorError(
      `--postgres: got ${url ? `${url.protocol}//${url.host}${url.pathname}` : "what is no address"}, expected postgres://USER:PASSWORD@HOST:PORT/DATABASE`,
    );
  if ([...url.searchParams.keys()].length > 0)
    throw new OperatorError(
      `--postgres: got the parameters ${[...url.searchParams.keys()].join(", ")}, expected none: TLS is always used beyond this machine`,
    );
  const about: PoolConfig = {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port || 5432),
    database: decodeURIComponent(url.pathname.slice(1)),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  };
  if (postgresCa === "" && LOOPBACK.has(url.hostname)) return about;
  const minVersion = "TLSv1.3";
  if (postgresCa === "") return { ...about, ssl: { minVersion, rejectUnauthorized: true } };
  return { ...about, ssl: { minVersion, rejectUnauthorized: true, ca: await read(postgresCa) } };
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new OperatorError(`--postgres-ca: ${messageOf(error)}`, { cause: error });
  }
}
