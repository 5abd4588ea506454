import type { ConfigOf, Program } from "@glassline/config";
import {
  choice,
  directory,
  duration,
  file,
  integer,
  list,
  port,
  portRange,
  text,
  toggle,
} from "@glassline/config";
import { commonOptions } from "@glassline/service/options";

const spec = {
  name: text({ help: "Name of this agent, as in its certificate.", default: "node-agent" }),
  port: port({ help: "gRPC with client certificates: OpsBot's wishes, status.", default: "7460" }),
  ...commonOptions("7461"),
  machine: list({
    help: "Machine that this agent stands for; by default its own name.",
    placeholder: "NAME",
  }),
  site: text({
    help: "Site of its machines, which reach each other directly. Empty: it is not told.",
    default: "",
    placeholder: "NAME",
  }),
  underlayAddress: text({
    help: "Where tunnels of other machines shall end: an IPv4 or IPv6 address. Empty: it has none to give.",
    default: "",
    placeholder: "ADDRESS",
  }),
  publicHost: text({
    help: "Host by which viewers reach its edges.",
    default: "localhost",
    placeholder: "HOST",
  }),
  edgeHost: text({
    help: "Host by which others of the network reach its edges.",
    default: "localhost",
    placeholder: "HOST",
  }),
  viewerCert: file({
    help: "Certificate (PEM, with its intermediates) of --public-host, which edges that shall do so show to viewers. Empty: none.",
    default: "",
  }),
  viewerKey: file({ help: "Its private key (PEM, without a pass phrase).", default: "" }),
  edgePorts: portRange({ help: "TCP ports that edges may have.", default: "7600-7699" }),
  dataDir: directory({
    help: "Folder of what it must not forget, and of its edges' logs.",
    default: ".glassline/node-agent",
  }),
  edgeProgram: text({
    help: "main.ts of the edge cache. Empty: that of this repository.",
    default: "",
    placeholder: "FILE",
  }),
  edgeToken: text({ help: "Admin token that edges are given.", default: "", placeholder: "TOKEN" }),
  edgeDrain: duration({
    help: "For the viewers of an edge that is told to stop (its --drain). 0: none.",
    default: "10s",
    minMs: 100,
    maxMs: 3_600_000,
    orNone: true,
  }),
  dockerSocket: text({
    help: "Where dockerd is asked, for edges that run in its containers.",
    default: "/var/run/docker.sock",
    placeholder: "SOCKET",
  }),
  restartPause: duration({
    help: "Before an edge that ended by itself is started again; it grows up to sixteen times.",
    default: "1s",
    minMs: 10,
    maxMs: 600_000,
  }),
  leaveEdges: toggle({
    help: "Let edges and segments go on when this agent is told to stop, for upgrades.",
  }),
  segments: choice({
    of: ["auto", "linux", "apple", "none"],
    help: "VXLAN segments: auto makes those that are wished where it may (Linux, CAP_NET_ADMIN, iproute2), linux does not start where it may not, apple makes them in a Linux VM of Apple's container, none refuses them.",
    default: "auto",
  }),
  segmentPort: integer({
    help: "UDP port of VXLAN, the same on all machines of an overlay.",
    default: "4789",
    min: 1,
    max: 65_535,
    placeholder: "UDP-PORT",
  }),
  segmentImage: text({
    help: "Of the VM with --segments apple: a Linux with iproute2, nftables and ethtool.",
    default: "",
    placeholder: "IMAGE",
  }),
  segmentNetwork: text({
    help: "Network of that VM, whose addresses the peers must reach. Empty: the default one.",
    default: "",
    placeholder: "NAME",
  }),
  wireguardPort: integer({
    help: "UDP port of WireGuard below encrypted segments, the same on all machines of an overlay.",
    default: "51820",
    min: 1,
    max: 65_535,
    placeholder: "UDP-PORT",
  }),
  segmentNetns: text({
    help: "Network namespace (of ip-netns) that has the segments; its edges run in the agent's own. Empty: the agent's own.",
    default: "",
    placeholder: "NAME",
  }),
};

export const program: Program<typeof spec> = {
  name: "node-agent",
  command: "npm run start -w @glassline/node-agent --",
  purpose: "Runs the edge caches of its machines as OpsBot wishes, and goes on without it.",
  environmentPrefix: "GLASSLINE_NODE_AGENT",
  spec,
};

export type NodeAgentConfig = ConfigOf<typeof spec>;
