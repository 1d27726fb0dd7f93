import type { Card, Conversation, Message, SeenCard, Talkwire } from "@talkwire/client";
import { act, memo } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import {
  TalkwireProvider,
  useCard,
  useConnection,
  useConnectionReason,
  useConversation,
  useConversations,
  useDesk,
  usePresence,
  useTeams,
  useUnread,
  useWaitingCards,
} from "../src/index";

vi.mock("@talkwire/client/desk", () => ({ deskOf: (client: FakeClient, teamId: string) => client.desk(teamId) }));
vi.mock("@talkwire/client/cards", () => ({ cardsOf: (client: FakeClient) => client.cards }));

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

class FakeCards extends Events {
  readonly all = new Map<string, Partial<SeenCard> | null>();
  waiting = { items: [] as Partial<SeenCard>[], count: 0 };
  known = (id: string) => this.all.get(id);
  load = vi.fn(async () => undefined);
  loadWaiting = vi.fn();
  choose = vi.fn(async () => this.all.get("m1"));
  close = vi.fn();
  cancel = vi.fn();

  /** The card is known now, as after an answer or an event. */
  show(id: string, card: Partial<SeenCard> | null): void {
    this.all.set(id, card);
    this.emit("change");
  }
}

class FakeClient extends Events {
  readonly cards = new FakeCards();
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

function ShownCard({ message }: { message: Message }) {
  const { card, mine, choices, isLoaded, choose, close, cancel } = useCard(message);
  const decide = () => {
    void choose(["pizza"], { comment: "Hungry" });
    void close();
    void cancel();
  };
  return (
    <button type="button" onClick={decide}>
      {[card?.state, mine?.actionIds, choices.length, isLoaded].join(" | ")}
    </button>
  );
}

const cardMessage = (id: string, state: Card["state"] = "open") => ({ id, card: { state } }) as Message;

const showCards = (...messages: Message[]) =>
  act(async () =>
    root.render(
      <TalkwireProvider client={client as unknown as Talkwire}>
        {messages.map((message, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the same component shows another message
          <ShownCard key={index} message={message} />
        ))}
      </TalkwireProvider>,
    ),
  );

it("a component shows a card, what the user has chosen of it, and follows both", async () => {
  const { cards } = client;
  await showCards(cardMessage("m1"));
  expect(place.textContent).toBe("open |  | 0 | false");
  expect(cards.load.mock.calls).toEqual([["m1"]]);
  const choice = { actionIds: ["pizza"], at: "2026" };
  await act(async () => cards.show("m1", { state: "open", mine: choice, choices: [{ userId: "bob", ...choice }] }));
  expect(place.textContent).toBe("open | pizza | 1 | true");
  await act(async () => cards.show("m1", { state: "decided", mine: choice }));
  expect(place.textContent).toBe("decided | pizza | 0 | true");
  await act(async () => document.body.append(place));
  await act(async () => place.querySelector("button")?.click());
  expect(cards.choose).toHaveBeenCalledWith("m1", ["pizza"], { comment: "Hungry" });
  expect(cards.close).toHaveBeenCalledWith("m1");
  expect(cards.cancel).toHaveBeenCalledWith("m1");
  expect(cards.load).toHaveBeenCalledOnce();
});

it("a component shows what its message says of a card that cannot be loaded, without asking again and again", async () => {
  const { cards } = client;
  await showCards(cardMessage("m1", "expired"));
  await act(async () => cards.show("m1", null));
  expect(place.textContent).toBe("expired |  | 0 | false");
  await act(async () => cards.emit("change"));
  expect(cards.load).toHaveBeenCalledOnce();
});

it("a component follows the card that it shows, and nothing after it has gone", async () => {
  const { cards } = client;
  cards.all.set("m1", { state: "open" });
  await showCards(cardMessage("m1"));
  expect(cards.load).not.toHaveBeenCalled();
  await showCards(cardMessage("m2"));
  expect(cards.load.mock.calls).toEqual([["m2"]]);
  await act(async () => cards.show("m2", { state: "closed" }));
  expect(place.textContent).toContain("closed");
  expect(cards.count).toBe(1);
  act(() => root.unmount());
  expect(cards.count).toBe(0);
});

it("a component is drawn again for its own card only", async () => {
  const { cards } = client;
  const drawings = vi.fn();
  function Drawn({ message }: { message: Message }) {
    const { choose } = useCard(message);
    drawings(message.id, choose);
    return null;
  }
  const [one, other] = [cardMessage("m1"), cardMessage("m2")];
  await act(async () =>
    root.render(
      <TalkwireProvider client={client as unknown as Talkwire}>
        <Drawn message={one} />
        <Drawn message={other} />
      </TalkwireProvider>,
    ),
  );
  const [[, choose]] = drawings.mock.calls as [[string, unknown]];
  drawings.mockReset();
  await act(async () => cards.show("m1", { state: "open" }));
  expect(drawings.mock.calls).toEqual([["m1", choose]]);
});

function Waiting() {
  const { items, count } = useWaitingCards();
  return [count, ...items.map(({ title }) => title)].join(" | ");
}

it("a component shows the cards that wait for the user", async () => {
  const { cards } = client;
  const showWaiting = () =>
    act(async () =>
      root.render(
        <TalkwireProvider client={client as unknown as Talkwire}>
          <Waiting />
        </TalkwireProvider>,
      ),
    );
  await showWaiting();
  expect(place.textContent).toBe("0");
  await act(async () => {
    cards.waiting = { items: [{ title: "Lunch?" }], count: 70 };
    cards.emit("change");
  });
  expect(place.textContent).toBe("70 | Lunch?");
  await showWaiting();
  expect(cards.loadWaiting).toHaveBeenCalledOnce();
  act(() => root.unmount());
  expect(cards.count).toBe(0);
});

it("a hook without a provider says what is missing", () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  expect(() => act(() => root.render(<Shown id="c" />))).toThrow("TalkwireProvider");
});
