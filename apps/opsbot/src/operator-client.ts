/** How programs on the command line ask a running OpsBot: by gRPC, with the operator's certificate. */
import { directory, text } from "@glassline/config";
import { OpsBotService } from "@glassline/proto/opsbot";
import type { Client } from "@glassline/proto/rpc";
import { createClient } from "@glassline/proto/rpc";
import { RECONNECT_OPTIONS } from "@glassline/service/grpc";
import { readIdentity } from "@glassline/service/identity";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "@glassline/service/tls";

/** Settings that all of them have. */
export const operatorOptions = {
  opsbot: text({
    help: "OpsBot's gRPC address.",
    default: "localhost:7464",
    placeholder: "HOST:PORT",
  }),
  pkiDir: directory({
    help: "Folder with ca.pem and the operator's certificate.",
    default: ".glassline/pki",
  }),
};

/** @param isLasting it outlives restarts of OpsBot. Rejects with OperatorError when there is no certificate. */
export async function operatorClient(
  { opsbot, pkiDir }: { opsbot: string; pkiDir: string },
  { isLasting = false } = {},
): Promise<Client<typeof OpsBotService>> {
  const identity = await readIdentity(pkiDir, { role: "operator", instance: "local" });
  return createClient(OpsBotService, opsbot, mutualTlsClient(identity, "opsbot"), {
    ...TLS_CHANNEL_OPTIONS,
    ...(isLasting && RECONNECT_OPTIONS),
  });
}
