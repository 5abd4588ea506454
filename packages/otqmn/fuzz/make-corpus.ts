/** `npm run corpus -w @glassline/otqmn`: writes the inputs that are made by hand. What the fuzzer has found stays as it is. */
import { CORPUS, writeInput } from "./corpus-file.ts";
import { hostileDefinitions } from "./hostile-definitions.ts";
import { hostileRequests } from "./hostile-requests.ts";
import { hostileValues } from "./hostile-values.ts";
import { oddStreams } from "./odd-streams.ts";

const inputs = [...hostileDefinitions(), ...hostileValues(), ...oddStreams(), ...hostileRequests()];
for (const input of inputs) writeInput(CORPUS, input);
