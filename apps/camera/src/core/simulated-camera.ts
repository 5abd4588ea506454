/** A simulated camera in its scene: exposure, focus, heat, output and faults. Pure, seeded, stepped. */
import type { Random } from "@glassline/service/random";
import { normal } from "@glassline/service/random";

import type { Scene, Site } from "./scene.ts";
import { clamp, newScene, stepScene } from "./scene.ts";

/** Values of camera.status, camera.focus.move_status, camera.ir_cut.state and camera.tamper.state. */
const STATUS = { ok: 0, degraded: 1, fault: 2 } as const;
const MOVE = { idle: 0, moving: 1, hunting: 2 } as const;
const IR_CUT = { on: 0, off: 1 } as const;
const TAMPER = { none: 0, covered: 1 } as const;

/** What goes wrong, and until when. "silent": the camera reports nothing. */
interface Episode {
  kind: "fault" | "silent" | "covered";
  untilMs: number;
}

export interface SimulatedCamera {
  scene: Scene;
  startedMs: number;
  focus: number;
  focusTarget: number;
  /** Amplitude of hunting around the target. */
  hunting: number;
  zoom: number;
  irisDecibels: number;
  gainDecibels: number;
  sensorCelsius: number;
  irCut: number;
  framesCaptured: number;
  framesDropped: number;
  streamBytes: number;
  packets: number;
  packetsLost: number;
  episode: Episode | undefined;
}

/** Mean time between episodes of each kind, and their length. */
const EPISODES = [
  { kind: "fault", everyS: 9_000, lengthS: 60 },
  { kind: "silent", everyS: 14_400, lengthS: 45 },
  { kind: "covered", everyS: 14_400, lengthS: 40 },
] as const;

const FRAMES_PER_SECOND = 25;
const PACKET_BYTES = 1_200;
/** Light at which the open iris and no gain give a good picture. */
const REFERENCE_LUX = 400;
const IRIS_MAX_DECIBELS = 40;
const GAIN_MAX_DECIBELS = 42;
const IR_CUT_OFF_LUX = 15;

export function newSimulatedCamera(site: Site, nowMs: number, random: Random): SimulatedCamera {
  const scene = stepScene(newScene(site, random), nowMs, 1, random);
  return {
    scene,
    startedMs: nowMs - Math.floor(random() * 30 * 86_400_000),
    focus: 0.3 + 0.5 * random(),
    focusTarget: 0.3 + 0.5 * random(),
    hunting: 0,
    zoom: random() < 0.3 ? random() : 0.1,
    irisDecibels: exposureOf(scene.illuminanceLux).irisDecibels,
    gainDecibels: exposureOf(scene.illuminanceLux).gainDecibels,
    sensorCelsius: scene.airCelsius + 18,
    irCut: scene.illuminanceLux < IR_CUT_OFF_LUX ? IR_CUT.off : IR_CUT.on,
    framesCaptured: 0,
    framesDropped: 0,
    streamBytes: 0,
    packets: 0,
    packetsLost: 0,
    episode: undefined,
  };
}

export function stepSimulatedCamera(
  camera: SimulatedCamera,
  nowMs: number,
  lengthS: number,
  random: Random,
): SimulatedCamera {
  const scene = stepScene(camera.scene, nowMs, lengthS, random);
  const episode = stepEpisode(camera.episode, nowMs, lengthS, random);
  const wanted = exposureOf(scene.illuminanceLux * (episode?.kind === "covered" ? 0.001 : 1));
  const follow = (value: number, target: number, timeS: number) =>
    target + (value - target) * Math.exp(-lengthS / timeS);
  const gainDecibels = follow(camera.gainDecibels, wanted.gainDecibels, 1.5);
  const load = scene.activity * 6 + (episode?.kind === "fault" ? 22 : 0);
  return {
    ...camera,
    ...stepFocus(camera, scene, gainDecibels, lengthS, random),
    ...stepOutput(camera, scene, lengthS, episode, random),
    scene,
    episode,
    irisDecibels: follow(camera.irisDecibels, wanted.irisDecibels, 2),
    gainDecibels,
    sensorCelsius:
      follow(camera.sensorCelsius, scene.airCelsius + 18 + load, 90) + 0.03 * normal(random),
    irCut: stepIrCut(camera.irCut, scene.illuminanceLux),
  };
}

/** True while the camera reports nothing. */
export function isSilent({ episode }: SimulatedCamera): boolean {
  return episode?.kind === "silent";
}

/** The camera's values by metric, rounded as its sensors resolve. */
export function measure(camera: SimulatedCamera, nowMs: number): Record<string, number> {
  const { scene, episode } = camera;
  const magnitude = Math.hypot(scene.motionX, scene.motionY);
  const hotDegraded = camera.sensorCelsius > 62 || episode?.kind === "covered";
  return {
    "camera.lens.focus.position": round(camera.focus, 3),
    "camera.lens.zoom.position": round(camera.zoom, 3),
    "camera.lens.iris.attenuation": round(camera.irisDecibels, 2),
    "camera.sensor.gain": round(camera.gainDecibels, 2),
    "camera.environment.temperature": round(scene.airCelsius, 2),
    "camera.environment.humidity": round(scene.humidityPercent, 1),
    "camera.sensor.temperature": round(camera.sensorCelsius, 2),
    "camera.environment.illuminance": round(scene.illuminanceLux, 1),
    "camera.thermal.spot.temperature": round(scene.airCelsius + scene.hotCelsius, 2),
    "camera.thermal.box.temperature.max": round(
      scene.airCelsius + scene.hotCelsius * 1.15 + 2 * scene.activity,
      2,
    ),
    "camera.frames.captured": camera.framesCaptured,
    "camera.frames.dropped": camera.framesDropped,
    "camera.stream.io": camera.streamBytes,
    "camera.stream.packets": camera.packets,
    "camera.stream.packets.lost": camera.packetsLost,
    "camera.uptime": Math.floor((nowMs - camera.startedMs) / 1_000),
    "camera.status":
      episode?.kind === "fault" ? STATUS.fault : hotDegraded ? STATUS.degraded : STATUS.ok,
    "camera.focus.move_status": moveStatus(camera),
    "camera.ir_cut.state": camera.irCut,
    "camera.tamper.state": episode?.kind === "covered" ? TAMPER.covered : TAMPER.none,
    "camera.motion.vector.x": round(scene.motionX, 0),
    "camera.motion.vector.y": round(scene.motionY, 0),
    "camera.motion.magnitude": round(magnitude, 0),
    "camera.motion.cells.active": round(scene.activity * 96, 0),
  };
}

/** The iris takes away what is too much, gain adds what is too little. */
function exposureOf(illuminanceLux: number): { irisDecibels: number; gainDecibels: number } {
  const decibels = 20 * Math.log10(Math.max(0.001, illuminanceLux) / REFERENCE_LUX);
  return {
    irisDecibels: clamp(decibels, 0, IRIS_MAX_DECIBELS),
    gainDecibels: clamp(-decibels, 0, GAIN_MAX_DECIBELS),
  };
}

/** Something new in the picture sets a new target; the darker it is, the longer the focus hunts around it. */
function stepFocus(
  camera: SimulatedCamera,
  scene: Scene,
  gainDecibels: number,
  lengthS: number,
  random: Random,
) {
  const startled = scene.activity > 0.6 && camera.scene.activity < 0.4;
  const focusTarget = startled
    ? clamp(camera.focusTarget + 0.15 * normal(random), 0.02, 0.98)
    : camera.focusTarget;
  const started = startled ? 0.03 + 0.002 * gainDecibels : camera.hunting;
  const hunting = started * Math.exp(-lengthS / (1 + gainDecibels / 10));
  const swing = hunting > 0.002 ? hunting * (random() * 2 - 1) : 0;
  const approach = focusTarget + (camera.focus - focusTarget) * Math.exp(-lengthS / 0.8);
  return { focusTarget, hunting, focus: clamp(approach + swing, 0, 1) };
}

function moveStatus({ focus, focusTarget, hunting }: SimulatedCamera): number {
  if (hunting > 0.002) return MOVE.hunting;
  return Math.abs(focus - focusTarget) > 0.004 ? MOVE.moving : MOVE.idle;
}

function stepOutput(
  camera: SimulatedCamera,
  scene: Scene,
  lengthS: number,
  episode: Episode | undefined,
  random: Random,
) {
  const frames = Math.round(FRAMES_PER_SECOND * lengthS);
  const dropped =
    episode?.kind === "fault" ? Math.round(frames * 0.3 * random()) : random() < 0.002 ? 1 : 0;
  const bytes = Math.round(
    ((3_000_000 + 5_000_000 * scene.activity + 300_000 * normal(random)) / 8) * lengthS,
  );
  const packets = Math.ceil(bytes / PACKET_BYTES);
  const lost = random() < 0.01 ? Math.ceil(packets * 0.02 * random()) : 0;
  return {
    framesCaptured: camera.framesCaptured + frames,
    framesDropped: camera.framesDropped + dropped,
    streamBytes: camera.streamBytes + Math.max(0, bytes),
    packets: camera.packets + Math.max(0, packets),
    packetsLost: camera.packetsLost + Math.max(0, lost),
    zoom: clamp(random() < lengthS / 900 ? random() : camera.zoom, 0, 1),
  };
}

function stepIrCut(irCut: number, illuminanceLux: number): number {
  if (irCut === IR_CUT.on) return illuminanceLux < IR_CUT_OFF_LUX ? IR_CUT.off : IR_CUT.on;
  return illuminanceLux > IR_CUT_OFF_LUX * 3 ? IR_CUT.on : IR_CUT.off;
}

function stepEpisode(
  episode: Episode | undefined,
  nowMs: number,
  lengthS: number,
  random: Random,
): Episode | undefined {
  if (episode) return nowMs < episode.untilMs ? episode : undefined;
  for (const { kind, everyS, lengthS: meanS } of EPISODES) {
    if (random() < lengthS / everyS)
      return { kind, untilMs: nowMs + meanS * (0.5 + random()) * 1_000 };
  }
  return undefined;
}

function round(value: number, decimals: number): number {
  const scale = 10 ** decimals;
  return Math.round(value * scale) / scale;
}
