import { RequestError } from "@talkwire/client";
import { expect, it } from "vitest";
import { worded } from "../src/server/worded_error";
import { problemText } from "../src/ui/files/problem_text";

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
