/**
 * The session token: only who shows it may change anything. `npm start` prints a link that carries it in the fragment, which
 * browsers send to nobody; the page keeps it for its other tabs.
 */
const STORAGE_KEY = "glassline.session";
const FRAGMENT = /^#session=([A-Za-z0-9_-]+)$/;

/** Takes the token out of the address, so that it is not seen, copied or kept in the history. To be called once, first of all. */
export function takeSessionFromAddress(): void {
  const token = FRAGMENT.exec(location.hash)?.[1];
  if (token === undefined) return;
  keepSession(token);
  history.replaceState(history.state, "", location.pathname + location.search);
}

export function keepSession(token: string): void {
  localStorage.setItem(STORAGE_KEY, token);
}

export function hasSession(): boolean {
  return localStorage.getItem(STORAGE_KEY) !== null;
}

/** `fetch` that shows the token, if there is one. */
export const sendWithSession: typeof fetch = (input, init = {}) => {
  const token = localStorage.getItem(STORAGE_KEY);
  const headers = new Headers(init.headers);
  if (token !== null) headers.set("authorization", `Bearer ${token}`);
  return fetch(input, { ...init, headers });
};
