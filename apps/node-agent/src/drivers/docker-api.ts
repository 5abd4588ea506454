/** What the agent asks of dockerd, over its socket. Source: https://docs.docker.com/reference/api/engine/ */
import { request } from "node:http";

const PING_TIMEOUT_MS = 2_000;
const TIMEOUT_MS = 30_000;
const ANSWER_MAX_BYTES = 67_108_864;

export interface ContainerState {
  Id: string;
  State: { Running: boolean; Pid: number; ExitCode: number; OOMKilled: boolean };
}

export interface ListedContainer {
  Id: string;
  Labels: Record<string, string>;
}

interface Asked {
  body?: object | Buffer;
  /** 0: as long as it takes. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Statuses that are no failure: their answer is undefined. */
  unless?: readonly number[];
}

/** Its methods reject with what dockerd says, or when it is not there. */
export class DockerApi {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  async ping(): Promise<void> {
    await this.#ask("GET", "/_ping", { timeoutMs: PING_TIMEOUT_MS });
  }

  /** Makes an image of files. @param archive of them, by tar. @param changes lines of a Dockerfile: "WORKDIR /app". */
  async importImage(name: string, archive: Buffer, changes: readonly string[] = []): Promise<void> {
    const [repository = "", tag = "latest"] = name.split(":");
    const query = new URLSearchParams({ fromSrc: "-", repo: repository, tag });
    for (const change of changes) query.append("changes", change);
    await this.#ask("POST", `/images/create?${query}`, { body: archive });
  }

  async hasImage(name: string): Promise<boolean> {
    const answer = await this.#ask("GET", `/images/${encodeURI(name)}/json`, { unless: [404] });
    return answer !== undefined;
  }

  /** @returns its id, and what dockerd does not do as told. */
  async create(name: string, wish: object): Promise<{ Id: string; Warnings?: string[] | null }> {
    return jsonOf(await this.#ask("POST", `/containers/create?name=${name}`, { body: wish }));
  }

  async start(id: string): Promise<void> {
    await this.#ask("POST", `/containers/${id}/start`);
  }

  /** Resolves when it has ended; also when it had, or is not there. */
  async stop(id: string, patienceS: number): Promise<void> {
    const path = `/containers/${id}/stop?t=${patienceS}`;
    await this.#ask("POST", path, { unless: [304, 404], timeoutMs: 0 });
  }

  async remove(id: string): Promise<void> {
    await this.#ask("DELETE", `/containers/${id}?force=true&v=true`, { unless: [404, 409] });
  }

  /** @param id or name. Undefined: there is none. */
  async inspect(id: string): Promise<ContainerState | undefined> {
    const answer = await this.#ask("GET", `/containers/${id}/json`, { unless: [404] });
    return answer && jsonOf(answer);
  }

  /** @param label "name=value" */
  async list(...label: string[]): Promise<ListedContainer[]> {
    const filters = encodeURIComponent(JSON.stringify({ label }));
    return jsonOf(await this.#ask("GET", `/containers/json?all=true&filters=${filters}`));
  }

  /** Resolves when it has ended. */
  async wait(id: string, signal: AbortSignal): Promise<void> {
    await this.#ask("POST", `/containers/${id}/wait`, { timeoutMs: 0, signal, unless: [404] });
  }

  /** What it wrote last. @param lines at most so many. */
  async log(id: string, lines: number): Promise<string> {
    const path = `/containers/${id}/logs?stdout=true&stderr=true&tail=${lines}`;
    const answer = await this.#ask("GET", path, { unless: [404, 409] });
    return answer ? textOfFrames(answer) : "";
  }

  #ask(method: string, path: string, asked: Asked = {}): Promise<Buffer | undefined> {
    const { body, timeoutMs = TIMEOUT_MS, signal, unless = [] } = asked;
    const isJson = body !== undefined && !Buffer.isBuffer(body);
    const sent = isJson ? Buffer.from(JSON.stringify(body)) : body;
    const headers = {
      host: "docker",
      "content-length": sent?.length ?? 0,
      ...(sent && { "content-type": isJson ? "application/json" : "application/x-tar" }),
    };
    const limits = [
      ...(signal ? [signal] : []),
      ...(timeoutMs > 0 ? [AbortSignal.timeout(timeoutMs)] : []),
    ];
    return new Promise((resolve, reject) => {
      const failed = (error: Error) =>
        reject(new Error(`dockerd at ${this.#socket}: ${error.message}`, { cause: error }));
      const options = {
        socketPath: this.#socket,
        method,
        path,
        headers,
        agent: false as const,
        ...(limits.length > 0 && { signal: AbortSignal.any(limits) }),
      };
      request(options, (answer) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        answer.on("error", failed);
        answer.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          bytes += chunk.length;
          if (bytes > ANSWER_MAX_BYTES)
            answer.destroy(new Error(`got more than ${ANSWER_MAX_BYTES} bytes, expected fewer`));
        });
        answer.on("end", () => {
          const { statusCode = 0 } = answer;
          const whole = Buffer.concat(chunks);
          if (unless.includes(statusCode)) resolve(undefined);
          else if (statusCode < 300) resolve(whole);
          else failed(new Error(messageIn(whole, statusCode)));
        });
      })
        .on("error", failed)
        .end(sent);
    });
  }
}

/** Answers of dockerd are what its reference says. */
function jsonOf<T>(answer: Buffer | undefined): T {
  return JSON.parse(answer?.toString("utf8") ?? "null") as T;
}

function messageIn(answer: Buffer, status: number): string {
  const text = answer.toString("utf8").trim();
  try {
    return (JSON.parse(text) as { message: string }).message;
  } catch {
    return `status ${status}: ${text}`;
  }
}

/** Of each frame: the stream, three bytes of nothing, the length in four bytes, the text. */
function textOfFrames(frames: Buffer): string {
  const texts: Buffer[] = [];
  for (let at = 0; at + 8 <= frames.length;) {
    const length = frames.readUInt32BE(at + 4);
    texts.push(frames.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(texts).toString("utf8");
}
