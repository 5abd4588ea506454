/** Names that every database keeps as they are. Pure. */

/** Control characters, and halves of surrogate pairs. */
const CANNOT_BE_KEPT = /\p{Cc}|\p{Surrogate}/u;

export const OWNER_CHARS = 256;
export const TENANT_CHARS = 128;

export const isName = (name: string, maxChars: number): boolean =>
  name !== "" && name.length <= maxChars && !CANNOT_BE_KEPT.test(name);
