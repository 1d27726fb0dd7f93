/** A runtime with what Hermes and React Native 0.76 have, and nothing else. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { build, type Rolldown } from "vite";
import { WebSocket } from "ws";
import type * as Client from "../src/index.ts";

const INDEX = fileURLToPath(new URL("../src/index.ts", import.meta.url));

/** Returns the client as one program, as Metro makes it. */
export async function bundled(): Promise<string> {
  const lib = { entry: INDEX, formats: ["iife" as const], name: "client", fileName: "client" };
  const built = await build({ configFile: false, logLevel: "error", build: { write: false, minify: false, lib } });
  const [{ output }] = built as [Rolldown.RolldownOutput];
  return output[0].code;
}

/** Has the members of React Native's class that do not throw. */
class NativeUrl {
  readonly #url: string;

  constructor(url: string, base?: string) {
    this.#url = base === undefined ? url : `${base.replace(/\/$/, "")}/${url.replace(/^\//, "")}`;
  }

  get href(): string {
    return this.toString();
  }

  get origin(): string {
    throw new Error("URL.origin is not implemented");
  }

  get pathname(): string {
    throw new Error("pathname of URL is not implemented");
  }

  get searchParams(): { set(): void; delete(): void } {
    throw new Error("URLSearchParams.set is not implemented");
  }

  toString(): string {
    return this.#url.endsWith("/") ? this.#url : `${this.#url}/`;
  }
}

class NativeAbortSignal extends EventTarget {
  aborted = false;
}

class NativeAbortController {
  readonly signal = new NativeAbortSignal();

  abort(): void {
    this.signal.aborted = true;
    this.signal.dispatchEvent(new Event("abort"));
  }
}

/** Reads `file:` addresses, and sends blobs. */
class NativeXmlHttpRequest {
  responseType = "";
  response: unknown;
  responseText = "";
  status = 0;
  upload: { onprogress?: (event: object) => void } = {};
  onload: () => void = () => undefined;
  onerror: (error: unknown) => void = () => undefined;
  #headers: Record<string, string> = {};
  #answer: Headers | undefined;
  #request: [method: string, url: string] = ["", ""];

  open(...request: [string, string]): void {
    this.#request = request;
  }

  setRequestHeader(name: string, value: string): void {
    this.#headers[name] = value;
  }

  getResponseHeader(name: string): string | null {
    return this.#answer?.get(name) ?? null;
  }

  abort(): void {
    this.onload = this.onerror = () => undefined;
  }

  send(body?: Blob): void {
    this.#send(body).then(
      () => this.onload(),
      (error: unknown) => this.onerror(error),
    );
  }

  async #send(body: Blob | undefined): Promise<void> {
    const [method, url] = this.#request;
    if (url.startsWith("file:")) {
      this.response = new Blob([await readFile(new URL(url))]);
      return;
    }
    const answer = await fetch(url, { method, headers: this.#headers, body: body ?? null });
    this.#answer = answer.headers;
    this.status = answer.status;
    this.responseText = await answer.text();
  }
}

async function nativeFetch(url: string, { signal: _, ...options }: RequestInit = {}): Promise<Response> {
  return fetch(String(url), options);
}

/** Runs a bundle without some of the globals, and returns what it exports. */
export function runNative(bundle: string, missing: readonly string[] = []): typeof Client {
  const { setTimeout, clearTimeout, setInterval, clearInterval, queueMicrotask, console, atob } = globalThis;
  const context: Record<string, unknown> = {
    ...{ setTimeout, clearTimeout, setInterval, clearInterval, queueMicrotask, console, atob },
    ...{ WebSocket, Blob, FormData, URLSearchParams, URL: NativeUrl, XMLHttpRequest: NativeXmlHttpRequest },
    ...{ fetch: nativeFetch, AbortController: NativeAbortController, AbortSignal: NativeAbortSignal },
    navigator: { product: "ReactNative" },
  };
  for (const name of ["window", "self", "global"]) context[name] = context;
  for (const name of missing) delete context[name];
  return runInContext(`${bundle};client`, createContext(context)) as typeof Client;
}
