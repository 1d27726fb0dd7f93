import type { Conversation, Talkwire } from "@talkwire/client";
import { act } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import {
  TalkwireProvider,
  useConnection,
  useConnectionReason,
  useConversation,
  useConversations,
  usePresence,
  useUnread,
} from "../src/index";

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

/** Handlers by name, as those of the client. */
class Events {
  readonly handlers = new Map<string, Set<(payload: unknown) => void>>();

  on = (name: string, handler: (payload: unknown) => void) => {
    const all = this.handlers.get(name) ?? new Set();
    this.handlers.set(name, all.add(handler));
    return () => all.delete(handler);
  };

  emit(name: string): void {
    for (const handler of this.handlers.get(name) ?? []) handler(undefined);
  }

  get count(): number {
    return [...this.handlers.values()].reduce((sum, each) => sum + each.size, 0);
  }
}

class FakeRoom extends Events {
  messages: { content: string }[] = [];
  pending = [];
  members = [];
  typing: { name: string }[] = [];
  unreadCount = 0;
  isLoaded = true;
  hasOlder = false;
  error = null;
  send = vi.fn();
}

class FakeClient extends Events {
  state = "connecting";
  reason: { message: string } | null = null;
  conversations: readonly Partial<Conversation>[] = [];
  hasMoreConversations = false;
  unreadCount = 0;
  rooms = new Map<string, FakeRoom>();
  conversation = (id: string) => {
    const room = this.rooms.get(id) ?? new FakeRoom();
    this.rooms.set(id, room);
    return room;
  };
  watched = new Set<string>();
  watchPresence = (id: string) => {
    this.watched.add(id);
    return () => this.watched.delete(id);
  };
  readonly #presence = { status: "away" };
  presence = (id: string) => (id === "bob" ? this.#presence : undefined);
}

function Shown({ id }: { id: string }) {
  const { messages, typing } = useConversation(id);
  const { conversations } = useConversations();
  const presence = usePresence("bob");
  return (
    <p>
      {[
        useConnection(),
        conversations.map((each) => each.name).join("+"),
        useUnread().count,
        messages.map(({ content }) => content).join("+"),
        typing.map(({ name }) => name).join("+"),
        presence?.status,
        useConnectionReason()?.message,
      ].join(" | ")}
    </p>
  );
}

let client: FakeClient;
let place: HTMLElement;
let root: ReturnType<typeof createRoot>;

const show = (id: string) =>
  act(() =>
    root.render(
      <TalkwireProvider client={client as unknown as Talkwire}>
        <Shown id={id} />
      </TalkwireProvider>,
    ),
  );

beforeEach(() => {
  client = new FakeClient();
  place = document.createElement("div");
  root = createRoot(place);
});
afterEach(() => act(() => root.unmount()));

it("components show what the client has, and follow its changes", () => {
  show("c");
  expect(place.textContent).toBe("connecting |  | 0 |  |  | away | ");
  act(() => {
    client.reason = { message: "closed port" };
    client.emit("reason");
  });
  expect(place.textContent).toContain("closed port");
  act(() => {
    client.reason = null;
    client.state = "online";
    client.emit("state");
    client.conversations = [{ name: "Plans" }];
    client.emit("conversations");
    client.unreadCount = 3;
    client.emit("unread");
    const room = client.conversation("c");
    room.messages = [{ content: "Hello!" }];
    room.typing = [{ name: "Bob" }];
    room.emit("change");
  });
  expect(place.textContent).toBe("online | Plans | 3 | Hello! | Bob | away | ");
});

it("a component follows the conversation that it shows, and nothing after it has gone", () => {
  show("c");
  show("d");
  expect(client.conversation("c").count).toBe(0);
  act(() => {
    client.conversation("d").messages = [{ content: "elsewhere" }];
    client.conversation("d").emit("change");
  });
  expect(place.textContent).toContain("elsewhere");
  expect(client.watched).toEqual(new Set(["bob"]));
  act(() => root.unmount());
  expect(client.count + client.conversation("d").count).toBe(0);
  expect(client.watched.size).toBe(0);
});

it("a hook without a provider says what is missing", () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  expect(() => act(() => root.render(<Shown id="c" />))).toThrow("TalkwireProvider");
});
