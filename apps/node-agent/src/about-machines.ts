/** What the agent tells of its machines: they share one kernel, and are the same but for their names. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { MachineStateSchema } from "@glassline/proto/node";
import { OperatorError } from "@glassline/service/errors";

import type { NodeAgentConfig } from "./config.ts";
import { readAddress } from "./core/address.ts";

export type AboutMachines = MessageInitShape<typeof MachineStateSchema>;

/** Throws OperatorError. */
export function aboutMachines(
  config: NodeAgentConfig,
  segmentRefusal = "",
  wireguardPublicKey = "",
): AboutMachines {
  const { site, underlayAddress, publicHost, edgeHost, edgePorts, viewerCert } = config;
  if (underlayAddress !== "" && !readAddress(underlayAddress))
    throw new OperatorError(
      `--underlay-address: got "${underlayAddress}", expected an IPv4 or IPv6 address`,
    );
  return {
    site,
    underlayAddress,
    publicHost,
    host: edgeHost,
    segmentRefusal,
    wireguardPublicKey,
    firstPort: edgePorts.first,
    lastPort: edgePorts.last,
    viewerTls: viewerCert !== "",
  };
}
