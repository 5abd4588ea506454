import { render } from "preact";

import "uplot/dist/uPlot.min.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/parts.css";
import "./styles/content.css";
import "./styles/fleet.css";
import "./styles/fleet-layouts.css";
import "./styles/camera.css";
import "./styles/charts.css";
import "./styles/mesh.css";
import "./styles/traces.css";
import "./styles/player.css";
import "./styles/edges.css";
import "./styles/opsbot.css";
import "./styles/chat.css";
import "./styles/deployments.css";
import { startSession } from "./api/session.ts";
import { App } from "./shell/app.tsx";
import { startNavigation } from "./shell/place.ts";
import { showThemeColor } from "./shell/theme.ts";

startSession();
startNavigation();
showThemeColor();
render(<App />, document.querySelector("#page")!);
