import { afterEach, expect, it, vi } from "vitest";
import { Api } from "../src/server/api";
import { SessionStore } from "../src/server/session";

afterEach(() => vi.unstubAllGlobals());

class ClaimSchema {
  getItem = () =>
    JSON.stringify({
      user: { id: "alice" },
      accessToken: "secret",
      forAddresses: { token: "secret of files", renewAt: 0 },
    });
}

it("names the device where no sign-in does", () => {
  vi.stubGlobal("localStorage", { getItem: () => "phone-1" });
  const user = { id: "alice", name: "Alice", createdAt: "", kind: "person" as const };
  const named = (session: object) => new Api("http://localhost/", { read: () => session } as SessionStore).deviceId;
  expect(named({ user, accessToken: "of an account", refreshToken: "r" })).toBeUndefined();
  expect(named({ user, accessToken: "of the application", byToken: true })).toBe("phone-1");
  expect(named({ user })).toBe("phone-1");
});

it("sends credentials to its own server and to no other", () => {
  const keeper = new SessionStore(
    new ClaimSchema() as unknown as Storage,
    { getItem: () => null } as unknown as Storage,
  );
  const api = new Api("https://chat.example.com/talk/", keeper);
  expect(api.authenticatedUrl("/files/1")).toBe("https://chat.example.com/talk/files/1?token=secret%20of%20files");
  for (const path of ["/https://elsewhere.example.com/a.png", "///elsewhere.example.com/a.png"])
    expect(api.authenticatedUrl(path)).not.toContain("secret");
});

const tokenUntil = (exp: number): string => `e30.${btoa(JSON.stringify({ sub: "alice", exp }))}.c2ln`;

function apiOf(users: readonly string[]) {
  const items = [new Map<string, string>(), new Map<string, string>()] as const;
  const storage = (map: Map<string, string>) =>
    ({
      getItem: (key: string) => map.get(key) ?? null,
      setItem: (key: string, value: string) => map.set(key, value),
      removeItem: (key: string) => map.delete(key),
    }) as unknown as Storage;
  const answers = [...users];
  const fetched = vi.fn(async (address: string | URL) => {
    if (new URL(address).pathname.endsWith("/address-token"))
      return Response.json({ token: "address.x", expiresIn: 60 });
    const id = answers.shift();
    return id === undefined
      ? new Response(JSON.stringify({ error: { code: "token_expired", message: "" } }), { status: 401 })
      : new Response(JSON.stringify({ id, name: id, createdAt: "", kind: "person" }));
  });
  vi.stubGlobal("fetch", fetched);
  vi.stubGlobal("addEventListener", () => undefined);
  const api = new Api("https://chat.example.com/", new SessionStore(storage(items[0]), storage(items[1])));
  return { api, shared: items[0], ofTab: items[1] };
}

it("keeps an application's token in one tab, until the token expires", async () => {
  const { api, shared, ofTab } = apiOf(["alice"]);
  await api.signInWithToken(tokenUntil(2_000));
  expect([shared.size, ofTab.size]).toEqual([0, 1]);
  expect(api.session).toMatchObject({ byToken: true, expiresAt: 2_000_000 });
  // Nobody can be asked for another one.
  expect(await api.freshSession()).toMatchObject({ expiresAt: 2_000_000 });
  await expect(api.refresh()).rejects.toMatchObject({ code: "unauthenticated", isTransient: false });
});

it("renews an application's token, and says when it is another user's", async () => {
  const { api } = apiOf(["alice", "alice", "bob"]);
  await api.signInWithToken(tokenUntil(2_000));
  const changed = vi.fn();
  api.onSessionChange(changed);
  api.tokenSource = async () => tokenUntil(3_000);
  expect(await api.freshSession()).toMatchObject({ expiresAt: 3_000_000 });
  expect(changed).not.toHaveBeenCalled();
  await api.refresh();
  expect(changed).toHaveBeenCalledOnce();
  expect(api.session?.user.id).toBe("bob");
});

it("ends the session when the application gives an expired token again", async () => {
  const { api } = apiOf(["alice"]);
  await api.signInWithToken(tokenUntil(2_000));
  api.tokenSource = async () => tokenUntil(2_000);
  await expect(api.refresh()).rejects.toMatchObject({ code: "unauthenticated" });
});

it("remembers through renewals that a provider signed the reader in, for all tabs", async () => {
  const { api, shared, ofTab } = apiOf(["bob"]);
  await api.signInWithToken(tokenUntil(2_000));
  const changed = vi.fn();
  api.onSessionChange(changed);
  const user = { id: "ann", name: "Ann", createdAt: "", kind: "person" as const };
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (address: URL | string, options: RequestInit) => {
    const path = new URL(address).pathname;
    if (path.endsWith("/address-token")) return Response.json({ token: "address.x", expiresIn: 60 });
    asked.push(`${options.method} ${path}`);
    const number = asked.length;
    return new Response(
      JSON.stringify({ user, accessToken: `a${number}`, refreshToken: `r${number}`, expiresIn: 3600 }),
    );
  });
  await api.finishProviderSignIn();
  expect(api.session).toMatchObject({ accessToken: "a1", byProvider: true });
  expect([shared.size, ofTab.size]).toEqual([1, 0]);
  expect(changed).toHaveBeenCalledOnce();
  await api.refresh();
  expect(api.session).toMatchObject({ accessToken: "a2", refreshToken: "r2", byProvider: true });
  expect(api.authenticatedUrl("/api/v1/files/1/a.png")).toContain("?token=address.x");
  expect(asked).toEqual(["POST /api/v1/auth/oidc/session", "POST /api/v1/auth/refresh"]);
});

it("signing out removes the tokens at once, and says whether the server has ended the session", async () => {
  const { api, shared } = apiOf([]);
  const session = { user: { id: "alice" }, accessToken: "a", refreshToken: "r" };
  const asked: string[] = [];
  const out = async (...answers: (Response | null)[]): Promise<boolean> => {
    asked.length = 0;
    shared.set("talkwire.session", JSON.stringify(session));
    vi.stubGlobal("fetch", async (url: URL, { headers }: RequestInit) => {
      const { Authorization = "" } = headers as Record<string, string>;
      asked.push(`${new URL(url).pathname} ${Authorization}`.trim());
      const answer = answers.shift() ?? null;
      if (answer === null) throw new TypeError("Failed to fetch");
      return answer;
    });
    const signedOut = api.logout();
    expect(shared.size).toBe(0);
    return signedOut;
  };
  const refused = (code: string) => Response.json({ error: { code, message: "" } }, { status: 401 });
  const tokens = { accessToken: "b", refreshToken: "s", expiresIn: 60, user: { id: "alice" } };
  expect(await out(new Response(null, { status: 204 }))).toBe(true);
  expect(asked).toEqual(["/api/v1/auth/logout Bearer a"]);
  expect(await out(refused("unauthenticated"))).toBe(true);
  expect(await out(null)).toBe(false);
  expect(await out(new Response(null, { status: 503 }))).toBe(false);
  expect(await out(refused("token_expired"), Response.json(tokens), new Response(null, { status: 204 }))).toBe(true);
  expect(asked[2]).toBe("/api/v1/auth/logout Bearer b");
  expect(shared.size).toBe(0);
});
