import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readConfig } from "@glassline/config";
import { OperatorError } from "@glassline/service/errors";
import { describe, expect, onTestFinished, test } from "vitest";

import { program } from "../config.ts";
import { readDestinations } from "./destinations.ts";
import { signed, signingKeyOf } from "./signature.ts";

const SECRET = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;
const SLACK = "https://hooks.slack.com/services/T0/B0/secret";

function read(words: readonly string[], environment: Record<string, string> = {}) {
  const result = readConfig(program, { arguments: words, environment });
  if (!("config" in result)) throw new Error("got help, expected a config");
  return readDestinations(result.config);
}

function fileOf(text: string, mode = 0o600): string {
  const directory = mkdtempSync(join(tmpdir(), "glassline-webhooks-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "webhooks");
  writeFileSync(path, text, { mode });
  return path;
}

describe("destinations", () => {
  test("come from flags, from the environment and from a file", async () => {
    const path = fileOf(
      `# the on-call\nslack-webhook ${SLACK}\nwebhook pager=https://pager.example/x?a=b\nwebhook-secret ${SECRET}\n`,
    );
    const environment = {
      GLASSLINE_OPSBOT_WEBHOOK: "http://127.0.0.1:9000/,log=http://[::1]:9001",
    };
    const found = await read([`--webhook-file=${path}`], environment);
    expect(
      found.map(({ name, format, url, key }) => [name, format, url.href, key?.length]),
    ).toEqual([
      ["127.0.0.1:9000", "json", "http://127.0.0.1:9000/", 32],
      ["log", "json", "http://[::1]:9001/", 32],
      ["hooks.slack.com", "slack", SLACK, undefined],
      ["pager", "json", "https://pager.example/x?a=b", 32],
    ]);
    expect(await read([])).toEqual([]);
  });

  test.each([
    ["plain HTTP to others", "http://pager.example/secret"],
    ["plain HTTP to what is named like this machine", "http://localhost.example/secret"],
    ["another protocol", "ftp://pager.example/secret"],
    ["a user", "https://anna:secret@pager.example/"],
    ["no host", "https:///secret"],
    ["a name with spaces", "the pager=https://pager.example/secret"],
    ["no address", "secret"],
  ])("do not have %s, and a refusal does not show the address", async (_what, text) => {
    const error = await read([`--webhook=${text}`]).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(OperatorError);
    expect(String(error)).toMatch(/--webhook: .*expected \[NAME=\]https:/);
    expect(String(error)).not.toContain("secret@");
    expect(String(error)).not.toContain("/secret");
  });

  test("have distinct names, and are not too many", async () => {
    await expect(read([`--slack-webhook=${SLACK}`, `--slack-webhook=${SLACK}2`])).rejects.toThrow(
      'got "hooks.slack.com" twice, expected distinct names: NAME=URL gives one',
    );
    const many = Array.from({ length: 17 }, (_, at) => `--webhook=n${at}=https://pager.example/`);
    await expect(read(many)).rejects.toThrow("got 17 destinations, expected at most 16");
  });

  test("of a file are refused where it is wrong, missing, or open to others", async () => {
    await expect(read(["--webhook-file=/nowhere/at/all"])).rejects.toThrow("expected a file");
    await expect(read([`--webhook-file=${fileOf("", 0o644)}`])).rejects.toThrow(
      "got mode 0644, expected 0600",
    );
    for (const line of ["email https://x", "webhook", "webhook https://x y"])
      await expect(read([`--webhook-file=${fileOf(`\n${line}`)}`]), line).rejects.toThrow(
        /line 2: expected webhook \[NAME=\]URL, slack-webhook/,
      );
  });

  test("are not told by --help, whatever the environment says", () => {
    const result = readConfig(program, {
      arguments: ["--help"],
      environment: {
        GLASSLINE_OPSBOT_SLACK_WEBHOOK: SLACK,
        GLASSLINE_OPSBOT_WEBHOOK_SECRET: SECRET,
      },
    });
    expect(JSON.stringify(result)).toContain("--slack-webhook");
    expect(JSON.stringify(result)).not.toMatch(/hooks\.slack\.com|whsec_[A-Za-z0-9+/]{8}/);
  });
});

describe("a signature", () => {
  test("is that of the test vector of Standard Webhooks", () => {
    const key = signingKeyOf("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")!;
    const id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    expect(signed(key, id, 1_614_265_330_999, '{"test": 2432232314}')).toEqual({
      "webhook-id": id,
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    });
  });

  test.each([
    "secret",
    "whsec_",
    "whsec_c2hvcnQ=",
    "whsec_!!!!",
    `whsec_${"A".repeat(100)}`,
    SECRET.slice(6),
  ])("needs a key of the right form: %s is none", (secret) => {
    expect(() => signingKeyOf(secret)).toThrow("expected whsec_ and 24 to 64 bytes in base64");
  });
});
