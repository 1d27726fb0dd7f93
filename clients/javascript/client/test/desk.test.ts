import { beforeEach, describe, expect, it, vi } from "vitest";
import { type DeskView, type DeskViewName, deskOf } from "../src/desk/index.ts";
import type { ConnectionListener } from "../src/server/connection.ts";
import type { Rest } from "../src/server/rest.ts";
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

beforeEach(() => connection.call.mockReset());

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
});
