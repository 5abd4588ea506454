import { isStale } from "../api/use-poll.ts";
import { clock, millisecondsOf } from "../format/time.ts";
import { useOverview } from "./overview.ts";

/** More than this would push the rail's foot off the screen. */
const SHOWN_MAX_SERVICES = 16;

/** Every service with a mark: filled when it answers, crossed when not. */
export function ServiceList() {
  const overview = useOverview();
  const services = (overview.data?.services ?? []).toSorted(
    (left, right) => Number(left.reachable) - Number(right.reachable),
  );
  if (services.length === 0) return null;
  const hidden = services.length - SHOWN_MAX_SERVICES;
  return (
    <section class={`services ${isStale(overview) ? "is-stale" : ""}`} aria-label="Services">
      <h2>Services</h2>
      <ul>
        {services.slice(0, SHOWN_MAX_SERVICES).map((service) => (
          <li key={service.name} class={service.reachable ? "is-up" : "is-down"}>
            <svg viewBox="0 0 12 12" aria-hidden="true">
              {service.reachable ? <circle cx="6" cy="6" r="4" /> : <path d="m2 2 8 8M10 2l-8 8" />}
            </svg>
            <span class="services-name">{service.name}</span>
            <span class="services-since">
              {service.reachable
                ? "answers"
                : `away, ${clock(millisecondsOf(service.sinceUnixNano))}`}
            </span>
          </li>
        ))}
      </ul>
      {hidden > 0 && <p>and {hidden} more</p>}
    </section>
  );
}
