import { describe, expect, it, vi } from "vitest";
import { hrefOf, parseAddress } from "../src/admin/address";
import type { AgentAnswer, OverviewAnswer, WebhookAnswer } from "../src/admin/answers";
import { attentionOf } from "../src/admin/data/attention";
import { type Page, PageList } from "../src/admin/data/page_list";
import { pointsOf, SAMPLES_MAX, withSample } from "../src/admin/data/samples";
import { duration } from "../src/admin/number_text";
import { endOf } from "../src/admin/sections/ban_dialog";
import { allowed } from "../src/admin/sections/limits";
import { reasonText } from "../src/admin/sections/refusals";
import { decisionOf } from "../src/admin/sections/report_dialog";
import { hasAdminRole } from "../src/server/token_role";

// Dialogs ask whether the device has a touch screen.
vi.hoisted(() => {
  vi.stubGlobal("navigator", { platform: "" });
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
});

describe("the address of a view", () => {
  it("names a section, an item and filters, and is read as it was written", () => {
    const href = hrefOf("users", { q: "maya & co", banned: "" }, "a/b?c");
    expect(href).toBe("#/users/a%2Fb%3Fc?q=maya+%26+co");
    expect(parseAddress(href)).toEqual({ section: "users", id: "a/b?c", filters: { q: "maya & co" } });
  });

  it.each([
    ["", "", null],
    ["#/", "", null],
    ["#/users", "users", null],
    ["#/users/", "users", null],
    ["#/users/%E0%A4%A", "users", null],
  ])("%s leads to the section %s", (hash, section, id) => {
    expect(parseAddress(hash)).toEqual({ section, id, filters: {} });
  });
});

describe("a list that is loaded page by page", () => {
  const pages: Record<string, Page<number>> = {
    first: { items: [1, 2], next: "second" },
    second: { items: [3], next: null },
  };
  const source = async (cursor: string | null): Promise<Page<number>> => pages[cursor ?? "first"] as Page<number>;

  it("appends pages until the last one", async () => {
    const list = new PageList<number>();
    await list.show(source);
    expect(list.state).toMatchObject({ items: [1, 2], hasMore: true, isLoaded: true, isLoading: false });
    await list.more();
    await list.more();
    expect(list.state).toMatchObject({ items: [1, 2, 3], hasMore: false });
  });

  it("keeps what it shows until another source has answered, and ignores late answers of the one before", async () => {
    const list = new PageList<number>();
    await list.show(source);
    let answer: (page: Page<number>) => void = () => undefined;
    const slow = list.show(() => new Promise((resolve) => (answer = resolve)));
    expect(list.state).toMatchObject({ items: [1, 2], isLoaded: false, isLoading: true });
    await list.show(async () => ({ items: [7], next: null }));
    answer({ items: [6], next: null });
    await slow;
    expect(list.state.items).toEqual([7]);
  });

  it("shows why a page failed, and loads it at the next attempt", async () => {
    const list = new PageList<number>();
    let fails = true;
    await list.show(async (cursor) => {
      if (cursor !== null && fails) throw new Error("away");
      return source(cursor);
    });
    await list.more();
    expect(list.state).toMatchObject({ items: [1, 2], problem: "away", hasMore: true, isLoading: false });
    fails = false;
    await list.more();
    expect(list.state).toMatchObject({ items: [1, 2, 3], problem: "" });
  });

  it("is not refreshed by itself where the reader has loaded more", async () => {
    const list = new PageList<number>();
    const asked = vi.fn(source);
    await list.show(asked);
    await list.refresh();
    expect(asked).toHaveBeenCalledTimes(2);
    await list.more();
    await list.refresh();
    expect(asked).toHaveBeenCalledTimes(3);
    expect(list.state.items).toEqual([1, 2, 3]);
  });
});

describe("what needs attention", () => {
  const overview: OverviewAnswer = {
    version: "1",
    nodes: [],
    silentNodes: [],
    lostNodes: [],
    bus: { kind: "none", state: "ok" },
    database: { kind: "sqlite", state: "ok", latencyMs: 1, sizeBytes: 1 },
    totals: null,
    perMinute: { messages: 0, commands: 0, refusals: 0 },
  };
  const node = { version: "1", host: "h", pid: 1, startedAt: "", draining: false, connections: 0, users: 0 };
  const webhook: WebhookAnswer = {
    id: "w",
    url: "https://shop.example/hook",
    types: null,
    conversationIds: null,
    description: null,
    final: false,
    enabled: true,
    disabledAt: null,
    disabledReason: null,
    cursor: "c",
    failing: 0,
    failingSince: null,
    createdAt: "",
  };
  const found = (changes: Partial<OverviewAnswer>, webhooks: WebhookAnswer[] = [], failingPushes = 0) =>
    attentionOf({
      overview: { ...overview, ...changes },
      webhooks,
      openReports: [],
      failingPushes,
      agents: [],
      nowMs: 0,
    });

  it("is nothing on a healthy server", () => {
    expect(found({}, [webhook, { ...webhook, enabled: false, disabledReason: "request" }])).toEqual([]);
  });

  it("is an agent that does not answer, or has given up", () => {
    const agent = {
      agentId: "a",
      name: "Helper",
      open: 1,
      oldestAt: new Date(0).toISOString(),
      failed: 0,
      answered: 0,
    };
    const at = (nowMs: number, changes: Partial<AgentAnswer> = {}) =>
      attentionOf({
        overview,
        webhooks: [],
        openReports: [],
        failingPushes: 0,
        agents: [{ ...agent, ...changes }],
        nowMs,
      }).map(({ text }) => text);
    expect(at(299_999)).toEqual([]);
    expect(at(300_000)[0]).toContain("Helper has not answered since");
    expect(at(300_000, { oldestAt: null })).toEqual([]);
    expect(at(0, { failed: 2 })).toEqual(["Helper has given up 2 turns."]);
  });

  it("is a slow or missing database, a missing bus, and a busy or silent node", () => {
    const busy = { ...node, id: "n1", loopLagMs: 100, cpuSeconds: 1, memoryBytes: null, isSelf: true };
    expect(found({ database: { ...overview.database, latencyMs: 100 } })).toHaveLength(1);
    expect(found({ database: { ...overview.database, state: "away", latencyMs: null } })[0]?.text).toContain("away");
    expect(found({ bus: { kind: "redis", state: "away" } })).toHaveLength(1);
    expect(found({ nodes: [busy, { ...busy, id: "n2", loopLagMs: 99 }] }).map(({ text }) => text)).toEqual([
      "Node n1 is busy: its event loop is 100 ms late.",
    ]);
    expect(found({ silentNodes: ["n3"] })[0]?.text).toContain("n3");
  });

  it("is a node that died, and says which one runs there now", () => {
    const lost = { id: "n4", host: "app-2", lastSeenAt: "2026-11-22T20:15:00.000Z", users: 2 };
    const started = { ...node, loopLagMs: 0, cpuSeconds: 1, memoryBytes: null, isSelf: false };
    const before = { ...started, id: "n5", host: "app-2", startedAt: "2026-11-22T20:14:00.000Z" };
    const elsewhere = { ...started, id: "n6", host: "app-3", startedAt: "2026-11-22T20:16:00.000Z" };
    const after = { ...before, id: "n7", startedAt: "2026-11-22T20:16:00.000Z" };
    const sentence = (nodes: OverviewAnswer["nodes"], host: string | null = "app-2") =>
      found({ lostNodes: [{ ...lost, host }], nodes }).map(({ text }) => text.replace(/since .*: 2/, "since …: 2"))[0];
    const died = "Node n4 on app-2 has not answered since …: 2 users were connected to it.";
    expect(sentence([before, elsewhere])).toBe(died);
    expect(sentence([before, elsewhere, after])).toBe(`${died} Node n7 has started on this host since.`);
    expect(sentence([], null)).toBe(died.replace(" on app-2", ""));
  });

  it("is the newest of many nodes that died, and the number of the others", () => {
    const lostNodes = Array.from({ length: 7 }, (_, number) => ({
      id: `n${number}`,
      host: "h",
      lastSeenAt: "2026-11-22T20:15:00.000Z",
      users: 0,
    }));
    const texts = found({ lostNodes }).map(({ text }) => text);
    expect(texts).toHaveLength(6);
    expect(texts[4]).toContain("Node n4 ");
    expect(texts[5]).toBe("2 more nodes have died during the last day.");
    expect(found({ lostNodes: [...lostNodes, ...Array(93).fill(lostNodes[0])] })[5]?.text).toMatch(/^95 or more nodes/);
  });

  it("leads to a webhook that fails or was disabled for it", () => {
    const failing = { ...webhook, failing: 2 };
    const gone = { ...webhook, enabled: false, disabledReason: "gone" as const };
    expect(found({}, [failing, gone]).map(({ href }) => href)).toEqual(["#/webhooks/w", "#/webhooks/w"]);
    expect(found({}, [failing])[0]?.text).toContain("2 conversations or users wait");
  });

  it("is pushes that fail", () => {
    expect(found({}, [], 1)).toEqual([{ text: "1 device has pushes that fail.", href: "#/push" }]);
  });
});

describe("the line of a figure", () => {
  it("ends with the newest value, and starts when there are two", () => {
    expect(pointsOf([5], 19, 10)).toBe("");
    expect(pointsOf([0, 4, 2], 19, 10)).toBe("17,10 18,0 19,5");
    expect(pointsOf(Array(39).fill(0), 19, 10).split(" ").slice(0, 2)).toEqual(["0,10", "0.5,10"]);
  });

  it("forgets old values", () => {
    const samples = Array.from({ length: SAMPLES_MAX + 5 }, (_, at) => at).reduce(withSample, [] as readonly number[]);
    expect([samples.length, samples[0], samples.at(-1)]).toEqual([SAMPLES_MAX, 5, SAMPLES_MAX + 4]);
  });
});

it.each([
  [59.9, "59 s"],
  [60, "1 min"],
  [3_661, "1 h 1 min"],
  [90_000, "1 d 1 h"],
])("%d seconds are %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

it("a ban has no end, one after some time, or a chosen one", () => {
  expect(endOf("", "", 0)).toBeNull();
  expect(endOf("3600", "", 0)).toBe("1970-01-01T01:00:00.000Z");
  expect(endOf("chosen", "2026-01-01T00:00Z", 0)).toBe("2026-01-01T00:00:00.000Z");
});

it.each([
  [{ value: 60, perSeconds: 3 }, "60 at once, then 20 a second"],
  [{ value: 10, perSeconds: 50 }, "10 at once, then 12 a minute"],
  [{ value: 3, perSeconds: 3_000 }, "3 at once, then 3.6 an hour"],
  [{ value: 5_000 }, "5,000 at once"],
])("the limit %j allows %s", (limit, text) => {
  expect(allowed({ name: "sends", refused: 0, ...limit })).toBe(text);
});

it("the reason of a refusal depends on its kind, and for sign-ins on the method", () => {
  const refusal = { at: "", node: "n", count: 1, kind: "sign_in", reason: "unauthenticated" };
  expect(reasonText({ ...refusal, method: "password" })).toBe("Wrong e-mail address or password");
  expect(reasonText({ ...refusal, method: "token" })).toBe("The token is invalid");
  expect(reasonText({ ...refusal, kind: "rate_limit", reason: "sends" })).toBe("More than a limit allows");
  expect(reasonText({ ...refusal, kind: "connection", reason: "something new" })).toBe("something new");
});

it("an action resolves a report", () => {
  expect(decisionOf("dismissed")).toEqual({ state: "dismissed" });
  expect(decisionOf("resolved")).toEqual({ state: "resolved" });
  expect(decisionOf("ban")).toEqual({ state: "resolved", action: "ban" });
});

it.each([
  [{ role: "admin" }, true],
  [{ role: ["user", "admin"] }, true],
  [{ role: "service" }, false],
  [{}, false],
])("the claims %j are those of an admin: %s", (claims, expected) => {
  expect(hasAdminRole(`x.${btoa(JSON.stringify(claims))}.y`)).toBe(expected);
  expect(hasAdminRole("no token")).toBe(false);
  expect(hasAdminRole(undefined)).toBe(false);
});
