/** Whether what is asked of the allocator can be answered at all. */
import { OWNER_CHARS, TENANT_CHARS, isName } from "../core/vnis/names.ts";
import type { Page, VniWish } from "./vnis.ts";
import { VniRefusedError } from "./vnis.ts";

const PAGE_MAX = 10_000;

/** Throws VniRefusedError. */
export function checkWish({ owner, tenant, region, site }: VniWish): void {
  checkName("owner", owner, OWNER_CHARS);
  checkName("tenant", tenant, TENANT_CHARS);
  if (region !== undefined) checkName("region", region, TENANT_CHARS);
  if (site !== undefined) checkName("site", site, TENANT_CHARS);
}

function checkName(what: string, name: string, maxChars: number): void {
  if (!isName(name, maxChars))
    throw new VniRefusedError(
      `VNI: got the ${what} ${JSON.stringify(name.slice(0, maxChars))}, expected 1 to ${maxChars} characters that can be written`,
    );
}

/** Throws RangeError. */
export function checkPage({ after, limit }: Page): void {
  if (!(limit >= 1 && limit <= PAGE_MAX && after >= 0))
    throw new RangeError(
      `page: got ${limit} behind ${after}, expected 1 to ${PAGE_MAX} behind 0 or a VNI`,
    );
}
