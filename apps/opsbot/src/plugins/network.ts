import type { Option } from "@glassline/config";
import { choice, integer, list, text } from "@glassline/config";
import { OperatorError } from "@glassline/service/errors";

import type { PeerLook } from "../core/judge/overlay.ts";
import { LOSS, judgeOverlay } from "../core/judge/overlay.ts";
import type { Range } from "../core/range.ts";
import { parseRange, rangeText } from "../core/range.ts";
import { limits } from "./options.ts";
import type { Context } from "./plugin.ts";
import { definePlugin } from "./plugin.ts";
import { NoPing, pingPeer } from "./ping.ts";

const PEERS_MAX = 32;
const PACKETS_MAX = 20;
const MTU = { min: 576, max: 65_535 } as const;
/** Closed wherever nobody has opened it; traceroute's. */
const UDP_PORT = "33434";

/** No word of it can be taken for a flag of ping. */
const HOST = /^[A-Za-z0-9_:][A-Za-z0-9_.:%-]*$/;

const peers: Option<readonly string[]> = (() => {
  const texts = list({ help: "A peer that must answer.", placeholder: "HOST" });
  const parse: typeof texts.parse = (values, from) => {
    const hosts = texts.parse(values, from);
    if (hosts.length < 1 || hosts.length > PEERS_MAX || !hosts.every((host) => HOST.test(host)))
      throw new Error(`expected 1 to ${PEERS_MAX} host names or addresses`);
    return hosts;
  };
  return { ...texts, parse };
})();

const lossRange = (state: string, initial: Range): Option<Range> => ({
  help: `Where the percentage of lost packets is ${state}.`,
  placeholder: "RANGE",
  defaultText: rangeText(initial),
  repeatable: false,
  parse: (texts) => parseRange(texts.at(-1)!),
});

const spec = {
  ...limits("a round trip, in milliseconds,"),
  lossWarning: lossRange("WARNING", LOSS.warning!),
  lossCritical: lossRange("CRITICAL", LOSS.critical!),
  peer: peers,
  mtu: integer({
    help: "Bytes of an IP packet that must pass unbroken, 576 or more; 0: that is not looked at.",
    default: "0",
    min: 0,
    max: MTU.max,
    placeholder: "BYTES",
  }),
  packets: integer({ help: "Packets to each peer.", default: "5", min: 1, max: PACKETS_MAX }),
  from: text({
    help: "Interface or address to send from.",
    default: "",
    placeholder: "INTERFACE",
  }),
  by: choice({
    help: "With what; auto: udp only where there is no ping.",
    default: "auto",
    of: ["auto", "ping", "udp"],
  }),
  udpPort: integer({
    help: "With udp: a port that echoes, or is closed.",
    default: UDP_PORT,
    min: 1,
    max: 65_535,
    placeholder: "PORT",
  }),
};

interface Settings {
  peer: readonly string[];
  mtu: number;
  packets: number;
  from: string;
  by: "auto" | "ping" | "udp";
  udpPort: number;
}

export const network = definePlugin({
  name: "network",
  purpose: `Integrity of a network such as an overlay: peers that answer, packets of its MTU that pass, losses, round trips.

CRITICAL: a peer does not answer, or packets of --mtu bytes with the don't-fragment bit do not pass. It asks with the system's
ping; where there is none with UDP, which cannot look at the MTU. An overlay of VXLAN in an underlay of 1500 bytes carries 1450.`,
  spec,
  examples: [
    "--peer 10.10.1.2 --peer 10.10.1.3 --mtu 1450 -w 20 -c 100",
    "--peer 10.10.1.2 --from vxlan-100 --packets 10 --loss-critical 10",
  ],
  problem: ({ mtu, from }) => {
    if (mtu > 0 && mtu < MTU.min)
      return `--mtu: got "${mtu}", expected 0, or from ${MTU.min} to ${MTU.max}.`;
    return from === "" || HOST.test(from)
      ? undefined
      : `--from: got ${JSON.stringify(from)}, expected an interface or an address.`;
  },
  run: async ({ warning, critical, lossWarning, lossCritical, ...settings }, context) => {
    const looks = await lookAtPeers(settings, context);
    return judgeOverlay(looks, {
      roundTrip: { warning, critical },
      loss: { warning: lossWarning, critical: lossCritical },
      mtu: settings.mtu || undefined,
    });
  },
});

async function lookAtPeers(settings: Settings, { signal }: Context): Promise<PeerLook[]> {
  const { peer: all, by, mtu, from, packets, udpPort } = settings;
  const byUdp = async () => {
    if (mtu > 0 || from !== "")
      throw new OperatorError(
        `--mtu and --from: need ping, got ${by === "udp" ? "--by udp" : "none on the PATH"}`,
      );
    const { askByUdp } = await import("./udp.ts");
    return Promise.all(all.map((peer) => askByUdp(peer, udpPort, packets, signal)));
  };
  if (by === "udp") return byUdp();
  try {
    const options = { packets, mtu: mtu || undefined, from, signal };
    return await Promise.all(all.map((peer) => pingPeer(peer, options)));
  } catch (error) {
    if (!(error instanceof NoPing)) throw error;
    if (by === "auto") return byUdp();
    throw new OperatorError("ping: got no such program on the PATH, expected that of iputils-ping");
  }
}
