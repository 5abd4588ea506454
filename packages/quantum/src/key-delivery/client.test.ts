import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";

import type { Identity } from "@glassline/service/identity";
import { ephemeralPki } from "@glassline/service/pki";
import { tlsOptions } from "@glassline/service/tls";
import fc from "fast-check";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { certificateNames } from "./certificate-names.ts";
import type { KeyManagerPlace } from "./client.ts";
import { KeyManagerClient, KeyManagerError } from "./client.ts";
import { writeKeys, writeStatus } from "./messages.ts";

let kme: Identity;
let sae: Identity;

beforeAll(async () => {
  const issue = await ephemeralPki();
  kme = await issue({ role: "kme", instance: "kme-1" });
  sae = await issue({ role: "mesh-node", instance: "node-1" });
});

interface Asked {
  method: string;
  url: string;
  body: unknown;
}

type Answer = (asked: Asked, response: ServerResponse) => void;

/** A key manager that answers as it is told to, and a client of it. */
async function openStage(answer: Answer, place: Partial<KeyManagerPlace> = {}) {
  const asked: Asked[] = [];
  const listen = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const { method = "", url = "" } = request;
    asked.push({ method, url, body: text === "" ? undefined : JSON.parse(text) });
    answer(asked.at(-1)!, response);
  };
  const options = { ...tlsOptions(kme), requestCert: true, rejectUnauthorized: true };
  const server = createServer(options, (...exchange) => void listen(...exchange));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = new KeyManagerClient({
    host: "127.0.0.1",
    port,
    kmeId: "kme-1",
    tls: tlsOptions(sae),
    ...place,
  });
  onTestFinished(() => {
    client[Symbol.dispose]();
    server.closeAllConnections();
    server.close();
  });
  return { client, asked };
}

const json =
  (body: unknown, status = 200): Answer =>
  (_asked, response) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };

const text =
  (body: string, status = 200): Answer =>
  (_asked, response) => {
    response.writeHead(status, { "content-type": "text/html" });
    response.end(body);
  };

const keyOf = (bytes = 32) => ({ id: randomUUID(), key: Uint8Array.from(randomBytes(bytes)) });

const STATUS = {
  sourceKmeId: "kme-1",
  targetKmeId: "kme-2",
  masterSaeId: "node-1",
  slaveSaeId: "node-2",
  keySizeBits: 256,
  storedKeyCount: 4,
  maxKeyCount: 100,
  maxKeysPerRequest: 10,
  maxKeySizeBits: 1_024,
  minKeySizeBits: 64,
  maxSaeIdCount: 0,
};

describe("the words of the standard", () => {
  test("status is read, and asked for with GET", async () => {
    const { client, asked } = await openStage(json(writeStatus(STATUS)));
    expect(await client.status("node-2")).toEqual(STATUS);
    expect(asked).toEqual([{ method: "GET", url: "/api/v1/keys/node-2/status", body: undefined }]);
  });

  test("new keys, and keys by their ids", async () => {
    const keys = [keyOf(), keyOf()];
    const { client, asked } = await openStage(json(writeKeys(keys)));
    expect(await client.newKeys("node 2", { number: 2, sizeBits: 256 })).toEqual(keys);
    const ids = keys.map(({ id }) => id);
    expect(await client.keysById("node-0", ids.toReversed())).toEqual(keys.toReversed());
    expect(asked).toEqual([
      {
        method: "POST",
        url: "/api/v1/keys/node%202/enc_keys",
        body: { number: 2, size: 256 },
      },
      {
        method: "POST",
        url: "/api/v1/keys/node-0/dec_keys",
        body: { key_IDs: ids.toReversed().map((id) => ({ key_ID: id })) },
      },
    ]);
  });

  test("a container is also read as one of its tables prints it, with fields that nobody knows", async () => {
    const { id, key } = keyOf();
    const one = { key_ID: id, key: Buffer.from(key).toString("base64"), key_extension: { a: 1 } };
    const { client } = await openStage(json({ Keys: [one], key_container_extension: {} }));
    expect(await client.newKeys("node-2")).toEqual([{ id, key }]);
  });
});

describe("a key manager that does as it likes", () => {
  const problemOf = async (answer: Answer, place?: Partial<KeyManagerPlace>, sizeBits = 256) => {
    const { client } = await openStage(answer, place);
    const error: unknown = await client
      .newKeys("node-2", { number: 2, sizeBits })
      .catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(KeyManagerError);
    return error as KeyManagerError;
  };

  test.each([
    [400, "refused"],
    [401, "unauthorized"],
    [503, "unavailable"],
    [404, "malformed"],
    [500, "malformed"],
  ])("status %i is %s, and says why where it does", async (status, problem) => {
    const said = await problemOf(json({ message: "size shall be a multiple of 8" }, status));
    expect(said).toMatchObject({ problem });
    expect(said.message).toBe(`key manager kme-1: ${status} (size shall be a multiple of 8)`);
    const html = await problemOf(text("<html><body>no</body></html>", status));
    expect(html).toMatchObject({ problem, message: `key manager kme-1: ${status}` });
  });

  test("sizes, numbers and ids other than those asked for are no keys", async () => {
    const bodies = [
      writeKeys([keyOf(16)]),
      writeKeys([]),
      writeKeys([keyOf(), keyOf(), keyOf()]),
      writeKeys(Array.from({ length: 2 }, () => ({ id: STATIC_ID, key: randomBytes(32) }))),
    ];
    for (const body of bodies)
      expect(await problemOf(json(body))).toMatchObject({ problem: "malformed" });
    const { client } = await openStage(json(writeKeys([keyOf()])));
    await expect(client.keysById("node-0", [randomUUID()])).rejects.toThrow(/got other ones/);
  });

  test("whatever else it answers, no part of it is in the error", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.record({ keys: fc.anything() }).map((body) => JSON.stringify(body)),
        ),
        async (body) => {
          const error = await problemOf(text(body));
          expect(error.problem).toBe("malformed");
          expect(error.message.length).toBeLessThan(400);
        },
      ),
      { numRuns: 100 },
    );
    const secret = Buffer.from(randomBytes(32)).toString("base64");
    const error = await problemOf(json({ keys: [{ key_ID: STATIC_ID, key: `${secret}!` }] }));
    expect(`${error.message} ${String(error.cause)}`).not.toContain(secret);
  });

  test("one that locks up is not waited for", async () => {
    const startMs = performance.now();
    const error = await problemOf(() => {}, { timeoutMs: 200 });
    expect(error).toMatchObject({ problem: "timeout" });
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });

  test("an answer without an end is cut", async () => {
    const endless: Answer = (_asked, response) => {
      const piece = "x".repeat(65_536);
      const go = (): void => {
        while (!response.destroyed && response.write(piece));
        if (!response.destroyed) response.once("drain", go);
      };
      go();
    };
    expect((await problemOf(endless)).message).toMatch(/more than 4194304 bytes/);
  });

  test("nobody is asked who is another one, and nobody who is not there", async () => {
    const other = await problemOf(json({}), { kmeId: "kme-2" });
    expect(other).toMatchObject({ problem: "unavailable" });
    expect(other.message).toMatch(/got that of .*kme-1.*, expected that of kme-2/);
    const away = await problemOf(json({}), { port: 1 });
    expect(away).toMatchObject({ problem: "unavailable" });
    expect(away.message).toMatch(/ECONNREFUSED/);
  });

  test("is asked one thing at a time", async () => {
    let [open, most] = [0, 0];
    const keys = writeKeys([keyOf()]);
    const { client } = await openStage((_asked, response) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        response.end(JSON.stringify(keys));
      }, 10);
    });
    await Promise.all(Array.from({ length: 5 }, () => client.newKeys("node-2")));
    expect(most).toBe(1);
  });
});

const STATIC_ID = "4a26e1d5-f6f5-4d3e-9d5c-2a4f3f1d6f0a";

test("a certificate names whom its alternative names name, or else its common name", () => {
  const subject = { CN: "sae-7" };
  expect(certificateNames({ subject })).toEqual(["sae-7"]);
  expect(certificateNames({ subject, subjectaltname: "" })).toEqual(["sae-7"]);
  const subjectaltname = "URI:spiffe://glassline/kme/kme-1, DNS:kme.example, IP Address:127.0.0.1";
  expect(certificateNames({ subject, subjectaltname })).toEqual([
    "spiffe://glassline/kme/kme-1",
    "kme-1",
    "kme.example",
  ]);
  expect(certificateNames({ subjectaltname: "", subject: {} })).toEqual([]);
});
