/** A file of settings: what it says counts less than flags and the environment. */

/** The value of an option that reads such a file. */
export interface SettingsFile {
  /** By setting: as it would be typed, and where it stands, e.g. "collector.yaml:3:5". */
  readonly settings: Readonly<Record<string, { text: string; where: string }>>;
}

/** Everything that is wrong with the file, one line each; thrown by an option's `parse`. */
export class FileProblems extends Error {
  override readonly name = "FileProblems";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}
