import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
// Loaded at once, so that tests need not wait for the file.
import "../src/cards/asking.ts";
import type { AskOptions } from "../src/cards/asking.ts";
import type { ConnectionListener } from "../src/server/connection.ts";
import type { SeenCard } from "../src/server/payloads.ts";
import { unreachable } from "../src/server/request_error.ts";
import type { Rest } from "../src/server/rest.ts";
import { busy, CardServer, connection, PIZZA, refused } from "./card_server.ts";

vi.mock("../src/server/connection.ts", () => ({
  Connection: class {
    readonly call = (...given: unknown[]) => connection.call(...given);
    readonly close = () => undefined;
    constructor(_rest: Rest, _userId: () => string, listener: ConnectionListener) {
      connection.receive = listener.received;
    }
  },
}));

const POST = "messages";
const WAIT = "messages/asked/card?wait=60";

let server: CardServer;
let idleTimers: number;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
  vi.spyOn(Math, "random").mockReturnValue(1);
  connection.call.mockReset();
  server = new CardServer();
  await server.connect();
  server.chat.conversation("c");
  await vi.advanceTimersByTimeAsync(60_000);
  idleTimers = vi.getTimerCount();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** What has become of a question. */
interface Outcome {
  card?: SeenCard;
  error?: unknown;
}

/** Asks, and returns what becomes of it. */
async function ask(options: AskOptions = {}): Promise<Outcome> {
  const outcome: Outcome = {};
  server.chat
    .conversation("c")
    .ask(PIZZA, options)
    .then(
      (card) => {
        outcome.card = card;
      },
      (error: unknown) => {
        outcome.error = error;
      },
    );
  await passes(0);
  return outcome;
}

async function passes(ms: number): Promise<void> {
  // Loading a module takes turns of the event loop, and no time of this clock.
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  await vi.advanceTimersByTimeAsync(ms);
}

describe("a question", () => {
  it("is a message with the card, and has the card at the end of the decision", async () => {
    const outcome = await ask({ replyTo: "m0", threadId: "t", clientMessageId: "lunch" });
    expect(server.sent.map(({ body }) => body)).toEqual([
      { conversationId: "c", card: PIZZA, clientMessageId: "lunch", replyToId: "m0", threadId: "t" },
    ]);
    // Each answer is followed by the next request at once.
    await passes(180_000);
    expect(outcome).toEqual({});
    expect(server.taken()).toEqual([POST, WAIT, WAIT, WAIT, WAIT]);
    server.decide("asked");
    await passes(0);
    expect(outcome.card).toMatchObject({ outcome: "decided", actionId: "pizza" });
    expect(vi.getTimerCount()).toBe(idleTimers);
  });

  it("that was decided before a restart is answered at once", async () => {
    server.add("asked", { state: "decided", outcome: "decided", actionId: "soup" });
    const outcome = await ask({ clientMessageId: "lunch" });
    expect(outcome.card?.actionId).toBe("soup");
    expect(server.taken()).toEqual([POST, WAIT]);
  });

  it("has an id of its own, unless the program gives one", async () => {
    await ask();
    await ask();
    const ids = server.sent.map(({ body }) => (body as { clientMessageId: string }).clientMessageId);
    expect(new Set(ids).size).toBe(2);
    expect(new Set(server.sent.map(({ key }) => key)).size).toBe(2);
  });

  it("is sent again while the server cannot be reached, with the same id and key", async () => {
    server.faults.push(unreachable(), unreachable());
    const outcome = await ask();
    await passes(999);
    expect(server.taken()).toEqual([POST]);
    await passes(1);
    expect(server.taken()).toEqual([POST]);
    await passes(2_000);
    expect(server.taken()).toEqual([POST, WAIT]);
    expect(new Set(server.sent.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(server.sent).toHaveLength(3);
    expect(outcome).toEqual({});
  });

  it("is waited for while the server is gone for some time", async () => {
    server.faults.push(null, unreachable(), unreachable(), unreachable());
    const outcome = await ask();
    server.change("asked", { state: "decided", outcome: "decided" });
    await passes(6_999);
    expect(server.taken()).toEqual([POST, WAIT, WAIT, WAIT]);
    await passes(1);
    expect(outcome.card?.state).toBe("decided");
  });

  it("is waited for again, if no answer comes over a dead connection", async () => {
    server.faults.push(null, "hangs");
    const outcome = await ask();
    await passes(74_999);
    expect(server.taken()).toEqual([POST, WAIT]);
    await passes(1_001);
    expect(server.taken()).toEqual([WAIT]);
    expect(server.open.size).toBe(1);
    server.decide("asked");
    await passes(0);
    expect(outcome.card?.state).toBe("decided");
  });

  it("waits as long as a rate limit says", async () => {
    server.faults.push(busy(7_000), null, busy(9_000));
    await ask();
    await passes(6_999);
    expect(server.taken()).toEqual([POST]);
    await passes(1);
    expect(server.taken()).toEqual([POST, WAIT]);
    await passes(8_999);
    expect(server.taken()).toEqual([]);
    await passes(1);
    expect(server.taken()).toEqual([WAIT]);
  });

  it("is not asked again and again by a server that answers at once", async () => {
    server.faults.push(null, "early", "early", "early");
    const outcome = await ask();
    await passes(2_999);
    expect(server.taken()).toEqual([POST, WAIT, WAIT, WAIT]);
    await passes(1);
    server.decide("asked");
    await passes(0);
    expect(outcome.card?.state).toBe("decided");
  });

  it("rejects if the server refuses the card, or the waiting", async () => {
    server.faults.push(refused());
    expect((await ask()).error).toMatchObject({ code: "forbidden" });
    expect(server.taken()).toEqual([POST]);
    server.faults.push(null, refused("not_found"));
    expect((await ask()).error).toMatchObject({ code: "not_found" });
    await passes(60_000);
    expect(server.taken()).toEqual([POST, WAIT]);
  });
});

describe("an abort", () => {
  const why = new Error("enough");
  let controller: AbortController;
  let removed: ReturnType<typeof vi.spyOn>;
  beforeEach(() => {
    controller = new AbortController();
    removed = vi.spyOn(controller.signal, "removeEventListener");
  });

  /** Nothing of the question is left: no request, no timer, no listener, no part. */
  async function expectNothingLeft(): Promise<void> {
    expect([server.open.size, vi.getTimerCount()]).toEqual([0, idleTimers]);
    expect(removed).toHaveBeenCalled();
    server.taken();
    await passes(200_000);
    expect(server.taken()).toEqual([]);
  }

  it("before the question sends nothing", async () => {
    controller.abort(why);
    expect((await ask({ signal: controller.signal })).error).toBe(why);
    expect(server.isStored).toBe(false);
    await expectNothingLeft();
  });

  it("while it is being sent, ends it", async () => {
    server.faults.push("hangs");
    const outcome = await ask({ signal: controller.signal });
    controller.abort(why);
    await passes(0);
    expect(outcome.error).toBe(why);
    await expectNothingLeft();
  });

  it("while the server waits, ends the request, and the card stays open", async () => {
    const outcome = await ask({ signal: controller.signal });
    expect(server.open.size).toBe(1);
    controller.abort(why);
    await passes(0);
    expect(outcome.error).toBe(why);
    expect(server.cards.get("asked")?.state).toBe("open");
    await expectNothingLeft();
  });

  it("during a pause, ends it at once", async () => {
    server.faults.push(busy(1_000_000));
    const outcome = await ask({ signal: controller.signal });
    expect(vi.getTimerCount()).toBe(idleTimers + 1);
    controller.abort(why);
    await passes(0);
    expect(outcome.error).toBe(why);
    await expectNothingLeft();
  });

  it("after the end changes nothing, and nothing listens to it", async () => {
    const outcome = await ask({ signal: controller.signal });
    server.decide("asked");
    await passes(0);
    controller.abort(why);
    expect(outcome.card?.state).toBe("decided");
    await expectNothingLeft();
  });
});

describe("a client that is closed", () => {
  it("rejects the questions that wait", async () => {
    const outcome = await ask();
    server.client.stop();
    await passes(0);
    expect(outcome.error).toMatchObject({ code: "closed" });
    expect(server.open.size).toBe(0);
    server.taken();
    await passes(200_000);
    expect(server.taken()).toEqual([]);
  });

  it("asks nothing", async () => {
    server.client.stop();
    expect((await ask()).error).toMatchObject({ code: "closed" });
    expect(server.taken()).toEqual([]);
  });

  it("keeps nothing of questions that were decided", async () => {
    const add = vi.spyOn(server.client, "add");
    const outcome = await ask();
    server.decide("asked");
    await passes(0);
    expect(outcome.card?.state).toBe("decided");
    const [[question]] = add.mock.calls as unknown as [[{ stopped(): void }]];
    const stopped = vi.spyOn(question, "stopped");
    server.client.stop();
    expect(stopped).not.toHaveBeenCalled();
  });
});
