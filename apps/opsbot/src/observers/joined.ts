/** Two observers as one: each looks at its own things. */
import type { Observer } from "./observer.ts";

export function joined(one: Observer, other: Observer): Observer {
  return {
    observations: () => [...one.observations(), ...other.observations()],
    onResult: (listener) => {
      one.onResult(listener);
      other.onResult(listener);
    },
    look: async (object, check) => {
      const isOthers = other.observations().some((each) => each.check === check);
      return (isOthers ? other : one).look(object, check);
    },
    [Symbol.asyncDispose]: async () => {
      await one[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
    },
  };
}
