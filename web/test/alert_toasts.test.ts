import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createStore } from "zustand/vanilla";
import { AlertToasts } from "../src/chat/alerts/alert_toasts";
import type { ChatState, Toast } from "../src/chat/page_core";

const alert = (id: string, conversationId = `c${id}`) => ({ id, text: `news ${id}`, conversationId, messageId: id });

function begin() {
  const state = createStore(() => ({ toast: null as Toast | null, announcement: "" }));
  const announced: string[] = [];
  state.subscribe((now, before) => now.announcement !== before.announcement && announced.push(now.announcement));
  const toasts = new AlertToasts(state as unknown as ConstructorParameters<typeof AlertToasts>[0]);
  return { state, toasts, announced, shown: () => (state.getState() as ChatState).toast };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("the first alert is said at once, and what comes in the next seconds together", () => {
  const { toasts, announced, shown } = begin();
  for (const id of ["1", "2", "3", "4"]) toasts.add(alert(id));
  expect(announced).toEqual(["news 1"]);
  expect(shown()).toMatchObject({ text: "news 1", leadsTo: { conversationId: "c1", messageId: "1" } });
  vi.advanceTimersByTime(3_000);
  expect(announced).toEqual(["news 1", "news 4, and 2 more"]);
  expect(shown()).toMatchObject({ text: "news 4, and 3 more", leadsTo: { conversationId: "c4" } });
  vi.advanceTimersByTime(60_000);
  expect(announced).toHaveLength(2);
  toasts.add(alert("5"));
  expect(announced.at(-1)).toBe("news 5");
});

it("a toast that offers to undo something is not replaced", () => {
  const { state, toasts, announced, shown } = begin();
  const undo: Toast = { text: "archived", action: { label: "Undo", run: () => undefined } };
  state.setState({ toast: undo });
  toasts.add(alert("1"));
  expect(announced).toEqual(["news 1"]);
  expect(shown()).toBe(undo);
  state.setState({ toast: null });
  expect(shown()?.text).toBe("news 1");
});

it("what was read meanwhile is not said, and its toast goes", () => {
  const { toasts, announced, shown } = begin();
  for (const id of ["1", "2"]) toasts.add(alert(id));
  toasts.read(["2"]);
  expect(shown()?.text).toBe("news 1");
  toasts.read(["1"]);
  expect(shown()).toBeNull();
  vi.advanceTimersByTime(3_000);
  expect(announced).toEqual(["news 1"]);
});
