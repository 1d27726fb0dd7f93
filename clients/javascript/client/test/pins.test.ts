import { expect, it } from "vitest";
import type { Core } from "../src/core.ts";
import { Pins } from "../src/messages/pins.ts";
import type { Message } from "../src/server/payloads.ts";
import { message } from "./samples.ts";

const settled = () => new Promise((resolve) => setTimeout(resolve));

function loading() {
  const handlers = new Map<string, (event: object) => void>();
  const answers: ((page: { items: Message[] }) => void)[] = [];
  const core = {
    on: (name: string, handler: (event: object) => void) => handlers.set(name, handler),
    rest: { get: () => new Promise((answer) => answers.push(answer)) },
  } as unknown as Core;
  const pins = new Pins(core);
  void pins.load("c");
  return {
    pins,
    receive: (name: string, event: object) => handlers.get(name)?.({ conversationId: "c", ...event }),
    answer: async (...items: Message[]) => {
      answers.shift()?.({ items });
      await settled();
      return pins.state.getState().c?.map(({ id, content }) => [id, content]);
    },
  };
}

it("asks again when a message was pinned while the first answer was on its way", async () => {
  const { receive, answer } = loading();
  receive("message:pinned", { messageId: "m2" });
  expect(await answer(message(1))).toBeUndefined();
  expect(await answer(message(2), message(1))).toHaveLength(2);
});

it("changes the answer by what happened while it was on its way", async () => {
  const { receive, answer } = loading();
  receive("message:unpinned", { messageId: "m1" });
  receive("message:updated", { ...message(2), conversationId: "c", content: "edited" });
  expect(await answer(message(2), message(1))).toEqual([["m2", "edited"]]);
});

it("asks again when everything was loaded anew meanwhile", async () => {
  const { pins, answer } = loading();
  pins.loaded();
  expect(await answer(message(1))).toBeUndefined();
  expect(await answer(message(2))).toHaveLength(1);
});

it("keeps the answer to the newest of two requests", async () => {
  const { pins, answer } = loading();
  void pins.load("c");
  expect(await answer(message(1))).toBeUndefined();
  expect(await answer(message(2), message(1))).toHaveLength(2);
});

it("that were saved before are shown until they are loaded again", async () => {
  const { pins, answer } = loading();
  pins.showSaved({ c: [message(1)] });
  expect(pins.state.getState().c).toEqual([message(1)]);
  expect(await answer(message(2))).toEqual([["m2", message(2).content]]);
  pins.showSaved({ c: [message(1)], other: [message(3)] });
  expect(pins.state.getState().c).toEqual([message(2)]);
  void pins.load("c");
  void pins.load("other");
  await answer();
  expect(pins.state.getState()).toMatchObject({ c: [message(2)], other: [] });
});
