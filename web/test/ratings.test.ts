import type { Message, MessageRated, Rating } from "@talkwire/client";
import type { Core } from "@talkwire/client/parts";
import { describe, expect, it } from "vitest";
import { Ratings } from "../src/chat/messages/ratings";

const MESSAGE = { id: "5" } as Message;
const FROM_BOB: MessageRated = { messageId: "5", conversationId: "c", userId: "bob", rating: -1, up: 2, down: 3 };

/** Returns the ratings of alice, and what their server is asked and says. */
function withServer(stored: Rating | Error) {
  const server = { answer: stored as Rating | Error, asked: 0, rated: (_: MessageRated): void => undefined };
  const reply = async (): Promise<Rating> => {
    server.asked += 1;
    if (server.answer instanceof Error) throw server.answer;
    return server.answer;
  };
  const core = {
    now: { me: { id: "alice" } },
    rest: { get: reply },
    call: async () => ({ success: true, ...(await reply()) }),
    on: (_: string, handler: typeof server.rated) => {
      server.rated = handler;
    },
  };
  const ratings = new Ratings(core as unknown as Core);
  return { server, ratings, shown: () => ratings.state.getState().get("5") };
}

describe("ratings", () => {
  it("are loaded once for each message, until everything is loaded again", async () => {
    const { server, ratings, shown } = withServer({ mine: 1, up: 2, down: 0 });
    await Promise.all([ratings.load("5"), ratings.load("5")]);
    await ratings.load("5");
    expect([server.asked, shown()]).toEqual([1, { mine: 1, up: 2, down: 0 }]);
    ratings.loaded();
    expect(shown()).toBeUndefined();
    await ratings.load("5");
    expect(server.asked).toBe(2);
  });

  it("are not there for a message that the reader cannot rate, which is asked for once a connection", async () => {
    const { server, ratings, shown } = withServer(new Error("must be a message of an agent"));
    await ratings.load("5");
    await ratings.load("5");
    expect([server.asked, shown()]).toEqual([1, null]);
    server.rated(FROM_BOB);
    expect(shown()).toBeNull();
    ratings.connected();
    expect(shown()).toBeUndefined();
    server.answer = { mine: 0 };
    await ratings.load("5");
    ratings.connected();
    expect([server.asked, shown()]).toEqual([2, { mine: 0 }]);
  });

  it("show at once what the reader chooses, and the former one when it is refused", async () => {
    const { server, ratings, shown } = withServer({ mine: 1, up: 2, down: 0 });
    await ratings.load("5");
    server.answer = { mine: -1, comment: "Wrong", up: 1, down: 1 };
    const rated = ratings.rate(MESSAGE, -1, "Wrong");
    expect(shown()).toEqual(server.answer);
    await rated;
    expect(shown()).toEqual(server.answer);
    const before = shown();
    server.answer = new Error("refused");
    const refused = ratings.rate(MESSAGE, 0);
    expect(shown()).toEqual({ mine: 0, up: 1, down: 0 });
    await expect(refused).rejects.toThrow("refused");
    expect(shown()).toBe(before);
  });

  it("follow what others rate, and what the reader rates on another device", async () => {
    const { server, ratings, shown } = withServer({ mine: 1, comment: "Good", up: 2, down: 2 });
    server.rated(FROM_BOB);
    expect(shown()).toBeUndefined();
    await ratings.load("5");
    server.rated(FROM_BOB);
    expect(shown()).toEqual({ mine: 1, comment: "Good", up: 2, down: 3 });
    server.rated({ messageId: "5", conversationId: "c", userId: "alice", rating: 0 });
    expect(shown()).toEqual({ mine: 0, up: 1, down: 3 });
  });
});
