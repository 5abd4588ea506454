import { runApp } from "@glassline/service/app";

import { program } from "./config.ts";
import { startEnrolment } from "./enrolment.ts";

await runApp(program, "enrolment", startEnrolment);
