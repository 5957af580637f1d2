// Calls to the server. A failure is an error whose message is a sentence for the person.
import type { Get } from "./types";

export class Failure extends Error {
  constructor(
    message: string,
    readonly next = "",
    readonly status = 0, // 0: the server could not be reached
  ) {
    super(message);
  }
}

const OTHER = 421; // the server that is meant is not there: at its address is another
type Query = Record<string, string | number | boolean | undefined | null>;

export function address(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const said = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
  return said ? `${path}?${said}` : path;
}

const said: Record<string, string> = {}; // with every request

/** From now on the server refuses what is asked of it while it serves another project. */
export const speakOf = (project: string): void => void (said["tacit-project"] = project);

async function call(path: string, init: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...init, headers: { ...said, ...init.headers } });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Failure("the server does not answer", "start it again: tacit serve");
  }
  if (answer.headers.get("served-by") !== "tacit") throw new Failure("another program answers at this address", "start the server again: tacit serve");
  if (answer.ok) return answer;
  let wrong: Partial<Get<"Wrong">> = {};
  try {
    wrong = await answer.json();
  } catch {
    // not ours: the status has to do
  }
  const status = answer.status === OTHER ? 0 : answer.status;
  throw new Failure(wrong.error ?? `the server answered ${answer.status}`, wrong.next ?? "", status);
}

export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return (await call(address(path, query), { signal })).json();
}

export async function binary(path: string, query: Query = {}, signal?: AbortSignal): Promise<ArrayBuffer> {
  return (await call(address(path, query), { signal })).arrayBuffer();
}

export async function post<T>(path: string, body: unknown = {}, method = "POST"): Promise<T> {
  const headers = { "content-type": "application/json" };
  return (await call(path, { method, headers, body: JSON.stringify(body) })).json();
}

export async function upload<T>(path: string, file: Blob, name: string, query: Query = {}): Promise<T> {
  const form = new FormData();
  form.append("file", file, name);
  return (await call(address(path, query), { method: "POST", body: form })).json();
}

export const thumb = (item: { row: number; version: string }, size = 160): string =>
  `/api/items/${item.row}/thumb?size=${size}&v=${item.version}`;
export const picture = (item: { row: number; version: string }): string =>
  `/api/items/${item.row}/picture?v=${item.version}`;
export const sound = (item: { row: number; version: string }): string =>
  `/api/items/${item.row}/sound.wav?v=${item.version}`;
