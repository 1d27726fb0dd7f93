import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type DeskView, type DeskViewName, deskOf } from "../src/desk/index.ts";
import type { ConnectionListener } from "../src/server/connection.ts";
import type { Conversation } from "../src/server/payloads.ts";
import { RequestError } from "../src/server/request_error.ts";
import type { Rest } from "../src/server/rest.ts";
import { Talkwire } from "../src/talkwire.ts";
import { connection, DeskServer, order, TEAM } from "./desk_server.ts";
import { ME, message } from "./samples.ts";
import { eventually } from "./waiting.ts";

vi.mock("../src/server/connection.ts", () => ({
  Connection: class {
    readonly call = (...given: unknown[]) => connection.call(...given);
    constructor(_rest: Rest, _userId: () => string, listener: ConnectionListener) {
      connection.receive = listener.received;
    }
  },
}));

const VIEWS: readonly DeskViewName[] = ["waiting", "mine", "all", "closed"];
const ids = (view: DeskView) => view.conversations.map(({ id }) => id);
const nothing = () => undefined;

beforeEach(() => {
  vi.useFakeTimers();
  connection.call.mockReset();
});
afterEach(() => vi.useRealTimers());

async function shown(server: DeskServer, name: DeskViewName): Promise<DeskView> {
  const view = deskOf(server.chat, TEAM).view(name);
  view.on("change", nothing);
  await eventually(() => expect(view.loaded).toBe(true));
  return view;
}

it("the same chat and team have one desk, and a desk one object for each view", async () => {
  const server = new DeskServer();
  expect(deskOf(server.chat, TEAM)).toBe(deskOf(server.chat, TEAM));
  expect(deskOf(server.chat, TEAM)).not.toBe(deskOf(server.chat, "sales"));
  expect(deskOf(server.chat, TEAM).view("all")).toBe(deskOf(server.chat, TEAM).view("all"));
});

it("a desk has its numbers after each connection, and the newest ones that were sent", async () => {
  const server = new DeskServer();
  server.numbers = { open: 2, unhandled: 1, oldestWaitingSince: "2026" };
  const desk = deskOf(server.chat, TEAM);
  const shown: (number | undefined)[] = [];
  desk.on("change", ({ numbers }) => shown.push(numbers?.open));
  expect(desk.numbers).toBeUndefined();
  await server.connect();
  await eventually(() => expect(desk.numbers).toEqual(server.numbers));
  server.emit("desk:updated", { teamId: "sales", open: 9, unhandled: 9, oldestWaitingSince: null });
  server.emit("desk:updated", { teamId: TEAM, open: 3, unhandled: 1, oldestWaitingSince: null });
  server.client.lost();
  server.numbers = { open: 4, unhandled: 1, oldestWaitingSince: null };
  await server.connect();
  await eventually(() => expect(shown).toEqual([2, 3, 4]));
});

it("a room joins a conversation that is not listed while somebody follows it, after each connection", async () => {
  const server = new DeskServer([order("a", 1), order("listed", 2, { listed: true })]);
  await server.connect();
  const chat = new Talkwire({ client: server.client });
  const joined = () =>
    connection.call.mock.calls.flatMap(([name, { conversationId }]) =>
      /:(join|leave)$/.test(name) ? [`${name} ${conversationId}`] : [],
    );
  const room = chat.conversation("a");
  await eventually(() => expect(room.info).toBeDefined());
  expect(joined()).toEqual([]);
  const stops = [room.on("typing", nothing), room.on("change", nothing)];
  chat.conversation("listed").on("typing", nothing);
  await eventually(() => expect(chat.conversation("listed").info).toBeDefined());
  expect(joined()).toEqual(["conversation:join a"]);
  server.client.lost();
  await server.connect();
  await eventually(() => expect(joined()).toEqual(["conversation:join a", "conversation:join a"]));
  stops[0]?.();
  expect(joined()).toHaveLength(2);
  stops[1]?.();
  expect(joined().at(-1)).toBe("conversation:leave a");
  room.on("typing", nothing);
  chat.release("a");
  expect(joined().slice(-2)).toEqual(["conversation:join a", "conversation:leave a"]);
});

it("a room says why it has no messages when its reader loses the conversation, and has them when the reader is back", async () => {
  const server = new DeskServer([order("a", 1, { listed: true })]);
  await server.connect();
  const room = new Talkwire({ client: server.client }).conversation("a");
  await eventually(() => expect([room.error, room.messages.length]).toEqual([null, 1]));
  const before = server.conversations.get("a") as Conversation;
  for (const [name, event] of [
    ["conversation:deleted", { conversationId: "a" }],
    ["member:removed", { conversationId: "a", userId: ME, via: [TEAM] }],
  ] as const) {
    server.conversations.delete("a");
    server.emit(name, event);
    await eventually(() => expect(room.error).toMatchObject({ code: "forbidden" }));
    await expect(room.load()).rejects.toMatchObject({ code: "forbidden" });
    server.conversations.set("a", before);
    server.emit("member:added", { conversationId: "a", members: [{ userId: ME }] });
    await eventually(() => expect([room.error, room.messages.length]).toEqual([null, 1]));
  }
});

it("a conversation is loaded again after a message that its answer may not know, and after a failure", async () => {
  const server = new DeskServer([order("new", 1)]);
  await server.connect();
  const newest = () => server.client.core.now.conversations.new?.lastSeq;
  let answer: () => void = nothing;
  server.gate = new Promise((resolve) => {
    answer = () => resolve();
  });
  server.emit("conversation:new", { id: "new" });
  server.tell("new", { lastMessage: message(2, { id: "new-2", conversationId: "new" }), lastSeq: 2 });
  answer();
  await eventually(() => expect(newest()).toBe(2));
  server.emit("conversation:new", { id: "later" });
  await eventually(() => expect(server.asked.at(-1)).toBe("conversations/later"));
  server.conversations.set("later", order("later", 3));
  server.emit("message:new", message(3, { conversationId: "later" }));
  await eventually(() => expect(Object.keys(server.client.core.now.conversations)).toContain("later"));
});

it("a claim, a release, a handoff and closing are sent, and shown before their events", async () => {
  const server = new DeskServer([order("a", 1)]);
  await server.connect();
  const mine = await shown(server, "mine");
  const desk = deskOf(server.chat, TEAM);
  const sent: [string, object][] = [];
  const replies: Record<string, { handler: string | null; state: string }> = {
    "conversation:claim": { handler: ME, state: "open" },
    "conversation:release": { handler: null, state: "open" },
    "conversation:handoff": { handler: "kim", state: "open" },
    "conversation:close": { handler: null, state: "closed" },
  };
  await shown(server, "all");
  connection.call.mockImplementation(async (name: string, payload: { conversationId: string }) => {
    sent.push([name, payload]);
    return { success: true, handling: { conversationId: payload.conversationId, ...replies[name] } };
  });
  await desk.claim("a", { from: "bob" });
  expect(ids(mine)).toEqual(["a"]);
  await desk.release("a");
  expect(ids(mine)).toEqual([]);
  await desk.handOff("a", "kim", { note: "Hurry" });
  await desk.close("a");
  expect(server.client.core.now.conversations.a).toMatchObject({ handler: null, state: "closed" });
  expect(sent).toEqual([
    ["conversation:claim", { conversationId: "a", if: "bob" }],
    ["conversation:release", { conversationId: "a" }],
    ["conversation:handoff", { conversationId: "a", to: "kim", note: "Hurry" }],
    ["conversation:close", { conversationId: "a" }],
  ]);
});

it("the first note of a conversation says where its notes are", async () => {
  const server = new DeskServer([order("a", 1)]);
  await server.connect();
  await shown(server, "all");
  const posted: [string, object][] = [];
  server.client.core.rest.post = async <T>(path: string, body: object) => {
    posted.push([path, body]);
    return message(1, { conversationId: "notes-of-a" }) as T;
  };
  const note = await deskOf(server.chat, TEAM).sendNote("a", "A friend of ours", { clientMessageId: "n1" });
  expect(note.conversationId).toBe("notes-of-a");
  expect(posted).toEqual([["conversations/a/notes", { content: "A friend of ours", clientMessageId: "n1" }]]);
  expect(server.client.core.now.conversations.a?.notesId).toBe("notes-of-a");
});

describe("a view", () => {
  const all = [
    order("a", 5),
    order("b", 3, { handler: ME }),
    order("c", 4, { waitingSince: null }),
    order("d", 1, { state: "closed", waitingSince: null }),
    order("e", 2, { teamIds: ["sales"], teams: [] }),
  ];
  const first: readonly [DeskViewName, string[]][] = [
    ["waiting", ["b", "a"]],
    ["mine", ["b"]],
    ["all", ["a", "c", "b"]],
    ["closed", ["d"]],
  ];

  it.each(first)("%s has its conversations in order", async (name, expected) => {
    const server = new DeskServer(all);
    await server.connect();
    const view = await shown(server, name);
    expect([ids(view), view.hasMore, server.asked]).toEqual([expected, false, [name]]);
  });

  it("of all conversations follows each event without a request", async () => {
    const server = new DeskServer(all);
    await server.connect();
    const views = await Promise.all(VIEWS.map((name) => shown(server, name)));
    const asked = [...server.asked];
    server.tell("a", { handler: "bob" });
    server.tell("c", { state: "closed" });
    server.tell("b", { handler: null, lastSeq: 9, lastMessage: message(9, { conversationId: "b" }) });
    server.tell("d", { state: "open" });
    for (const [at, name] of VIEWS.entries())
      expect([name, ids(views[at] as DeskView)]).toEqual([name, server.list(name)]);
    expect(server.asked).toEqual(asked);
    expect(views[2]?.conversations.find(({ id }) => id === "a")?.handler).toBe("bob");
  });

  it("loads a conversation that it does not know once, for all its events", async () => {
    const server = new DeskServer(all);
    await server.connect();
    const views = await Promise.all(VIEWS.map((name) => shown(server, name)));
    server.asked.length = 0;
    server.tell("new", { lastSeq: 30, lastMessage: message(30, { conversationId: "new" }), waitingSince: "2027" });
    server.tell("new", { handler: "bob" });
    await eventually(() => expect(ids(views[0] as DeskView)).toEqual(["b", "a", "new"]));
    expect(ids(views[2] as DeskView)[0]).toBe("new");
    expect(server.asked).toEqual(["conversations/new"]);
  });

  it("loads many that it does not know with its own page", async () => {
    const server = new DeskServer(all);
    await server.connect();
    const view = await shown(server, "all");
    server.asked.length = 0;
    for (let number = 0; number < 40; number++)
      server.tell(`n${number}`, { lastSeq: 40, lastMessage: message(40 + number, { conversationId: `n${number}` }) });
    await eventually(() => expect(view.conversations).toHaveLength(43));
    expect(ids(view)).toEqual(server.list("all"));
    expect(server.asked).toEqual(["all"]);
  });

  it("keeps what events say while an older answer is on its way", async () => {
    const server = new DeskServer(all);
    await server.connect();
    const [mine, everything] = [await shown(server, "mine"), await shown(server, "all")];
    let open: () => void = nothing;
    server.gate = new Promise((resolve) => {
      open = resolve;
    });
    server.tell("new", { lastSeq: 30, lastMessage: message(30, { conversationId: "new" }) });
    await eventually(() => expect(server.asked).toContain("conversations/new"));
    server.tell("new", { handler: ME });
    server.tell("a", { handler: ME });
    open();
    await eventually(() => expect(ids(mine)).toEqual(["new", "a", "b"]));
    expect(ids(everything)).toEqual(server.list("all"));
  });

  it("loads nothing while nobody looks at it, and loads again for the next who does", async () => {
    const server = new DeskServer(all);
    await server.connect();
    const view = deskOf(server.chat, TEAM).view("all");
    const stop = view.on("change", nothing);
    await eventually(() => expect(view.loaded).toBe(true));
    stop();
    server.asked.length = 0;
    server.tell("new", { lastSeq: 30, lastMessage: message(30, { conversationId: "new" }) });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.asked).toEqual([]);
    view.on("change", nothing);
    await eventually(() => expect(ids(view)).toEqual(server.list("all")));
    expect(server.asked).toEqual(["all"]);
  });

  it("tries again when it cannot be loaded, and says why it may not be", async () => {
    const server = new DeskServer(all);
    await server.connect();
    server.refusal = new RequestError({ code: "unavailable", message: "" });
    const view = deskOf(server.chat, TEAM).view("all");
    view.on("change", nothing);
    await eventually(() => expect(server.asked).toEqual(["all"]));
    expect(view.error).toBeNull();
    server.refusal = null;
    await eventually(() => expect(view.loaded).toBe(true));
    server.refusal = new RequestError({ code: "not_found", message: "" });
    const other = deskOf(server.chat, "sales").view("all");
    other.on("change", nothing);
    await eventually(() => expect(other.error?.code).toBe("not_found"));
  });
});

/** Returns numbers that look random, and are the same for a seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}

describe.each([1, 2, 3, 4])("with the random changes %i", (seed) => {
  it("all views have what the server lists, in pages, after gaps and reloads", { timeout: 60_000 }, async () => {
    const random = randomFrom(seed);
    const server = new DeskServer(Array.from({ length: 130 }, (_, number) => order(`o${number}`, number + 1)));
    await server.connect();
    const views = await Promise.all(VIEWS.map((name) => shown(server, name)));
    let minute = 1_000;
    const change = (): [string, Partial<Conversation>] => {
      const id = `o${random(150)}`;
      const lastMessage = message(minute, { id: `${id}-${minute}`, conversationId: id, senderId: "customer" });
      const sent = { lastSeq: minute++, lastMessage };
      const waiting = server.conversations.get(id)?.waitingSince ?? lastMessage.createdAt;
      const kinds: Partial<Conversation>[] = [
        { ...sent, state: "open", waitingSince: waiting },
        { ...sent, waitingSince: null },
        { handler: ME, state: "open" },
        { handler: "bob", state: "open" },
        { handler: null },
        { state: "closed", handler: null, waitingSince: null },
      ];
      const known = server.conversations.has(id);
      return [id, (known ? kinds[random(kinds.length)] : kinds[0]) ?? {}];
    };
    for (let round = 0; round < 6; round++) {
      if (random(3) === 0) {
        server.client.lost();
        for (let left = 10; left > 0; left--) server.change(...change());
        await server.connect();
      }
      for (let left = 30; left > 0; left--) {
        server.tell(...change());
        if (random(8) === 0) await vi.advanceTimersByTimeAsync(random(3) === 0 ? 250 : 0);
        if (random(20) === 0) await views[random(4)]?.loadMore().catch(nothing);
      }
      for (const [at, name] of VIEWS.entries()) {
        const view = views[at] as DeskView;
        await eventually(() => {
          const expected = server.list(name);
          expect(ids(view)).toEqual(view.hasMore ? expected.slice(0, view.conversations.length) : expected);
        });
      }
    }
  });
});
