/** Who may ask an HTTP server: requests for its own names (DNS rebinding), from its own pages and allowed ones (cross-site requests). Pure. */
/** Names by which this machine reaches itself. */
const LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"] as const;

/** A header: its name, and its value. */
type Line = readonly [name: string, value: string];

export interface Verdict {
  /** Of every answer. */
  fields: readonly Line[];
  refusal?: { status: number; body: object };
}

/**
 * @param moreHosts host names (without port) beside those of loopback that a browser may have asked for.
 * @param moreOrigins origins of pages beside the server's own that may read its answers: "http://localhost:7400".
 * Source: https://fetch.spec.whatwg.org/#origin-header, RFC 9110 section 7.2.
 */
export function guardOf(
  moreHosts: readonly string[],
  moreOrigins: readonly string[] = [],
): (host: string, origin: string | undefined, protocol?: string) => Verdict {
  const hosts = [...new Set([...LOOPBACK_HOSTS, ...moreHosts])];
  const vary: Line[] = moreOrigins.length > 0 ? [["vary", "Origin"]] : [];
  const plain: Verdict = { fields: vary };
  // Most requests are for the same one.
  let known: string | undefined;
  return (host, origin, protocol = "http") => {
    if (host !== known && !hosts.includes(host.replace(/:\d+$/, "").toLowerCase()))
      return refused(vary, 421, "Host", host, `one of ${hosts.join(", ")}`);
    known = host;
    if (origin === undefined) return plain;
    if (moreOrigins.includes(origin))
      return { fields: [...vary, ["access-control-allow-origin", origin]] };
    // A proxy in front may speak TLS with browsers, and not with us.
    if (origin === `http://${host}` || origin === `https://${host}`) return plain;
    return refused(
      vary,
      403,
      "Origin",
      origin,
      ["none", `${protocol}://${host}`, ...moreOrigins].join(" or "),
    );
  };
}

function refused(
  fields: readonly Line[],
  status: number,
  what: string,
  got: string,
  expected: string,
): Verdict {
  const message = `${what}: got ${JSON.stringify(got)}, expected ${expected}`;
  return { fields, refusal: { status, body: { code: "permission_denied", message } } };
}
