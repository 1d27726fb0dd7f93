import type { LogEvent } from "@talkwire/client";
import { expect, it } from "vitest";
import { missedBans } from "../src/chat/conversations/missed_bans";

const restricted = (event: string, conversationId: string, kind = "ban") =>
  ({ pos: 1, event, data: { conversationId, userId: "me", kind } }) as unknown as LogEvent;
const answering = (...events: LogEvent[]) => ({
  missedEvents: async () => ({ events, cursor: "log-2", uncounted: new Set<string>(), presence: [] }),
});

it("finds the bans that were not lifted", async () => {
  const events = [
    restricted("member:restricted", "a"),
    restricted("member:restricted", "b"),
    restricted("member:restricted", "c", "mute"),
    restricted("member:unrestricted", "a"),
  ];
  expect([...(await missedBans(answering(...events), "log-1")).keys()]).toEqual(["b"]);
});

it("finds none without a cursor, and where the server does not answer", async () => {
  const failing = { missedEvents: () => Promise.reject(new Error("offline")) };
  expect((await missedBans(answering(restricted("member:restricted", "a")), null)).size).toBe(0);
  expect((await missedBans(failing, "log-1")).size).toBe(0);
});
