/** The watch page: native HLS in Safari, hls.js elsewhere; when an edge is away, the next one. Served as it is. */

const HLS_TYPE = "application/vnd.apple.mpegurl";
const ASK_TIMEOUT_MS = 8_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 15_000;
/** A picture that should move and has not for so long is fetched elsewhere. */
const STALL_MS = 12_000;
const LOOK_MS = 1_000;

/** @type {Record<string, string>} */
const PROBLEMS = {
  no_token: "Open this from the button on your Home Screen that the profile made.",
  bad_token: "The access of this device is not known. Ask whoever invited you for a new link.",
  expired: "The access of this device has expired. Ask whoever invited you for a new link.",
  revoked: "The access of this device was revoked. Ask whoever invited you.",
};

/** @typedef {{ title: string, description: string, sources: { edge: string, url: string }[], expiresUnixMs: number }} Watched */

/**
 * @template {Element} T
 * @param {string} selector
 * @param {new () => T} type
 * @returns {T}
 */
function part(selector, type) {
  const found = document.querySelector(selector);
  if (found instanceof type) return found;
  throw new Error(`${selector}: got nothing, expected a part of the page`);
}

const main = part("main", HTMLElement);
const video = part("video", HTMLVideoElement);
const state = part(".state", HTMLElement);
const token = new URLSearchParams(location.hash.slice(1)).get("access_token") ?? "";

/** @param {string} text empty: the picture is there. */
function say(text) {
  state.textContent = text;
  state.hidden = text === "";
}

/** Nothing more is tried. @param {string} problem */
function stop(problem) {
  video.controls = false;
  say(PROBLEMS[problem] ?? problem);
}

/** What may be watched; undefined: nobody answers. @returns {Promise<Watched | { problem: string } | undefined>} */
async function ask() {
  try {
    const response = await fetch(main.dataset["stream"] ?? "", {
      headers: { authorization: `Bearer ${token}` },
      cache: "no-store",
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    });
    return response.ok || response.status === 401 || response.status === 403
      ? await response.json()
      : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} url */
const withToken = (url) => `${url}?access_token=${encodeURIComponent(token)}`;

const isApple = navigator.vendor.startsWith("Apple");
const playsNatively = video.canPlayType(HLS_TYPE) !== "";

/**
 * Plays from an edge until that fails. Others follow by content steering, which players do themselves.
 * @param {string} url
 * @param {() => void} failed called once.
 * @returns {Promise<() => void>} ends it.
 */
async function play(url, failed) {
  const { default: Hls } =
    isApple && playsNatively ? { default: undefined } : await import(main.dataset["hls"] ?? "");
  if (!Hls?.isSupported()) return playNatively(url, failed);
  // The content security policy has no room for workers made of strings.
  const hls = new Hls({ enableWorker: false, liveDurationInfinity: true });
  hls.on(
    Hls.Events.ERROR,
    (/** @type {string} */ _name, /** @type {{ fatal: boolean }} */ error) => {
      if (error.fatal) failed();
    },
  );
  hls.loadSource(url);
  hls.attachMedia(video);
  return () => hls.destroy();
}

/**
 * @param {string} url
 * @param {() => void} failed
 */
function playNatively(url, failed) {
  video.addEventListener("error", failed, { once: true });
  video.src = url;
  return () => {
    video.removeEventListener("error", failed);
    video.removeAttribute("src");
    video.load();
  };
}

/** Resolves when the picture has stood still for too long. @param {AbortSignal} signal */
function stalled(signal) {
  return /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      let [position, movedMs] = [video.currentTime, performance.now()];
      const timer = setInterval(() => {
        const isMoving = video.currentTime !== position;
        if (isMoving) say("");
        if (isMoving || isHeld()) [position, movedMs] = [video.currentTime, performance.now()];
        else if (performance.now() - movedMs > STALL_MS) resolve();
      }, LOOK_MS);
      signal.addEventListener("abort", () => clearInterval(timer), { once: true });
    })
  );
}

/** By its viewer: on purpose, or out of sight. */
const isHeld = () => document.hidden || (video.paused && video.readyState > 2);

/** Resolves when an edge gives no picture any more. @param {string} url */
async function watch(url) {
  const ending = new AbortController();
  /** @type {() => void} */
  let failed = () => {};
  const failing = new Promise((resolve) => (failed = () => resolve(undefined)));
  const end = await play(url, failed);
  // Browsers that let no picture begin by itself have its button.
  void video.play().catch(() => {});
  await Promise.race([failing, stalled(ending.signal)]);
  ending.abort();
  end();
}

/** @param {number} lengthMs */
const pause = (lengthMs) => new Promise((resolve) => setTimeout(resolve, lengthMs));

/** @param {Watched} watched */
function show({ title, description, expiresUnixMs }) {
  document.title = title;
  part("h1", HTMLElement).textContent = title;
  part(".lead", HTMLElement).textContent = description;
  const until = new Date(expiresUnixMs).toLocaleDateString(undefined, { dateStyle: "long" });
  part(".note", HTMLElement).textContent = `This device may watch until ${until}.`;
}

async function run() {
  if (token === "") return stop("no_token");
  /** @type {Watched | undefined} */
  let watched;
  for (let failures = 0; ; failures++) {
    // Again each time: meanwhile it may have been revoked.
    const answer = await ask();
    if (answer && "problem" in answer) return stop(answer.problem);
    watched = answer ?? watched;
    const source = watched?.sources[failures % watched.sources.length];
    const startMs = performance.now();
    if (watched && source) {
      show(watched);
      await watch(withToken(source.url)).catch(() => {});
    }
    // Who watched for long begins anew.
    if (performance.now() - startMs > 2 * STALL_MS) failures = 0;
    say("The picture is away. Trying again ...");
    const growth = 2 ** Math.min(failures, 8);
    await pause(Math.min(RETRY_FIRST_MS * growth, RETRY_MAX_MS) * (0.5 + Math.random() / 2));
  }
}

video.addEventListener("playing", () => say(""));
void run();
