import { FrequencyModel } from "./frequency-model.ts";

/** What both sides remember of the groups of batches. */
export class GroupModels {
  readonly counts = new FrequencyModel();
  /** Symbol 0: a group's shape is the one expected; 1: another, whose number follows. */
  readonly isOther = new FrequencyModel();
  /** How many groups the batch before had. */
  count = 0;
}
