/** Requests to the control listener, with the token where one was given. */

const TOKEN = "headroom-token";

/** Why a request did not succeed; `status` 0 is a server that cannot be reached. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export function setToken(token: string): void {
  sessionStorage.setItem(TOKEN, token);
}

export async function open(path: string, signal?: AbortSignal, init: RequestInit = {}): Promise<Response> {
  const token = sessionStorage.getItem(TOKEN);
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  if (init.body) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers, cache: "no-store", ...(signal ? { signal } : {}) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused(0, "The server cannot be reached.");
  }
  if (!response.ok) {
    const problem = (await response.json().catch(() => null)) as { detail?: unknown } | null;
    const detail = typeof problem?.detail === "string" ? problem.detail : response.statusText;
    throw new Refused(response.status, detail);
  }
  return response;
}

export async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await open(path, signal)).json()) as T;
}

/** Orders something; gives the answer, null where there is none. */
export async function write<T>(method: "PUT" | "DELETE", path: string, body: unknown): Promise<T> {
  const response = await open(path, undefined, { method, body: JSON.stringify(body) });
  const text = await response.text();
  return (text ? JSON.parse(text) : null) as T;
}

/** The events of a server-sent stream (WHATWG HTML §9.2), read with fetch because EventSource cannot carry a token. */
export async function* events(response: Response): AsyncGenerator<{ event: string; data: string }> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += value;
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const lines = text.slice(0, end).split("\n");
        text = text.slice(end + 2);
        const field = (name: string) =>
          lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).replace(/^ /, ""));
        const data = field("data");
        if (data.length) yield { event: field("event")[0] ?? "message", data: data.join("\n") };
      }
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}
