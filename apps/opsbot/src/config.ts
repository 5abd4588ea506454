import type { ConfigOf, Program } from "@glassline/config";
import { directory, duration, endpoints, file, port, text } from "@glassline/config";
import { commonOptions } from "@glassline/service/options";

const spec = {
  name: text({ help: "Name of this OpsBot, as in its certificate.", default: "opsbot" }),
  port: port({ help: "gRPC with client certificates: status, incidents, chat.", default: "7464" }),
  ...commonOptions("7465"),
  dataDir: directory({ help: "Folder of the journal.", default: ".glassline/opsbot" }),
  nodeAgent: endpoints({ help: "Node-agent that runs the edges; the first one is used." }),
  edge: endpoints({ help: "Edge cache to watch; its gRPC address." }),
  origin: endpoints({ help: "Origin whose channels are watched; its gRPC address." }),
  collector: endpoints({ help: "Collector that knows which cameras are silent." }),
  edgeToken: text({ help: "Admin token of the edges.", default: "", placeholder: "TOKEN" }),
  edges: text({
    help: "What shall run: SetDesiredStateRequest as JSON, without a fencing token. Empty: edges are left as they are.",
    default: "",
    placeholder: "JSON",
  }),
  icinga: text({
    help: "Icinga2 that is listened to instead of OpsBot's own checks: https://HOST:5665. Empty: none.",
    default: "",
    placeholder: "URL",
  }),
  icingaName: text({
    help: "NodeName in Icinga's certificate. Empty: the host of --icinga.",
    default: "",
  }),
  icingaCa: file({
    help: "Authority of Icinga's certificate, PEM. Empty: those that Node knows.",
    default: "",
  }),
  icingaCert: file({ help: "Client certificate of an ApiUser, PEM.", default: "" }),
  icingaKey: file({ help: "Its key.", default: "" }),
  icingaUser: text({ help: "ApiUser, instead of a client certificate.", default: "" }),
  icingaPassword: text({ help: "Its password.", default: "", placeholder: "PASSWORD" }),
  icingaInterval: duration({
    help: "Between two looks at what Icinga shows.",
    default: "500ms",
    minMs: 100,
    maxMs: 60_000,
  }),
  icingaPushToken: text({
    help: "What an EventCommand shows at POST /icinga/event of the admin port. Empty: nobody may push.",
    default: "",
    placeholder: "TOKEN",
  }),
  interval: duration({ help: "Between two looks.", default: "1s", minMs: 100, maxMs: 600_000 }),
  verify: duration({
    help: "So long after an action the problem may last before the next action.",
    default: "15s",
    minMs: 500,
    maxMs: 3_600_000,
  }),
};

export const program: Program<typeof spec> = {
  name: "opsbot",
  command: "npm run start -w @glassline/opsbot --",
  purpose: "Watches edges, channels and cameras, repairs what it can, and writes down what it did.",
  environmentPrefix: "GLASSLINE_OPSBOT",
  spec,
};

export type OpsBotConfig = ConfigOf<typeof spec>;
