export type IconName = keyof typeof PATHS;

const PATHS = {
  fleet: "M3 3h5v5H3zM12 3h5v5h-5zM3 12h5v5H3zM12 12h5v5h-5z",
  mesh: "M4 10h0M10 4h0M16 10h0M10 16h0M4 10l6-6 6 6-6 6zM10 4v12",
  traces: "M3 4h8M6 8h8M9 12h6M12 16h5",
  dark: "M16 12.5A6.5 6.5 0 0 1 7.5 4 6.5 6.5 0 1 0 16 12.5z",
  light:
    "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1 1M14.7 14.7l1 1M4.3 15.7l1-1M14.7 5.3l1-1",
  cells:
    "M3 3h3v3H3zM8.5 3h3v3h-3zM14 3h3v3h-3zM3 8.5h3v3H3zM8.5 8.5h3v3h-3zM14 8.5h3v3h-3zM3 14h3v3H3zM8.5 14h3v3h-3zM14 14h3v3h-3z",
  tiles: "M3 4h6v5H3zM11 4h6v5h-6zM3 11h6v5H3zM11 11h6v5h-6z",
  table: "M3 5h14M3 10h14M3 15h14",
  edges:
    "M10 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM6.5 6.5a5 5 0 0 0 0 7M13.5 6.5a5 5 0 0 1 0 7M4 4a8.5 8.5 0 0 0 0 12M16 4a8.5 8.5 0 0 1 0 12",
  deployments: "M10 3v9M6.5 8.5 10 12l3.5-3.5M3 13v3.5h14V13",
  opsbot: "M4 8h12v8H4zM10 8V4.5M10 4.5v-1M7.5 11.5v1M12.5 11.5v1M2 11v2.5M18 11v2.5",
  play: "M6 4l10 6-10 6z",
  pause: "M7 4v12M13 4v12",
  sound: "M3 8h3l4-3.5v11L6 12H3zM13 7.5a3.5 3.5 0 0 1 0 5M15 5a7 7 0 0 1 0 10",
  muted: "M3 8h3l4-3.5v11L6 12H3zM13 8l4 4M17 8l-4 4",
  full: "M3 8V3.5h5M12 3.5h5V8M17 12v4.5h-5M8 16.5H3V12",
} as const;

/** A line drawing of 20 by 20; what it means stands beside it in words. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
