import { counted } from "../format/plural.ts";
import { useOpsBot } from "../opsbot/opsbot-status.ts";
import { Icon, type IconName } from "../parts/icon.tsx";
import { ServiceList } from "./service-list.tsx";
import { chooseTheme, useTheme } from "./theme.ts";

interface Place {
  href: string;
  label: string;
  /** Where six of them share the width of a phone. */
  short?: string;
  icon: IconName;
  rooms: string[];
}

const PLACES: Place[] = [
  { href: "/", label: "Fleet", icon: "fleet", rooms: ["", "cameras"] },
  { href: "/mesh", label: "Mesh", icon: "mesh", rooms: ["mesh"] },
  { href: "/traces", label: "Traces", icon: "traces", rooms: ["traces"] },
  { href: "/edges", label: "Edges", icon: "edges", rooms: ["edges"] },
  {
    href: "/deployments",
    label: "Deployments",
    short: "Deploy",
    icon: "deployments",
    rooms: ["deployments"],
  },
  { href: "/ops", label: "OpsBot", icon: "opsbot", rooms: ["ops"] },
];

/** A rail beside the page; on a phone, a bar above it and tabs below. */
export function Navigation({ path }: { path: string }) {
  const room = path.split("/")[1] ?? "";
  return (
    <header class="rail">
      <a class="brand" href="/" aria-label="Glassline, to the fleet">
        <img src="/favicon.svg" width="24" height="24" alt="" />
        <span>Glassline</span>
      </a>
      <nav class="tabs" aria-label="Pages">
        {PLACES.map(({ href, label, short = label, icon, rooms }) => (
          <a key={href} href={href} aria-current={rooms.includes(room) ? "page" : undefined}>
            <Icon name={icon} />
            <span class="tab-label">{label}</span>
            <span class="tab-short">{short}</span>
            {href === "/ops" && <OpenIncidents />}
          </a>
        ))}
      </nav>
      <ServiceList />
      <ThemeToggle />
    </header>
  );
}

/** How many incidents are open; nothing when there is none. */
function OpenIncidents() {
  const count = useOpsBot().data?.openIncidents ?? 0;
  if (count === 0) return null;
  return (
    <span class="badge" data-testid="open-incidents" title={counted(count, "open incident")}>
      {count}
    </span>
  );
}

function ThemeToggle() {
  const other = useTheme() === "dark" ? "light" : "dark";
  return (
    <button type="button" class="theme-toggle" onClick={() => chooseTheme(other)}>
      <Icon name={other} />
      <span>{other === "dark" ? "Dark" : "Light"}</span>
    </button>
  );
}
