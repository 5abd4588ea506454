import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { readConfig } from "@glassline/config";
import { OperatorError } from "@glassline/service/errors";
import { ephemeralPki } from "@glassline/service/pki";
import { expect, test } from "vitest";

import { program } from "../../config.ts";
import { readIcingaSettings } from "./settings.ts";
import { scratch } from "../../stores/store.testing.ts";

const URL = ["--icinga", "https://icinga.example.net:5665"];
const USER = ["--icinga-user", "opsbot", "--icinga-password", "hidden"];

function read(words: readonly string[], environment: Record<string, string> = {}) {
  const result = readConfig(program, { arguments: words, environment });
  if (!("config" in result)) throw new Error("got help, expected a config");
  return readIcingaSettings(result.config);
}

test("without --icinga there is none", () => {
  expect(read([])).toBeUndefined();
  expect(read(USER)).toBeUndefined();
});

test("a password may come by the environment; the name is that of the address unless it is said", () => {
  const environment = { GLASSLINE_OPSBOT_ICINGA_PASSWORD: "hidden" };
  expect(read([...URL, "--icinga-user", "opsbot"], environment)).toMatchObject({
    url: "https://icinga.example.net:5665",
    user: "opsbot",
    password: "hidden",
    nodeName: "icinga.example.net",
  });
  expect(read([...URL, ...USER, "--icinga-name", "master-1"])!.nodeName).toBe("master-1");
});

test("a certificate is read with its key", async () => {
  const directory = scratch();
  const issue = await ephemeralPki();
  const { ca, certificate, privateKey } = await issue({ role: "opsbot", instance: "opsbot" });
  const other = await issue({ role: "opsbot", instance: "opsbot-2" });
  const files = { ca, certificate, key: privateKey, "other-key": other.privateKey };
  const path = (name: string) => join(directory, `${name}.pem`);
  for (const [name, content] of Object.entries(files)) writeFileSync(path(name), content);
  const words = (key: string) => [
    ...URL,
    "--icinga-ca",
    path("ca"),
    "--icinga-cert",
    path("certificate"),
    "--icinga-key",
    path(key),
  ];
  expect(read(words("key"))).toMatchObject({ ca, certificate, key: privateKey, user: "" });
  expect(() => read(words("other-key"))).toThrow(OperatorError);
  expect(() => read(words("none"))).toThrow(/--icinga-key: got .*none\.pem, expected a file/);
  expect(() => read([...words("key"), ...USER])).toThrow(/expected either --icinga-user/);
});

test.each([
  [["--icinga", "http://localhost:5665", ...USER], /TLS only/],
  [["--icinga", "icinga", ...USER], /expected an address such as/],
  [["--icinga", "https://root:secret@localhost:5665", ...USER], /without a user/],
  [URL, /expected either --icinga-user/],
  [[...URL, "--icinga-user", "opsbot"], /--icinga-password: got nothing/],
  [[...URL, "--icinga-cert", "a.pem"], /expected both or none/],
])("%j is refused, and no secret is shown", (words, message) => {
  expect(() => read(words)).toThrow(message);
  expect(() => read(words)).not.toThrow(/hidden|secret/);
});
