/** How many signed profiles one core makes: token, payloads, property list and signature, each for another device. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { median } from "@glassline/bench/median";
import { about, report } from "@glassline/bench/report";

import { fullChannel, plainChannel } from "../src/core/channels.testing.ts";
import { drawIcon } from "../src/icons/draw-icon.ts";
import { issueProfile } from "../src/issuing.ts";
import { ensureDevelopmentSigner } from "../src/signing/development-signer.ts";
import { ProfileSigner } from "../src/signing/profile-signer.ts";
import { openTokenKey } from "../src/signing/secret-files.ts";

const BENCH = "enrolment-profiles";
const WARM_UP = 2_000;
const RUNS = 5;

export async function measureProfiles(isQuick: boolean): Promise<void> {
  about(
    BENCH,
    "Signed profiles a second of one core's time, the median of five runs: for each device a token of its own (ES256), the property list, and CMS SignedData (ECDSA P-256) with its chain. The goal is 5,000. What bounds it: two signatures, and SHA-256 over the profile. Elsewhere: node-forge, which has RSA only, made 23 on a comparable core.",
  );
  const directory = await mkdtemp(join(tmpdir(), "glassline-bench-"));
  try {
    const signer = new ProfileSigner(await ensureDevelopmentSigner(directory, Date.now()));
    const tokenKey = await openTokenKey(directory);
    const site = { publicUrl: "https://watch.example.net" };
    const deps = { signer, tokenKey, tokenAudience: "glassline", site };
    const icon = { base64: drawIcon("harbour").toString("base64") };
    const secrets = { sharedSecret: "a shared secret", wifiPassword: "a password" };
    const material = { icon, rootCertificate: undefined, ...secrets };
    for (const [name, channel] of [
      ["web clip", plainChannel()],
      ["web clip, DNS, relay, IKEv2, Wi-Fi", fullChannel()],
    ] as const) {
      const make = (device: number) =>
        issueProfile(deps, channel, material, `dev-${device}`, Date.now()).profile.length;
      const bytes = make(0);
      report(BENCH, "profiles", rateOf(make, isQuick ? 500 : 20_000), "1/s", {
        payloads: name,
        bytes,
      });
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Profiles a second of all its threads' time: others on this machine do not count. */
function rateOf(make: (device: number) => number, count: number): number {
  for (let device = 0; device < WARM_UP; device++) make(device);
  const rates = Array.from({ length: RUNS }, () => {
    const start = process.cpuUsage();
    for (let device = 0; device < count; device++) make(device);
    const { user, system } = process.cpuUsage(start);
    return (1_000_000 * count) / (user + system);
  });
  return median(rates);
}
