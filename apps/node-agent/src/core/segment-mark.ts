/** The number by which an agent knows again what it made of a machine's network: chosen once, 24 bits. Pure. */

/** So many there are, from 0 on. */
export const MARKS = 16_777_216;
/** Groups of interfaces from here on are ours: "G", and the mark. */
const GROUP = 0x47_00_00_00;
/** "R" */
const WASTE_GROUP = 0x52_00_00_00;

/** Of the interfaces that the agent made. */
export const groupOf = (mark: number): string => String(GROUP + mark);

/** Of those that it is about to remove. */
export const wasteGroupOf = (mark: number): string => String(WASTE_GROUP + mark);

/** In names: six hexadecimal digits. */
export const markText = (mark: number): string => mark.toString(16).padStart(6, "0");
