import { describe, expect, it } from "vitest";
import type { PushContext } from "../src/chat/push/push_context";
import { isDismissal, type PushedNotification, shownFor } from "../worker/pushed";

const context: PushContext = {
  userId: "alice",
  subscriptionId: "1",
  endpoint: "https://push.example/1",
  names: { g: "Plans" },
  pictures: {
    bob: { path: "/b.png", url: "data:image/png;base64,Qg==" },
    d: { path: "/d.png", url: "data:image/png;base64,RA==" },
  },
};

const pushed: PushedNotification = {
  id: "7",
  type: "mention",
  title: "bob",
  body: "@alice look",
  conversationId: "g",
  actorId: "bob",
  messageId: "9",
  createdAt: "2026-03-01T10:00:00.000Z",
  sound: "default",
  badge: 3,
};

const shown = (changes: Partial<PushedNotification> = {}) => shownFor({ ...pushed, ...changes }, context);

describe("a notification", () => {
  it("shows no Markdown syntax", () => {
    expect(shown({ body: "a **bold** `word`" }).options.body).toBe("Plans: a bold word");
  });

  it("has the sender, the conversation, the text, the picture and the place", () => {
    expect(shown()).toEqual({
      title: "bob mentioned you",
      options: {
        tag: "7",
        body: "Plans: @alice look",
        icon: "data:image/png;base64,Qg==",
        badge: "./icon-badge.png",
        silent: false,
        data: { conversationId: "g", messageId: "9" },
        timestamp: Date.UTC(2026, 2, 1, 10),
      },
    });
  });

  it("is in the language of the page, or else in the browser's", () => {
    expect(shownFor(pushed, { ...context, language: "de-AT" }, ["fr"]).title).toBe("bob hat dich erwähnt");
    expect(shownFor(pushed, context, ["fr", "en"]).title).toBe("bob vous a mentionné");
  });

  it("has the picture of a direct conversation, whose name is the sender's", () => {
    const { title, options } = shown({ type: "direct", conversationId: "d", actorId: "dora", title: "Dora" });
    expect([title, options.body, options.icon]).toEqual(["Dora", "@alice look", "data:image/png;base64,RA=="]);
  });

  it("has the client's icon where no picture is known", () => {
    expect(shown({ actorId: "carol" }).options.icon).toBe("./icon-192.png");
  });

  it("finds nothing in what every object has", () => {
    const { options } = shown({ conversationId: "constructor", actorId: "toString" });
    expect([options.body, options.icon]).toEqual(["@alice look", "./icon-192.png"]);
  });

  it("names the conversation of an invitation once", () => {
    expect(shown({ type: "invitation", body: "Plans" }).options.body).toBe("Plans");
  });

  it("is silent without a sound, and for who is not to be disturbed", () => {
    const { sound: _, ...silent } = pushed;
    expect(shownFor(silent, context).options.silent).toBe(true);
    expect(shown({ quiet: true }).options.silent).toBe(true);
  });

  it("says nothing of what the server keeps to itself", () => {
    expect(shown({ title: "", body: "" })).toMatchObject({ title: "New notification", options: { body: "Plans" } });
    expect(shownFor({ id: "7" }, context)).toMatchObject({
      title: "New notification",
      options: { body: "", data: {} },
    });
  });

  it("of a type that this client does not know is a message", () => {
    expect(shown({ type: "poll" as "message" }).title).toBe("bob");
  });
});

it("a dismissal is no notification", () => {
  expect(isDismissal({ type: "dismiss", ids: ["7"] })).toBe(true);
  expect(isDismissal(pushed)).toBe(false);
});
