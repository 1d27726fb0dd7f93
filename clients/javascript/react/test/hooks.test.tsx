import type { Conversation, Talkwire } from "@talkwire/client";
import { act, memo } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import {
  TalkwireProvider,
  useConnection,
  useConnectionReason,
  useConversation,
  useConversations,
  useDesk,
  usePresence,
  useTeams,
  useUnread,
} from "../src/index";

vi.mock("@talkwire/client/desk", () => ({ deskOf: (client: FakeClient, teamId: string) => client.desk(teamId) }));

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
  messages: { id?: string; content: string; state?: string }[] = [];
  pending = [];
  members = [];
  typing: { name: string }[] = [];
  unreadCount = 0;
  isLoaded = true;
  hasOlder = false;
  error = null;
  send = vi.fn();
}

class FakeView extends Events {
  conversations: readonly Partial<Conversation>[] = [];
  loaded = true;
  hasMore = true;
  error = null;
  loadMore = vi.fn(async () => undefined);
}

class FakeDesk extends Events {
  numbers: { open: number } | undefined;
  readonly views = { waiting: new FakeView(), mine: new FakeView() };
  view = (name: "waiting" | "mine") => this.views[name];
  claim = vi.fn();
  release = vi.fn();
  handOff = vi.fn();
  close = vi.fn();
  sendNote = vi.fn();
}

class FakeClient extends Events {
  readonly desks = new Map<string, FakeDesk>();
  desk = (teamId: string) => {
    const desk = this.desks.get(teamId) ?? new FakeDesk();
    this.desks.set(teamId, desk);
    return desk;
  };
  ownTeams: { id: string; name: string }[] = [];
  teams = async () => this.ownTeams;
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

const drawn = vi.fn();

const Line = memo(function Line({ message }: { message: { id: string; content?: string; state?: string } }) {
  drawn(message.id);
  return (
    <p aria-busy={message.state === "streaming"}>
      {message.content} {message.state}
    </p>
  );
});

function Lines({ id }: { id: string }) {
  return useConversation(id).messages.map((message) => <Line key={message.id} message={message} />);
}

it("a message that grows is drawn again in its place, and no other one", () => {
  act(() =>
    root.render(
      <TalkwireProvider client={client as unknown as Talkwire}>
        <Lines id="c" />
      </TalkwireProvider>,
    ),
  );
  const room = client.conversation("c");
  const [first, second] = [
    { id: "1", content: "Where is it?" },
    { id: "2", content: "", state: "streaming" },
  ];
  const show = (...messages: { id: string; content: string; state?: string }[]) =>
    act(() => {
      room.messages = messages;
      room.emit("change");
    });
  show(first, second);
  const line = place.lastChild;
  drawn.mockReset();
  show(first, { ...second, content: "It was" });
  show(first, { ...second, content: "It was sent.", state: "done" });
  expect(drawn.mock.calls).toEqual([["2"], ["2"]]);
  expect(place.lastChild).toBe(line);
  expect(place.innerHTML).toBe('<p aria-busy="false">Where is it? </p><p aria-busy="false">It was sent. done</p>');
});

function ShownDesk({ view }: { view?: "waiting" | "mine" }) {
  const { numbers, conversations, hasMore, ...actions } = useDesk("support", view);
  const teams = useTeams();
  return (
    <button type="button" onClick={() => doEverything(actions)}>
      {[
        numbers?.open,
        conversations.map(({ id }) => id).join("+"),
        hasMore,
        teams?.map(({ name }) => name).join("+"),
      ].join(" | ")}
    </button>
  );
}

function doEverything({
  claim,
  release,
  handOff,
  close,
  sendNote,
  loadMore,
}: Omit<ReturnType<typeof useDesk>, "numbers" | "conversations" | "hasMore">): void {
  void claim("c", { from: "bob" });
  void release("c");
  void handOff("c", "kim", { note: "Hurry" });
  void close("c");
  void sendNote("c", "A friend");
  void loadMore();
}

it("a component shows a desk, its numbers and the user's teams, and follows their changes", async () => {
  const showDesk = (view?: "waiting" | "mine") =>
    act(async () =>
      root.render(
        <TalkwireProvider client={client as unknown as Talkwire}>
          {view === undefined ? <ShownDesk /> : <ShownDesk view={view} />}
        </TalkwireProvider>,
      ),
    );
  await showDesk();
  expect(place.textContent).toBe(" |  | true | ");
  const desk = client.desk("support");
  await act(async () => {
    desk.numbers = { open: 2 };
    desk.emit("change");
    desk.views.waiting.conversations = [{ id: "c" }];
    desk.views.waiting.emit("change");
    client.ownTeams = [{ id: "support", name: "Support" }];
    client.emit("team");
  });
  expect(place.textContent).toBe("2 | c | true | Support");
  await act(async () => document.body.append(place));
  act(() => place.querySelector("button")?.click());
  expect(desk.claim).toHaveBeenCalledWith("c", { from: "bob" });
  expect(desk.release).toHaveBeenCalledWith("c");
  expect(desk.handOff).toHaveBeenCalledWith("c", "kim", { note: "Hurry" });
  expect(desk.close).toHaveBeenCalledWith("c");
  expect(desk.sendNote).toHaveBeenCalledWith("c", "A friend", undefined);
  expect(desk.views.waiting.loadMore).toHaveBeenCalled();
  await showDesk("mine");
  expect(desk.views.waiting.count).toBe(0);
  expect(desk.views.mine.count).toBe(1);
  act(() => root.unmount());
  expect(desk.count + desk.views.mine.count + client.count).toBe(0);
});

it("a hook without a provider says what is missing", () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  expect(() => act(() => root.render(<Shown id="c" />))).toThrow("TalkwireProvider");
});
