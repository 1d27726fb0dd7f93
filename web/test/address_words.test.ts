import { expect, it } from "vitest";
import { wordIn } from "../src/address_words";

const INVITED = "c-d_e";

it.each([
  ["", null],
  ["#", null],
  ["#/conversation/order-17", null],
  ["#/conversation/x&token=abc", null],
  ["#/conversation/x&signed-in", null],
  ["#/conversation/x&sign-in-problem=banned", null],
  ["#constructor", null],
  ["#__proto__=1", null],
  ["#toString&token=abc", null],
  ["#signed-in-twice", null],
  ["#Token=abc", null],
  ["#token=", { word: "token", token: "", rest: "" }],
  ["#token=a.b-c_d", { word: "token", token: "a.b-c_d", rest: "" }],
  ["#token=a+b%2Fc", { word: "token", token: "a+b/c", rest: "" }],
  ["#token=abc&conversation=order-17", { word: "token", token: "abc", rest: "#/conversation/order-17" }],
  ["#token=abc&conversation=a%2Fb&message=9", { word: "token", token: "abc", rest: "#/conversation/a%2Fb/9" }],
  ["#token=abc&message=9", { word: "token", token: "abc", rest: "" }],
  ["#signed-in", { word: "signed-in", invitation: null, rest: "" }],
  ["#signed-in&conversation=a%2Fb&message=9", { word: "signed-in", invitation: null, rest: "#/conversation/a%2Fb/9" }],
  [`#signed-in&message=9&invite=${INVITED}`, { word: "signed-in", invitation: INVITED, rest: "" }],
  ["#signed-in&invite=a/b", { word: "signed-in", invitation: null, rest: "" }],
  ["#sign-in-problem=expired", { word: "sign-in-problem", reason: "expired", rest: "" }],
  [`#invite=${INVITED}`, { word: "invite", invitation: INVITED, rest: "" }],
  ["#invite=a/b", null],
])("finds the word in %s", (hash, found) => {
  expect(wordIn(hash)).toEqual(found);
});
