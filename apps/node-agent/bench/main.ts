/** `npm run bench -w @glassline/node-agent`: segments on real VXLAN between network namespaces, as lines of JSON. Needs root. */
import { measureGateway } from "./gateway.ts";
import { measureMove } from "./move.ts";
import { measureSegments } from "./segments.ts";

const PARTS = { segments: measureSegments, move: measureMove, gateway: measureGateway } as const;
type Part = keyof typeof PARTS;

const words = process.argv.slice(2);
const named = words.filter((word): word is Part => Object.hasOwn(PARTS, word));
if (words.includes("--help"))
  process.stdout
    .write(`Measures how soon segments are there, and how soon services and gateways are elsewhere; as root, with iproute2, nftables, ethtool and ping.

Usage: npm run bench -w @glassline/node-agent -- [--quick] [${Object.keys(PARTS).join(" ")}]\n`);
else if (words.length > named.length + (words.includes("--quick") ? 1 : 0)) {
  process.stderr.write(
    `got ${words.join(" ")}, expected --quick, ${Object.keys(PARTS).join(", ")} or nothing\n`,
  );
  process.exitCode = 64;
} else {
  const parts = named.length > 0 ? named : (Object.keys(PARTS) as Part[]);
  for (const part of parts) await PARTS[part](words.includes("--quick"));
}
