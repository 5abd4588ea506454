/** What profiles of channels need beside them: icons, the root certificate, secrets. Icons are encoded once. */
import type { Channel } from "@glassline/proto/enrolment";

import type { Material } from "./core/payloads.ts";
import type { PlistData } from "./core/plist.ts";
import { drawIcon } from "./icons/draw-icon.ts";
import type { SecretsFolder } from "./secrets-folder.ts";

/** Icons that are kept, of channels used last. */
const ICONS_MAX = 64;

export class Materials {
  readonly #secrets: SecretsFolder;
  readonly #rootCertificate: PlistData | undefined;
  /** By channel, with what it was encoded from. */
  readonly #icons = new Map<string, { icon: Uint8Array; png: PlistData }>();

  /** @param rootCertificate DER. */
  constructor(secrets: SecretsFolder, rootCertificate: Buffer | undefined) {
    this.#secrets = secrets;
    this.#rootCertificate = rootCertificate && { base64: rootCertificate.toString("base64") };
  }

  get hasRootCertificate(): boolean {
    return this.#rootCertificate !== undefined;
  }

  /** Secrets are read each time. Rejects with RpcError "failed_precondition". */
  async of(channel: Channel): Promise<Material> {
    const { ikev2, wifi } = channel;
    const sharedSecret = ikev2 ? await this.#secrets.read(ikev2.sharedSecretFile) : "";
    const hasPassword = wifi !== undefined && wifi.encryption !== "None";
    const wifiPassword = hasPassword ? await this.#secrets.read(wifi.passwordFile) : "";
    const icon = this.iconOf(channel);
    return { icon, rootCertificate: this.#rootCertificate, sharedSecret, wifiPassword };
  }

  /** PNG. */
  iconOf({ name, icon }: Channel): PlistData {
    const known = this.#icons.get(name);
    const png =
      known && Buffer.compare(known.icon, icon) === 0
        ? known.png
        : encoded(icon.length > 0 ? Buffer.from(icon) : drawIcon(name));
    this.#icons.delete(name);
    this.#icons.set(name, { icon, png });
    if (this.#icons.size > ICONS_MAX) this.#icons.delete(this.#icons.keys().next().value!);
    return png;
  }
}

const encoded = (bytes: Buffer): PlistData => ({ base64: bytes.toString("base64") });
