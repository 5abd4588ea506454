/** Runs changed streams until the time is over; what fails is told. */
import { createHash } from "node:crypto";

import { Random } from "@glassline/bench/fleet-model";

import { STREAM_LIMITS } from "../src/stream-codec/limits.ts";
import type { StreamLimits } from "../src/stream-codec/limits.ts";
import type { Input } from "./corpus-file.ts";
import { inputsIn } from "./corpus-file.ts";
import { SMALL_LIMITS } from "./limits.ts";
import { mutated } from "./mutate.ts";
import { reduced } from "./reduce.ts";
import { runInput } from "./run-input.ts";
import type { Seed } from "./seeds.ts";
import { seedsOf } from "./seeds.ts";
import { problemOfWritten } from "./written.ts";

/** Of one input: more is a finding. */
const CPU_MAX_MS = 2_000;
const MEMORY_MAX_BYTES = 512 * 2 ** 20;
/** Of inputs of the corpus that are changed like those that are right. */
const CORPUS_BATCH_MAX_BYTES = 1_000;
/** Streams are made anew every so many inputs. */
const RESEED = 5_000;
/** A stream is written by chance every so many inputs. */
const WRITTEN = 100;
const KIND_CHARACTERS = 120;

export interface Finding {
  /** Undefined: of a stream that was written by chance. */
  input?: Input;
  problem: string;
}

export interface Fuzzed {
  inputs: number;
  refused: number;
  findings: Finding[];
}

/** @param found is told of each finding at once. */
export function fuzz(
  seconds: number,
  seed: number,
  corpus: string,
  found: (finding: Finding) => void = () => {},
): Fuzzed {
  const random = new Random(seed);
  const small = inputsIn(corpus).filter(isSmall);
  const fuzzed: Fuzzed = { inputs: 0, refused: 0, findings: [] };
  let seeds: Seed[] = [];
  const note = (finding: Finding | undefined): void => {
    if (!finding) return;
    fuzzed.findings.push(finding);
    found(finding);
  };
  for (const endMs = cpuMs() + 1_000 * seconds; cpuMs() < endMs; fuzzed.inputs++) {
    if (fuzzed.inputs % RESEED === 0) seeds = [...seedsOf(random), ...small];
    if (fuzzed.inputs % WRITTEN === 0) note(writtenFinding(fuzzed, random));
    const { subject, batches } = mutated(oneOf(random, seeds), oneOf(random, seeds), random);
    const input: Input = { subject, batches, expected: "any", what: "" };
    const limits = random.uniform() < 0.5 ? STREAM_LIMITS : SMALL_LIMITS;
    const { problem, isRefused } = check(input, limits);
    if (isRefused) fuzzed.refused++;
    if (problem === undefined) continue;
    note(findingOf(fuzzed.findings, input, problem, limits));
  }
  return fuzzed;
}

/** And can be taken apart. */
function isSmall({ batches, expected }: Input): boolean {
  return expected === "exact" && batches.every(({ length }) => length < CORPUS_BATCH_MAX_BYTES);
}

function check(
  input: Input,
  limits: StreamLimits,
): { problem: string | undefined; isRefused: boolean } {
  const [beforeMs, beforeBytes] = [cpuMs(), memoryBytes()];
  const { problem, refusedAt } = runInput(input, limits);
  const isRefused = refusedAt !== undefined;
  const [tookMs, bytes] = [cpuMs() - beforeMs, memoryBytes() - beforeBytes];
  if (tookMs > CPU_MAX_MS) return { problem: "too slow", isRefused };
  if (bytes > MEMORY_MAX_BYTES) return { problem: "too much memory", isRefused };
  return { problem, isRefused };
}

/** One finding of a kind is enough. */
function findingOf(
  findings: readonly Finding[],
  input: Input,
  problem: string,
  limits: StreamLimits,
): Finding | undefined {
  const kind = kindOf(problem);
  if (isKnown(findings, kind)) return undefined;
  const small = reduced(input, (each) => kindOf(check(each, limits).problem ?? "") === kind);
  const hash = createHash("sha256");
  for (const batch of small.batches) hash.update(batch);
  const what = `found-${hash.digest("hex").slice(0, 8)}`;
  return { input: { ...small, what }, problem };
}

function writtenFinding({ findings }: Fuzzed, random: Random): Finding | undefined {
  const problem = problemOfWritten(random);
  return problem && !isKnown(findings, kindOf(problem)) ? { problem } : undefined;
}

function isKnown(findings: readonly Finding[], kind: string): boolean {
  return findings.some(({ problem }) => kindOf(problem) === kind);
}

/** What numbers and places a problem has does not make it another. */
function kindOf(problem: string): string {
  return problem.replaceAll(/\d+/g, "0").slice(0, KIND_CHARACTERS);
}

function oneOf<T>(random: Random, all: readonly T[]): T {
  return all[Math.floor(random.uniform() * all.length)]!;
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function memoryBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
