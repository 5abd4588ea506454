import type { Outage } from "../api/outages.ts";

/** Names every service that does not answer, since when, and what that means. */
export function MissingServices({ outages }: { outages: Outage[] }) {
  return (
    <div role="status" aria-live="polite">
      {outages.length > 0 && (
        <div class="banner" data-testid="missing-service">
          <svg class="banner-glyph" viewBox="0 0 20 20" aria-hidden="true">
            <path d="M10 2.5 18.5 17h-17z" />
            <path d="M10 8v4M10 14.2v.3" />
          </svg>
          <ul>
            {outages.map((outage) => (
              <li key={outage.key}>
                <strong>{outage.title}</strong> {outage.meaning}
                {outage.detail && <span class="banner-detail">{outage.detail}</span>}
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}
