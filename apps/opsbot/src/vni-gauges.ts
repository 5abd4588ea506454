/** Gauges of VNIs, worked out when metrics are read. */
import type { Metrics } from "@glassline/service/metrics";

import type { VniKeeping } from "./vni-keeping.ts";
import type { Vnis } from "./vnis/vnis.ts";

const TENANTS_MAX = 1_000;

/** While the store does not answer, no quotas are shown. */
export function showVnis(
  metrics: Metrics,
  vnis: Pick<Vnis, "quotas">,
  keeping: Pick<VniKeeping, "conflicts">,
): void {
  const help = `VNIs of tenants that have a quota, by "used" and "quota"; the first ${TENANTS_MAX} by name.`;
  metrics.gauge("opsbot_tenant_vnis", help, ["tenant", "of"], async (gauge) => {
    const all = await vnis.quotas().catch(() => []);
    gauge.reset();
    for (const { tenant, used, quota } of all.slice(0, TENANTS_MAX)) {
      gauge.set({ tenant, of: "used" }, used);
      gauge.set({ tenant, of: "quota" }, quota);
    }
  });
  metrics.gauge("opsbot_vni_conflicts", "VNIs that machines have and should not.", [], (gauge) =>
    gauge.set(keeping.conflicts.length),
  );
}
