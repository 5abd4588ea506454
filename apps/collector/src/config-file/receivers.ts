/** The receiver `otlp` of the file as settings of this collector. */
import { hostAndPort } from "./duration.ts";
import type { Tokens } from "./parts.ts";
import { requirePair, tokenOf } from "./parts.ts";
import type { Section } from "./section.ts";

export interface Setting {
  text: string;
  where: string;
}

/** What both protocols of the receiver have in common. */
interface Listening {
  /** Whether the address could be read. */
  isKnown: boolean;
  host: string;
  port: number;
  /** Equal when both are protected alike. */
  protection: string;
  settings: Record<string, Setting>;
}

const DEFAULTS = { grpc: "localhost:4317", http: "localhost:4318" } as const;
const PORTS = { grpc: "otlpGrpcPort", http: "otlpHttpPort" } as const;
const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);
const REQUEST_MAX_MIB = 8;

export function otlpReceiver(receiver: Section, tokens: Tokens): Record<string, Setting> {
  const protocols = receiver.section("protocols");
  const found: Listening[] = [];
  for (const name of ["grpc", "http"] as const) {
    if (!protocols.has(name)) continue;
    const listening = protocol(protocols.section(name), name, tokens);
    const [first] = found;
    found.push(listening);
    if (!first) continue;
    if (first.isKnown && listening.isKnown && first.host !== listening.host)
      protocols.problem(
        protocols.placeOf(name),
        `the host ${listening.host}`,
        `${first.host}, as for grpc`,
        name,
      );
    if (first.protection !== listening.protection)
      protocols.problem(
        protocols.placeOf(name),
        "another tls or auth",
        "the same as for grpc",
        name,
      );
  }
  protocols.end();
  receiver.end();
  const [first] = found;
  if (!first) {
    protocols.problem(receiver.placeOf("protocols"), "none", "grpc, http or both");
    return {};
  }
  const names = ["grpc", "http"].filter((name) => protocols.has(name));
  return {
    otlpProtocols: {
      text: names.length === 2 ? "both" : names[0]!,
      where: receiver.whereOf("protocols"),
    },
    ...Object.assign({}, ...found.map(({ settings }) => settings)),
  };
}

function protocol(section: Section, name: "grpc" | "http", tokens: Tokens): Listening {
  const place = section.has("endpoint") ? section.whereOf("endpoint") : section.whereOf("");
  const endpoint = section.has("endpoint")
    ? section.value("endpoint", hostAndPort)
    : hostAndPort(DEFAULTS[name]);
  const { host, port } = endpoint ?? { host: "", port: 0 };
  const setting = (text: string): Setting => ({ text, where: place });
  const size = name === "grpc" ? requestSize(section) : {};
  if (name === "http")
    section.refuse("cors", "pages in browsers are not served; put a gateway in front");
  section.refuse("include_metadata", "headers of senders are not kept");
  const token = tokenOf(section, tokens);
  if (token === undefined && !LOOPBACK.has(host))
    section.reading.notes.push(
      `${place}: ${section.path}: whoever reaches ${host}:${port} may send: there is no auth`,
    );
  const protection = [...tlsSettings(section), ...authSettings(token)];
  section.end();
  return {
    host,
    port,
    isKnown: endpoint !== undefined,
    protection: JSON.stringify(protection),
    settings: {
      otlpHost: setting(host === "" ? "0.0.0.0" : host.replaceAll(/[[\]]/g, "")),
      [PORTS[name]]: setting(String(port)),
      ...size,
      ...Object.fromEntries(protection.map(([key, text]) => [key, setting(text)])),
    },
  };
}

function requestSize(section: Section): Record<string, Setting> {
  const mib = section.integer("max_recv_msg_size_mib", 1, REQUEST_MAX_MIB);
  if (mib === undefined) return {};
  const where = section.whereOf("max_recv_msg_size_mib");
  return { otlpGrpcRequestSize: { text: `${mib}MiB`, where } };
}

/** Without `tls` there is none, as everywhere in such files. */
function tlsSettings(section: Section): [setting: string, text: string][] {
  if (!section.has("tls")) return [["otlpPlaintext", "true"]];
  const tls = section.section("tls");
  const [certificate, key] = [tls.text("cert_file"), tls.text("key_file")];
  tls.refuse("client_ca_file", "senders show a token, see auth");
  requirePair(tls);
  if (certificate === undefined && key === undefined)
    tls.problem(tls.place, "no certificate", "cert_file and key_file");
  tls.end();
  return certificate === undefined || key === undefined
    ? []
    : [
        ["otlpCertificate", certificate],
        ["otlpKey", key],
      ];
}

/** Without `auth` whoever reaches the port may send, as everywhere in such files. */
function authSettings(token: string | undefined): [setting: string, text: string][] {
  return token === undefined ? [["otlpOpen", "true"]] : [["otlpToken", token]];
}
