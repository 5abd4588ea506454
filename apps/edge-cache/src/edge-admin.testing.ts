/** Calls of an edge's admin API as JSON over HTTP. */
export const ADMIN_TOKEN = "0123456789";

export function adminCall(adminPort: number) {
  return async (method: string, body: object, signal?: AbortSignal) => {
    const url = `http://127.0.0.1:${adminPort}/glassline.edge.v1alpha1.EdgeCacheService/${method}`;
    const headers = { "content-type": "application/json", authorization: `Bearer ${ADMIN_TOKEN}` };
    const about = { method: "POST", headers, body: JSON.stringify(body) };
    const response = await fetch(url, { ...about, ...(signal && { signal }) });
    return (await response.json()) as Record<string, unknown>;
  };
}
