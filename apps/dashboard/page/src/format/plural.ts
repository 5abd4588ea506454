import { compact } from "./quantity.ts";

/** "1 camera", "2,000 cameras". */
export function counted(count: number, noun: string): string {
  return `${compact(count)} ${noun}${count === 1 ? "" : "s"}`;
}
