import { expect, it } from "vitest";
import { pushedTexts } from "../src/languages/pushed_texts";
import { bodyOf, headlineOf } from "../src/ui/alerts/notification_text";

const decided = (outcome: "dismissed" | "resolved" | "delete" | "mute" | "ban") =>
  ({ type: "moderation", title: "", body: "Advertising", outcome }) as const;

it("says to a reporter and to an author whom a decision is about", () => {
  const reporter = "Your report was reviewed";
  const author = "A moderator acted on your message";
  expect((["dismissed", "resolved"] as const).map((outcome) => headlineOf(decided(outcome)))).toEqual([
    reporter,
    reporter,
  ]);
  expect((["delete", "mute", "ban"] as const).map((outcome) => headlineOf(decided(outcome)))).toEqual([
    author,
    author,
    author,
  ]);
  expect(bodyOf(decided("delete"), "Market")).toBe("Market: Advertising");
});

it("of a removal names the conversation, where it had a name", () => {
  const removed = (body: string) => ({ id: "1", type: "moderation", title: "", body, outcome: "remove" }) as const;
  expect(headlineOf(removed("Kites"))).toBe("You were removed from Kites");
  expect(headlineOf(removed(""))).toBe("You were removed from a conversation");
  expect(bodyOf(removed("Kites"))).toBe("");
});

it("tells a new offer from an answer to one's own", () => {
  const about = { type: "offer", title: "Ann", body: "Desk", offerId: "12" } as const;
  expect(headlineOf({ ...about, id: "12" })).toBe("Ann made an offer");
  expect(headlineOf({ ...about, id: "13" })).toBe("Ann responded to your offer");
});

it("says so in the reader's language in a push", () => {
  expect(headlineOf(decided("resolved"), pushedTexts(["de"]))).toBe("Deine Meldung wurde geprüft");
});

it("separates the conversation from the text as the language does", () => {
  expect(bodyOf(decided("delete"), "Market", pushedTexts(["fr"]))).toBe("Market\u00a0: Advertising");
});

it("says nothing of a decision that a server does not push", () => {
  expect(headlineOf({ type: "moderation", title: "", body: "" })).toBe("New notification");
});
