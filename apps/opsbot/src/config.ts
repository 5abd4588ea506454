import type { ConfigOf, Program } from "@glassline/config";
import {
  directory,
  duration,
  endpoints,
  file,
  integer,
  list,
  port,
  text,
  urls,
} from "@glassline/config";
import { commonOptions } from "@glassline/service/options";

const budget = (scope: string, byDefault: string) =>
  integer({
    help: `Most actions of ${scope} within --budget-window; then people are called.`,
    default: byDefault,
    min: 1,
    max: 1_000_000,
  });

const spec = {
  name: text({ help: "Name of this OpsBot, as in its certificate.", default: "opsbot" }),
  port: port({ help: "gRPC with client certificates: status, incidents, chat.", default: "7464" }),
  ...commonOptions("7465"),
  dataDir: directory({ help: "Folder of the journal.", default: ".glassline/opsbot" }),
  postgres: text({
    help: "Journal for several OpsBots, of which one leads: postgres://USER:PASSWORD@HOST:PORT/DATABASE. Empty: a file in --data-dir.",
    default: "",
    placeholder: "URL",
  }),
  postgresCa: file({
    help: "Authority of PostgreSQL's certificate, PEM. Empty: those that Node knows; none on this machine.",
    default: "",
  }),
  nodeAgent: endpoints({ help: "Node-agent that runs edges; its gRPC address." }),
  enrolment: endpoints({
    help: "Enrolment service that gives phones their profiles; its gRPC address.",
  }),
  deployOrigin: urls({
    help: "Origin that channel.yaml may name, as edges reach it; the first one is that of those that name none.",
  }),
  allowedOrigin: list({
    help: "Page that may play from deployed edges, such as http://localhost:7400.",
    placeholder: "ORIGIN",
  }),
  channels: directory({
    help: "Folder with NAME.yaml files that the chat may deploy by their name. Empty: none.",
    default: "",
  }),
  accessLog: list({
    help: "Access log of an edge: what is popular there is fetched into the caches of new channels.",
    placeholder: "FILE",
  }),
  tenants: file({
    help: "File with tenants, their quotas, ranges of VNIs and pools of IPv4, JSON. Empty: one range for all, no quotas.",
    default: "",
  }),
  edge: endpoints({ help: "Edge cache to watch; its gRPC address." }),
  origin: endpoints({ help: "Origin whose channels are watched; its gRPC address." }),
  collector: endpoints({ help: "Collector that knows which cameras are silent." }),
  meshNode: endpoints({ help: "Mesh node whose links can be started anew; its gRPC address." }),
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
    default: "250ms",
    minMs: 100,
    maxMs: 60_000,
  }),
  icingaPushToken: text({
    help: "What an EventCommand shows at POST /icinga/event of the admin port. Empty: nobody may push.",
    default: "",
    placeholder: "TOKEN",
  }),
  interval: duration({ help: "Between two looks.", default: "1s", minMs: 100, maxMs: 600_000 }),
  failureDomain: list({
    help: "Which edges fail together, such as those of one hall; edges without one share a domain.",
    placeholder: "EDGE=DOMAIN",
  }),
  budgetTarget: budget("one edge", "6"),
  budgetRunbook: budget("one kind of problem", "20"),
  budgetDomain: budget("one failure domain", "20"),
  budgetGlobal: budget("all together", "60"),
  budgetWindow: duration({
    help: "Budgets hold for each window of this length.",
    default: "1h",
    minMs: 1_000,
    maxMs: 86_400_000,
  }),
  disruptionWindow: duration({
    help: "Within it, viewers feel repairs on one edge of a failure domain, or on a tenth of it.",
    default: "15s",
    minMs: 0,
    maxMs: 86_400_000,
  }),
  coolDown: duration({
    help: "So long after a problem's end the same problem of the same edge is left alone.",
    default: "10s",
    minMs: 0,
    maxMs: 86_400_000,
  }),
  flapProblems: integer({
    help: "So many times a problem may come within --flap-window; then it is left to people.",
    default: "5",
    min: 1,
    max: 1_000,
  }),
  flapWindow: duration({
    help: "See --flap-problems.",
    default: "10m",
    minMs: 1_000,
    maxMs: 86_400_000,
  }),
  stormLeast: integer({
    help: "So many edges of a failure domain, and at least --storm-share of it, that alert within a minute are one fault: automation stops and people are called, once.",
    default: "5",
    min: 2,
    max: 1_000_000,
  }),
  stormShare: integer({
    help: "See --storm-least; in percent.",
    default: "30",
    min: 1,
    max: 100,
    placeholder: "PERCENT",
  }),
  approval: list({
    help: "Action that waits until a person agrees: restart, flush, fail-over, …",
    placeholder: "ACTION",
  }),
  verify: duration({
    help: "So long after an action the problem may last before the next action.",
    default: "15s",
    minMs: 500,
    maxMs: 3_600_000,
  }),
  apiTokens: file({
    help: "File with the tokens of the API, by which JSON and MCP are asked; `npm run token` makes one. Empty: only reading, on this machine.",
    default: "",
  }),
  apiRate: integer({
    help: "Requests a second of one caller of the API.",
    default: "20",
    min: 1,
    max: 100_000,
  }),
  webhook: list({
    help: "Who is told what is left to people: JSON is posted there.",
    placeholder: "[NAME=]URL",
  }),
  slackWebhook: list({
    help: "The same in the format of Slack and Mattermost.",
    placeholder: "[NAME=]URL",
  }),
  webhookFile: file({
    help: "The same in a file that only its owner may read: lines of webhook [NAME=]URL, slack-webhook [NAME=]URL, webhook-secret SECRET.",
    default: "",
  }),
  webhookSecret: text({
    help: "Signs what is posted to --webhook: whsec_ and a key in base64. Empty: nothing is signed.",
    default: "",
    placeholder: "SECRET",
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
