import { expect, test } from "vitest";

import { parseLine, replaceSections, writePage } from "./page.ts";

const MACHINE = { processor: "A core", cores: 2, memoryGib: 15.6, node: "v26", date: "2026-01-01" };

test("figures of a benchmark become a table; what is the same in all is said once", () => {
  const lines = [
    { bench: "speed", about: "How fast it is." },
    {
      bench: "speed",
      metric: "encode",
      value: 23_456_000,
      unit: "points/s",
      params: { ticks: 9, cameras: 1 },
    },
    {
      bench: "speed",
      metric: "bytes_per_point",
      value: 0.31,
      unit: "B",
      params: { ticks: 9, cameras: 20 },
    },
    { bench: "size", metric: "raw", value: 12_345.6, unit: "B", params: {} },
  ].map((line) => parseLine(JSON.stringify(line))!);
  expect(writePage(lines, MACHINE, "")).toBe(`# Benchmarks

Written by \`npm run bench\`. A core, 2 cores, 16 GiB; Node v26; 2026-01-01.

## speed

How fast it is.

ticks: 9.

| figure | cameras |  |
| --- | --- | ---: |
| encode | 1 | 23.5 million points/s |
| bytes per point | 20 | 0.31 B |

## size

| figure |  |
| --- | ---: |
| raw | 12,346 B |
`);
});

test("systems that are compared stand side by side, a row for the figures that differ in nothing else", () => {
  const figure = (system: string, encoding: string, value: number, metric = "acknowledged") => ({
    bench: "ingestion",
    metric,
    value,
    unit: "points/s",
    params: { encoding, system, pinned: true },
  });
  const lines = [
    figure("ours", "gzip", 2_000_000),
    figure("theirs", "gzip", 3_000),
    figure("ours", "gzip", 1, "lost"),
    figure("ours", "zstd", 40),
  ];
  expect(writePage(lines, MACHINE, "")).toContain(`## ingestion

pinned: true.

| figure | encoding | ours | theirs |
| --- | --- | ---: | ---: |
| acknowledged | gzip | 2.00 million points/s | 3,000 points/s |
| acknowledged | zstd | 40 points/s |  |
| lost | gzip | 1 points/s |  |
`);
});

test("sections of another run take the place of their own, and say on which machine it was", () => {
  const figure = (bench: string, value: number) => [
    { bench, about: `What ${bench} is.` },
    { bench, metric: "took", value, unit: "ms", params: {} },
  ];
  const page = writePage([...figure("one", 1), ...figure("two", 2)], MACHINE, "");
  const [head, one, two] = page.split(/^(?=## )/m) as [string, string, string];
  const again = [...figure("one", 3), ...figure("three", 4)];
  expect(replaceSections(page, again, MACHINE)).toBe(
    [
      head,
      one.replace("| 1 ms", "| 3 ms"),
      two,
      one.replaceAll("one", "three").replace("1 ms", "4 ms"),
    ]
      .map((text) => `${text.trimEnd()}\n`)
      .join("\n"),
  );
  const other = replaceSections(page, figure("one", 3), { ...MACHINE, processor: "B core" });
  expect(other).toContain(
    "## one\n\nMeasured on: B core, 2 cores, 16 GiB; Node v26; 2026-01-01.\n\nWhat one is.",
  );
  expect(other).toContain(two.trimEnd());
});

test.each([
  "",
  "hello",
  "{",
  "null",
  "[]",
  '{"bench":1}',
  '{"bench":"a"}',
  '{"bench":"a","value":"1"}',
])("%s is no line of a benchmark", (text) => expect(parseLine(text)).toBeUndefined());

test("what torture commands have found stays when the page is written anew, with the machine that it is of", () => {
  const found = { bench: "some-torture", metric: "lost", value: 0, unit: "", params: {} };
  const speed = { bench: "speed", metric: "encode", value: 1, unit: "", params: {} };
  const tortured = replaceSections(writePage([speed], MACHINE, ""), [found], MACHINE);
  const later = { ...MACHINE, date: "2026-02-02" };
  const page = writePage([{ ...speed, metric: "decode" }], later, tortured);
  expect(page).toContain("| decode | 1  |");
  expect(page).not.toContain("encode");
  expect(page).toContain(
    "## some-torture\n\nMeasured on: A core, 2 cores, 16 GiB; Node v26; 2026-01-01.",
  );
  expect(page).toContain("| lost | 0  |");
});
