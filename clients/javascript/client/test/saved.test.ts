import { expect, it } from "vitest";
import type { Core } from "../src/core.ts";
import { Saved } from "../src/messages/saved.ts";
import { message } from "./samples.ts";

it("changes the answer by what was saved and removed while it was on its way", async () => {
  const handlers = new Map<string, (event: object) => void>();
  let answer: (page: object) => void = () => undefined;
  const core = {
    on: (name: string, handler: (event: object) => void) => handlers.set(name, handler),
    rest: {
      get: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    },
  } as unknown as Core;
  const saved = new Saved(core);
  const loaded = saved.load("c");
  handlers.get("saved:changed")?.({ conversationId: "c", messageId: "m3", saved: true });
  handlers.get("saved:changed")?.({ conversationId: "other", messageId: "m4", saved: true });
  handlers.get("message:deleted")?.({ conversationId: "c", messageId: "m1" });
  answer({ items: [{ message: message(1) }, { message: message(2) }], next: null });
  await loaded;
  expect(["m1", "m2", "m3", "m4"].filter((id) => saved.has("c", id))).toEqual(["m2", "m3"]);
});
