/** `npm run bench -w @glassline/enrolment`: signed profiles, as lines of JSON. */
import { askedParts } from "@glassline/bench/parts";

import { measureProfiles } from "./profiles.ts";

const PARTS = { profiles: measureProfiles } as const;
const purpose = "Measures how many signed profiles one core makes.";
const asked = askedParts("enrolment", purpose, PARTS);
if (asked) for (const part of asked.parts) await PARTS[part](asked.isQuick);
