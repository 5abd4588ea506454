import type { ConfigOf, Program } from "@glassline/config";
import { endpoints, list, port, text } from "@glassline/config";
import { commonOptions } from "@glassline/service/options";

const spec = {
  name: text({ help: "Name of this dashboard, as in its certificate.", default: "dashboard" }),
  port: port({ help: "HTTP for the page.", default: "7400" }),
  ...commonOptions("7401"),
  collector: endpoints({ help: "Collector to ask; the first one answers queries." }),
  meshNode: endpoints({ help: "Mesh node to show." }),
  kme: endpoints({ help: "Key manager to show; its gRPC address." }),
  cameraAgent: endpoints({ help: "Admin address of a camera agent to show." }),
  origin: endpoints({ help: "Origin whose channels are shown; its gRPC address." }),
  edge: endpoints({ help: "Edge cache to show; its gRPC address." }),
  nodeAgent: endpoints({ help: "Node-agent to ask for its edges' processes." }),
  opsbot: endpoints({ help: "OpsBot to ask and to talk with; the first one answers." }),
  enrolment: endpoints({ help: "Enrolment service to show; its gRPC address." }),
  mediaUrl: list({
    help: "Address that the page may play from, such as http://localhost:7471.",
    placeholder: "URL",
  }),
  sessionToken: text({
    help: "Shown by a page that may change something. Empty: none may.",
    default: "",
    placeholder: "TOKEN",
  }),
};

export const program: Program<typeof spec> = {
  name: "dashboard",
  command: "npm run start -w @glassline/dashboard --",
  purpose: "The web page, and the small server that it talks to.",
  environmentPrefix: "GLASSLINE_DASHBOARD",
  spec,
};

export type DashboardConfig = ConfigOf<typeof spec>;
