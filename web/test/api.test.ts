import { expect, it } from "vitest";
import { Api } from "../src/server/api";
import { SessionStore } from "../src/server/session";

class ClaimSchema {
  getItem = () => JSON.stringify({ user: { id: "alice" }, accessToken: "secret" });
}

it("sends credentials to its own server and to no other", () => {
  const keeper = new SessionStore(
    new ClaimSchema() as unknown as Storage,
    { getItem: () => null } as unknown as Storage,
  );
  const api = new Api("https://chat.example.com/talk/", keeper);
  expect(api.authenticatedUrl("/files/1")).toBe("https://chat.example.com/talk/files/1?token=secret");
  for (const path of ["/https://elsewhere.example.com/a.png", "///elsewhere.example.com/a.png"])
    expect(api.authenticatedUrl(path)).not.toContain("secret");
});
