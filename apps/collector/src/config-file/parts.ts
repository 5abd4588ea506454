/** What components of the file share: tokens, TLS. */
import type { TlsSettings } from "../exporters/settings.ts";
import { meant } from "./section.ts";
import type { Section } from "./section.ts";

/** Tokens of the extensions `bearertokenauth`, by component id. */
export type Tokens = ReadonlyMap<string, string>;

/** The token of the extension that `auth` names. */
export function tokenOf(component: Section, tokens: Tokens): string | undefined {
  if (!component.has("auth")) return undefined;
  const auth = component.section("auth");
  const token = auth.value("authenticator", (id) => {
    const found = tokens.get(id);
    const ids = [...tokens.keys()];
    const known = ids.length === 0 ? "" : `: ${ids.join(", ")}${meant(id, ids)}`;
    if (found === undefined) throw new Error(`an extension bearertokenauth${known}`);
    return found;
  });
  auth.end();
  return token;
}

/** Undefined: without TLS. */
export function clientTls(component: Section, scheme: string): TlsSettings | undefined {
  const tls = component.section("tls");
  tls.refuse(
    "insecure_skip_verify",
    "a target whose certificate is not checked may be anyone; give ca_file",
  );
  const isInsecure = tls.toggle("insecure") ?? false;
  const [ca, certificate, key] = [
    tls.content("ca_file"),
    tls.content("cert_file"),
    tls.content("key_file"),
  ];
  const serverName = tls.text("server_name_override");
  requirePair(tls);
  tls.end();
  if (scheme === "http" || (scheme === "" && isInsecure)) return undefined;
  const identity =
    certificate !== undefined && key !== undefined ? { certificate, key } : undefined;
  return { ca, identity, serverName };
}

/** A certificate and its key come together. */
export function requirePair(tls: Section): void {
  for (const [one, other] of [
    ["cert_file", "key_file"],
    ["key_file", "cert_file"],
  ] as const)
    if (tls.has(one) && !tls.has(other))
      tls.problem(tls.placeOf(one), `${one} alone`, `${other} beside it`);
}
