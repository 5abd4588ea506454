import type { ConfigOf, Program } from "@glassline/config";
import { directory, file, integer, port, text } from "@glassline/config";
import { commonOptions } from "@glassline/service/options";

const spec = {
  name: text({ help: "Name of this service, as in its certificate.", default: "enrolment" }),
  port: port({ help: "gRPC with client certificates: channels, links, devices.", default: "7454" }),
  ...commonOptions("7455"),
  publicPort: port({ help: "HTTP for phones: enrolment and watch pages.", default: "7456" }),
  listen: text({
    help: "Where phones connect, instead of --host and --public-port: 0.0.0.0:443.",
    default: "",
    placeholder: "HOST:PORT",
  }),
  tlsCert: file({
    help: "Certificate (PEM, with its intermediates) that phones are shown. Empty: HTTP without TLS.",
    default: "",
  }),
  tlsKey: file({ help: "Its private key (PEM, without a pass phrase).", default: "" }),
  publicUrl: text({
    help: "How phones reach this service. Empty: http(s)://localhost and the port.",
    default: "",
    placeholder: "URL",
  }),
  dataDir: directory({
    help: "Folder of channels, devices and keys.",
    default: ".glassline/enrolment",
  }),
  secretsDir: directory({
    help: "Folder of the files that channels name: passwords and shared secrets. Empty: secrets, below --data-dir.",
    default: "",
  }),
  profileCert: file({
    help: "Certificate that signs profiles (PEM, with its intermediates). Empty: one of an own authority, which phones call Not Verified.",
    default: "",
  }),
  profileKey: file({
    help: "Its private key (PEM, without a pass phrase): elliptic curve, or RSA.",
    default: "",
  }),
  rootCertificate: file({
    help: "Certificate authority (PEM) of edges whose certificates are not public: it is put into profiles.",
    default: "",
  }),
  tokenAudience: text({
    help: "For which edges tokens are (aud): their --token-audience. Empty: for all.",
    default: "glassline",
    orNone: true,
  }),
  clientRate: integer({
    help: "Requests a second of one client; more get 429.",
    default: "5",
    min: 1,
    max: 100_000,
  }),
  clientBurst: integer({
    help: "Requests that a client may make at once.",
    default: "60",
    min: 1,
    max: 100_000,
  }),
  connections: integer({
    help: "Connections of phones at a time; further ones are closed at once.",
    default: "1000",
    min: 1,
    max: 100_000,
  }),
};

export const program: Program<typeof spec> = {
  name: "enrolment",
  command: "npm run start -w @glassline/enrolment --",
  purpose: "Gives iPhones the profile of a channel, and the token by which they watch it.",
  environmentPrefix: "GLASSLINE_ENROLMENT",
  spec,
};

export type EnrolmentConfig = ConfigOf<typeof spec>;
