import { createContext } from "preact";

type MomentListener = (momentMs: number | undefined) => void;

/** What picture and charts of a camera have in common: the moment that is shown, and who may ask for another. */
export interface Playhead {
  /** Unix ms of the frame that is shown; undefined: there is none. */
  show(momentMs: number | undefined): void;
  /** Calls back at every move, and at once. Returns the function that ends it. */
  watch(listener: MomentListener): () => void;
  /** Asks the picture to go to a moment; it may not be able to. */
  seek(momentMs: number): void;
  /** The picture takes requests. Returns the function that ends it. */
  serve(seek: (momentMs: number) => void): () => void;
}

export function createPlayhead(): Playhead {
  const listeners = new Set<MomentListener>();
  let shownMs: number | undefined;
  let serving: ((momentMs: number) => void) | undefined;
  return {
    show(momentMs) {
      shownMs = momentMs;
      for (const listener of listeners) listener(momentMs);
    },
    watch(listener) {
      listeners.add(listener);
      listener(shownMs);
      return () => void listeners.delete(listener);
    },
    seek: (momentMs) => serving?.(momentMs),
    serve(seek) {
      serving = seek;
      return () => {
        if (serving === seek) serving = undefined;
      };
    },
  };
}

/** The playhead of the camera that a page shows. */
export const PlayheadContext = createContext<Playhead>(createPlayhead());
