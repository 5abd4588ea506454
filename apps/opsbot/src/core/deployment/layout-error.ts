/** What a description asks for and the machines cannot give, for people. Pure. */
export class LayoutError extends Error {
  override readonly name = "LayoutError";
}
