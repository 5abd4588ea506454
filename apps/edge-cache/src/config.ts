import type { ConfigOf, Program } from "@glassline/config";
import {
  byPrefix,
  bytes,
  choice,
  directory,
  duration,
  file,
  integer,
  list,
  number,
  port,
  text,
  urls,
} from "@glassline/config";
import { commonOptions } from "@glassline/service/options";

const log = file({
  help: "Where requests are logged, in the Combined Log Format: a file, - for standard output, or nothing.",
  default: "",
});

const spec = {
  name: text({ help: "Name of this edge, as in its certificate.", default: "edge-1" }),
  listen: text({
    help: "Where viewers connect, instead of --host and --port: 127.0.0.1:8080.",
    default: "",
    placeholder: "HOST:PORT",
  }),
  port: port({ help: "HTTP for viewers.", default: "7471" }),
  tlsCert: file({
    help: "Certificate (PEM, with its intermediates) that viewers are shown: they are served by HTTP/2 and HTTP/1.1 over TLS.",
    default: "",
  }),
  tlsKey: file({ help: "Its private key (PEM, without a pass phrase).", default: "" }),
  plainListen: text({
    help: "Where HTTP/1.1 without TLS is served too, beside TLS: 10.0.0.1:8080.",
    default: "",
    placeholder: "HOST:PORT",
  }),
  grpcPort: port({ help: "gRPC with client certificates: administration.", default: "7481" }),
  ...commonOptions("7491"),
  origin: text({
    help: "Where objects come from: http://HOST:PORT or https://HOST:PORT.",
    placeholder: "URL",
  }),
  originTrust: choice({
    help: "By what an origin over https is known. system: its name, and the authorities that Node trusts. network: it is Glassline's, and both ends show their certificates.",
    of: ["system", "network"],
    default: "system",
  }),
  originCa: file({
    help: "Authorities (PEM) that may have signed the origin's certificate, beside those that Node trusts.",
    default: "",
  }),
  ignoreQuery: list({
    help: "Parameter of addresses on which no object depends, such as utm_source; *: all, but for _HLS_msn, _HLS_part and _HLS_skip of playlists. The origin does not get it. The same at all edges of a cluster.",
    placeholder: "NAME",
  }),
  originEdge: text({
    help: "Name of the edge at --origin, if that is one: a shield, at its cluster port. Empty: it is the origin.",
    default: "",
    placeholder: "NAME",
  }),
  publicUrl: text({
    help: "How viewers reach this edge. Empty: http(s)://localhost and the port.",
    default: "",
    placeholder: "URL",
  }),
  peer: urls({ help: "Another edge with the same channels, as viewers reach it." }),
  member: urls({
    help: "Another edge of the cluster, at its cluster port: edge-2=https://HOST:7466. Each object is fetched from the origin by one of them.",
  }),
  shielded: list({
    help: "Name of an edge that fetches from this one, at its cluster port, as from an origin.",
    placeholder: "NAME",
  }),
  clusterPort: port({
    help: "HTTPS for the other edges of the cluster, and those that this one shields.",
    default: "7461",
  }),
  clusterHost: text({
    help: "Address of the cluster port. Empty: as --host.",
    default: "",
    placeholder: "HOST",
  }),
  allowedOrigin: list({
    help: "Origin of a page that may play from here, such as http://localhost:7400.",
    placeholder: "ORIGIN",
  }),
  memory: bytes({
    help: "Size of the store; what nobody asked for twice goes first.",
    default: "256MiB",
    minBytes: 1_048_576,
  }),
  blockingLifetime: byPrefix(
    {
      help: "For how long a playlist that was waited for is kept, for channels whose paths begin so. Without it: six target durations.",
    },
    duration({ help: "", minMs: 0, maxMs: 600_000 }),
  ),
  follow: integer({
    help: "Renditions that are fetched ahead of their viewers at a time; further ones are fetched when they are asked for.",
    default: "256",
    min: 0,
    max: 100_000,
  }),
  inFlightMemory: bytes({
    help: "For objects on their way from the origin; 0B: a quarter of --memory, at least 64MiB.",
    default: "0B",
    minBytes: 0,
  }),
  originConnections: integer({
    help: "Questions to the origin at a time; four times as many more may take over a second.",
    default: "64",
    min: 1,
    max: 10_000,
  }),
  disk: directory({
    help: "Folder for objects on disk, behind those in memory; of one edge. Empty: none.",
    default: "",
  }),
  diskSize: bytes({
    help: "Of all objects on disk; what was stored first goes first, unless it was asked for since.",
    default: "4GiB",
    minBytes: 67_108_864,
    maxBytes: 1_099_511_627_776,
  }),
  connections: integer({
    help: "Connections of viewers at a time; further ones are closed at once.",
    default: "10000",
    min: 1,
    max: 1_000_000,
  }),
  clientConnections: integer({
    help: "Of these, from one client: an IPv4 address, or a network of 64 bits of IPv6. 0: as many as it likes.",
    default: "0",
    min: 0,
    max: 1_000_000,
  }),
  clientRate: integer({
    help: "Requests a second of one client; more get 429. 0: as many as it likes.",
    default: "0",
    min: 0,
    max: 1_000_000,
  }),
  clientBurst: integer({
    help: "Requests that a client may make at once, where --client-rate is set.",
    default: "100",
    min: 1,
    max: 1_000_000,
  }),
  clientTimeout: duration({
    help: "For a request to come whole, for a reader who takes nothing, and for a connection that is not used.",
    default: "30s",
    minMs: 100,
    maxMs: 3_600_000,
  }),
  headerSize: bytes({
    help: "Address and fields of a request together; more get 431.",
    default: "16KiB",
    minBytes: 1_024,
    maxBytes: 1_048_576,
  }),
  objectSize: bytes({
    help: "Largest object that is stored; larger ones are passed on.",
    default: "64MiB",
    minBytes: 1_024,
  }),
  drain: duration({
    help: "After a signal to stop, viewers are served on for at most this time, and told to go elsewhere. 0: none.",
    default: "10s",
    minMs: 100,
    maxMs: 3_600_000,
    orNone: true,
  }),
  steeringTtl: duration({
    help: "After this time players ask again which edge to use.",
    default: "5s",
    minMs: 1_000,
    maxMs: 3_600_000,
  }),
  protect: list({
    help: "Beginning of the paths that viewers need a token for, such as /live/cam-0001/.",
    placeholder: "PREFIX",
  }),
  tokenKeys: file({
    help: "JWK Set with the public keys of viewers' tokens; read again when it changes.",
    default: "",
  }),
  tokenAudience: text({
    help: "This edge in tokens that say whom they are for (aud).",
    default: "glassline",
  }),
  deployedChannel: text({
    help: "Channel that this edge was deployed for, which tokens must name (deployed_channel). Empty: none.",
    default: "",
    placeholder: "NAME",
  }),
  revocations: file({
    help: "Where revocations of tokens outlive the process. Empty: they do not.",
    default: "",
  }),
  accessLog: {
    ...log,
    parse: (texts: readonly string[], from: string) =>
      texts.at(-1) === "-" ? "-" : log.parse(texts, from),
  },
  accessLogSample: number({
    help: "Share of the requests that are logged; those that the edge fails to answer are logged always.",
    default: "0.01",
    min: 0,
    max: 1,
  }),
  accessLogSize: bytes({
    help: "A larger access log is moved to FILE.1, whose lines go; 0B: it grows until somebody moves it.",
    default: "0B",
    minBytes: 0,
  }),
  primeRate: number({
    help: "Objects a second that a priming asks for, at most.",
    default: "50",
    min: 0.1,
    max: 10_000,
  }),
  adminToken: text({
    help: "Shown by those who purge, prime and revoke. Empty: nobody may.",
    default: "",
    placeholder: "TOKEN",
  }),
  instanceId: text({
    help: "Told in the status, so that a node-agent knows its child again.",
    default: "",
    placeholder: "ID",
  }),
};

export const program: Program<typeof spec> = {
  name: "edge-cache",
  command: "npm run start -w @glassline/edge-cache --",
  purpose: "A caching reverse proxy that knows HLS: serves viewers, and asks the origin once.",
  environmentPrefix: "GLASSLINE_EDGE_CACHE",
  spec,
};

export type EdgeCacheConfig = ConfigOf<typeof spec>;
