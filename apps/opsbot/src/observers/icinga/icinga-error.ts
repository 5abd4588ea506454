/** What went wrong between OpsBot and Icinga. */

export type IcingaFault =
  /** No answer, or one that says that it cannot at present: it passes. */
  | "away"
  /** 401: it does not know who asks. */
  | "unauthorized"
  /** 403, or 404: the user may not, or there is nothing by that name. Icinga does not say which. */
  | "not-found"
  /** It understood, and does not do it: 409, 400, and 500 for an object. */
  | "refused"
  /** No JSON, or not the JSON that its documentation promises. */
  | "garbage"
  | "too-large";

export class IcingaError extends Error {
  override readonly name = "IcingaError";
  readonly fault: IcingaFault;

  constructor(fault: IcingaFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}
