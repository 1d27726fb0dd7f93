import { beforeAll, expect, it, vi } from "vitest";

let tokenIn: typeof import("../src/embedding/token_in_address").tokenIn;

beforeAll(async () => {
  vi.stubGlobal("location", { hash: "" });
  ({ tokenIn } = await import("../src/embedding/token_in_address"));
});

it.each([
  ["", null],
  ["#/conversation/order-17", null],
  ["#/conversation/x&token=abc", null],
  ["#invite=abc", null],
  ["#token=", { token: "", rest: "" }],
  ["#token=a.b-c_d", { token: "a.b-c_d", rest: "" }],
  ["#token=a+b%2Fc", { token: "a+b/c", rest: "" }],
  ["#token=abc&conversation=order-17", { token: "abc", rest: "#/conversation/order-17" }],
  ["#token=abc&conversation=a%2Fb&message=9", { token: "abc", rest: "#/conversation/a%2Fb/9" }],
  ["#token=abc&message=9", { token: "abc", rest: "" }],
])("finds the token in %s", (hash, found) => {
  expect(tokenIn(hash)).toEqual(found);
});
