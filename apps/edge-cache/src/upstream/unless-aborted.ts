/** A question that still waits for a connection would not end when it is aborted. */
export async function unlessAborted<T>(answering: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([answering, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
