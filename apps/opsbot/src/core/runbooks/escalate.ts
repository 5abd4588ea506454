/** The last runbook of all: what automation could not mend goes to people, with the evidence. Pure. */

/** What was tried, and what is seen now. @param actions how many were begun. */
export function escalation(actions: number, output: string): string {
  const tried = actions === 0 ? "nothing can be done by itself" : `${actions} actions did not help`;
  return `${tried}: ${output}`;
}
