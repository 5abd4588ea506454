import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { directory, port, text } from "@glassline/config";
import { describe, expect, test } from "vitest";

import type { App } from "./apps.ts";
import { tryApp } from "./trial.ts";

const app: App = {
  name: "camera",
  version: "0.1.0",
  isBuilt: false,
  children: [],
  program: {
    name: "camera",
    command: "npm start --",
    purpose: "Answers.",
    environmentPrefix: "GLASSLINE_CAMERA",
    spec: {
      name: text({ help: "Name.", default: "agent-1" }),
      host: text({ help: "Host.", default: "127.0.0.1" }),
      adminPort: port({ help: "Health.", default: "7440" }),
      pkiDir: directory({ help: "Certificates.", default: "pki" }),
      dataDir: directory({ help: "Data.", default: "data" }),
    },
  },
};

const ANSWER = `
import { createServer } from "node:http";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
const { GLASSLINE_CAMERA_ADMIN_PORT: port, GLASSLINE_CAMERA_HOST: host } = process.env;
const server = createServer((request, response) => response.end()).listen(Number(port), host);
`;
const END = `process.on("SIGTERM", () => { server.close(); server.closeAllConnections(); });\n`;

/** Tries a program that stands in for an app. */
async function tryProgram(program: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "glassline-trial-"));
  try {
    const tree = join(folder, "app");
    await mkdir(join(tree, "apps/camera/src"), { recursive: true });
    await writeFile(join(tree, "package.json"), '{"type": "module"}');
    await writeFile(join(tree, "apps/camera/src/main.ts"), program);
    return await tryApp(app, tree, folder, new AbortController().signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe("tryApp", () => {
  test("takes an app that answers, writes to its data folder only, and stops", async () => {
    const program = `${ANSWER}${END}
      readFileSync(process.env.GLASSLINE_CAMERA_PKI_DIR + "/camera.agent-1.key");
      mkdirSync(process.env.GLASSLINE_CAMERA_DATA_DIR);
      writeFileSync(process.env.GLASSLINE_CAMERA_DATA_DIR + "/log", "");`;
    expect(await tryProgram(program)).toBeGreaterThan(0);
  });

  test("tells what an app said that could not start", async () => {
    await expect(tryProgram(`console.log("no ring"); process.exitCode = 69;`)).rejects.toThrow(
      /got exit code 69, expected an app that runs\nno ring/,
    );
  });

  test("refuses an app that writes beside its own sources", async () => {
    await expect(
      tryProgram(`${ANSWER}${END}writeFileSync("apps/camera/state.json", "{}");`),
    ).rejects.toThrow(/got changes of .*state\.json/);
  });

  test("refuses an app that SIGTERM ends the hard way", async () => {
    await expect(tryProgram(ANSWER)).rejects.toThrow(/SIGTERM: got SIGTERM, expected exit code 0/);
  });
});
