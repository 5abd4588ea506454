/** Whom a certificate names. SAEs and KMEs are known by their IDs in certificates, not by host names (ETSI GS QKD 014 section 5.1). */
import type { PeerCertificate } from "node:tls";

/**
 * Every name in a certificate: alternative names, and the common name where there are none, as older key managers have it (RFC 6125
 * section 6.4.4). Of a URI also the last segment of its path.
 */
export function certificateNames({
  subjectaltname,
  subject,
}: Pick<PeerCertificate, "subjectaltname"> & {
  subject?: Partial<PeerCertificate["subject"]>;
}): string[] {
  if (subjectaltname === undefined || subjectaltname === "")
    return [subject?.CN ?? []].flat().filter((name) => name !== "");
  return subjectaltname.split(", ").flatMap((entry) => {
    const [, kind, name = ""] = /^(DNS|URI|email):(.+)$/s.exec(entry) ?? [];
    if (kind === undefined || name.startsWith('"')) return [];
    const last = kind === "URI" ? name.slice(name.lastIndexOf("/") + 1) : "";
    return last === "" ? [name] : [name, last];
  });
}
