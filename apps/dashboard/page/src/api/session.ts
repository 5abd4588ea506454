/**
 * The session token: only who shows it may change anything. `npm start` prints a link that carries it in the fragment, which
 * browsers send to nobody; the page keeps it for its other tabs.
 */
const STORAGE_KEY = "glassline.session";
const FRAGMENT = /^#session=([A-Za-z0-9_-]+)$/;
/** A token by itself, or a link that carries one. */
const PASTED = /(?:^|#session=)([A-Za-z0-9_-]+)$/;

const listeners = new Set<() => void>();
/** Where storage is forbidden, the token lasts as long as this page. */
let ownToken: string | undefined;

/** Takes the token out of the address, now and whenever such a link is opened in this tab. To be called once, first of all. */
export function startSession(): void {
  takeFromAddress();
  addEventListener("hashchange", takeFromAddress);
  addEventListener("storage", ({ key }) => key === STORAGE_KEY && tell());
}

/** So that it is not seen, copied or kept in the history. */
function takeFromAddress(): void {
  const token = FRAGMENT.exec(location.hash)?.[1];
  if (token === undefined) return;
  keepSession(token);
  history.replaceState(history.state, "", location.pathname + location.search);
}

/** The token in what a person pasted; undefined: there is none. */
export function pastedToken(text: string): string | undefined {
  return PASTED.exec(text.trim())?.[1];
}

export function keepSession(token: string): void {
  ownToken = token;
  try {
    localStorage.setItem(STORAGE_KEY, token);
  } catch {
    // Storage may be forbidden: ownToken holds.
  }
  tell();
}

export function hasSession(): boolean {
  return token() !== undefined;
}

/** Calls back when there is another token. Returns the function that ends it. */
export function watchSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** `fetch` that shows the token, if there is one. */
export const sendWithSession: typeof fetch = (input, init = {}) => {
  const shown = token();
  const headers = new Headers(init.headers);
  if (shown !== undefined) headers.set("authorization", `Bearer ${shown}`);
  return fetch(input, { ...init, headers });
};

function token(): string | undefined {
  try {
    return localStorage.getItem(STORAGE_KEY) ?? ownToken;
  } catch {
    return ownToken;
  }
}

function tell(): void {
  for (const listener of listeners) listener();
}
