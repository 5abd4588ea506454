/** Streams that are well formed down to their groups, times and values, where one says what it must not. */
import { FrequencyModel } from "../src/stream-codec/frequency-model.ts";
import type { Input } from "./corpus-file.ts";
import { BASE, Script, bytes, keyPayload, oneColumn, payload } from "./hostile-stream.ts";

const INT = 1;

function stream(what: string, script: Script, field = 0): Input {
  const batches = [keyPayload(oneColumn(field), script.finish())];
  return { subject: "stream", expected: "refused", what, batches };
}

const group = () => new Script().oneGroup();

/** A scale, then the value 1 under it. */
const scaled = (multiplier: number, divisor: number) => {
  const script = group();
  script.symbol(script.mode, 5).bits(multiplier, 41).bits(divisor, 41).symbol(script.mode, 1);
  return script.number(script.surprise, 1);
};

function groups(): Input[] {
  const many = new Script();
  const negative = new Script();
  const none = new Script();
  const other = new Script();
  const far = new Script();
  other.number(other.groups, 1).symbol(other.isOther, 1).bits(16_777_215, 24);
  far
    .number(far.groups, 1)
    .symbol(far.isOther, 0)
    .number(far.time, 2 ** 52 + 2)
    .bits(0, 2);
  const odd = new Script();
  odd.number(odd.groups, 1).symbol(odd.isOther, 0).number(odd.time, 1_500).bits(1, 2);
  const restart = new Script();
  restart.number(restart.groups, 1).symbol(restart.isOther, 0).symbol(restart.time, 229);
  const free = new Script();
  free.number(free.groups, 1).symbol(free.isOther, 0).symbol(free.time, 255);
  return [
    stream("groups-more-than-a-batch-may-have", many.number(many.groups, 2 ** 40)),
    stream("groups-fewer-than-none", negative.number(negative.groups, -1)),
    stream("groups-a-symbol-that-is-no-number", none.symbol(none.groups, 240)),
    stream("shape-out-of-range", other),
    stream("time-beyond-2-to-the-52", far),
    stream("time-no-multiple-of-its-unit", odd),
    stream("time-restarts-before-it-began", restart),
    stream("time-a-symbol-that-is-no-number", free),
  ];
}

function times(): Input[] {
  const before = new Script();
  before.number(before.groups, 1).symbol(before.isOther, 0).number(before.time, -1).bits(0, 2);
  before.symbol(before.mode, 0);
  const early = payload({
    flags: 3,
    base: 0n,
    definitions: oneColumn(),
    rest: before.finish(),
  });
  const late = new Script();
  late.number(late.groups, 1).symbol(late.isOther, 0).number(late.time, 709_551_616).bits(0, 2);
  late.symbol(late.mode, 0);
  const end = payload({
    flags: 3,
    base: 18_446_744_073_000_000_000n,
    definitions: oneColumn(),
    rest: late.finish(),
  });
  const script = group();
  const crooked = payload({
    flags: 3,
    base: BASE + 1n,
    definitions: oneColumn(),
    rest: script.symbol(script.mode, 0).finish(),
  });
  return [
    { subject: "stream", expected: "refused", what: "time-before-1970", batches: [early] },
    { subject: "stream", expected: "refused", what: "time-beyond-64-bits", batches: [end] },
    { subject: "stream", expected: "refused", what: "base-time-no-second", batches: [crooked] },
  ];
}

function values(): Input[] {
  const mode = group();
  const third = group();
  for (let scale = 0; scale < 3; scale++) third.symbol(third.mode, 5).bits(1, 41).bits(1, 41);
  const again = group();
  again.symbol(again.mode, 1).symbol(again.surprise, 228);
  const free = group();
  free.symbol(free.mode, 1).symbol(free.surprise, 250);
  const large = group();
  large.symbol(large.mode, 1).number(large.surprise, 2 ** 51 + 2);
  const larger = group();
  larger
    .symbol(larger.mode, 1)
    .symbol(larger.surprise, 227)
    .bits(2 ** 51 - 1, 51);
  const beyond = group();
  beyond
    .symbol(beyond.mode, 5)
    .bits(2 ** 40, 41)
    .bits(1, 41)
    .symbol(beyond.mode, 1);
  beyond.number(beyond.surprise, 2 ** 14);
  const zeros = group();
  zeros.symbol(zeros.mode, 4).symbol(new FrequencyModel(), 65);
  const crossed = group();
  crossed.symbol(crossed.mode, 4).symbol(new FrequencyModel(), 40);
  crossed.symbol(new FrequencyModel(), 24);
  return [
    stream("mode-out-of-range", mode.symbol(mode.mode, 6)),
    stream("mode-a-third-scale", third),
    stream("scale-multiplier-0", scaled(0, 1)),
    stream("scale-divisor-0", scaled(1, 0)),
    stream("value-again-where-there-was-none", again),
    stream("value-a-symbol-that-is-none", free),
    stream("value-whole-number-too-large", large),
    stream("value-whole-number-beyond-2-to-the-53", larger),
    stream("value-65-leading-zeros", zeros),
    stream("value-more-zeros-than-bits", crossed),
    stream("int-that-is-a-fraction", scaled(1, 2), INT),
    stream("int-beyond-2-to-the-53", beyond, INT),
  ];
}

/** A value that is right, with something wrong behind it. */
function ends(): Input[] {
  const value = () => {
    const script = group();
    return script.symbol(script.mode, 1).number(script.surprise, 1).finish();
  };
  const good = keyPayload(oneColumn(), value());
  const spare = group();
  spare.symbol(spare.mode, 1).number(spare.surprise, 1).bits(2, 2);
  const novel = group();
  novel.symbol(novel.mode, 1).symbol(novel.surprise, 7);
  const refused = (what: string, ...batches: Uint8Array[]): Input => ({
    subject: "stream",
    expected: "refused",
    what,
    batches,
  });
  const low = bytes((writer) => {
    writer.part(new Uint8Array(0));
    writer.raw(Uint8Array.of(0xff, 0x7f, 0, 0));
  });
  const negative = bytes((writer) => {
    writer.part(new Uint8Array(0));
    writer.raw(Uint8Array.of(0, 0, 0, 0xff));
  });
  return [
    refused("symbols-a-unit-too-many", Uint8Array.of(...good, 0, 0)),
    refused("symbols-an-odd-byte-too-many", Uint8Array.of(...good, 0)),
    refused("symbols-a-unit-is-missing", good.subarray(0, -2)),
    refused("symbols-state-too-small", keyPayload(oneColumn(), low)),
    refused("symbols-state-with-31-bits-too-few", keyPayload(oneColumn(), negative)),
    stream("bits-that-nobody-reads", group().bits(0, 24)),
    stream("bits-not-0-behind-the-last", spare),
    refused("not-a-key-batch-at-first", payload({ flags: 0, rest: value() })),
    refused("behind-one-that-was-refused", good, good.subarray(0, 9), good),
  ];
}

export const hostileValues = (): Input[] => [...groups(), ...times(), ...values(), ...ends()];
