import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as listening } from "node:net";
import { afterEach, expect, it } from "vitest";
import { Talkwire } from "../src/talkwire.ts";
import { eventually } from "./waiting.ts";

const ALICE = JSON.stringify({ id: "alice", name: "Alice", createdAt: "2026-01-01T00:00:00Z" });
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Starts a server that signs users in, and answers the handshakes of WebSockets with a status. */
async function refusing(status: number): Promise<string> {
  const server = createServer((request, response: ServerResponse) => {
    response.end(request.url?.startsWith("/api/v1/users/me") ? ALICE : "{}");
  });
  server.on("upgrade", (_, stream) => stream.end(`HTTP/1.1 ${status} Refused\r\n\r\n`));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function closedPort(): Promise<string> {
  const server = listening();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

it.each<[reason: string, () => Promise<string>]>([
  ["ECONNREFUSED", closedPort],
  ["403", () => refusing(403)],
  ["502", () => refusing(502)],
])("the reason of a real connection that fails: %s", async (reason, started) => {
  const url = await started();
  const chat = new Talkwire({ url, token: "hers" });
  closing.push(() => chat.close());
  chat.connect().catch(() => undefined);
  await eventually(() => expect(chat.reason?.message).toContain(reason));
  expect(chat.reason).toMatchObject({ code: "unreachable", message: expect.stringContaining(`${url}/`) });
});
