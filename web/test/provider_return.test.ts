import { beforeAll, expect, it, vi } from "vitest";

let module: typeof import("../src/ui/sign_in/provider_return");

beforeAll(async () => {
  vi.stubGlobal("location", { hash: "" });
  module = await import("../src/ui/sign_in/provider_return");
});

it.each([
  ["", null],
  ["#/conversation/order-17", null],
  ["#/conversation/x&signed-in", null],
  ["#signed-in-twice", null],
  ["#token=abc", null],
  ["#signed-in", { problem: null, invitation: null, rest: "" }],
  ["#signed-in&conversation=order-17", { problem: null, invitation: null, rest: "#/conversation/order-17" }],
  ["#signed-in&conversation=a%2Fb&message=9", { problem: null, invitation: null, rest: "#/conversation/a%2Fb/9" }],
  ["#signed-in&message=9&invite=c-d_e", { problem: null, invitation: "c-d_e", rest: "" }],
  ["#sign-in-problem=expired", { problem: "expired", invitation: null, rest: "" }],
])("finds how a sign-in ended in %s", (hash, found) => {
  expect(module.returnIn(hash)).toEqual(found);
});

it("leads to the provider below the page's path, and afterwards to the place", () => {
  const base = "https://chat.example.com/team/";
  expect(module.providerAddress(base, { conversation: null, message: undefined })).toBe(`${base}api/v1/auth/oidc`);
  expect(module.providerAddress(base, { conversation: "a&b", message: "8" })).toBe(
    `${base}api/v1/auth/oidc?conversation=a%26b&message=8`,
  );
});
