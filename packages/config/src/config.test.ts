import { describe, expect, test } from "vitest";

import {
  ConfigError,
  bytes,
  choice,
  duration,
  endpoints,
  integer,
  directory,
  port,
  portRange,
  recordings,
  readConfig,
  recordingText,
  text,
  toggle,
} from "./config.ts";
import type { Option } from "./option.ts";
import type { SettingsFile } from "./settings-file.ts";
import { FileProblems } from "./settings-file.ts";

const program = {
  name: "test",
  command: "npm start --",
  purpose: "Starts it.",
  environmentPrefix: "GLASSLINE_TEST",
  spec: {
    port: port({ help: "Port.", default: "7400" }),
    ports: portRange({ help: "Ports.", default: "7600-7699" }),
    cameras: integer({ help: "Cameras.", default: "200", min: 0, max: 100_000 }),
    dataDir: directory({ help: "Folder.", default: ".glassline" }),
    camera: recordings({ help: "Recording." }),
    ringSize: bytes({ help: "Ring.", default: "64MiB", minBytes: 1024 }),
    idle: duration({ help: "Idle.", default: "5s", minMs: 1, maxMs: 60_000 }),
    part: duration({ help: "Part.", default: "500ms", minMs: 100, maxMs: 5_000, orNone: true }),
    level: choice({ help: "Level.", default: "info", of: ["debug", "info"] }),
    card: text({ help: "Card.", default: "cam-1", orNone: true }),
    peer: endpoints({ help: "Neighbour." }),
    open: toggle({ help: "Open." }),
  },
};

function read(words: string[], environment: Record<string, string> = {}) {
  const result = readConfig(program, {
    arguments: words,
    environment: { INIT_CWD: "/home/user", ...environment },
  });
  if (!("config" in result)) throw new Error("got help, expected a config");
  return result.config;
}

function problems(words: string[], environment: Record<string, string> = {}): readonly string[] {
  try {
    read(words, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("readConfig", () => {
  test("gives typed defaults when nothing is said", () => {
    expect(read([])).toEqual({
      port: 7400,
      ports: { first: 7_600, last: 7_699 },
      cameras: 200,
      dataDir: "/home/user/.glassline",
      camera: [],
      ringSize: 64 * 2 ** 20,
      idle: 5_000,
      part: 500,
      card: "cam-1",
      level: "info",
      peer: [],
      open: false,
    });
  });

  test("reads flags in both spellings, repeated flags and switches", () => {
    const config = read([
      "--port=1",
      "--camera",
      "a.mp4",
      "--camera",
      "b.mp4",
      "--open",
      "--peer",
      "node-2=localhost:7422",
    ]);
    expect(config.port).toBe(1);
    expect(config.camera).toEqual([
      { name: undefined, paths: ["/home/user/a.mp4"] },
      { name: undefined, paths: ["/home/user/b.mp4"] },
    ]);
    expect(config.open).toBe(true);
    expect(config.peer).toEqual([{ name: "node-2", host: "localhost", port: 7422 }]);
  });

  test("prefers a flag to the environment and the environment to the default", () => {
    const environment = {
      GLASSLINE_TEST_PORT: "2",
      GLASSLINE_TEST_DATA_DIR: "/data",
      GLASSLINE_TEST_CAMERA: "a,b",
    };
    const config = read(["--port", "3"], environment);
    expect(config).toMatchObject({
      port: 3,
      dataDir: "/data",
      camera: [
        { name: undefined, paths: ["/home/user/a"] },
        { name: undefined, paths: ["/home/user/b"] },
      ],
    });
  });

  test("a camera has a name and several files, also in the environment", () => {
    const expected = [
      { name: "hall", paths: ["/home/user/a.mp4", "/clips/a-360p.mp4"] },
      { name: undefined, paths: ["/home/user/x=1.mp4"] },
      { name: "yard", paths: ["/home/user/b.mp4"] },
    ];
    const words = ["hall=a.mp4,/clips/a-360p.mp4", "./x=1.mp4", "yard=b.mp4"];
    expect(read(words.flatMap((word) => ["--camera", word])).camera).toEqual(expected);
    const [hall, , yard] = words;
    const environment = { GLASSLINE_TEST_CAMERA: `./x=1.mp4,${hall},${yard}` };
    expect(read([], environment).camera).toEqual([expected[1], expected[0], expected[2]]);
    expect(read([], environment).camera.map(recordingText)).toEqual([
      "/home/user/x=1.mp4",
      "hall=/home/user/a.mp4,/clips/a-360p.mp4",
      "yard=/home/user/b.mp4",
    ]);
    expect(problems(["--camera", "hall=a.mp4,"])[0]).toMatch(/got "hall=a.mp4,", expected FILE/);
  });

  test("a text may be none where that has a meaning", () => {
    expect(read(["--card="]).card).toBe("");
  });

  test("a time may be none where that has a meaning", () => {
    expect(read(["--part", "0"]).part).toBe(0);
    expect(problems(["--part", "10ms"])[0]).toMatch(/expected 0, or a time from 100ms to 5000ms/);
    expect(problems(["--idle", "0"])[0]).toMatch(/expected a time from 1ms/);
  });

  test.each(["7600", "7699-7600", "0-7", "7600-70000", "a-b", ""])(
    'ports are two numbers, the lower one first: not "%s"',
    (ports) => {
      expect(problems([`--ports=${ports}`])[0]).toContain("expected two ports from 1 to 65535");
    },
  );

  test("reports all mistakes at once, each with what was got and what was expected", () => {
    const found = problems(["--port", "70000", "--cameras", "many", "--idle", "5 parsecs"], {
      GLASSLINE_TEST_LEVEL: "loud",
    });
    expect(found).toHaveLength(4);
    expect(found[0]).toBe('--port: got "70000", expected a whole number from 0 to 65535.');
    expect(found.join()).toContain(
      'GLASSLINE_TEST_LEVEL: got "loud", expected one of debug, info.',
    );
  });

  test("suggests the nearest flag for an unknown one", () => {
    expect(problems(["--camras", "5"])).toEqual([
      "--camras: no such flag, did you mean --cameras?",
    ]);
  });

  test("refuses a bare word and a flag without its value", () => {
    expect(problems(["clip.mp4"])[0]).toContain('"clip.mp4": got a bare word');
    expect(problems(["--port"])[0]).toBe("--port: got nothing, expected a value (PORT).");
  });

  test("takes bare words of a program that has them, before, between and behind its flags", () => {
    const talker = { ...program, words: "[WORD...]" };
    const words = (...given: string[]) => readConfig(talker, { arguments: given, environment: {} });
    expect(words("why", "--port", "1", "edge-1", "--open")).toMatchObject({
      words: ["why", "edge-1"],
      config: { port: 1, open: true },
    });
    expect(() => words("status", "--prot", "1")).toThrow("did you mean --port?");
    expect(words("--help")).toMatchObject({
      help: expect.stringContaining("npm start -- [flags] [WORD...]") as string,
    });
  });

  test("--help describes every flag with its default", () => {
    const result = readConfig(program, { arguments: ["--help"], environment: {} });
    expect(result).toHaveProperty("help");
    const help = (result as { help: string }).help;
    for (const flag of ["--port PORT", "--camera FILE", "--ring-size SIZE", "--open"])
      expect(help).toContain(flag);
    expect(help).toContain("(default 7400)");
  });
});

describe("a settings file", () => {
  const file: Option<SettingsFile | undefined> = {
    help: "File.",
    placeholder: "FILE",
    defaultText: undefined,
    repeatable: false,
    parse: ([path], _directory, environment) => {
      if (path === "wrong") throw new FileProblems(["wrong:1:2: this", "wrong:3:4: that"]);
      const text = environment?.["PORT"] ?? "9000";
      return path === undefined
        ? undefined
        : { settings: { port: { text, where: `${path}:3:5` } } };
    },
  };
  const withFile = { ...program, file: "config", spec: { ...program.spec, config: file } };
  const readPort = (words: string[], environment: Record<string, string> = {}) => {
    const result = readConfig(withFile, { arguments: words, environment });
    return "config" in result ? result.config.port : undefined;
  };

  test("counts more than defaults, and less than the environment and flags", () => {
    expect(readPort([])).toBe(7400);
    expect(readPort(["--config=f"])).toBe(9000);
    expect(readPort(["--config=f"], { PORT: "9001" })).toBe(9001);
    expect(readPort(["--config=f"], { GLASSLINE_TEST_PORT: "9002" })).toBe(9002);
    expect(readPort(["--port=9003", "--config=f"], { GLASSLINE_TEST_PORT: "9002" })).toBe(9003);
  });

  test("tells its problems beside those of flags, and where a wrong value stands", () => {
    expect(() => readPort(["--config=wrong", "--cameras=x"])).toThrow(
      /^wrong:1:2: this\nwrong:3:4: that\n--cameras: got/,
    );
    expect(() => readPort(["--config=f"], { PORT: "x" })).toThrow(/^f:3:5: got "x", expected/);
  });
});
