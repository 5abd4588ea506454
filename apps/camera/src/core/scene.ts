/** What is around a simulated camera: sun, clouds, air, things that move and things that are hot. Pure, seeded, stepped. */
import type { Random } from "@glassline/service/random";
import { normal } from "@glassline/service/random";

export interface Site {
  latitudeDegrees: number;
  longitudeDegrees: number;
}

export interface Scene {
  site: Site;
  /** Share of the sun's light that comes through, 0.1 to 1. */
  clearness: number;
  illuminanceLux: number;
  airCelsius: number;
  humidityPercent: number;
  /** 0 (still) to 1 (everything moves). */
  activity: number;
  motionX: number;
  motionY: number;
  /** Of the thing that the thermal spot looks at, above the air. */
  hotCelsius: number;
  /** Deviation of lamps and passing lights from their mean, as a share. */
  lamps: number;
  /** Deviation of the air's moisture, percentage points. */
  damp: number;
  /** Steady deviation of this place from the region's weather. */
  placeCelsius: number;
}

const DAY_MS = 86_400_000;
const YEAR_DAYS = 365.25;
const SUN_LUX = 120_000;
/** Street lamps. */
const NIGHT_LUX = 8;

export function newScene(site: Site, random: Random): Scene {
  return {
    site,
    clearness: 0.4 + 0.5 * random(),
    illuminanceLux: NIGHT_LUX,
    airCelsius: 15,
    humidityPercent: 60,
    activity: random() * 0.2,
    motionX: 0,
    motionY: 0,
    hotCelsius: 5 + 20 * random(),
    lamps: 0,
    damp: 8 * normal(random),
    placeCelsius: 2 * normal(random),
  };
}

/** @param lengthS since the last step. */
export function stepScene(scene: Scene, nowMs: number, lengthS: number, random: Random): Scene {
  const clearness = clamp(revert(scene.clearness, 0.7, 600, 0.15, lengthS, random), 0.1, 1);
  const sun = Math.max(0, Math.sin(sunElevation(scene.site, nowMs)));
  const airCelsius = airTemperature(scene.site, nowMs) + scene.placeCelsius + 2 * (clearness - 0.7);
  // Now and then something comes by: activity leaps up and dies down within some ten seconds.
  const leap = random() < lengthS / 45 ? 0.4 + 0.6 * random() : 0;
  const activity = clamp(Math.max(leap, scene.activity * Math.exp(-lengthS / 8)), 0, 1);
  const lamps = revert(scene.lamps, 0, 20, 0.12, lengthS, random);
  const damp = revert(scene.damp, 0, 900, 8, lengthS, random);
  const nightLux = NIGHT_LUX * (1 + lamps + 0.6 * activity);
  const heat = random() < lengthS / 300 ? 40 + 40 * random() : scene.hotCelsius;
  return {
    ...scene,
    clearness,
    lamps,
    damp,
    illuminanceLux: nightLux + SUN_LUX * sun ** 1.15 * clearness,
    airCelsius,
    humidityPercent: clamp(72 - 1.4 * (airCelsius - 13) + 12 * (0.7 - clearness) + damp, 15, 99),
    activity,
    motionX: activity * clamp(revert(scene.motionX, 0, 4, 90, lengthS, random), -400, 400),
    motionY: activity * clamp(revert(scene.motionY, 0, 4, 35, lengthS, random), -200, 200),
    hotCelsius: revert(heat, 12, 90, 1.5, lengthS, random),
  };
}

/** Elevation of the sun, radians. Cooper's declination and the mean sun: good to a degree or two. */
export function sunElevation({ latitudeDegrees, longitudeDegrees }: Site, nowMs: number): number {
  const dayOfYear = (nowMs / DAY_MS) % YEAR_DAYS;
  const declination = radians(23.45) * Math.sin((2 * Math.PI * (dayOfYear - 81)) / YEAR_DAYS);
  const hourAngle = 2 * Math.PI * (solarDay(longitudeDegrees, nowMs) - 0.5);
  const latitude = radians(latitudeDegrees);
  return Math.asin(
    Math.sin(latitude) * Math.sin(declination) +
      Math.cos(latitude) * Math.cos(declination) * Math.cos(hourAngle),
  );
}

/** Coldest an hour before sunrise, warmest in the afternoon, and a season. */
function airTemperature({ latitudeDegrees, longitudeDegrees }: Site, nowMs: number): number {
  const dayOfYear = (nowMs / DAY_MS) % YEAR_DAYS;
  const season =
    9 * Math.sin((2 * Math.PI * (dayOfYear - 110)) / YEAR_DAYS) * Math.sign(latitudeDegrees);
  return 13 + season + 6 * Math.sin(2 * Math.PI * (solarDay(longitudeDegrees, nowMs) - 0.4));
}

/** Solar time as a share of the day, 0 to 1; noon is 0.5. */
function solarDay(longitudeDegrees: number, nowMs: number): number {
  return (((nowMs / DAY_MS + longitudeDegrees / 360) % 1) + 1) % 1;
}

/** A step of an Ornstein-Uhlenbeck process: pulled to its mean within `timeS`, with a steady deviation. */
export function revert(
  value: number,
  mean: number,
  timeS: number,
  deviation: number,
  lengthS: number,
  random: Random,
): number {
  const keep = Math.exp(-lengthS / timeS);
  return mean + (value - mean) * keep + deviation * Math.sqrt(1 - keep * keep) * normal(random);
}

export function clamp(value: number, least: number, greatest: number): number {
  return Math.min(greatest, Math.max(least, value));
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
