/** One input through its reader: what came of it, and whether that is allowed. */
import { CodecError } from "../src/bytes.ts";
import type { StreamLimits } from "../src/stream-codec/limits.ts";
import type { Input } from "./corpus-file.ts";
import type { Read } from "./subjects.ts";
import { SUBJECTS } from "./subjects.ts";

/** Of more points it is not looked whether they are the same when written again. */
const COMPARED_POINTS_MAX = 20_000;

export interface Outcome {
  /** Of the first batch that was refused. */
  refusedAt: number | undefined;
  error: CodecError | undefined;
  /** What must not be. */
  problem: string | undefined;
  /** With all that it remembers. */
  read: Read;
}

/** Reads until a batch is refused, and one more then. */
export function runInput({ subject, batches }: Input, limits: StreamLimits): Outcome {
  const read = SUBJECTS[subject](limits);
  for (const [at, batch] of batches.entries()) {
    try {
      const decoded = read(batch);
      if (decoded.points > limits.batchMaxPoints)
        return failed(read, `batch ${at}: got ${decoded.points} points`);
      const problem = decoded.points > COMPARED_POINTS_MAX ? undefined : decoded.problem();
      if (problem !== undefined)
        return failed(read, `batch ${at}, read, written and read: ${problem}`);
    } catch (error) {
      if (!(error instanceof CodecError)) return failed(read, `batch ${at}: got ${stackOf(error)}`);
      return { refusedAt: at, error, problem: problemAfter(read, batches[0]!), read };
    }
  }
  return { refusedAt: undefined, error: undefined, problem: undefined, read };
}

/** Behind a refusal everything is refused. */
function problemAfter(read: Read, batch: Uint8Array): string | undefined {
  try {
    read(batch);
    return "got another batch read behind one that was refused";
  } catch (error) {
    const isRight = error instanceof CodecError && error.message.includes("behind one");
    return isRight ? undefined : `behind one that was refused: got ${stackOf(error)}`;
  }
}

function failed(read: Read, problem: string): Outcome {
  return { refusedAt: undefined, error: undefined, problem, read };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
