/** `npm start` as a user meets it: help, mistakes, Ctrl-C, a second start. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { eventually } from "./testing/testbed.ts";

const START = fileURLToPath(new URL("./start.mjs", import.meta.url));

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "glassline-command-"))));
afterEach(() => rm(directory, { recursive: true, force: true }));

function start(...words: string[]) {
  const child = spawn(process.execPath, [START, `--data=${directory}`, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, "close").then(([code]) => code as number | null);
  return { child, ended, output: () => output };
}

async function run(...words: string[]): Promise<{ code: number | null; output: string }> {
  const { ended, output } = start(...words);
  return { code: await ended, output: output() };
}

/** A start is seven processes: on a machine with much else to do it takes a while. */
const RUNS_MS = 80_000;

describe("npm start", { timeout: 200_000 }, () => {
  test("--help explains every flag", async () => {
    const { code, output } = await run("--help");
    expect(code).toBe(0);
    for (const flag of ["--camera FILE.mp4", "--cameras N", "--data DIR", "--base-port PORT"])
      expect(output).toContain(flag);
  });

  test.each([
    [
      ["--camras", "5"],
      /^--camras: no such flag, did you mean --cameras\?\nSee: npm start -- --help\n$/,
    ],
    [["--cameras", "many"], /^--cameras: got "many", expected a whole number from 0 to 20000\.\n/],
    [["--camera", "/no/such.mp4"], /^\/no\/such\.mp4: no such file\. Check --camera\.\n$/],
    [
      ["--base-port", "65530"],
      /^--base-port: got "65530", expected a whole number from 1024 to 65435\.\n/,
    ],
    [
      ["--otlp-http-port=4317"],
      /^port 4317: got it for both OTLP over gRPC .* and OTLP over HTTP .*, expected different ports\.\n$/,
    ],
    [
      ["--data=/proc/glassline"],
      /^--data: cannot write to \/proc\/glassline \(ENOENT\)\. Choose a folder that this user may write to\.\n$/,
    ],
  ])("%j is one clear line and an exit code other than 0", async (words, message) => {
    const { code, output } = await run(...words);
    expect(code).not.toBe(0);
    expect(output).toMatch(message);
  });

  test("a file that is not an MP4, and an MP4 without telemetry, are said to be so", async () => {
    const text = join(directory, "notes.mp4");
    await writeFile(text, "these are notes");
    expect(await run("--camera", text)).toMatchObject({
      code: 69,
      output: expect.stringContaining("notes.mp4: not an MP4") as string,
    });
    const empty = join(directory, "silent.mp4");
    await writeFile(empty, mp4WithoutTracks());
    const { code, output } = await run("--camera", empty);
    expect(code).toBe(69);
    expect(output).toMatch(/silent\.mp4: an MP4 without GoPro telemetry.*\n$/);
  });

  test("a pipe is not waited for, and a folder is no recording", async () => {
    const pipe = join(directory, "pipe.mp4");
    execFileSync("mkfifo", [pipe]);
    expect(await run("--camera", pipe)).toEqual({
      code: 69,
      output: `${pipe}: not an MP4: it is not a file. Give a recording as the camera wrote it.\n`,
    });
    expect((await run("--camera", directory)).output).toContain("not an MP4: it is a folder");
  });

  test("a second stack leaves the data of the first alone", async () => {
    const words = [
      "--cameras=1",
      "--base-port=15200",
      "--otlp-grpc-port=15300",
      "--otlp-http-port=15301",
    ];
    const first = start(...words);
    await eventually(
      "the first runs",
      () => (first.output().includes("Glassline is running") ? true : undefined),
      RUNS_MS,
    );
    const before = await readFile(join(directory, "otlp.env"), "utf8");
    const second = await run(
      "--cameras=1",
      "--base-port=15400",
      "--otlp-grpc-port=15500",
      "--otlp-http-port=15501",
    );
    expect(second.code).toBe(69);
    expect(second.output).toBe(
      `--data: ${directory} is used by another Glassline that runs. Stop that one, or choose another folder.\n`,
    );
    expect(await readFile(join(directory, "otlp.env"), "utf8")).toBe(before);
    first.child.kill("SIGINT");
    expect(await first.ended).toBe(0);
  });

  test("a taken port is named with its service and what to do", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const { code, output } = await run(
      `--otlp-http-port=${port}`,
      "--base-port=15000",
      "--otlp-grpc-port=15100",
    );
    server.close();
    expect(code).toBe(69);
    expect(output).toMatch(
      new RegExp(
        `^A port is taken by another program: ${port} \\(OTLP over HTTP.*choose other ports \\(--base-port.*\\n$`,
      ),
    );
  });

  test("Ctrl-C stops everything cleanly, and a second start finds the data of the first", async () => {
    const words = [
      "--cameras=3",
      "--base-port=15600",
      "--otlp-grpc-port=15700",
      "--otlp-http-port=15701",
    ];
    const api = (method: string) =>
      fetch(`http://localhost:15600/api/glassline.query.v1alpha1.QueryService/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"cameraId":"cam-0001","metric":"camera.uptime"}',
      });
    const stored = async () => {
      const answer = (await (await api("QueryRange")).json()) as { series?: { value: number[] }[] };
      return answer.series?.[0]?.value.length ?? 0;
    };
    const first = start(...words);
    const before = await eventually(
      "points are stored",
      async () => ((await stored()) > 2 ? stored() : undefined),
      RUNS_MS,
    );
    first.child.kill("SIGINT");
    expect(await first.ended).toBe(0);
    expect(first.output()).toContain("Stopped. The data is kept for the next start.");

    const second = start(...words, "--cameras=0");
    await eventually(
      "the points of the first start are there",
      async () => ((await stored()) >= before ? true : undefined),
      RUNS_MS,
    );
    second.child.kill("SIGTERM");
    expect(await second.ended).toBe(0);
  });
});

/** An MP4 with a movie header and no track: ISO/IEC 14496-12 sections 4.3, 8.2. */
function mp4WithoutTracks(): Buffer {
  const box = (type: string, body: Buffer) => {
    const header = Buffer.alloc(8);
    header.writeUInt32BE(8 + body.length);
    header.write(type, 4, "latin1");
    return Buffer.concat([header, body]);
  };
  const movieHeader = Buffer.alloc(100);
  movieHeader.writeUInt32BE(1_000, 12); // timescale
  movieHeader.writeUInt32BE(0x00010000, 20); // rate 1.0
  return Buffer.concat([
    box("ftyp", Buffer.from("isom\0\0\0\0isom", "latin1")),
    box("moov", box("mvhd", movieHeader)),
    box("mdat", Buffer.alloc(4)),
  ]);
}
