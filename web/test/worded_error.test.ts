import { RequestError } from "@talkwire/client";
import { afterEach, expect, it, vi } from "vitest";
import { PageCore } from "../src/chat/page_core";
import * as de from "../src/languages/de";
import type { Api } from "../src/server/api";
import { worded } from "../src/server/worded_error";
import { texts } from "../src/texts";
import { problemText, unsentText } from "../src/ui/files/problem_text";

afterEach(() => void vi.restoreAllMocks());

const messageOf = (message: string, details?: unknown): string =>
  worded(new RequestError({ code: "invalid_request", message, details })).message;

it("a refusal says what is wrong without the names of fields", () => {
  const path = "messageId";
  expect(messageOf("messageId: this message was deleted", [{ path, message: "this message was deleted" }])).toBe(
    "This message was deleted.",
  );
  const two = [
    { path: "name", message: "is missing" },
    { path: "email", message: "must be an e-mail address" },
  ];
  expect(messageOf("name: is missing; email: must be an e-mail address", two)).toBe(
    "Is missing. Must be an e-mail address.",
  );
  const entry = {
    problem: "content: is empty",
    problemCode: "invalid_request",
    problemDetails: [{ path: "content", message: "is empty" }],
  };
  expect(problemText(entry)).toBe("Is empty.");
});

it("other refusals stay as they are", () => {
  expect(messageOf("note: this is a text of its own")).toBe("note: this is a text of its own");
  expect(messageOf("limit: 5", { maxSize: 5 })).toBe("limit: 5");
  expect(messageOf("a: b", [])).toBe("a: b");
});

it("a command that the server refuses says so once in the reader's language", async () => {
  vi.spyOn(texts, "problem").mockImplementation(de.texts.problem);
  const core = new PageCore(
    { session: null, base: "http://localhost/" } as unknown as Api,
    { id: "me", name: "", createdAt: "", kind: "person" },
    {} as never,
  );
  const refusalOf = async (code: string, message: string): Promise<RequestError> => {
    vi.spyOn(core.connection, "call").mockRejectedValueOnce(new RequestError({ code, message }));
    return core.call("message:delete", { messageId: "1" }).then(
      () => Promise.reject(new Error("not refused")),
      (error: RequestError) => error,
    );
  };
  expect(await refusalOf("forbidden", "You have no access to this.")).toMatchObject({
    code: "forbidden",
    message: "Dazu hast du keine Berechtigung.",
  });
  // The outbox keeps the message of a refusal.
  const { code, message } = await refusalOf("invalid_request", "too rude");
  expect(unsentText({ problem: message, problemCode: code })).toBe("Der Server lehnt die Eingabe ab: too rude");
});

it("a ban from the server and one from a conversation say what they are of, until when and why", () => {
  const ban = (details?: unknown): string =>
    worded(new RequestError({ code: "banned", message: "This user is banned.", details })).message;
  const until = "2100-01-31T12:00:00.000Z";
  expect(ban({ until, reason: "Spam" })).toMatch(/^Your account is banned from this server until Jan 31, .*: Spam$/);
  expect(ban({ reason: "Spam" })).toBe("Your account is banned from this server: Spam");
  expect(ban()).toBe("Your account is banned from this server.");
  expect(ban({ erased: true })).toBe("Your account was deleted.");
  const conversationId = "1";
  expect(ban({ conversationId, until: null, reason: "Spam" })).toBe("You are banned from this conversation: Spam");
  expect(ban({ conversationId, until: null, reason: null })).toBe("You are banned from this conversation.");
  expect(ban({ userIds: ["bob"] })).toBe("This user is banned.");
});
