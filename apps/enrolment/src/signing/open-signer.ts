/** The signer of profiles, as the settings say; what it signs with is renewed while the service runs. */
import { join } from "node:path";

import type { AppDeps } from "@glassline/service/app";
import type { KeyPair, OpenedPair } from "@glassline/service/certificate";
import { openKeyPair, watchKeyPair } from "@glassline/service/certificate";
import { every } from "@glassline/service/clock";
import { OperatorError, messageOf } from "@glassline/service/errors";

import type { EnrolmentConfig } from "../config.ts";
import type { EnrolmentMetrics } from "../metrics.ts";
import { ensureDevelopmentSigner } from "./development-signer.ts";
import { ProfileSigner } from "./profile-signer.ts";

const LOOK_INTERVAL_MS = 3_600_000;

type Deps = Pick<AppDeps, "clock" | "logger"> & { metrics: EnrolmentMetrics };

/** @param stack that ends the looking. Rejects with OperatorError, also when the certificate has expired. */
export async function openSigner(
  config: EnrolmentConfig,
  deps: Deps,
  stack: AsyncDisposableStack,
): Promise<ProfileSigner> {
  const { profileCert, profileKey } = config;
  const given = await openKeyPair(
    { flag: "--profile-cert", path: profileCert },
    { flag: "--profile-key", path: profileKey },
  );
  return given ? openGiven(given, deps, stack) : openDevelopment(config, deps, stack);
}

function openGiven(
  { files, pair }: OpenedPair,
  { clock, logger, metrics }: Deps,
  stack: AsyncDisposableStack,
): ProfileSigner {
  const signer = new ProfileSigner(pair);
  const problem = signer.problem(clock.nowMs());
  if (problem !== undefined)
    throw new OperatorError(
      `--profile-cert: got ${files.certificate.path}, expected one that counts: ${problem}`,
    );
  show(signer, metrics);
  const changed = (pair: KeyPair) => {
    signer.show(pair);
    show(signer, metrics);
  };
  stack.use(watchKeyPair(files, { clock, logger, changed }));
  return signer;
}

async function openDevelopment(
  { dataDir }: EnrolmentConfig,
  { clock, logger, metrics }: Deps,
  stack: AsyncDisposableStack,
): Promise<ProfileSigner> {
  const directory = join(dataDir, "signer");
  const signer = new ProfileSigner(await ensureDevelopmentSigner(directory, clock.nowMs()));
  show(signer, metrics);
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  void every(clock, LOOK_INTERVAL_MS, stop.signal, async () => {
    try {
      signer.show(await ensureDevelopmentSigner(directory, clock.nowMs()));
      show(signer, metrics);
    } catch (error) {
      logger.error({ reason: messageOf(error) }, "the signer of profiles cannot be renewed");
    }
  });
  return signer;
}

const show = (signer: ProfileSigner, metrics: EnrolmentMetrics): void =>
  metrics.signerExpires.set(signer.untilMs / 1_000);
