/** The commands that people say to OpsBot: a table. Pure. */
import type { AccessRole, Change } from "../desk.ts";
import type { Action } from "./action.ts";
import type { Said, Slot } from "./slots.ts";
import {
  CHANNEL,
  COLLECTOR,
  DEPLOYMENT,
  DESCRIPTION,
  DEVICE,
  EDGE,
  HASH,
  LINK,
  MACHINE,
  NUMBER,
  OBJECT,
  OVERLAY,
  PATH,
  TARGET,
  TIME,
  TO_CHANNEL,
  WORD,
} from "./slots.ts";

export type Command =
  | { kind: "status" | "why"; object: string | undefined }
  | { kind: "show"; incident: number }
  | { kind: "deployments"; channel: string | undefined }
  /** One that is described in a file, which is read when it is said. */
  | { kind: "deploy"; description: string }
  | { kind: "incidents" | "audit" | "no" }
  | { kind: "help"; word: string | undefined }
  | { kind: "change"; change: Change }
  /** The kill switch. */
  | { kind: "stop" }
  /** To a plan; without a hash, to the only one that is open. */
  | { kind: "yes"; hash: string | undefined }
  | { kind: "too_long"; chars: number }
  /** Not in the grammar, or it can mean several things. @property choices whole lines that would work. */
  | { kind: "unclear"; says: string; choices: readonly string[] };

/** One way to say a command: its own words, and slots. */
export interface Form {
  tokens: readonly (string | Slot)[];
  means(said: Said): Command;
}

export interface CommandRow {
  /** As it is written in help. */
  usage: string;
  help: string;
  /** Of those who may say it, the least. */
  role: AccessRole;
  forms: readonly Form[];
}

const form = (tokens: Form["tokens"], means: Form["means"]): Form => ({ tokens, means });

const change = (tokens: Form["tokens"], asked: (said: Said) => Change) =>
  form(tokens, (said) => ({ kind: "change", change: asked(said) }));

const act = (tokens: Form["tokens"], asked: (said: Said) => Action) =>
  change(tokens, (said) => ({ kind: "act", action: asked(said) }));

const reads = (usage: string, help: string, ...forms: Form[]): CommandRow => ({
  usage,
  help,
  role: "viewer",
  forms,
});

const changes = (usage: string, help: string, ...forms: Form[]): CommandRow => ({
  usage,
  help,
  role: "operator",
  forms,
});

export const COMMANDS: readonly CommandRow[] = [
  reads(
    "status [NAME]",
    "what is looked at, and what is wrong",
    form(["status"], () => ({ kind: "status", object: undefined })),
    form(["status", OBJECT], ({ name }) => ({ kind: "status", object: name })),
  ),
  reads(
    "why [NAME]",
    "what is wrong with it, and the story of its newest incident",
    form(["why"], () => ({ kind: "why", object: undefined })),
    form(["why", OBJECT], ({ name }) => ({ kind: "why", object: name })),
  ),
  reads(
    "incidents",
    "the newest incidents",
    form(["incidents"], () => ({ kind: "incidents" })),
  ),
  reads(
    "show incident NUMBER",
    "the story of an incident",
    form(["show", "incident", NUMBER], ({ number }) => ({ kind: "show", incident: number })),
  ),
  reads(
    "audit",
    "who changed what lately",
    form(["audit"], () => ({ kind: "audit" })),
  ),
  changes(
    "flush EDGE [/PATH*]",
    "forgets what an edge holds: all, or what begins with a path",
    act(["flush", EDGE], ({ name }) => ({ kind: "flush", target: name })),
    act(["flush", EDGE, PATH], ({ name, prefix }) => ({ kind: "flush", target: name, prefix })),
  ),
  changes(
    "prime [CHANNEL on] EDGE",
    "fetches channels into an edge: all, or one",
    act(["prime", EDGE], ({ name }) => ({ kind: "prime", target: name })),
    act(["prime", CHANNEL, "on", EDGE], ({ name, channel }) => ({
      kind: "prime",
      target: name,
      channel,
    })),
  ),
  changes(
    "restart EDGE",
    "starts an edge anew",
    act(["restart", EDGE], ({ name }) => ({ kind: "restart", target: name })),
  ),
  changes(
    "re-route EDGE",
    "steers an edge's viewers to the others",
    act(["re-route", EDGE], ({ name }) => ({ kind: "re-route", target: name })),
  ),
  changes(
    "drain EDGE",
    "steers them away, and waits until they have gone",
    act(["drain", EDGE], ({ name }) => ({ kind: "drain", target: name })),
  ),
  changes(
    "restore EDGE",
    "takes a re-route or a drain back",
    act(["restore", EDGE], ({ name }) => ({ kind: "restore", target: name })),
  ),
  changes(
    "fail over EDGE",
    "drains an edge and runs it on another machine (not one of a deployed channel)",
    act(["fail", "over", EDGE], ({ name }) => ({ kind: "fail-over", target: name })),
  ),
  changes(
    "restart link LINK",
    "starts a link of the mesh anew",
    act(["restart", "link", LINK], ({ name }) => ({ kind: "restart-link", target: name })),
  ),
  changes(
    "rotate keys of LINK",
    "gives a link of the mesh new keys",
    act(["rotate", "keys", "of", LINK], ({ name }) => ({ kind: "rotate-keys", target: name })),
  ),
  changes(
    "restart collector COLLECTOR",
    "starts a collector's replica anew",
    act(["restart", "collector", COLLECTOR], ({ name }) => ({
      kind: "restart-collector",
      target: name,
    })),
  ),
  changes(
    "open segment OVERLAY",
    "opens a new VXLAN segment and moves the overlay's channels to it",
    act(["open", "segment", OVERLAY], ({ name }) => ({ kind: "open-segment", target: name })),
  ),
  reads(
    "deployments [CHANNEL]",
    "channels that were deployed, or the steps of one",
    form(["deployments"], () => ({ kind: "deployments", channel: undefined })),
    form(["deployments", DEPLOYMENT], ({ name }) => ({ kind: "deployments", channel: name })),
  ),
  changes(
    "deploy CHANNEL",
    "brings a described channel (--channels) to its viewers; a deployed one to what it shall be",
    form(["deploy", DESCRIPTION], ({ name }) => ({ kind: "deploy", description: name })),
    act(["deploy", DEPLOYMENT], ({ name }) => ({ kind: "deploy", target: name })),
  ),
  changes(
    "destroy CHANNEL",
    "takes a deployed channel down, so that nothing of it stays",
    act(["destroy", DEPLOYMENT], ({ name }) => ({ kind: "destroy", target: name })),
  ),
  changes(
    "evacuate MACHINE",
    "runs what deployed channels have on a machine on others",
    act(["evacuate", MACHINE], ({ name }) => ({ kind: "evacuate", target: name })),
  ),
  {
    ...changes(
      "forget machine MACHINE",
      "it is gone for good: its VNIs may be given to others",
      act(["forget", "machine", MACHINE], ({ name }) => ({ kind: "forget-machine", target: name })),
    ),
    role: "admin",
  },
  changes(
    "invite DEVICE to CHANNEL [for 2h]",
    "makes a link by which one device can watch",
    change(["invite", DEVICE, "to", TO_CHANNEL], ({ name, channel }) => ({
      kind: "invite",
      device: name,
      channel,
      forMs: undefined,
    })),
    change(["invite", DEVICE, "to", TO_CHANNEL, "for", TIME], ({ name, channel, ms }) => ({
      kind: "invite",
      device: name,
      channel,
      forMs: ms,
    })),
  ),
  changes(
    "revoke DEVICE from CHANNEL",
    "a device may not watch any more",
    act(["revoke", DEVICE, "from", TO_CHANNEL], ({ name, channel }) => ({
      kind: "revoke-device",
      target: channel,
      device: name,
    })),
  ),
  changes(
    "pause automation [30m]",
    "only what people ask for is done, so long or until it is resumed",
    change(["pause", "automation"], () => ({ kind: "pause", forMs: undefined })),
    change(["pause", "automation", TIME], ({ ms }) => ({ kind: "pause", forMs: ms })),
  ),
  changes(
    "resume automation",
    "ends a pause",
    change(["resume", "automation"], () => ({ kind: "resume" })),
  ),
  changes(
    "maintain NAME 30m|end",
    "it is being worked on: it is left alone",
    change(["maintain", TARGET, TIME], ({ name, ms }) => ({
      kind: "maintain",
      target: name,
      forMs: ms,
    })),
    change(["maintain", TARGET, "end"], ({ name }) => ({
      kind: "maintain",
      target: name,
      forMs: undefined,
    })),
  ),
  {
    ...changes(
      "approve NUMBER",
      "agrees to the next action of an incident",
      change(["approve", NUMBER], ({ number }) => ({ kind: "approve", incident: number })),
    ),
    role: "admin",
  },
  changes(
    "undo [incident NUMBER]",
    "takes back the last action that somebody asked for, or that of an incident",
    change(["undo"], () => ({ kind: "undo", incident: undefined })),
    change(["undo", "incident", NUMBER], ({ number }) => ({ kind: "undo", incident: number })),
  ),
  changes(
    "stop everything",
    "the kill switch, without a question: nothing at all is begun",
    form(["stop", "everything"], () => ({ kind: "stop" })),
  ),
  {
    ...changes(
      "continue",
      "ends the kill switch",
      change(["continue"], () => ({ kind: "continue" })),
    ),
    role: "admin",
  },
  changes(
    "yes [HASH]",
    "does what was planned; without a hash when only one plan is open",
    form(["yes"], () => ({ kind: "yes", hash: undefined })),
    form(["yes", HASH], ({ name }) => ({ kind: "yes", hash: name })),
  ),
  reads(
    "no",
    "forgets what was planned",
    form(["no"], () => ({ kind: "no" })),
  ),
  reads(
    "help [WORD]",
    "this list, or what begins with a word",
    form(["help"], () => ({ kind: "help", word: undefined })),
    form(["help", WORD], ({ name }) => ({ kind: "help", word: name })),
  ),
];

/** The word with which a form begins. */
export const firstWord = ({ tokens }: Form) => tokens[0] as string;

export const FIRST_WORDS: readonly string[] = [
  ...new Set(COMMANDS.flatMap(({ forms }) => forms.map(firstWord))),
];
