/** Orders names as people do: "cam-2" before "cam-10". */
export const compareNames: (left: string, right: string) => number = new Intl.Collator("en", {
  numeric: true,
}).compare;
