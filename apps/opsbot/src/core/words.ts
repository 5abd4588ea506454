/** 1, "camera" -> "1 camera"; 3, "camera" -> "3 cameras". Pure. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
