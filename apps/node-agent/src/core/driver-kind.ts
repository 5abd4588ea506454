/** Which driver an edge is run by. Pure. */
import type { EdgeSpec } from "@glassline/proto/node";
import { ContainerDriver, ContainerDriverSchema } from "@glassline/proto/node";

/** An edge without a container is a child process. */
export function kindOf({ container }: Pick<EdgeSpec, "container">): ContainerDriver {
  const kind = container?.driver ?? ContainerDriver.UNSPECIFIED;
  return kind === ContainerDriver.UNSPECIFIED ? ContainerDriver.PROCESS : kind;
}

/** "RUNC"; undefined: there is no such driver. */
export const driverName = (kind: ContainerDriver): string | undefined =>
  ContainerDriverSchema.value[kind]?.localName;
