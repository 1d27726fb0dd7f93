import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MessagePart } from "../src/messages/message_parts.ts";
import { contentOf } from "../src/messages/message_parts.ts";
import type { RequestError } from "../src/server/request_error.ts";
import type { MessageStream } from "../src/streams/message_stream.ts";
import { type Fault, inTime, StreamServer } from "./stream_server.ts";

const TOOL = { type: "tool", toolCallId: "t", name: "look up", state: "input-streaming" } as const;
const DONE = { ...TOOL, state: "output-available", output: 1 } as const;

let server: StreamServer;
beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  server = new StreamServer();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const appends = () => server.asked.filter((name) => name === "message:append").length;
const refusalOf = (promise: Promise<unknown>) =>
  inTime(promise).then(
    () => expect.unreachable("it was accepted"),
    (error: RequestError) => error,
  );

it("joins what is written meanwhile, and finishes when all of it is there", async () => {
  const stream = await server.open();
  for (let number = 0; number < 200; number++) {
    await stream.text(`${number} `);
    await vi.advanceTimersByTimeAsync(5);
  }
  expect(appends()).toBeGreaterThan(15);
  expect(appends()).toBeLessThan(25);
  const finished = await inTime(stream.finish());
  expect(finished.content).toBe(Array.from({ length: 200 }, (_, number) => `${number} `).join(""));
  expect(finished.state).toBe("done");
  expect(vi.getTimerCount()).toBe(0);
});

it("writes parts in their order, replaces those that are no texts, and holds back half of an emoji", async () => {
  const stream = await server.open();
  await stream.reasoning("Hm\ud83d");
  await stream.set("tool", TOOL);
  await stream.text("It is \ud83d");
  await vi.advanceTimersByTimeAsync(1_000);
  await stream.text("\ude00 here\ud83d");
  await stream.set("tool", DONE);
  await stream.set(1, { ...DONE, output: 2 });
  await inTime(stream.finish());
  expect(server.parts).toEqual([
    { type: "reasoning", text: "Hm\ufffd" },
    { ...DONE, output: 2 },
    { type: "text", text: "It is 😀 here\ufffd" },
  ]);
});

it("waits while much is not received, and refuses what no part may have", async () => {
  server.connect(false);
  const opening = server.open();
  server.connect(true);
  const stream = await inTime(opening);
  server.connect(false);
  await stream.text("x".repeat(16 * 1024));
  let isAccepted = false;
  const waiting = stream.text("y").then(() => {
    isAccepted = true;
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(isAccepted).toBe(false);
  await expect(stream.text("z".repeat(64 * 1024))).rejects.toMatchObject({ code: "payload_too_large" });
  server.connect(true);
  await inTime(waiting);
  expect((await inTime(stream.finish())).content).toBe(`${"x".repeat(16 * 1024)}y`);
});

it("keeps the lease while nothing is written, and not after its end", async () => {
  const stream = await server.open({ leaseS: 30 });
  await vi.advanceTimersByTimeAsync(95_000);
  expect(server.asked.filter((name) => name === "message:keep")).toHaveLength(9);
  await stream.text("x");
  await inTime(stream.finish());
  await vi.advanceTimersByTimeAsync(95_000);
  expect(server.asked.filter((name) => name === "message:keep")).toHaveLength(9);
});

it("rewinds what is there, with and without a place, and writes on", async () => {
  const stream = await server.open();
  await stream.text("It was wrong");
  await stream.set("tool", TOOL);
  server.faults.push("busy", "crash", "crash");
  await inTime(stream.rewind(0, 7));
  await stream.text("right");
  expect((await refusalOf(stream.rewind(1))).code).toBe("invalid_request");
  expect((await refusalOf(stream.rewind(0, 13))).code).toBe("invalid_request");
  await stream.set("tool", TOOL);
  const rewound = stream.rewind(1);
  // It waits for the rewinding.
  const written = stream.text(", sir");
  await inTime(Promise.all([rewound, written]));
  expect((await inTime(stream.finish())).content).toBe("It was right, sir");
});

it("removes a part once although the answer is lost", async () => {
  const stream = await server.open();
  await stream.text("Yes");
  await stream.set("tool", TOOL);
  await vi.advanceTimersByTimeAsync(1_000);
  server.faults.push("lost");
  await inTime(stream.rewind(1));
  expect(appends()).toBe(3);
  await inTime(stream.finish());
  expect(server.parts).toEqual([{ type: "text", text: "Yes" }]);
});

it("sends a part again that was replaced while it was on its way, and what else a crash has lost", async () => {
  const stream = await server.open();
  await stream.text("It is ");
  await stream.set("tool", TOOL);
  await stream.text("in ");
  await vi.advanceTimersByTimeAsync(1_000);
  server.store();
  server.meanwhile = () => void stream.set("tool", { ...DONE, output: 2 });
  await stream.set("tool", DONE);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(server.parts[1]).toEqual({ ...DONE, output: 2 });
  await stream.text("the ");
  await vi.advanceTimersByTimeAsync(1_000);
  server.faults.push("crash");
  await stream.text("mail");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(server.parts).toEqual(stream.parts);
  expect(server.text).toBe("It is \n\nin the mail");
});

describe("when it was asked to stop", () => {
  const stop = { by: "alice", at: "2026-01-01T00:00:00.000Z" };

  it.each(["an answer", "an event"])("by %s, the signal aborts once, and the message keeps its text", async (way) => {
    const stream = await server.open();
    const aborted = vi.fn();
    stream.signal.addEventListener("abort", aborted);
    server.emit("message:stop", { messageId: "another", conversationId: "c", ...stop });
    expect(stream.stopped).toBeNull();
    if (way === "an event") server.emit("message:stop", { messageId: "m1", conversationId: "c", ...stop });
    else server.stop = stop;
    await stream.text("It is");
    await vi.advanceTimersByTimeAsync(200);
    expect(stream.stopped).toMatchObject(stop);
    expect(stream.signal.reason).toMatchObject({ code: "stopped" });
    server.stop = stop;
    await stream.text(" so");
    expect(await inTime(stream.finish())).toMatchObject({ content: "It is so", state: "stopped" });
    expect(aborted).toHaveBeenCalledOnce();
  });

  it("and the server has ended it meanwhile, finishing returns the message", async () => {
    const stream = await server.open();
    await stream.text("It is");
    await vi.advanceTimersByTimeAsync(200);
    server.state = "stopped";
    expect((await inTime(stream.finish())).content).toBe("It is");
  });

  it("and the author writes on after the server has ended it, that is refused, and finishing returns the message", async () => {
    const stream = await server.open();
    await stream.text("It is");
    await vi.advanceTimersByTimeAsync(200);
    server.state = "stopped";
    await stream.text(" so");
    await vi.advanceTimersByTimeAsync(200);
    await expect(stream.text("!")).rejects.toMatchObject({ details: { reason: "ended", state: "stopped" } });
    expect((await inTime(stream.finish())).content).toBe("It is");
  });
});

describe("the end", () => {
  it.each([
    [
      "an error of the application",
      { code: "overloaded", message: "Try later." },
      { code: "overloaded", message: "Try later." },
    ],
    ["an exception", new Error("x".repeat(600)), { code: "failed", message: "x".repeat(500) }],
  ])("is a failure with %s", async (_, error, shown) => {
    const stream = await server.open();
    await stream.text("It");
    expect(await inTime(stream.fail(error))).toMatchObject({ state: "failed", error: shown, content: "It" });
  });

  it("is a failure when the block is left before", async () => {
    const stream = await server.open();
    await stream.text("It");
    await inTime(stream[Symbol.asyncDispose]());
    expect([server.state, server.text]).toEqual(["failed", "It"]);
    await inTime(stream[Symbol.asyncDispose]());
    await expect(stream.text("x")).rejects.toMatchObject({ code: "closed" });
  });

  it("is refused without a text, which can still be written", async () => {
    const stream = await server.open();
    expect((await refusalOf(stream.finish())).code).toBe("invalid_request");
    await stream.text("It");
    expect((await inTime(stream.finish())).content).toBe("It");
  });

  it("has the parts that it is given", async () => {
    const stream = await server.open();
    await stream.text("It");
    const parts: MessagePart[] = [{ type: "text", text: "Else" }];
    expect((await inTime(stream.finish({ parts }))).content).toBe("Else");
  });

  it("comes once although its answer is lost", async () => {
    const stream = await server.open();
    await stream.text("It");
    await vi.advanceTimersByTimeAsync(200);
    server.faults.push("lost");
    expect(await inTime(stream.finish())).toMatchObject({ state: "done", content: "It" });
  });

  it("of another program is refused", async () => {
    const stream = await server.open();
    await stream.text("It");
    await vi.advanceTimersByTimeAsync(200);
    server.state = "done";
    expect((await refusalOf(stream.finish())).details).toMatchObject({ reason: "ended", state: "done" });
  });

  it("of the client closes it", async () => {
    const stream = await server.open();
    server.connect(false);
    const waiting = stream.text("x".repeat(17_000)).catch((error: RequestError) => error.code);
    server.close();
    expect(await waiting).toBe("closed");
    expect(stream.signal.aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});

it("rejects what follows a refusal, and fails with the text that was accepted", async () => {
  const stream = await server.open();
  await stream.text("Good");
  await vi.advanceTimersByTimeAsync(200);
  await stream.text("\0");
  await vi.advanceTimersByTimeAsync(200);
  await expect(stream.text("x")).rejects.toMatchObject({ code: "invalid_request" });
  expect(stream.signal.aborted).toBe(true);
  expect((await refusalOf(stream.finish())).code).toBe("invalid_request");
  expect(await inTime(stream.fail({ code: "bad", message: "" }))).toMatchObject({ state: "failed", content: "Good" });
});

it("rejects when another program has taken over", async () => {
  const stream = await server.open();
  await stream.text("Good");
  await vi.advanceTimersByTimeAsync(200);
  server.attempt += 1;
  await stream.text("x");
  await vi.advanceTimersByTimeAsync(200);
  await expect(stream.text("x")).rejects.toMatchObject({ details: { reason: "superseded" } });
  expect((await refusalOf(stream.fail(new Error("x")))).details).toEqual({ reason: "superseded" });
  expect(server.text).toBe("Good");
});

it("continues what an earlier program has written, or begins anew", async () => {
  await (await server.open()).text("It was");
  await vi.advanceTimersByTimeAsync(200);
  server.store();
  server.state = "interrupted";
  const stream = await server.open();
  expect(stream.parts).toEqual([{ type: "text", text: "It was" }]);
  await stream.text(" sent");
  await vi.advanceTimersByTimeAsync(200);
  expect(server.text).toBe("It was sent");
  await inTime(stream.rewind(0));
  await stream.text("Sent");
  expect((await inTime(stream.finish())).content).toBe("Sent");
  expect((await refusalOf(server.open())).details).toEqual({ reason: "ended", state: "done" });
});

/** Returns numbers that look random, the same for a seed. */
function numbers(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

const FAULTS: readonly Fault[] = ["lost", "crash", "interrupt", "busy"];

it.each(Array.from({ length: 60 }, (_, seed) => seed))(
  "has each character once after random faults (%i)",
  async (seed) => {
    const next = numbers(seed);
    const oneOf = <T>(all: readonly T[]): T => all[Math.floor(next() * all.length)] as T;
    const stream: MessageStream = await inTime(server.open());
    for (let step = 0; step < 60; step++) {
      const place = Math.floor(next() * stream.parts.length);
      await inTime(
        oneOf([
          () => stream.text(oneOf(["a", "b ", "😀", "é\n"])),
          () => stream.text(String(step)),
          () => stream.reasoning(`r${step}`),
          () => stream.set(oneOf(["one", "two"]), { ...TOOL, output: step }),
          async () => {
            const part = stream.parts[place];
            if (part !== undefined && next() < 0.3)
              await stream
                .rewind(place, "text" in part && next() < 0.7 ? Math.floor(next() * 3) : undefined)
                .catch(() => undefined);
          },
          async () => server.store(),
          async () => void server.faults.push(oneOf(FAULTS)),
          async () => {
            server.connect(false);
            await vi.advanceTimersByTimeAsync(next() * 1_000);
            server.connect(true);
          },
          async () => void (await vi.advanceTimersByTimeAsync(next() * 200)),
        ])(),
      );
    }
    await stream.text("the end");
    const written = stream.parts;
    await inTime(stream.finish());
    expect(server.parts).toEqual(written.filter((part) => !("text" in part) || part.text.trim() !== ""));
    expect(server.text).toBe(contentOf(written));
    expect(server.text.endsWith("the end")).toBe(true);
  },
);
