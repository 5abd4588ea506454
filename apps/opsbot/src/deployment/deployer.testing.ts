/** Where no channel is deployed. */
import { Deployer } from "./deployer.ts";
import type { DeploymentParts } from "./parts.ts";

export const noDeployer = new Deployer({} as DeploymentParts);

/** As the names of an inventory. */
export const NOTHING_DEPLOYED = { deployments: [], machines: [], descriptions: [] };
