/** Results of a function that gives the same for the same text, and takes long: the newest ones are kept. Pure. */

/** @param most so many are kept. What throws is not. Results are shared: nobody may change them. */
export function remembered<T>(give: (text: string) => T, most: number): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) {
      // Last in line again.
      known.delete(text);
      known.set(text, found);
      return found;
    }
    const made = give(text);
    known.set(text, made);
    if (known.size > most) known.delete(known.keys().next().value!);
    return made;
  };
}
