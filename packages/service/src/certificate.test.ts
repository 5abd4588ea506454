import { chmod, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import type { KeyPair, PairFiles } from "./certificate.ts";
import { expiresMs, readKeyPair, watchKeyPair } from "./certificate.ts";
import { systemClock } from "./clock.ts";
import { createLogger } from "./logger.ts";
import { ephemeralPki } from "./pki.ts";

let directory: string;
let files: PairFiles;
let issue: Awaited<ReturnType<typeof ephemeralPki>>;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "glassline-pair-"));
  files = {
    certificate: { flag: "--tls-cert", path: join(directory, "cert.pem") },
    key: { flag: "--tls-key", path: join(directory, "key.pem") },
  };
  issue = await ephemeralPki();
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function newPair(): Promise<KeyPair> {
  const { certificate, privateKey } = await issue({ role: "edge-cache", instance: "edge-1" });
  return { cert: certificate, key: privateKey };
}

/** Each file by a rename, as programs that renew certificates do. */
async function put({ cert, key }: Partial<KeyPair>): Promise<void> {
  for (const [path, text] of [
    [files.key.path, key],
    [files.certificate.path, cert],
  ] as const) {
    if (text === undefined) continue;
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  }
}

test("a pair is read; until when it counts is known", async () => {
  const pair = await newPair();
  await put(pair);
  expect(await readKeyPair(files)).toEqual(pair);
  expect(expiresMs(pair)).toBeGreaterThan(Date.now());
});

test("what is wrong with a pair is said: which file, why", async () => {
  const [one, other] = [await newPair(), await newPair()];
  await expect(readKeyPair(files)).rejects.toThrow(
    /^--tls-cert: got .*cert\.pem, expected a file in PEM: there is no such file$/,
  );
  await put({ cert: one.cert });
  await expect(readKeyPair(files)).rejects.toThrow(/^--tls-key: .* there is no such file$/);
  await put({ key: other.key });
  await expect(readKeyPair(files)).rejects.toThrow(/^--tls-key: .* they do not belong together$/);
  await put({ key: "-----BEGIN PRIVATE KEY-----\nbroken\n" });
  await expect(readKeyPair(files)).rejects.toThrow(/^--tls-key: .*expected a private key in PEM/);
  await put({ cert: one.key, key: one.key });
  await expect(readKeyPair(files)).rejects.toThrow(/^--tls-cert: .*expected a certificate in PEM/);
});

test.skipIf(process.getuid?.() === 0)("a key that may not be read is one", async () => {
  await put(await newPair());
  await chmod(files.key.path, 0);
  await expect(readKeyPair(files)).rejects.toThrow(/^--tls-key: .* this user may not read it$/);
});

test("a new pair is told of when both files are there; a bad one is not, and what was wrong is put right later", async () => {
  await put(await newPair());
  const told: KeyPair[] = [];
  const changed = (pair: KeyPair) => void told.push(pair);
  const logger = createLogger("test", "silent");
  const clock = {
    ...systemClock,
    sleep: (_ms: number, signal?: AbortSignal) => systemClock.sleep(20, signal),
  };
  using _watch = watchKeyPair(files, { clock, logger, changed });
  await systemClock.sleep(100);
  expect(told).toEqual([]);
  const next = await newPair();
  await put({ key: next.key });
  await systemClock.sleep(200);
  expect(told).toEqual([]);
  await put({ cert: next.cert });
  await expect.poll(() => told).toEqual([next]);
});

test("on SIGHUP the pair is read at once", async () => {
  await put(await newPair());
  const told: KeyPair[] = [];
  const changed = (pair: KeyPair) => void told.push(pair);
  const options = { clock: systemClock, logger: createLogger("test", "silent"), changed };
  const watch = watchKeyPair(files, options);
  const next = await newPair();
  await put(next);
  process.emit("SIGHUP");
  await expect.poll(() => told).toEqual([next]);
  watch[Symbol.dispose]();
  expect(process.listenerCount("SIGHUP")).toBe(0);
});
