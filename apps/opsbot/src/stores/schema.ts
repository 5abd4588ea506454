/** The tables, for both databases. Statements may be run again. */
import type { Dialect } from "./sql.ts";

export function schemaOf(dialect: Dialect): string {
  return [
    lives(dialect),
    incidents(dialect),
    guard(dialect),
    wishes(dialect),
    channels(dialect),
    audit(dialect),
  ].join("\n");
}

/** Who has led, and which journal this is; and who leads now, where there are several. */
const lives = ({ integer, strict }: Dialect) => `
  CREATE TABLE IF NOT EXISTS starts (fencing_token ${integer} PRIMARY KEY, journal TEXT NOT NULL) ${strict};
  CREATE TABLE IF NOT EXISTS leader (
    id ${integer} PRIMARY KEY, epoch ${integer} NOT NULL UNIQUE, holder TEXT NOT NULL, beat ${integer} NOT NULL
  ) ${strict};
`;

const incidents = ({ id, integer, strict }: Dialect) => `
  CREATE TABLE IF NOT EXISTS incidents (
    id ${id}, object TEXT NOT NULL, "check" TEXT NOT NULL, title TEXT NOT NULL, phase TEXT NOT NULL,
    actions ${integer} NOT NULL DEFAULT 0, opened TEXT NOT NULL, closed TEXT NOT NULL DEFAULT '0'
  ) ${strict};
  CREATE UNIQUE INDEX IF NOT EXISTS one_open ON incidents (object, "check") WHERE closed = '0';
  CREATE INDEX IF NOT EXISTS problems ON incidents (object, "check", id);
  CREATE TABLE IF NOT EXISTS entries (
    id ${id}, incident ${integer} NOT NULL REFERENCES incidents (id), time TEXT NOT NULL, kind TEXT NOT NULL,
    text TEXT NOT NULL, idempotency_key TEXT NOT NULL DEFAULT ''
  ) ${strict};
  CREATE INDEX IF NOT EXISTS story ON entries (incident, id);
  CREATE TABLE IF NOT EXISTS intents (
    idempotency_key TEXT PRIMARY KEY, incident ${integer} NOT NULL REFERENCES incidents (id), action TEXT NOT NULL,
    generation ${integer} NOT NULL, settled ${integer} NOT NULL DEFAULT 0
  ) ${strict};
  CREATE INDEX IF NOT EXISTS unsettled ON intents (incident) WHERE settled = 0;
  CREATE INDEX IF NOT EXISTS intents_of ON intents (incident);
  CREATE TABLE IF NOT EXISTS reports (listener TEXT PRIMARY KEY, told_entry ${integer} NOT NULL) ${strict};
`;

const guard = ({ integer, strict }: Dialect) => `
  CREATE TABLE IF NOT EXISTS led (id ${integer} PRIMARY KEY, until ${integer} NOT NULL) ${strict};
  CREATE TABLE IF NOT EXISTS effects (
    idempotency_key TEXT PRIMARY KEY, incident ${integer} NOT NULL, target TEXT NOT NULL, domain TEXT NOT NULL,
    runbook TEXT NOT NULL, disruptive ${integer} NOT NULL, began ${integer} NOT NULL
  ) ${strict};
  CREATE INDEX IF NOT EXISTS begun ON effects (began);
  CREATE INDEX IF NOT EXISTS effects_of ON effects (incident);
  CREATE TABLE IF NOT EXISTS orders (
    kind TEXT NOT NULL, target TEXT NOT NULL, until ${integer} NOT NULL, who TEXT NOT NULL, PRIMARY KEY (kind, target)
  ) ${strict};
  CREATE TABLE IF NOT EXISTS occurrences (
    incident ${integer} PRIMARY KEY, began ${integer} NOT NULL, ended ${integer}
  ) ${strict};
  CREATE TABLE IF NOT EXISTS approvals (
    incident ${integer} NOT NULL, action ${integer} NOT NULL, until ${integer} NOT NULL, who TEXT NOT NULL,
    PRIMARY KEY (incident, action)
  ) ${strict};
`;

/** What shall be otherwise than it was configured: of edges, and of overlays. */
const wishes = ({ integer, strict }: Dialect) => `
  CREATE TABLE IF NOT EXISTS generations (edge TEXT PRIMARY KEY, generation ${integer} NOT NULL) ${strict};
  CREATE TABLE IF NOT EXISTS wishes (
    object TEXT NOT NULL, what TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (object, what)
  ) ${strict};
`;

/** What was deployed, and how its steps go. */
const channels = ({ integer, strict }: Dialect) => `
  CREATE TABLE IF NOT EXISTS channels (
    name TEXT PRIMARY KEY, tenant TEXT NOT NULL, phase TEXT NOT NULL, revision ${integer} NOT NULL, description TEXT NOT NULL,
    live_description TEXT NOT NULL DEFAULT '', goal TEXT NOT NULL DEFAULT '', told TEXT NOT NULL DEFAULT '',
    kept TEXT NOT NULL DEFAULT '', since TEXT NOT NULL, problem TEXT NOT NULL DEFAULT '', incident ${integer} NOT NULL DEFAULT 0,
    report TEXT NOT NULL DEFAULT ''
  ) ${strict};
  CREATE TABLE IF NOT EXISTS channel_steps (
    channel TEXT NOT NULL, number ${integer} NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL, says TEXT NOT NULL,
    began TEXT NOT NULL, ended TEXT NOT NULL, PRIMARY KEY (channel, number)
  ) ${strict};
`;

const audit = ({ integer, strict, appendOnly }: Dialect) => `
  CREATE TABLE IF NOT EXISTS audit (
    seq ${integer} PRIMARY KEY, time TEXT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, before TEXT NOT NULL,
    after TEXT NOT NULL, hash TEXT NOT NULL
  ) ${strict};
  ${appendOnly("audit")}
`;
