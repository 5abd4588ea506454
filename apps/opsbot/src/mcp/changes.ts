/** What an MCP client asks for, as a change of the desk. */
import * as z from "zod/v4";

import type { Action, ActionKind } from "../core/action.ts";
import {
  DESCRIPTION_MAX_CHARS,
  DescriptionError,
  readDescription,
} from "../core/deployment/read-description.ts";
import { shortened } from "../core/echo.ts";
import type { Change, Inventory } from "../desk.ts";

const NAME_MAX_CHARS = 100;
const PATH_MAX_CHARS = 200;
const MINUTES_MAX = 60 * 24 * 30;
const NAMES_TOLD = 20;
const MINUTE_MS = 60_000;

/** A channel that is deployed for the first time has no name that is known. */
type TargetedKind = Exclude<ActionKind, "deploy">;

/** Of which names an action's target is one. */
const TARGETS: Readonly<Record<TargetedKind, keyof Inventory>> = {
  flush: "edges",
  prime: "edges",
  restart: "edges",
  "re-route": "edges",
  restore: "edges",
  drain: "edges",
  "fail-over": "edges",
  "restart-link": "links",
  "rotate-keys": "links",
  "restart-collector": "collectors",
  "open-segment": "overlays",
  destroy: "deployments",
  evacuate: "machines",
  "forget-machine": "machines",
  "revoke-device": "deployments",
};

const ACTIONS = Object.keys(TARGETS) as TargetedKind[];
const ORDERS = ["deploy", "pause", "resume", "maintain", "approve", "undo", "continue"] as const;

export const nameSchema = z.string().min(1).max(NAME_MAX_CHARS);
export const incidentSchema = z.int().min(1).max(Number.MAX_SAFE_INTEGER);

export const changeSchema = z.strictObject({
  change: z
    .enum([...ACTIONS, ...ORDERS])
    .describe(
      "flush: forget what an edge holds. prime: fetch into an edge. restart: start an edge anew. " +
        "re-route: steer an edge's viewers to the others. drain: the same, and wait until they have gone. restore: take that back. " +
        "fail-over: run an edge on another machine. restart-link, rotate-keys: of a link of the mesh. restart-collector. " +
        "open-segment: a new VXLAN segment for an overlay. " +
        "deploy: bring a channel to what its description says, in six steps; get_deployments tells how it goes. destroy: take a deployed channel down. " +
        "evacuate: run what deployed channels have on a machine on others. forget-machine: it is gone for good, and its VNIs may be given to others. revoke-device: a device may not watch any more. pause, resume: automation. maintain: leave a target alone. " +
        "approve: agree to an incident's next action. undo: take back the last request, or that of an incident. continue: end the kill switch.",
    ),
  target: nameSchema
    .optional()
    .describe(
      "A name from get_status: of an edge, a link, a collector, an overlay, a machine or a deployed channel.",
    ),
  prefix: z
    .string()
    .max(PATH_MAX_CHARS)
    .regex(/^\/[\w.~%+/-]*$/)
    .optional()
    .describe('With flush: only what begins so, as "/live/cam-0001/".'),
  channel: nameSchema.optional().describe("With prime: only this channel."),
  description: z
    .string()
    .max(DESCRIPTION_MAX_CHARS)
    .optional()
    .describe("With deploy: channel.yaml as text."),
  device: nameSchema.optional().describe("With revoke-device: its id."),
  minutes: z
    .int()
    .min(1)
    .max(MINUTES_MAX)
    .optional()
    .describe("With pause and maintain: for so long. maintain without it: the work is over."),
  incident: incidentSchema.optional().describe("With approve and undo."),
});

export type Asked = z.infer<typeof changeSchema>;
type Field = Exclude<keyof Asked, "change">;

/** What stands beside the kind of a change. */
const FIELDS: Readonly<Partial<Record<Asked["change"], { needs?: Field[]; takes?: Field[] }>>> = {
  flush: { needs: ["target"], takes: ["prefix"] },
  prime: { needs: ["target"], takes: ["channel"] },
  deploy: { needs: ["description"] },
  "revoke-device": { needs: ["target", "device"] },
  pause: { takes: ["minutes"] },
  resume: {},
  maintain: { needs: ["target"], takes: ["minutes"] },
  approve: { needs: ["incident"] },
  undo: { takes: ["incident"] },
  continue: {},
};
const OTHER_ACTIONS: { needs: Field[]; takes?: Field[] } = { needs: ["target"] };

/** @returns the change, or what is wrong with it, for who asked. */
export function changeAsked(asked: Asked, inventory: Inventory): Change | { wrong: string } {
  const wrong = wrongFields(asked) ?? wrongNames(asked, inventory);
  if (wrong !== undefined) return { wrong };
  const { change, target = "", minutes, incident } = asked;
  const forMs = minutes === undefined ? undefined : minutes * MINUTE_MS;
  switch (change) {
    case "deploy":
      return deployAsked(asked.description!);
    case "revoke-device":
      return { kind: "act", action: { kind: change, target, device: asked.device! } };
    case "pause":
      return { kind: "pause", forMs };
    case "resume":
    case "continue":
      return { kind: change };
    case "maintain":
      return { kind: "maintain", target, forMs };
    case "approve":
      return { kind: "approve", incident: incident! };
    case "undo":
      return { kind: "undo", incident };
    default:
      return { kind: "act", action: actionOf(change, target, asked) };
  }
}

function deployAsked(description: string): Change | { wrong: string } {
  try {
    const { channel: target } = readDescription(description);
    return { kind: "act", action: { kind: "deploy", target, description } };
  } catch (error) {
    if (error instanceof DescriptionError) return { wrong: `description:\n${error.message}` };
    throw error;
  }
}

type PlainKind = Exclude<TargetedKind, "revoke-device">;

function actionOf(kind: PlainKind, target: string, { prefix, channel }: Asked): Action {
  return {
    kind,
    target,
    ...(prefix !== undefined && { prefix }),
    ...(channel !== undefined && { channel }),
  };
}

function wrongFields({ change, ...fields }: Asked): string | undefined {
  const { needs = [], takes = [] } = FIELDS[change] ?? OTHER_ACTIONS;
  const missing = needs.find((field) => fields[field] === undefined);
  if (missing !== undefined) return `${missing}: got none, expected one with ${change}`;
  const given = (Object.keys(fields) as Field[]).filter((field) => fields[field] !== undefined);
  const odd = given.find((field) => ![...needs, ...takes].includes(field));
  return odd === undefined ? undefined : `${odd}: got one, expected none with ${change}`;
}

function wrongNames({ change, target, channel }: Asked, inventory: Inventory): string | undefined {
  const { edges, links, collectors, machines, deployments, channels } = inventory;
  const kind = ACTIONS.find((each) => each === change);
  const targets = kind
    ? inventory[TARGETS[kind]]
    : [...edges, ...links, ...collectors, ...machines, ...deployments];
  return wrongName("target", target, targets) ?? wrongName("channel", channel, channels);
}

function wrongName(
  field: string,
  name: string | undefined,
  names: readonly string[],
): string | undefined {
  if (name === undefined || names.includes(name)) return undefined;
  const some = names.slice(0, NAMES_TOLD).join(", ");
  const more = names.length > NAMES_TOLD ? ` and ${names.length - NAMES_TOLD} more` : "";
  const expected = some === "" ? "none, since there is none" : `one of ${some}${more}`;
  return `${field}: got "${shortened(name)}", expected ${expected}`;
}
